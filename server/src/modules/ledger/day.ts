/**
 * The business day of a lane and where it ends: the rows of `cut`, and the day that is still open. Closing a day is a
 * command like any other, so that the cut has a place in the journal and what comes later belongs to the next day.
 */
import {
  asId,
  type BookId,
  type BusinessDate,
  bookOf,
  businessDateOf,
  endOfDay,
  formatInstant,
  type Lane,
  type Mode,
  refusal,
} from '@lika/contract'
import { type Plan, read, type Shelf } from '../../platform/lanes/index.ts'
import {
  type CutRow,
  insertCuts,
  loadCuts,
  loadOpenDays,
  type OpenDayRow,
  updateOpenDays,
} from './day-store.ts'

const cuts: Shelf<CutRow> = {
  name: 'cut',
  keyOf: (row) => `${row.lane} ${row.day}`,
  load: loadCuts,
  insert: insertCuts,
}

/** The rest of the lane's row is the runner's. */
const openDays: Shelf<OpenDayRow> = {
  name: 'open day',
  keyOf: (row) => String(row.lane),
  load: loadOpenDays,
  insert: () => Promise.reject(new Error('lanes are not made by commands')),
  update: updateOpenDays,
}

/** The kind of the entries that close days. */
export const dayClosed = 'day.closed'

/**
 * The book of what belongs to no issuer, such as the end of a day: that of the issuer whose id is all zeros, in each
 * mode. No key opens it.
 */
export function platformBook(mode: Mode): BookId {
  return bookOf(asId<'issuer'>('00000000-0000-0000-0000-000000000000'), mode)
}

/**
 * Closes the open day of a lane. The next one is the day on which the lane's clock is by then: days on which a lane
 * stood still, as when a test clock leaps, have no cut of their own, and a reader of such a day takes the last cut
 * before it.
 *
 * Refusals, which leave nothing: `command.too_late` when another day is open, `date.out_of_range` when the day is not
 * over.
 */
export function closeDayPlan(lane: Lane, day: BusinessDate): Plan {
  return {
    lanes: [lane],
    reads: [read(openDays, lane, String(lane))],
    decide: (view, now) => {
      const open = view.get(openDays, String(lane))
      if (open?.day !== day) {
        const why = refusal('command.too_late', `The open day of lane ${lane} is ${open?.day}.`)
        return { ok: false, final: false, refusal: why }
      }
      if (now < endOfDay(day)) {
        const why = refusal('date.out_of_range', `${day} ends at ${formatInstant(endOfDay(day))}.`)
        return { ok: false, final: false, refusal: why }
      }
      const next = businessDateOf(now)
      view.put(cuts, lane, { lane, day, seq: view.seq(lane), at: now })
      view.put(openDays, lane, { lane, day: next })
      return { ok: true, value: { kind: dayClosed, version: 1, body: { day, next } } }
    },
  }
}
