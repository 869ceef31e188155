/**
 * Runs the rounds of one queue, one at a time, on a connection of its own: gathers while it commits, keeps a round near
 * 20 ms, repeats what the database interrupted, and isolates a poisoned command.
 */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { type Lane, refusal } from '@lika/contract'
import type { Database, Session } from '../db.ts'
import { databaseFaultOf } from '../db-faults.ts'
import type { FairQueue, Queueable } from './queue.ts'
import { type RoundResult, runRound, type Ticket, type Verdict } from './round.ts'

export interface Waiting extends Queueable {
  readonly ticket: Ticket
  /** Monotonic milliseconds at which its caller stops waiting. */
  readonly until: number
  settle(verdict: Verdict): void
}

export interface RunnerOptions {
  readonly database: Database
  /** Monotonic milliseconds. */
  readonly monotonic: () => number
  readonly onRound: (result: RoundResult) => void
  readonly onTrouble: (error: unknown) => void
  /** Commands in a round, at most. */
  readonly most?: number
}

const targetMs = 20
const least = 16
const pauseMs = { first: 20, longest: 1_000 }

export class LaneRunner {
  readonly #queue: FairQueue<Waiting>
  readonly #options: RunnerOptions
  #session: Session | undefined
  #limit = 128
  #running: Promise<void> | undefined
  #stopped = false

  constructor(queue: FairQueue<Waiting>, options: RunnerOptions) {
    this.#queue = queue
    this.#options = options
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
      const round = this.#queue.take(this.#limit)
      await this.#settleRound(round)
      this.#adapt(round, this.#options.monotonic() - started)
    }
  }

  #adapt(round: readonly Waiting[], tookMs: number): void {
    const size = round.reduce((sum, { size: rows }) => sum + rows, 0)
    const most = this.#options.most ?? 2_000
    if (tookMs > targetMs * 1.5) this.#limit = Math.max(least, Math.floor(this.#limit * 0.8))
    else if (size >= this.#limit && tookMs < targetMs)
      this.#limit = Math.min(most, Math.ceil(this.#limit * 1.25))
  }

  /** Every item of the round is settled when this resolves. */
  async #settleRound(round: readonly Waiting[]): Promise<void> {
    let left = round
    let lookFor: 'repeats' | 'all' = 'repeats'
    for (let attempt = 0; left.length > 0; attempt += 1) {
      try {
        const session = await this.#open()
        const tickets = left.map((one) => one.ticket)
        const result = await runRound(session, lanesOf(tickets), tickets, { lookFor })
        for (const [index, verdict] of result.verdicts.entries()) left[index]?.settle(verdict)
        this.#options.onRound(result)
        return
      } catch (error) {
        const poisoned = await this.#isPoisoned(error)
        if (poisoned && lookFor === 'all') return await this.#halve(left, error)
        lookFor = 'all'
        if (poisoned) continue
        this.#options.onTrouble(error)
        left = this.#giveUpOverdue(left)
        await sleep(Math.min(pauseMs.first * 2 ** attempt, pauseMs.longest))
      }
    }
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
    if (round.length === 1) return round[0]?.settle({ kind: 'fault', error })
    const middle = Math.ceil(round.length / 2)
    await this.#settleRound(round.slice(0, middle))
    await this.#settleRound(round.slice(middle))
  }

  /** Nobody waits for these any more; their callers ask again under the same key and learn what became of them. */
  #giveUpOverdue(round: readonly Waiting[]): readonly Waiting[] {
    const now = this.#options.monotonic()
    const busy = refusal('busy', 'The database does not answer; ask again with the same key.', {
      retryAfterSeconds: 2,
    })
    for (const one of round) {
      if (one.until <= now) one.settle({ kind: 'executed', executed: unknownOutcome(busy) })
    }
    return round.filter((one) => one.until > now)
  }

  async #open(): Promise<Session> {
    if (this.#session?.isLost() === true) await this.#closeSession()
    this.#session ??= await this.#options.database.openSession()
    return this.#session
  }

  async #closeSession(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.close().catch(() => undefined)
  }
}

/** In ascending order: the order in which everybody locks. */
export function lanesOf(tickets: readonly Ticket[]): Lane[] {
  return [...new Set(tickets.flatMap((ticket) => ticket.plan.lanes))].sort((a, b) => a - b)
}

function unknownOutcome(busy: ReturnType<typeof refusal>) {
  return { status: 'refused', refusal: busy, replayed: false } as const
}
