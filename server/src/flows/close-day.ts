/**
 * Ends the business day at midnight in Shanghai, lane by lane, each by its own clock: test lanes follow the test clock.
 * Several processes may try: the claim of a day and a lane lets one of them close it.
 */
import {
  type BusinessDate,
  businessDateOf,
  type Instant,
  type Lane,
  laneOfId,
  type Mode,
} from '@lika/contract'
import {
  closeDayPlan,
  dayClosed,
  platformBook,
  readOpenDay,
  writeClosings,
} from '../modules/ledger/index.ts'
import type { Command, Executed } from '../platform/lanes/index.ts'
import type { FlowContext } from './context.ts'

export interface DayCloser {
  /** Closes every day that is over and writes the closings that are missing. */
  runNow(): Promise<DaysClosed>
  /** Lets what is under way come to its end. */
  stop(): Promise<void>
}

export interface DaysClosed {
  readonly closed: readonly { readonly lane: Lane; readonly day: BusinessDate }[]
  /** Lane-days for which closings were written. */
  readonly written: number
}

export interface DayCloserOptions {
  readonly log: { error(details: object, sentence: string): void }
  readonly lookEveryMs?: number
}

/** Refusals, which leave nothing: `command.too_late` when another day is open, `date.out_of_range` when it is not over. */
export function closeDay(mode: Mode, lane: Lane, day: BusinessDate): Command {
  return {
    book: platformBook(mode),
    operation: dayClosed,
    key: `day:${day}:${lane}`,
    input: { day, lane },
    homeLane: () => lane,
    plan: (commandId) => closeDayPlan(laneOfId(commandId), day),
  }
}

/** Looks at the clocks every second and closes what is over. */
export function startDayCloser(
  context: Pick<FlowContext, 'engine' | 'database'>,
  { log, lookEveryMs = 1_000 }: DayCloserOptions,
): DayCloser {
  const { engine, database } = context
  /** The day until which nothing is left to do in a lane. */
  const settled = new Map<Lane, BusinessDate>()
  let running: Promise<DaysClosed> | undefined
  let stopped = false

  /** The day that was closed. */
  async function closeLane(lane: Lane, mode: Mode): Promise<BusinessDate | undefined> {
    const today = businessDateOf(engine.now(mode))
    const day = await readOpenDay(database.sql, lane)
    if (day === undefined) return undefined
    const isOver = day < today
    const done = isOver && wasClosed(await engine.execute(closeDay(mode, lane, day)))
    if (!isOver || done) settled.set(lane, today)
    return done ? day : undefined
  }

  /** All days first, so that no lane's day waits for the sums of another. */
  async function run(): Promise<DaysClosed> {
    await engine.refresh()
    const closed = await Promise.all(
      engine.lanes.map(async ({ lane, pool }) => {
        const day = await closeLane(lane, pool)
        return day === undefined ? [] : [{ lane, day }]
      }),
    )
    let written = 0
    for (const { lane } of engine.lanes) {
      if (!stopped) written += await writeClosings(database, lane)
    }
    return { closed: closed.flat(), written }
  }

  function runNow(): Promise<DaysClosed> {
    const before = running ?? Promise.resolve()
    const mine = before.then(run, run)
    running = mine
    const clear = () => {
      if (running === mine) running = undefined
    }
    mine.then(clear, clear)
    return mine
  }

  const looking = setInterval(() => {
    if (running !== undefined) return
    const due = engine.lanes.some(({ lane, pool }) => isDue(settled.get(lane), engine.now(pool)))
    if (!due) return
    runNow().catch((error: unknown) => log.error({ err: error }, 'a day could not be closed'))
  }, lookEveryMs).unref()

  return {
    runNow,
    stop: async () => {
      stopped = true
      clearInterval(looking)
      await running?.catch(() => undefined)
    },
  }
}

function isDue(settled: BusinessDate | undefined, now: Instant): boolean {
  return settled === undefined || settled < businessDateOf(now)
}

/** Also when another process closed it meanwhile. */
function wasClosed(executed: Executed): boolean {
  if (executed.status === 'done') return true
  return executed.refusal.code === 'command.too_late'
}
