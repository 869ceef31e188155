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
} from '@lika/contract'
import { busy, busyOrThrow, executedOr, keyReused, rolledBack } from './answers.ts'
import { type Claimed, Claims } from './claims.ts'
import type { EngineOptions } from './engine-options.ts'
import { isOwn, NameKeeper } from './names.ts'
import { type Patience, patiently } from './patience.ts'
import type { LaneInfo } from './pools.ts'
import { FairQueue } from './queue.ts'
import type { RoundResult, Ticket, Verdict } from './round.ts'
import { executedOutside } from './round-store.ts'
import { LaneRunner, type Waiting } from './runner.ts'
import type { Command, Executed, Plan, UnclaimedCommand } from './types.ts'
import { LaneWatch } from './watch.ts'

interface LaneDesk {
  readonly queue: FairQueue<Waiting>
  readonly runner: LaneRunner
}

const defaultCapacity = 16_384
const defaultPatienceMs = 30_000
const defaultNameGraceMs = 2_000
/** The desk of commands that touch several lanes. */
const wide = 0

export class Engine {
  readonly names: NameKeeper
  readonly #options: EngineOptions
  readonly #patience: Patience
  readonly #claims: Claims
  readonly #desks = new Map<Lane, LaneDesk>()
  readonly #listeners: ((lane: Lane, seq: bigint) => void)[] = []
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #watch: LaneWatch
  #next = 0
  #stopping = false

  private constructor(options: EngineOptions) {
    const { monotonic, patienceMs = defaultPatienceMs, nameGraceMs = defaultNameGraceMs } = options
    this.#options = options
    this.#patience = { monotonic, patienceMs }
    this.#watch = new LaneWatch(options)
    this.#claims = new Claims(options.claimDatabase, options.nameDigest, this.#patience)
    this.names = new NameKeeper(options.database, this.#claims, {
      tombstone: (id, book, why) => this.tombstone(id, book, why),
      monotonic,
      graceMs: nameGraceMs,
    })
  }

  static async start(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(options)
    await engine.refresh()
    engine.#watch.start()
    return engine
  }

  /** Reads lanes and clocks again, as they may have changed from another process. */
  refresh(): Promise<void> {
    return this.#watch.refresh()
  }

  /** Finishes what is under way, takes nothing more, and closes the lanes' connections. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#watch.stop()
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
    await Promise.all([...this.#desks.values()].map((desk) => desk.runner.stop()))
  }

  get lanes(): readonly LaneInfo[] {
    return this.#watch.lanes
  }

  lanesOf(mode: Mode): Lane[] {
    return this.lanes.filter((lane) => lane.pool === mode).map((lane) => lane.lane)
  }

  /** A lane for a new card: one in turn of those that take new ones. */
  laneForNew(mode: Mode): Lane {
    const open = this.lanes.filter((lane) => lane.pool === mode && lane.acceptsNew)
    const lane = open[this.#next++ % open.length]?.lane
    if (lane === undefined) throw new Error(`no lane of the pool ${mode} takes new cards`)
    return lane
  }

  /** The time of a mode for reads: real, or real and the test clock's offset. Rounds take theirs under the lock. */
  now(mode: Mode): Instant {
    return this.#watch.now(mode)
  }

  get testOffsetMs(): number {
    return this.#watch.offsetMs
  }

  setTestOffset(offsetMs: number): Promise<void> {
    return this.#watch.setOffset(offsetMs)
  }

  /** Called after each commit with the last sequence number of every lane that moved. */
  onMoved(listener: (lane: Lane, seq: bigint) => void): void {
    this.#listeners.push(listener)
  }

  /** What stands in the way of taking commands; undefined: nothing. */
  trouble(): string | undefined {
    return this.#watch.trouble()
  }

  /** Commands that wait or run, by lane; lane 0 stands for those over several lanes. */
  load(): ReadonlyMap<Lane, number> {
    return new Map([...this.#desks].map(([lane, desk]) => [lane, desk.queue.taken]))
  }

  /**
   * Claims and runs one command. `busy` before the claim: not ready, or the queue is full. Then
   * `idempotency.key_reused`, `command.too_late`, and what the command itself refuses. `busy` also where the database
   * did not answer in time: then only a repeat under the same key tells what became of the command. Rejects for faults
   * only.
   */
  execute(command: Command): Promise<Executed> {
    return this.#admitted(command, async (planned) =>
      this.#executeClaimed(command, await this.#claim(command, planned)),
    )
  }

  /** As `execute`, without a claim: where the outcome is not learnt, nobody can ask for it again. */
  executeUnclaimed(command: UnclaimedCommand): Promise<Executed> {
    return this.#admitted(command, async (planned) => {
      const commandId = this.#options.newCommandId(planned)
      const plan = await command.plan(commandId, 'own')
      const ticket = await this.#ticket(command, plan, { commandId, mayHaveRun: false })
      return executedOr(await this.#enqueueOne(command, ticket))
    })
  }

  #admitted(
    command: UnclaimedCommand,
    work: (planned: Lane) => Promise<Executed>,
  ): Promise<Executed> {
    return this.#counted(async () => {
      const planned = command.homeLane()
      const obstacle = this.#obstacle()
      if (obstacle !== undefined) return busy(`Lika is not ready: ${obstacle}.`)
      if (!this.#watch.knows([planned])) {
        const unanswered = await this.#lookForLanes([planned]).then(() => undefined, busyOrThrow)
        if (unanswered !== undefined) return unanswered
      }
      const { queue } = this.#desk(planned)
      if (!queue.reserve(command.book)) return busy('Too many commands are waiting.')
      try {
        return await work(planned)
      } catch (error) {
        return busyOrThrow(error)
      } finally {
        queue.release(command.book)
      }
    })
  }

  /**
   * All of them or none, in one transaction. The first refusal is answered as it is, the others with
   * `bulk.rolled_back`, but for those that had run before; then nothing is journaled and every key stays free. `busy`
   * as in `execute`, for all.
   */
  executeTogether(commands: readonly Command[]): Promise<Executed[]> {
    return this.#counted(async () => {
      const [first] = commands
      if (first === undefined) return []
      const obstacle = this.#obstacle()
      if (obstacle !== undefined) return commands.map(() => busy(`Lika is not ready: ${obstacle}.`))
      const { queue } = this.#desk(wide)
      if (!queue.reserve(first.book))
        return commands.map(() => busy('Too many commands are waiting.'))
      try {
        return await this.#executeAll(commands)
      } catch (error) {
        const answer = busyOrThrow(error)
        return commands.map(() => answer)
      } finally {
        queue.release(first.book)
      }
    })
  }

  /**
   * Cancels a command by its id: what ran is answered as it ran; what had not is refused with `why` from now on, however
   * late it arrives.
   * @throws OutOfPatience when the database does not answer: then nothing is known.
   */
  async tombstone(commandId: CommandId, book: BookId, why: Refusal): Promise<Executed> {
    const plan: Plan = {
      lanes: [laneOfId(commandId)],
      reads: [],
      decide: () => ({ ok: false, refusal: why }),
    }
    const command = { book, operation: 'command.cancelled' } as const
    const ticket = await this.#ticket(command, plan, { commandId, mayHaveRun: true })
    const [verdict] = await this.#enqueue([ticket], { book, weight: 'till', size: 1 })
    return executedOr(verdict)
  }

  /** The outcome of a command; undefined: it has not run. */
  async outcomeOf(commandId: CommandId): Promise<{ refused: boolean } | undefined> {
    const { sql } = this.#options.database
    return executedOutside(sql, laneOfId(commandId), monthOfId(commandId), commandId)
  }

  #obstacle(): string | undefined {
    return this.#stopping ? 'it is stopping' : this.#watch.obstacle()
  }

  #lookForLanes(lanes: readonly Lane[]): Promise<void> {
    return patiently(this.#patience, () => this.#watch.lookFor(lanes))
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    const promise = work()
    this.#underWay.add(promise)
    try {
      return await promise
    } finally {
      this.#underWay.delete(promise)
    }
  }

  async #claim(command: Command, lane: Lane): Promise<Claimed> {
    const newId = this.#options.newCommandId(lane)
    const { book: bookId, operation, key, input, name } = command
    const { meter, monotonic } = this.#options
    const began = monotonic()
    const claimed = await this.#claims.claim({ bookId, operation, key, input, name, newId })
    meter?.claim(monotonic() - began)
    if (claimed.name === undefined || claimed.fresh) return claimed
    return patiently(this.#patience, () => this.names.settleClaim(claimed, newId))
  }

  async #executeClaimed(command: Command, claimed: Claimed): Promise<Executed> {
    if (!claimed.sameInput) return keyReused()
    const ticket = await this.#plan(command, claimed)
    const verdict = await this.#enqueueOne(command, ticket)
    if (verdict?.kind === 'gone') await this.#giveBack([claimed])
    return executedOr(verdict)
  }

  async #executeAll(commands: readonly Command[]): Promise<Executed[]> {
    const lanes = commands.map((one) => one.homeLane())
    if (!this.#watch.knows(lanes)) await this.#lookForLanes(lanes)
    const claims = await Promise.all(
      commands.map((one, index) => this.#claim(one, lanes[index] ?? 0)),
    )
    const reused = claims.findIndex((claimed) => !claimed.sameInput)
    if (reused !== -1) {
      await this.#giveBack(claims)
      return claims.map((_, index) => (index === reused ? keyReused() : rolledBack()))
    }
    const verdicts = await this.#runTogether(commands, claims)
    if (verdicts.some((one) => one.kind === 'unclear')) return verdicts.map(executedOr)
    const carriedOut = verdicts.every(
      (one) => one.kind === 'executed' && one.executed.status === 'done',
    )
    if (!carriedOut) await this.#giveBack(claims)
    return verdicts.map(executedOr)
  }

  async #runTogether(
    commands: readonly Command[],
    claims: readonly Claimed[],
  ): Promise<readonly Verdict[]> {
    const ids = new Set(claims.map((claimed) => claimed.commandId))
    const tickets = await Promise.all(
      commands.map((command, index) => {
        const claimed = claims[index]
        if (claimed === undefined) throw new Error('every command has a claim')
        return this.#plan(command, claimed, ids)
      }),
    )
    const size = commands.reduce((sum, command) => sum + (command.size ?? 1), 0)
    const [first] = commands
    if (first === undefined) return []
    const { book, weight = 'till' } = first
    const verdicts = await this.#enqueue(tickets, { book, weight, size }, true)
    const [fault] = verdicts
    return fault?.kind === 'fault' ? tickets.map(() => fault) : verdicts
  }

  async #plan(
    command: Command,
    claimed: Claimed,
    together?: ReadonlySet<CommandId>,
  ): Promise<Ticket> {
    const { commandId, fresh } = claimed
    const name = isOwn(claimed)
      ? 'own'
      : await patiently(this.#patience, () => this.names.stateOf(claimed, together))
    const plan = await command.plan(commandId, name)
    const mayHaveRun = !fresh || together !== undefined
    const claim = this.#claims.heldBy(claimed, name === 'own')
    return this.#ticket(command, plan, { commandId, mayHaveRun, claim })
  }

  /** @throws where the plan leaves out the home lane: it would run where its repeats do not look for it. */
  async #ticket(
    command: Pick<Command, 'book' | 'operation' | 'notAfter'>,
    plan: Plan,
    about: Pick<Ticket, 'commandId' | 'mayHaveRun' | 'claim'>,
  ): Promise<Ticket> {
    const home = laneOfId(about.commandId)
    const lanes = plan.lanes.length === 1 ? plan.lanes : [...new Set(plan.lanes)]
    if (!lanes.includes(home))
      throw new Error(`${command.operation} is planned outside of its home lane ${home}`)
    if (!this.#watch.knows(lanes)) await this.#lookForLanes(lanes)
    const { book: bookId, operation, notAfter } = command
    const whole = lanes === plan.lanes ? plan : { ...plan, lanes }
    return { ...about, bookId, operation, notAfter, plan: whole }
  }

  async #enqueueOne(command: UnclaimedCommand, ticket: Ticket): Promise<Verdict | undefined> {
    const { book, weight = 'till', size = 1 } = command
    const [verdict] = await this.#enqueue([ticket], { book, weight, size })
    return verdict
  }

  #enqueue(
    tickets: readonly Ticket[],
    { book, weight, size }: Required<Pick<Command, 'book' | 'weight' | 'size'>>,
    together = false,
  ): Promise<readonly Verdict[]> {
    const [lane, ...others] = together ? [] : (tickets[0]?.plan.lanes ?? [])
    const desk = this.#desk(lane === undefined || others.length > 0 ? wide : lane)
    return new Promise((settle) => {
      const { monotonic, patienceMs } = this.#patience
      const until = monotonic() + patienceMs
      desk.queue.push({ bookId: book, weight, size, tickets, together, until, settle })
      desk.runner.wake()
    })
  }

  /** Where that fails the key stays taken, by a command that never ran: a repeat with the same input still may. */
  async #giveBack(claims: readonly Claimed[]): Promise<void> {
    try {
      await this.#claims.giveBack(claims)
    } catch (error) {
      this.#options.log.error({ err: error }, 'a key could not be given back')
    }
  }

  #desk(lane: Lane): LaneDesk {
    let desk = this.#desks.get(lane)
    if (desk === undefined) {
      const { database, log, queueCapacity, mostInOneRound } = this.#options
      const queue = new FairQueue<Waiting>(queueCapacity ?? defaultCapacity)
      const runner = new LaneRunner(queue, {
        ...this.#patience,
        database,
        isCredible: (realAt) => this.#watch.isCredible(realAt),
        onRound: (result) => this.#moved(result),
        onClockDenied: (realAt) => this.#watch.learnClock(realAt),
        onTrouble: (error) => log.error({ err: error, lane }, 'a round is run again'),
        ...(mostInOneRound !== undefined && { most: mostInOneRound }),
      })
      desk = { queue, runner }
      this.#desks.set(lane, desk)
    }
    return desk
  }

  #moved({ moved, realAt, offsetMs, verdicts }: RoundResult): void {
    this.#options.meter?.round(verdicts.length)
    this.#watch.learnClock(realAt, offsetMs)
    for (const [lane, seq] of moved) {
      for (const listener of this.#listeners) {
        try {
          listener(lane, seq)
        } catch (error) {
          this.#options.log.error({ err: error, lane }, 'a listener of the lanes failed')
        }
      }
    }
  }
}
