/**
 * The one primitive by which value moves: admission, claim, round, outcome. A repeat under the same key gets the
 * outcome of the first; a caller whose answer was lost asks again and learns it.
 */
import {
  type BookId,
  type CommandId,
  type Instant,
  type Lane,
  laneOfId,
  type Mode,
  monthOfId,
  type Refusal,
  refusal,
} from '@lika/contract'
import type { Database } from '../db.ts'
import { type Claimed, Claims, type NameDigest } from './claims.ts'
import { NameKeeper } from './names.ts'
import { type LaneInfo, readLanes, readOffset, writeOffset } from './pools.ts'
import { FairQueue } from './queue.ts'
import { type RoundResult, runRound, type Verdict } from './round.ts'
import { executedOutside } from './round-store.ts'
import { LaneRunner, lanesOf, type Waiting } from './runner.ts'
import type { Command, Executed, Plan } from './types.ts'

export interface EngineOptions {
  readonly database: Database
  /** Another connection to the same database whose sessions commit asynchronously. */
  readonly claimDatabase: Database
  readonly nameDigest: NameDigest
  readonly newCommandId: (lane: Lane) => CommandId
  readonly realNow: () => Instant
  readonly monotonic: () => number
  readonly log: { error(details: object, sentence: string): void }
  /** Commands that may wait for one lane. */
  readonly queueCapacity?: number
  readonly mostInOneRound?: number
}

interface LaneDesk {
  readonly queue: FairQueue<Waiting>
  readonly runner: LaneRunner
}

const defaultCapacity = 16_384
/** How long a caller waits for a database that does not answer. */
const patienceMs = 30_000
const clockToleranceMs = 60_000
const refreshMs = 1_000
/** The desk of commands that touch several lanes. */
const wide = 0

export class Engine {
  readonly names: NameKeeper
  readonly #options: EngineOptions
  readonly #claims: Claims
  readonly #desks = new Map<Lane, LaneDesk>()
  readonly #listeners: ((lane: Lane, seq: bigint) => void)[] = []
  #lanes: readonly LaneInfo[] = []
  #offsetMs = 0
  #clockSkewMs = 0
  #refreshing: NodeJS.Timeout | undefined
  #next = 0
  #trouble: unknown

  private constructor(options: EngineOptions) {
    this.#options = options
    this.#claims = new Claims(options.claimDatabase, options.nameDigest)
    this.names = new NameKeeper(options.database, this.#claims, {
      tombstone: (id, book, why) => this.tombstone(id, book, why),
    })
  }

  static async start(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(options)
    await engine.refresh()
    engine.#refreshing = setInterval(() => {
      engine.refresh().catch((error: unknown) => {
        engine.#trouble = error
      })
    }, refreshMs).unref()
    return engine
  }

  /** Reads lanes and test clock again, as they may have changed from another process. */
  async refresh(): Promise<void> {
    const { sql } = this.#options.database
    const [lanes, offset] = await Promise.all([readLanes(sql), readOffset(sql)])
    this.#lanes = lanes
    this.#offsetMs = offset
    this.#trouble = undefined
  }

  /** Finishes what waits and closes the lanes' connections. */
  async stop(): Promise<void> {
    clearInterval(this.#refreshing)
    await Promise.all([...this.#desks.values()].map((desk) => desk.runner.stop()))
  }

  get lanes(): readonly LaneInfo[] {
    return this.#lanes
  }

  lanesOf(mode: Mode): Lane[] {
    return this.#lanes.filter((lane) => lane.pool === mode).map((lane) => lane.lane)
  }

  /** A lane for a new card: one in turn of those that take new ones. */
  laneForNew(mode: Mode): Lane {
    const open = this.#lanes.filter((lane) => lane.pool === mode && lane.acceptsNew)
    const lane = open[this.#next++ % open.length]?.lane
    if (lane === undefined) throw new Error(`no lane of the pool ${mode} takes new cards`)
    return lane
  }

  /** The time of a mode for reads: real, or real and the test clock's offset. Rounds take theirs under the lock. */
  now(mode: Mode): Instant {
    return this.#options.realNow() + (mode === 'test' ? this.#offsetMs : 0)
  }

  get testOffsetMs(): number {
    return this.#offsetMs
  }

  async setTestOffset(offsetMs: number): Promise<void> {
    await writeOffset(this.#options.database.sql, offsetMs)
    this.#offsetMs = offsetMs
  }

  /** Called after each commit with the last sequence number of every lane that moved. */
  onMoved(listener: (lane: Lane, seq: bigint) => void): void {
    this.#listeners.push(listener)
  }

  /** What stands in the way of taking commands; undefined: nothing. */
  trouble(): string | undefined {
    if (Math.abs(this.#clockSkewMs) > clockToleranceMs) {
      return `the clocks of database and server differ by ${Math.round(this.#clockSkewMs / 1000)} s`
    }
    if (this.#trouble !== undefined) return 'the database does not answer'
    return this.#lanes.length === 0 ? 'there are no lanes' : undefined
  }

  /** Commands that wait or run, by lane; lane 0 stands for those over several lanes. */
  load(): ReadonlyMap<Lane, number> {
    return new Map([...this.#desks].map(([lane, desk]) => [lane, desk.queue.taken]))
  }

  /**
   * Claims and runs one command. Refusals before the claim, which leave nothing: `busy`. Then
   * `idempotency.key_reused`, `command.too_late`, and what the command itself refuses. Rejects for faults only.
   */
  async execute(command: Command): Promise<Executed> {
    const planned = command.homeLane()
    const { queue } = this.#desk(planned)
    const trouble = this.trouble()
    if (trouble !== undefined) return busy(`Lika is not ready: ${trouble}.`)
    if (!queue.reserve(command.book)) return busy('Too many commands are waiting.')
    try {
      return await this.#executeClaimed(command, await this.#claim(command, planned))
    } finally {
      queue.release(command.book)
    }
  }

  /**
   * All of them or none, in one transaction. The first refusal is answered as it is, the others with
   * `bulk.rolled_back`; then nothing is journaled and every key stays free.
   */
  async executeTogether(commands: readonly Command[]): Promise<Executed[]> {
    const claims = await Promise.all(commands.map((one) => this.#claim(one, one.homeLane())))
    const reused = claims.findIndex((claimed) => !claimed.sameInput)
    const verdicts =
      reused === -1
        ? await this.#runTogether(commands, claims)
        : claims.map((_, index) => (index === reused ? keyReused() : undefined))
    const stopped = verdicts.some((one) => one === undefined || one.status === 'refused')
    if (stopped) await this.#claims.giveBack(claims)
    return verdicts.map((one) => one ?? rolledBack())
  }

  /**
   * Cancels a command by its id: what ran is answered as it ran; what had not is refused with `why` from now on, however
   * late it arrives.
   */
  async tombstone(commandId: CommandId, book: BookId, why: Refusal): Promise<Executed> {
    const plan: Plan = {
      lanes: [laneOfId(commandId)],
      reads: [],
      decide: () => ({ ok: false, refusal: why }),
    }
    const command = { book, operation: 'command.cancelled', weight: 'till', size: 1 } as const
    return verdictToExecuted(await this.#enqueue(commandId, command, plan, true))
  }

  /** The outcome of a command; undefined: it has not run. */
  async outcomeOf(commandId: CommandId): Promise<{ refused: boolean } | undefined> {
    const { sql } = this.#options.database
    return executedOutside(sql, laneOfId(commandId), monthOfId(commandId), commandId)
  }

  async #claim(command: Command, lane: Lane): Promise<Claimed> {
    const newId = this.#options.newCommandId(lane)
    const { book: bookId, operation, key, input, name } = command
    const claimed = await this.#claims.claim({ bookId, operation, key, input, name, newId })
    return await this.names.settleClaim(claimed, newId)
  }

  async #executeClaimed(command: Command, claimed: Claimed): Promise<Executed> {
    if (!claimed.sameInput) return keyReused()
    const name = await this.names.stateOf(claimed)
    const plan = await command.plan(claimed.commandId, name)
    const verdict = await this.#enqueue(claimed.commandId, command, plan, !claimed.fresh)
    if (verdict.kind === 'gone') {
      await this.#claims.giveBack([claimed])
      return { status: 'refused', refusal: verdict.refusal, replayed: false }
    }
    return verdictToExecuted(verdict)
  }

  #enqueue(
    commandId: CommandId,
    command: Pick<Command, 'book' | 'operation' | 'weight' | 'size' | 'notAfter'>,
    plan: Plan,
    mayHaveRun: boolean,
  ): Promise<Verdict> {
    const [only] = plan.lanes
    const desk = this.#desk(plan.lanes.length === 1 && only !== undefined ? only : wide)
    return new Promise((settle) => {
      desk.queue.push({
        bookId: command.book,
        weight: command.weight ?? 'till',
        size: command.size ?? 1,
        ticket: ticketOf(commandId, command, plan, mayHaveRun),
        until: this.#options.monotonic() + patienceMs,
        settle,
      })
      desk.runner.wake()
    })
  }

  async #runTogether(
    commands: readonly Command[],
    claims: readonly Claimed[],
  ): Promise<(Executed | undefined)[]> {
    const tickets = await Promise.all(
      commands.map(async (command, index) => {
        const claimed = claims[index]
        if (claimed === undefined) throw new Error('every command has a claim')
        const plan = await command.plan(claimed.commandId, await this.names.stateOf(claimed))
        return ticketOf(claimed.commandId, command, plan, true)
      }),
    )
    const session = await this.#options.database.openSession()
    try {
      const result = await runRound(session, lanesOf(tickets), tickets, { allOrNone: true })
      this.#moved(result)
      return tickets.map((_, index) => {
        const verdict = result.verdicts[index]
        if (verdict?.kind === 'gone')
          return { status: 'refused', refusal: verdict.refusal, replayed: false }
        return verdict && verdictToExecuted(verdict)
      })
    } finally {
      await session.close()
    }
  }

  #desk(lane: Lane): LaneDesk {
    let desk = this.#desks.get(lane)
    if (desk === undefined) {
      const { database, monotonic, log, queueCapacity, mostInOneRound } = this.#options
      const queue = new FairQueue<Waiting>(queueCapacity ?? defaultCapacity)
      const runner = new LaneRunner(queue, {
        database,
        monotonic,
        onRound: (result) => this.#moved(result),
        onTrouble: (error) => log.error({ err: error, lane }, 'a round is run again'),
        ...(mostInOneRound !== undefined && { most: mostInOneRound }),
      })
      desk = { queue, runner }
      this.#desks.set(lane, desk)
    }
    return desk
  }

  #moved({ moved, realAt, offsetMs }: RoundResult): void {
    this.#clockSkewMs = realAt - this.#options.realNow()
    this.#offsetMs = offsetMs
    for (const [lane, seq] of moved) for (const listener of this.#listeners) listener(lane, seq)
  }
}

function ticketOf(
  commandId: CommandId,
  command: Pick<Command, 'book' | 'operation' | 'notAfter'>,
  plan: Plan,
  mayHaveRun: boolean,
) {
  const { book: bookId, operation, notAfter } = command
  return { commandId, bookId, operation, notAfter, plan, mayHaveRun }
}

function verdictToExecuted(verdict: Verdict): Executed {
  if (verdict.kind === 'executed') return verdict.executed
  if (verdict.kind === 'gone')
    return { status: 'refused', refusal: verdict.refusal, replayed: false }
  throw verdict.error
}

function busy(detail: string): Executed {
  const why = refusal('busy', detail, { retryAfterSeconds: 1 })
  return { status: 'refused', refusal: why, replayed: false }
}

function keyReused(): Executed {
  const why = refusal(
    'idempotency.key_reused',
    'This Idempotency-Key was used with other input; a new command needs a new key.',
  )
  return { status: 'refused', refusal: why, replayed: false }
}

function rolledBack(): Executed {
  const why = refusal('bulk.rolled_back', 'Another operation was refused, so none was carried out.')
  return { status: 'refused', refusal: why, replayed: false }
}
