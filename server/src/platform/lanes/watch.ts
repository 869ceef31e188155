/**
 * What a server knows of the lanes and of the database's clock, learned anew each second and from every round: which
 * lanes there are, how far test time is ahead, and whether the two clocks agree.
 */
import type { Instant, Lane, Mode } from '@lika/contract'
import type { Database } from '../db.ts'
import { type LaneInfo, readLanes, writeOffset } from './pools.ts'
import { readClock } from './round-store.ts'

export interface WatchOptions {
  readonly database: Database
  readonly realNow: () => Instant
  readonly monotonic: () => number
}

const clockToleranceMs = 60_000
const refreshMs = 1_000
/** A round that was under way when this server set the test clock still tells the offset of before. */
const offsetSettlesMs = 2_000

export class LaneWatch {
  readonly #options: WatchOptions
  #lanes: readonly LaneInfo[] = []
  #known = new Set<Lane>()
  #offsetMs = 0
  #offsetSetAt = Number.NEGATIVE_INFINITY
  #clockSkewMs = 0
  #ticking: NodeJS.Timeout | undefined
  #isRefreshing = false
  #failure: unknown

  constructor(options: WatchOptions) {
    this.#options = options
  }

  get lanes(): readonly LaneInfo[] {
    return this.#lanes
  }

  get offsetMs(): number {
    return this.#offsetMs
  }

  start(): void {
    this.#ticking = setInterval(() => void this.#tick(), refreshMs).unref()
  }

  stop(): void {
    clearInterval(this.#ticking)
  }

  async refresh(): Promise<void> {
    const { sql } = this.#options.database
    const [lanes, clock] = await Promise.all([readLanes(sql), readClock(sql)])
    this.#lanes = lanes
    this.#known = new Set(lanes.map((one) => one.lane))
    this.learnClock(clock.realAt, Number(clock.offsetMs))
    this.#failure = undefined
  }

  knows(lanes: readonly Lane[]): boolean {
    return lanes.every((lane) => this.#known.has(lane))
  }

  /** Lanes may have been added a moment ago, by another server. @throws where one of them does not exist. */
  async lookFor(lanes: readonly Lane[]): Promise<void> {
    await this.refresh()
    const missing = lanes.find((lane) => !this.#known.has(lane))
    if (missing !== undefined) throw new Error(`there is no lane ${missing}`)
  }

  /** Real time, and for test mode the offset of the test clock on top. */
  now(mode: Mode): Instant {
    return this.#options.realNow() + (mode === 'test' ? this.#offsetMs : 0)
  }

  async setOffset(offsetMs: number): Promise<void> {
    await writeOffset(this.#options.database.sql, offsetMs)
    this.#offsetMs = offsetMs
    this.#offsetSetAt = this.#options.monotonic()
  }

  learnClock(realAt: Instant, offsetMs = this.#offsetMs): void {
    this.#clockSkewMs = realAt - this.#options.realNow()
    const isSettled = this.#options.monotonic() - this.#offsetSetAt > offsetSettlesMs
    if (isSettled) this.#offsetMs = offsetMs
  }

  isCredible(realAt: Instant): boolean {
    return isTolerable(realAt - this.#options.realNow())
  }

  /** What stands in the way of commands; a database that is away for a moment does not, they wait for it. */
  obstacle(): string | undefined {
    if (!isTolerable(this.#clockSkewMs)) {
      return `the clocks of database and server differ by ${Math.round(this.#clockSkewMs / 1000)} s`
    }
    return this.#lanes.length === 0 ? 'there are no lanes' : undefined
  }

  /** The same, and a database that is away. */
  trouble(): string | undefined {
    return this.#failure === undefined ? this.obstacle() : 'the database does not answer'
  }

  async #tick(): Promise<void> {
    if (this.#isRefreshing) return
    this.#isRefreshing = true
    try {
      await this.refresh()
    } catch (error) {
      this.#failure = error
    } finally {
      this.#isRefreshing = false
    }
  }
}

function isTolerable(skewMs: number): boolean {
  return Math.abs(skewMs) <= clockToleranceMs
}
