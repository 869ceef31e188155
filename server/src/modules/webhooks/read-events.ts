/**
 * The events of a book as a list that never ends: a page is what came after a position in every lane, in the order of
 * each lane. Entries of other books are read over in bounded stretches.
 */
import { type BookId, type Lane, modeOfBook, timeOfId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  type JournalEntry,
  laneStart,
  positionBefore,
  readEntries,
  readLaneEnd,
} from '../../platform/lanes/tail-store.ts'
import { eventsOf, narrowingOf, type PublicEvent, wants } from './events.ts'

/** What a reader has seen of a lane: all up to `seq`, and `done` events of the entry after it. */
export interface EventPosition {
  readonly seq: bigint
  readonly done: number
}

export type EventPositions = ReadonlyMap<Lane, EventPosition>

export interface EventPage {
  readonly events: readonly PublicEvent[]
  /** Where the next page begins. */
  readonly positions: EventPositions
}

/** Entries of a lane read over by one statement, and by one page. */
const stretch = 20_000n
const stretches = 50
/** The clock of a lane may be behind the one that ids are made by. */
const clockToleranceMs = 600_000

interface LanePage {
  readonly lane: Lane
  readonly start: EventPosition
  /** The events that are wanted, each with the position behind it. */
  readonly found: readonly { readonly event: PublicEvent; readonly behind: EventPosition }[]
  /** Behind everything that was looked at. */
  readonly end: EventPosition
}

/**
 * Up to `limit` events behind the positions; lanes without one are read from the book's beginning. `wanted`: types or
 * `payment.*`. An empty page means that there is nothing more for now, unless a million entries of others lay in
 * between: then its positions lead on.
 */
export async function readEventPage(
  sql: Sql,
  bookId: BookId,
  lanes: readonly Lane[],
  from: EventPositions,
  wanted: readonly string[] | undefined,
  limit: number,
): Promise<EventPage> {
  const pages = await Promise.all(
    lanes.map(async (lane) => {
      const start = from.get(lane) ?? (await beginningOf(sql, lane, bookId))
      return readLanePage(sql, bookId, lane, start, wanted, limit)
    }),
  )
  return merge(pages, limit)
}

/** Nothing of a book is older than the book. Test lanes have another clock: there it is the start of the lane. */
async function beginningOf(sql: Sql, lane: Lane, bookId: BookId): Promise<EventPosition> {
  const { seq } =
    modeOfBook(bookId) === 'test'
      ? laneStart
      : await positionBefore(sql, lane, timeOfId(bookId) - clockToleranceMs)
  return { seq, done: 0 }
}

async function readLanePage(
  sql: Sql,
  bookId: BookId,
  lane: Lane,
  start: EventPosition,
  wanted: readonly string[] | undefined,
  limit: number,
): Promise<LanePage> {
  const last = (await readLaneEnd(sql, lane)).seq
  const narrowing = narrowingOf(wanted)
  const found: LanePage['found'][number][] = []
  let end = start
  for (let round = 0; round < stretches && end.seq < last && found.length < limit; round += 1) {
    const untilSeq = end.seq + stretch < last ? end.seq + stretch : last
    const entries = await readEntries(sql, lane, end.seq, bookId, limit, { ...narrowing, untilSeq })
    for (const entry of entries) {
      const done = entry.seq === start.seq + 1n ? start.done : 0
      found.push(...eventsBehind(entry, done, wanted))
    }
    const seen = entries.length === limit ? entries.at(-1)?.seq : undefined
    end = { seq: seen ?? untilSeq, done: 0 }
  }
  return { lane, start, found, end }
}

function eventsBehind(
  entry: JournalEntry,
  done: number,
  wanted: readonly string[] | undefined,
): LanePage['found'] {
  const events = eventsOf(entry)
  return events.flatMap((event, index) => {
    if (index < done || (wanted !== undefined && !wants(wanted, event.type))) return []
    const isLast = index === events.length - 1
    const behind = isLast ? { seq: entry.seq, done: 0 } : { seq: entry.seq - 1n, done: index + 1 }
    return [{ event, behind }]
  })
}

/** By time across lanes as far as the order of each lane allows. */
function merge(pages: readonly LanePage[], limit: number): EventPage {
  const taken = new Map(pages.map((page) => [page, 0]))
  const events: PublicEvent[] = []
  while (events.length < limit) {
    const next = earliest(taken)
    if (next === undefined) break
    events.push(next.event)
    taken.set(next.page, (taken.get(next.page) ?? 0) + 1)
  }
  const positions = new Map(
    pages.map((page) => [page.lane, positionOf(page, taken.get(page) ?? 0)]),
  )
  return { events, positions }
}

function earliest(taken: ReadonlyMap<LanePage, number>) {
  let first: { page: LanePage; event: PublicEvent } | undefined
  for (const [page, count] of taken) {
    const event = page.found[count]?.event
    if (event === undefined) continue
    if (first === undefined || event.created_at < first.event.created_at) first = { page, event }
  }
  return first
}

/** Whoever took all that was found has seen all that was looked at; otherwise behind the last that was taken. */
function positionOf({ start, found, end }: LanePage, count: number): EventPosition {
  if (count === found.length) return end
  if (count > 0) return found[count - 1]?.behind ?? start
  const beforeFirst = BigInt(found[0]?.event.seq ?? 0) - 1n
  return beforeFirst > start.seq ? { seq: beforeFirst, done: 0 } : start
}
