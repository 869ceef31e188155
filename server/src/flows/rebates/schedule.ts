/**
 * What campaigns owe by the calendar: cash-backs whose return window has closed, rebates of a month on its third
 * business day, weeks that are over, campaigns that have had their time. Read from the cuts of closed days, done by
 * commands with keys of their own: however often it runs, and wherever it was interrupted, everything is given once.
 */
import {
  addMonths,
  asId,
  type BookId,
  type BusinessDate,
  businessDateOf,
  type CardId,
  endOfDay,
  type Instant,
  laneOfId,
  type Mode,
  modeOfBook,
  type PaymentId,
} from '@lika/contract'
import {
  businessDaysAfter,
  type Calendar,
  readCalendarYears,
  withYears,
} from '../../modules/clearing/index.ts'
import { closedThrough, readCuts } from '../../modules/ledger/index.ts'
import {
  insertRun,
  isAboutMerchant,
  mondayOf,
  type Promised,
  selectDays,
  selectToCallHome,
  selectVersions,
  triggerOf,
  wholeRun,
} from '../../modules/loyalty/index.ts'
import { loadPayments, type PaymentRow } from '../../modules/payments/index.ts'
import { addDays } from '../../modules/policy/index.ts'
import { readEntries } from '../../platform/lanes/tail-store.ts'
import type { FlowContext } from '../context.ts'
import { rootsOf } from '../payments/line-of-card.ts'
import { executePrepared } from '../prepared.ts'
import { callHome } from './campaigns.ts'
import { type Earned, postCommand, principalOf } from './post.ts'
import { openLineOf } from './purse.ts'

const atOnce = 50
const entriesAtOnce = 1_000
/** A month's rebates come on this business day of the next one. */
const postingDay = 3

export interface Posted {
  readonly granted: number
  /** Months that wait because the calendar does not know their posting day yet. */
  readonly waiting: readonly {
    readonly campaign: string
    readonly month: BusinessDate
    readonly why: string
  }[]
}

/** Everything that is due in a mode, or in one book of it. */
export async function runSchedule(
  context: FlowContext,
  mode: Mode,
  only?: BookId,
): Promise<Posted> {
  const { engine, database, loyalty } = context
  const books = (await loyalty.all()).filter(
    (book) => modeOfBook(book) === mode && (only === undefined || book === only),
  )
  if (books.length === 0) return { granted: 0, waiting: [] }
  const through = await closedThrough(database.sql, mode)
  const now = engine.now(mode)
  const calendar = withYears(context.tables, await readCalendarYears(database.sql))
  let granted = 0
  const waiting: Posted['waiting'][number][] = []
  const faults: unknown[] = []
  for (const book of books) {
    for (const ended of await selectToCallHome(database.sql, book))
      await callHome(context, ended, () => true)
    for (const promised of await loyalty.inForce(book)) {
      try {
        const schedule = await scheduleOf(context, promised, { through, now, calendar })
        granted += schedule.granted
        waiting.push(...schedule.waiting)
        await closeOver(context, promised, now, schedule.isDone)
      } catch (error) {
        // One campaign that cannot be posted now does not keep the others waiting.
        faults.push(error)
      }
    }
  }
  if (faults.length > 0) throw new AggregateError(faults, 'some campaigns could not be posted')
  return { granted, waiting }
}

/** As `runSchedule`; what waits for a calendar is said in the log. */
export async function postRebates(
  context: FlowContext,
  mode: Mode,
  log: { error(details: object, sentence: string): void },
): Promise<void> {
  const { waiting } = await runSchedule(context, mode)
  if (waiting.length > 0) log.error({ waiting }, 'rebates wait for the calendar of business days')
}

interface Time {
  readonly through: BusinessDate | undefined
  readonly now: Instant
  readonly calendar: Calendar
}

interface Done extends Posted {
  /** Nothing more will ever fall due. */
  readonly isDone: boolean
}

async function scheduleOf(context: FlowContext, promised: Promised, time: Time): Promise<Done> {
  switch (triggerOf(promised.terms.rule)) {
    case 'window':
      return postWindows(context, promised, time)
    case 'month':
      return postMonths(context, promised, time)
    case 'load':
    case 'payment':
    case 'claim':
    case 'presale':
      return { granted: 0, waiting: [], isDone: time.now >= endOfDay(promised.terms.endsOn) }
  }
}

/** Cash-backs, day by day: due once the return window of the last version that may bind the day is over. */
async function postWindows(
  context: FlowContext,
  promised: Promised,
  { through, now }: Time,
): Promise<Done> {
  const { database } = context
  const versions = await selectVersions(database.sql, promised.campaignId)
  const days = windowOf(versions)
  const done = await selectDays(database.sql, promised.campaignId)
  let granted = 0
  let isDone = true
  const { from, to } = spanOf(versions)
  for (let day = from; day <= to; day = addDays(day, 1)) {
    if (done.has(day)) continue
    if (through === undefined || day > through || now < endOfDay(addDays(day, days))) {
      isDone = false
      break
    }
    const count = await postDay(context, promised, versions, day)
    granted += count
    const { campaignId, book } = promised
    await insertRun(database.sql, { campaignId, book, day, granted: count, at: now })
  }
  return { granted, waiting: [], isDone }
}

function windowOf(versions: readonly VersionInTime[]): number {
  return Math.max(
    ...versions.map(({ terms: { rule } }) => (rule.kind === 'cash_back' ? rule.windowDays : 0)),
  )
}

type VersionInTime = Promised & { readonly publishedAt: Instant }

/** The days of which something may be due: none before the first publication. */
function spanOf(versions: readonly VersionInTime[]): { from: BusinessDate; to: BusinessDate } {
  const starts = versions.map(({ terms, publishedAt }) => {
    const published = businessDateOf(publishedAt)
    return terms.startsOn > published ? terms.startsOn : published
  })
  const ends = versions.map(({ terms }) => terms.endsOn)
  const [from = wholeRun] = starts.toSorted(byText)
  const [to = wholeRun] = ends.toSorted(byText).toReversed()
  return { from, to }
}

function byText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** The version by which a payment earns: the last that was published when it was made, if it ran then. */
function versionAt(
  versions: readonly VersionInTime[],
  { createdAt, merchantId }: Pick<PaymentRow, 'createdAt' | 'merchantId'>,
): VersionInTime | undefined {
  const version = versions.findLast(({ publishedAt }) => publishedAt <= createdAt)
  if (version === undefined || !isAboutMerchant(version.terms, merchantId)) return undefined
  const day = businessDateOf(createdAt)
  return version.terms.startsOn <= day && day <= version.terms.endsOn ? version : undefined
}

async function postDay(
  context: FlowContext,
  promised: Promised,
  versions: readonly VersionInTime[],
  day: BusinessDate,
): Promise<number> {
  const line = await openLineOf(context, promised, wholeRun)
  if (line === undefined) return 0
  let granted = 0
  for await (const some of paymentsOf(context, promised.book, day)) {
    const earned = some.flatMap((payment): Earned[] => {
      const version = versionAt(versions, payment)
      const cardId = firstPayer(payment)
      if (version === undefined || cardId === undefined || principalOf(payment) === 0n) return []
      const key = `cash-back ${promised.campaignId} ${payment.id}`
      const common = { promised: version, line, key, cardId, source: 'payment' } as const
      return [{ ...common, payments: [payment.id], ofCard: false }]
    })
    granted += await postAll(context, earned)
  }
  return granted
}

/** The card that gets what is given for a payment: the first that paid of its principal. */
function firstPayer({ allocations }: Pick<PaymentRow, 'allocations'>): CardId | undefined {
  return allocations.find(({ subBalance }) => subBalance === 'principal')?.cardId
}

async function postAll(context: FlowContext, earned: readonly Earned[]): Promise<number> {
  let granted = 0
  for (let at = 0; at < earned.length; at += atOnce) {
    const done = await Promise.all(
      earned.slice(at, at + atOnce).map(async (one) => {
        const command = await postCommand(context, one)
        return executePrepared((ready) => context.engine.execute(ready), command)
      }),
    )
    // What was not even tried is tried again with its whole day.
    const busy = done.find((one) => one.status === 'refused' && one.refusal.code === 'busy')
    if (busy !== undefined) throw new Error('rebates could not be posted: the lanes are busy')
    granted += done.filter(({ status }) => status === 'done').length
  }
  return granted
}

/** The payments of a closed day in a book, as they are now, some at a time. */
async function* paymentsOf(
  { database, engine }: Pick<FlowContext, 'database' | 'engine'>,
  book: BookId,
  day: BusinessDate,
): AsyncGenerator<PaymentRow[]> {
  const { sql } = database
  const lanes = engine.lanesOf(modeOfBook(book))
  const [from, to] = await Promise.all([
    readCuts(sql, lanes, addDays(day, -1)),
    readCuts(sql, lanes, day),
  ])
  for (const lane of lanes) {
    const until = to.get(lane) ?? 0n
    for (let after = from.get(lane) ?? 0n; after < until; ) {
      const untilSeq = after + BigInt(entriesAtOnce) < until ? after + BigInt(entriesAtOnce) : until
      const narrowing = {
        untilSeq,
        kinds: ['payment.created', 'hold.captured', 'combined_payment.succeeded'],
      }
      const entries = await readEntries(sql, lane, after, book, entriesAtOnce, narrowing)
      const ids = entries
        .filter((entry) => !entry.refused && laneOfId(entry.commandId) === lane)
        .map(({ commandId }) => asId<'payment'>(commandId))
      if (ids.length > 0) yield await loadPayments(sql, lane, ids)
      after = untilSeq
    }
  }
}

/** Rebates of whole months, on the third business day of the next one. */
async function postMonths(
  context: FlowContext,
  promised: Promised,
  { through, now, calendar }: Time,
): Promise<Done> {
  const { database } = context
  const { campaignId, book } = promised
  const versions = await selectVersions(database.sql, campaignId)
  const done = await selectDays(database.sql, campaignId)
  const { from, to } = spanOf(versions)
  let granted = 0
  for (let month = `${from.slice(0, 7)}-01`; month <= to; month = addMonths(month, 1)) {
    if (done.has(month)) continue
    const last = addDays(addMonths(month, 1), -1)
    const due = businessDaysAfter(calendar, last, postingDay)
    if (!due.ok && businessDateOf(now) > last)
      return {
        granted,
        waiting: [{ campaign: campaignId, month, why: due.refusal.detail }],
        isDone: false,
      }
    const isDue = due.ok && businessDateOf(now) >= due.value
    if (!isDue || through === undefined || last > through)
      return { granted, waiting: [], isDone: false }
    const count = await postMonth(context, promised, versions, month, last)
    granted += count
    await insertRun(database.sql, { campaignId, book, day: month, granted: count, at: now })
  }
  return { granted, waiting: [], isDone: true }
}

interface MonthOfCard {
  version: VersionInTime
  readonly payments: PaymentId[]
}

async function postMonth(
  context: FlowContext,
  promised: Promised,
  versions: readonly VersionInTime[],
  month: BusinessDate,
  last: BusinessDate,
): Promise<number> {
  const line = await openLineOf(context, promised, wholeRun)
  if (line === undefined) return 0
  const byCard = new Map<CardId, MonthOfCard>()
  const { from, to } = spanOf(versions)
  const first = month < from ? from : month
  const end = last < to ? last : to
  for (let day = first; day <= end; day = addDays(day, 1))
    for await (const some of paymentsOf(context, promised.book, day))
      await count(context, byCard, versions, some)
  const earned = [...byCard].map(
    ([root, { version, payments }]): Earned => ({
      promised: version,
      line,
      key: `month ${promised.campaignId} ${month} ${root}`,
      cardId: root,
      payments,
      ofCard: true,
      source: 'month',
      period: month,
    }),
  )
  return postAll(context, earned)
}

/** Under the first card of each line: a card that was replaced in the month earns with its successor. */
async function count(
  context: FlowContext,
  byCard: Map<CardId, MonthOfCard>,
  versions: readonly VersionInTime[],
  some: readonly PaymentRow[],
): Promise<void> {
  const counted = some.flatMap((payment) => {
    const version = versionAt(versions, payment)
    const payers = payment.allocations.filter(({ subBalance }) => subBalance === 'principal')
    if (version === undefined) return []
    return [...new Set(payers.map((one) => one.cardId))].map((cardId) => ({
      cardId,
      payment,
      version,
    }))
  })
  const roots = await rootsOf(
    context,
    counted.map(({ cardId }) => cardId),
  )
  for (const { cardId, payment, version } of counted) {
    const root = roots.get(cardId) ?? cardId
    const known = byCard.get(root)
    if (known === undefined) byCard.set(root, { version, payments: [payment.id] })
    else {
      // Both a card and its successor may have paid for the same.
      if (known.payments.at(-1) !== payment.id) known.payments.push(payment.id)
      known.version = version
    }
  }
}

/** Weeks that are over, and campaigns for which nothing more falls due, give back what is left. */
async function closeOver(
  context: FlowContext,
  { campaignId: id, book, homeLane, terms }: Promised,
  now: Instant,
  isDone: boolean,
): Promise<void> {
  const monday = mondayOf(now)
  const isByWeek = triggerOf(terms.rule) === 'claim'
  if (!isDone && !isByWeek) return
  await callHome(context, { id, book, homeLane }, (period) =>
    isByWeek ? period < monday : period === wholeRun,
  )
}
