/**
 * Runs the rounds of one queue, one at a time, on a connection of its own: gathers while it commits, keeps a round near
 * 100 ms, repeats what the database interrupted, and isolates a poisoned command.
 */
import { setImmediate } from 'node:timers/promises'
import type { Instant, Lane } from '@lika/contract'
import type { Database, Session } from '../db.ts'
import { databaseFaultOf } from '../db-faults.ts'
import { type Patience, pauseAfter } from './patience.ts'
import type { FairQueue, Queueable } from './queue.ts'
import { ClockDenied, type RoundResult, runRound, type Ticket, type Verdict } from './round.ts'

export interface Waiting extends Queueable {
  /** One command; `together`: several that are carried out whole or not at all, in a round of their own. */
  readonly tickets: readonly Ticket[]
  readonly together: boolean
  /** Monotonic milliseconds at which its caller stops waiting. */
  readonly until: number
  /** One verdict for each ticket; a single one, a fault, may stand for all. */
  settle(verdicts: readonly Verdict[]): void
}

export interface RunnerOptions extends Patience {
  readonly database: Database
  readonly isCredible: (realAt: Instant) => boolean
  readonly onRound: (result: RoundResult) => void
  readonly onClockDenied: (realAt: Instant) => void
  readonly onTrouble: (error: unknown) => void
  /** Commands in a round, at most. */
  readonly most?: number
}

/**
 * Aimed at only while more waits than fits in a round. Smaller rounds pay the fixed part of a round too often: with both
 * cores busy, 20 ms and 16 commands ended at rounds of 25 and 0.6 of the payments that 50 ms and 128 carry, and 128 at
 * a few hundredths less than 256.
 */
const targetMs = 100
const least = 256
const firstLimit = 256

export class LaneRunner {
  readonly #queue: FairQueue<Waiting>
  readonly #options: RunnerOptions
  #session: Session | undefined
  /** Monotonic milliseconds at which the session was there. */
  #openedAt = 0
  readonly #most: number
  #limit: number
  #running: Promise<void> | undefined
  #stopped = false

  constructor(queue: FairQueue<Waiting>, options: RunnerOptions) {
    this.#queue = queue
    this.#options = options
    this.#most = options.most ?? 2_000
    this.#limit = Math.min(firstLimit, this.#most)
  }

  /** There is something to do. */
  wake(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (!this.#queue.isEmpty && !this.#stopped) this.wake()
    })
  }

  /** Finishes what waits, then closes its connection. */
  async stop(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    this.#stopped = true
    await this.#session?.close()
  }

  async #run(): Promise<void> {
    // Whoever comes in this turn of the event loop goes along.
    await setImmediate()
    while (!this.#queue.isEmpty) {
      const started = this.#options.monotonic()
      const round = this.#giveUpOverdue(this.#queue.take(this.#limit))
      await this.#settleRound(round.filter((one) => !one.together))
      for (const bulk of round) if (bulk.together) await this.#settleRound([bulk])
      this.#adapt(round, this.#options.monotonic() - started)
    }
  }

  #adapt(round: readonly Waiting[], tookMs: number): void {
    const size = round.reduce((sum, { size: rows }) => sum + rows, 0)
    const fewest = Math.min(least, this.#most)
    if (tookMs > targetMs * 1.5) this.#limit = Math.max(fewest, Math.floor(this.#limit * 0.8))
    else if (size >= this.#limit && tookMs < targetMs)
      this.#limit = Math.min(this.#most, Math.ceil(this.#limit * 1.25))
  }

  /** Every item of the round is settled when this resolves. */
  async #settleRound(round: readonly Waiting[]): Promise<void> {
    let left = round
    let lookFor: 'repeats' | 'all' = 'repeats'
    for (let attempt = 0; left.length > 0; attempt += 1) {
      try {
        const session = await this.#open()
        left = await this.#renewClaims(left)
        if (left.length === 0) return
        const result = await this.#runOnce(session, left, lookFor)
        settleAll(left, result.verdicts)
        return this.#options.onRound(result)
      } catch (error) {
        if (error instanceof ClockDenied) return this.#denyClock(left, error)
        const poisoned = await this.#isPoisoned(error)
        if (poisoned && lookFor === 'all') return this.#halve(left, error)
        lookFor = 'all'
        if (poisoned) continue
        this.#options.onTrouble(error)
        left = this.#giveUpOverdue(left)
        if (left.length > 0) await pauseAfter(attempt)
      }
    }
  }

  /**
   * No session outlives a crash of PostgreSQL, and claims commit asynchronously: one that was made before the session
   * may have been lost in a crash. It is made again, so that the round's commit flushes it too; who finds another
   * command in its place is not run.
   */
  async #renewClaims(round: readonly Waiting[]): Promise<Waiting[]> {
    const openedAt = this.#openedAt
    if (!round.some((one) => one.tickets.some((ticket) => isOlder(ticket, openedAt))))
      return [...round]
    const renewed = await Promise.all(
      round.map(async (one) => {
        const tickets = await Promise.all(one.tickets.map((ticket) => renewedFor(ticket, openedAt)))
        const standing = tickets.filter((ticket) => ticket !== undefined)
        if (standing.length === tickets.length) return { ...one, tickets: standing }
        one.settle(one.tickets.map(() => unclear))
        return undefined
      }),
    )
    return renewed.filter((one) => one !== undefined)
  }

  async #runOnce(
    session: Session,
    round: readonly Waiting[],
    lookFor: 'repeats' | 'all',
  ): Promise<RoundResult> {
    // A server that fell silent never fails by itself: its connection is given up when nobody waits any more.
    const watchdog = setTimeout(() => void this.#drop(session), this.#options.patienceMs)
    try {
      const tickets = round.flatMap((one) => one.tickets)
      const allOrNone = round[0]?.together ?? false
      const { isCredible } = this.#options
      return await runRound(session, lanesOf(tickets), tickets, { allOrNone, lookFor, isCredible })
    } finally {
      clearTimeout(watchdog)
    }
  }

  #denyClock(round: readonly Waiting[], { realAt }: ClockDenied): void {
    this.#options.onClockDenied(realAt)
    for (const one of round) one.settle(one.tickets.map(() => unclear))
  }

  /** A fault of data or constraints lies in one of the commands; anything else is worth a repeat of the whole round. */
  async #isPoisoned(error: unknown): Promise<boolean> {
    const fault = databaseFaultOf(error)
    if (fault === 'connection' || this.#session?.isLost() === true) {
      await this.#closeSession()
      return false
    }
    try {
      const session = this.#session
      if (session !== undefined) await session.sql`rollback`
    } catch {
      await this.#closeSession()
    }
    return fault === 'data' || fault === undefined
  }

  async #halve(round: readonly Waiting[], error: unknown): Promise<void> {
    if (round.length === 1) return round[0]?.settle([{ kind: 'fault', error }])
    const middle = Math.ceil(round.length / 2)
    await this.#settleRound(round.slice(0, middle))
    await this.#settleRound(round.slice(middle))
  }

  /** Nobody waits for these any more; their callers ask again under the same key and learn what became of them. */
  #giveUpOverdue(round: readonly Waiting[]): Waiting[] {
    const now = this.#options.monotonic()
    for (const one of round) {
      if (one.until <= now) one.settle(one.tickets.map(() => unclear))
    }
    return round.filter((one) => one.until > now)
  }

  async #open(): Promise<Session> {
    if (this.#session?.isLost() === true) await this.#closeSession()
    if (this.#session === undefined) {
      this.#session = await this.#options.database.openSession()
      this.#openedAt = this.#options.monotonic()
    }
    return this.#session
  }

  async #closeSession(): Promise<void> {
    const session = this.#session
    if (session !== undefined) await this.#drop(session)
  }

  async #drop(session: Session): Promise<void> {
    if (this.#session === session) this.#session = undefined
    await session.close().catch(() => undefined)
  }
}

function settleAll(round: readonly Waiting[], verdicts: readonly Verdict[]): void {
  let from = 0
  for (const one of round) {
    one.settle(verdicts.slice(from, from + one.tickets.length))
    from += one.tickets.length
  }
}

const unclear: Verdict = { kind: 'unclear' }

function isOlder({ claim }: Ticket, openedAt: number): boolean {
  return claim !== undefined && claim.askedAt <= openedAt
}

/** undefined: it has lost its claim. */
async function renewedFor(ticket: Ticket, openedAt: number): Promise<Ticket | undefined> {
  if (!isOlder(ticket, openedAt)) return ticket
  const claim = await ticket.claim?.renew()
  return claim && { ...ticket, claim }
}

/** In ascending order: the order in which everybody locks. */
function lanesOf(tickets: readonly Ticket[]): Lane[] {
  return [...new Set(tickets.flatMap((ticket) => ticket.plan.lanes))].sort((a, b) => a - b)
}
