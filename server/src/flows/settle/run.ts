/**
 * Settles a book day by day, in order: on each day the merchants whose cycle ends there. Can be interrupted anywhere and
 * run by several processes at once; a day counts as settled when all of it is.
 */
import {
  type BookId,
  type BusinessDate,
  issuerOfBook,
  type MerchantId,
  modeOfBook,
  ok,
  type Refusal,
  type Result,
} from '@lika/contract'
import {
  advanceClearings,
  businessDaysAfter,
  type Calendar,
  firstRelease,
  merchantsWithDueMargin,
  readCalendarYears,
  readProgress,
  withYears,
  writeProgress,
  writeStopped,
} from '../../modules/clearing/index.ts'
import { accountId, closedThrough, cutsAround, firstDaysOf } from '../../modules/ledger/index.ts'
import type { EndingCycle } from '../../modules/merchants/index.ts'
import { addDays } from '../../modules/policy/index.ts'
import type { Executed } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { type ReadyCycle, settleCommand } from './settle.ts'
import { type CycleTakings, readTakings } from './takings.ts'

export type SettleContext = Pick<FlowContext, 'engine' | 'database' | 'merchants' | 'tables'>

export interface SettlementRun {
  /** Statements that this run made, or found made. */
  readonly statements: number
  /** undefined: no day is settled yet. */
  readonly settledThrough: BusinessDate | undefined
  /** What it waits for. */
  readonly stopped: Refusal | undefined
}

export interface RunOptions {
  /** The last day wanted; without it, all that are closed. */
  readonly through?: BusinessDate
  /** Asked between one part of the work and the next. */
  readonly isEnded?: () => boolean
  readonly onProgress?: (done: number, total: number) => void
}

/** How many statements are under way at one time. */
const atOnce = 512

/** Settles every day that is closed in all lanes, up to `through`. Rejects for faults, and where the engine is busy. */
export async function settleBook(
  context: SettleContext,
  book: BookId,
  options: RunOptions = {},
): Promise<SettlementRun> {
  const { sql } = context.database
  const mode = modeOfBook(book)
  const [progress, closed, first, years] = await Promise.all([
    readProgress(sql, book),
    closedThrough(sql, mode),
    firstDay(context, book),
    readCalendarYears(sql),
  ])
  const calendar = withYears(context.tables, years)
  let settledThrough = progress?.settledThrough ?? undefined
  let statements = 0
  const last = earlier(closed, options.through)
  let day = settledThrough === undefined ? first : addDays(settledThrough, 1)
  while (day !== undefined && last !== undefined && day <= last) {
    const due = await firstDueDay(context, book, day)
    if (due === undefined || due > day) {
      settledThrough = due === undefined || due > last ? last : addDays(due, -1)
      await writeProgress(sql, book, settledThrough)
      day = addDays(settledThrough, 1)
      continue
    }
    const settled = await settleDay(context, book, day, calendar, options)
    statements += settled.statements
    if (settled.stopped !== undefined) {
      await writeStopped(sql, book, settled.stopped.code)
      return { statements, settledThrough, stopped: settled.stopped }
    }
    if (!settled.isWhole) break
    await writeProgress(sql, book, day)
    settledThrough = day
    day = addDays(day, 1)
  }
  return { statements, settledThrough, stopped: undefined }
}

/** The first day on which a merchant of the book took anything; undefined: none has. */
async function firstDay(
  { database: { sql }, engine }: SettleContext,
  book: BookId,
): Promise<BusinessDate | undefined> {
  const days: BusinessDate[] = []
  for (const lane of engine.lanesOf(modeOfBook(book))) {
    // Closings have an account of the issuer for all of its merchants together.
    const all = accountId(issuerOfBook(book), 'merchant_unsettled', lane)
    for (const { day } of await firstDaysOf(sql, lane, [all])) days.push(day)
  }
  return days.sort()[0]
}

/** No cycle is longer. */
const longestCycleDays = 31

/**
 * The first day from `day` on at which a cycle with something to settle can end: a test clock may leap over years in
 * which nothing moved. undefined: as things are, never.
 */
async function firstDueDay(
  { database: { sql }, engine }: SettleContext,
  book: BookId,
  day: BusinessDate,
): Promise<BusinessDate | undefined> {
  const lanes = engine.lanesOf(modeOfBook(book))
  const { last, next } = await cutsAround(sql, lanes, day)
  if (last !== null && day <= addDays(last, longestCycleDays)) return day
  const release = await firstRelease(sql, lanes, book)
  if (release !== undefined && release <= day) return day
  const days = [next, release].filter((one) => one !== null && one !== undefined)
  return days.sort()[0]
}

function earlier(
  closed: BusinessDate | undefined,
  wanted: BusinessDate | undefined,
): BusinessDate | undefined {
  return closed === undefined || wanted === undefined || closed < wanted ? closed : wanted
}

interface DaySettled {
  readonly statements: number
  readonly isWhole: boolean
  readonly stopped?: Refusal
}

async function settleDay(
  context: SettleContext,
  book: BookId,
  day: BusinessDate,
  calendar: Calendar,
  options: RunOptions,
): Promise<DaySettled> {
  const { isEnded = () => false } = options
  const { sql } = context.database
  const lanes = context.engine.lanesOf(modeOfBook(book))
  const endings: EndingCycle[] = []
  for await (const some of context.merchants.cyclesEnding(book, day)) endings.push(...some)
  const all = await readTakings(context, book, day, endings)
  const withMargin = await merchantsWithDueMargin(sql, lanes, book, day)
  const isDue = ({ hasLines, ending }: CycleTakings) =>
    hasLines || withMargin.has(ending.merchant.id)
  const due = all.filter(isDue)
  const ownParties = await ownPartiesOf(context, book, due)
  let stopped: Refusal | undefined
  const ready = due.flatMap((cycle): ReadyCycle[] => {
    const made = readyCycle(cycle, day, calendar, ownParties)
    if (made.ok) return [made.value]
    stopped ??= made.refusal
    return []
  })
  const statements = await settleAll(context, book, ready, options)
  if (isEnded()) return { statements, isWhole: false }
  if (stopped !== undefined) return { statements, isWhole: false, stopped }
  const quiet = all.filter((cycle) => !isDue(cycle)).map(({ ending }) => ending.merchant)
  for (const [lane, some] of Map.groupBy(quiet, ({ settlementLane }) => settlementLane))
    await advanceClearings(
      sql,
      lane,
      some.map(({ id }) => id),
      day,
    )
  return { statements, isWhole: true }
}

/** So many at one time that a round is full whenever the one before it is committed. Answers how many were settled. */
async function settleAll(
  { engine }: SettleContext,
  book: BookId,
  ready: readonly ReadyCycle[],
  { isEnded = () => false, onProgress }: RunOptions,
): Promise<number> {
  const left = ready.values()
  let done = 0
  let statements = 0
  let hasFailed = false
  const work = async () => {
    for (const cycle of left) {
      if (hasFailed || isEnded()) return
      try {
        if (wasSettled(await engine.execute(settleCommand(book, cycle)))) statements += 1
      } catch (error) {
        hasFailed = true
        throw error
      }
      done += 1
      onProgress?.(done, ready.length)
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, work))
  const failure = ends.find((one) => one.status === 'rejected')
  if (failure !== undefined) throw failure.reason
  return statements
}

function readyCycle(
  { ending, ...read }: CycleTakings,
  day: BusinessDate,
  calendar: Calendar,
  ownParties: ReadonlySet<MerchantId>,
): Result<ReadyCycle> {
  const payOn = businessDaysAfter(calendar, day, ending.terms.payAfterBusinessDays)
  return payOn.ok ? ok({ ...ending, ...read, payOn: payOn.value, ownParties }) : payOn
}

/** Who of those that are named in splits is the issuer's own. */
async function ownPartiesOf(
  { merchants }: SettleContext,
  book: BookId,
  due: readonly CycleTakings[],
): Promise<ReadonlySet<MerchantId>> {
  const ids = new Set(
    due.flatMap(({ ending: { terms } }) => terms.split.map(({ merchantId }) => merchantId)),
  )
  const found = await merchants.settledMerchants(book, [...ids])
  return new Set([...ids].filter((id) => found.get(id)?.ownership === 'own'))
}

/** @throws where nobody knows whether it was: the day is gone through again. */
function wasSettled(executed: Executed): boolean {
  if (executed.status === 'done') return true
  // Another process was faster, with the same lines.
  if (executed.refusal.code === 'settlement.out_of_order') return false
  throw new Error(`a statement could not be settled: ${executed.refusal.detail}`)
}
