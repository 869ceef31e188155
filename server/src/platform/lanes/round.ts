/**
 * A round: one transaction in which waiting commands run one after the other. Lock the lanes, load everything
 * declared, decide in order, write everything, commit. Two round trips, and as many statements for one command as for
 * five hundred.
 */
import {
  type BookId,
  type CommandId,
  type Instant,
  type Lane,
  laneOfId,
  monthOfId,
  type Refusal,
  refusal,
} from '@lika/contract'
import type { Session } from '../db.ts'
import { entryDigest, type JournalEntry, type JournalRow } from './journal.ts'
import { attempt, sendTogether } from './pipeline.ts'
import {
  appendJournal,
  type ExecutedRow,
  findExecuted,
  type LaneState,
  lockLane,
  moveLane,
  readClock,
} from './round-store.ts'
import type { Decision, Executed, Json, Line, Lines, Plan, Read, Shelf } from './types.ts'
import { CommandView, RoundMemory, type StagedLine } from './view.ts'

export interface Ticket {
  readonly commandId: CommandId
  readonly bookId: BookId
  readonly operation: string
  readonly notAfter: Instant | undefined
  readonly plan: Plan
  /** False: its claim was made for this very run, so that nobody is likely to have run it before. */
  readonly mayHaveRun: boolean
  /** What it stands on; absent: nothing that could be lost. */
  readonly claim?: TicketClaim
}

export interface TicketClaim {
  /** Monotonic milliseconds: no connection opened before that has seen the database without it. */
  readonly askedAt: number
  /** Makes it again. undefined: another command has taken its place, or nobody knows. */
  renew(): Promise<TicketClaim | undefined>
}

/**
 * `gone`: refused without a trace, so that the claim must be given back. `undone`: rolled back with others. `unclear`:
 * nobody knows whether it ran; only a repeat under the same key will tell.
 */
export type Verdict =
  | { readonly kind: 'executed'; readonly executed: Executed }
  | { readonly kind: 'gone'; readonly refusal: Refusal }
  | { readonly kind: 'undone' }
  | { readonly kind: 'unclear' }
  | { readonly kind: 'fault'; readonly error: unknown }

export interface RoundResult {
  readonly verdicts: readonly Verdict[]
  /** Last sequence number of each lane that moved. */
  readonly moved: ReadonlyMap<Lane, bigint>
  /** The database's real time under the lock. */
  readonly realAt: Instant
  readonly offsetMs: number
}

interface LaneWork {
  readonly state: LaneState
  nextSeq: bigint
  head: Uint8Array
  readonly entries: JournalEntry[]
  readonly lines: Map<Lines, Line[]>
}

export interface RoundOptions {
  readonly allOrNone?: boolean
  /**
   * Whose earlier outcome is looked for. `repeats` leaves out those claimed just now: should another process have been
   * quicker with the claim that it read back, the journal's unique command id stops the round, and it is run again
   * looking for `all`.
   */
  readonly lookFor?: 'repeats' | 'all'
  /** Whether the database's clock can be right. Otherwise the round does nothing and rejects with ClockDenied. */
  readonly isCredible?: (realAt: Instant) => boolean
}

/** The database's clock said what cannot be. */
export class ClockDenied extends Error {
  readonly realAt: Instant

  constructor(realAt: Instant) {
    super(`the database's clock says ${new Date(realAt).toISOString()}`)
    this.realAt = realAt
  }
}

/**
 * Runs the tickets on these lanes (ascending). `allOrNone`: the first refusal undoes the whole transaction, nothing is
 * journaled, and the verdicts tell who refused. Rejects with the first error of the database; then nothing happened
 * unless the connection was lost around the commit.
 */
export async function runRound(
  session: Session,
  lanes: readonly Lane[],
  tickets: readonly Ticket[],
  { allOrNone = false, lookFor = 'repeats', isCredible = () => true }: RoundOptions = {},
): Promise<RoundResult> {
  const { sql } = session
  const memory = new RoundMemory()
  // At once: a query is sent only when somebody waits for it, and the lock behind it must not get there first.
  const begun = sql`begin isolation level read committed`.execute()
  const locks = lanes.map((lane) => lockLane(sql, lane))
  const clock = readClock(sql)
  const suspects = lookFor === 'all' ? tickets : tickets.filter((ticket) => ticket.mayHaveRun)
  const executed = lookForExecuted(session, suspects)
  const loads = loadAll(session, memory, tickets)
  await sendTogether([begun, ...locks, clock, executed, ...loads])

  const { realAt, offsetMs } = await clock
  if (!isCredible(realAt)) {
    await sql`rollback`
    throw new ClockDenied(realAt)
  }
  const states = await Promise.all(locks)
  const work = new Map(states.map((state) => [state.lane, laneWork(state)]))
  const lastAt = Math.max(realAt, ...states.map((state) => state.lastAt))
  const times = { live: lastAt, test: lastAt + Number(offsetMs) }
  const before = new Map((await executed).map((row) => [row.commandId, replayOf(row)]))
  const result = { realAt, offsetMs: Number(offsetMs) }

  const known = new Map(before)
  const verdicts: Verdict[] = []
  for (const ticket of tickets) {
    const verdict = known.get(ticket.commandId) ?? decideOne(ticket, memory, work, times)
    verdicts.push(verdict)
    if (verdict.kind === 'executed') known.set(ticket.commandId, asReplay(verdict))
    if (allOrNone && isStop(verdict)) {
      await sql`rollback`
      return { ...result, verdicts: allUndone(tickets, before, verdicts), moved: new Map() }
    }
  }
  return { ...result, verdicts, moved: await writeAll(session, memory, work, lastAt) }
}

/** What ran before stays as it ran; the last verdict is the one that stopped the others. */
function allUndone(
  tickets: readonly Ticket[],
  before: ReadonlyMap<CommandId, Verdict>,
  verdicts: readonly Verdict[],
): Verdict[] {
  const stop = verdicts.length - 1
  return tickets.map(({ commandId }, index) => {
    const stopper = index === stop ? verdicts[stop] : undefined
    return before.get(commandId) ?? stopper ?? { kind: 'undone' }
  })
}

function isStop(verdict: Verdict): boolean {
  return verdict.kind !== 'executed' || verdict.executed.status === 'refused'
}

function laneWork(state: LaneState): LaneWork {
  return { state, nextSeq: state.nextSeq, head: state.head, entries: [], lines: new Map() }
}

async function lookForExecuted(
  session: Session,
  tickets: readonly Ticket[],
): Promise<ExecutedRow[]> {
  const byLane = Map.groupBy(tickets, (ticket) => laneOfId(ticket.commandId))
  const found = await Promise.all(
    [...byLane].map(([lane, some]) => {
      const ids = some.map((ticket) => ticket.commandId)
      return findExecuted(session.sql, lane, [...new Set(ids.map(monthOfId))], ids)
    }),
  )
  return found.flat()
}

/** One statement for each shelf or finder in each lane. */
function loadAll(session: Session, memory: RoundMemory, tickets: readonly Ticket[]) {
  const wanted = new Map<string, { read: Read; keys: Set<string> }>()
  for (const { plan } of tickets) {
    for (const read of plan.reads) {
      const name = `${read.lane} ${read.from.name}`
      const entry = wanted.get(name)
      if (entry === undefined) wanted.set(name, { read, keys: new Set([read.key]) })
      else entry.keys.add(read.key)
      memory.declare(read)
    }
  }
  return [...wanted.values()].map(async ({ read: { from, lane }, keys }) => {
    if ('find' in from) {
      const rows = await from.find(session.sql, lane, [...keys])
      for (const { key, row } of rows) memory.found(from, lane, key, row)
    } else {
      const shelf: Shelf<unknown> = from
      for (const row of await shelf.load(session.sql, lane, [...keys])) {
        memory.loaded(shelf, lane, row)
      }
    }
  })
}

function decideOne(
  ticket: Ticket,
  memory: RoundMemory,
  work: ReadonlyMap<Lane, LaneWork>,
  times: Readonly<Record<LaneState['pool'], Instant>>,
): Verdict {
  // By its own lane: a round over several lanes may have commands of both clocks.
  const now = times[work.get(laneOfId(ticket.commandId))?.state.pool ?? 'live']
  const view = new CommandView(memory, ticket, work)
  try {
    const decision = isTooLate(ticket, now) ? tooLate(ticket) : ticket.plan.decide(view, now)
    if (decision.ok) {
      const { kind, version, body } = decision.value
      journal(ticket, work, view.staged, { kind, version, refused: false, at: now, body })
      memory.keep()
      const { commandId } = ticket
      return done({ status: 'done', commandId, at: now, kind, body, replayed: false })
    }
    memory.undo()
    view.staged.clear()
    if (decision.final === false) return { kind: 'gone', refusal: decision.refusal }
    decision.marks?.(view)
    const body = { ...decision.refusal } as unknown as Body
    const entry = { kind: ticket.operation, version: 1, refused: true, at: now, body }
    journal({ ...ticket, plan: homeOnly(ticket, view) }, work, view.staged, entry)
    memory.keep()
    return done({ status: 'refused', refusal: decision.refusal, replayed: false })
  } catch (error) {
    memory.undo()
    return { kind: 'fault', error }
  }
}

function done(executed: Executed): Verdict {
  return { kind: 'executed', executed }
}

function isTooLate(ticket: Ticket, now: Instant): boolean {
  return ticket.notAfter !== undefined && now > ticket.notAfter
}

function tooLate(ticket: Ticket): Decision {
  const limit = new Date(ticket.notAfter ?? 0).toISOString()
  return { ok: false, refusal: refusal('command.too_late', `The command was good until ${limit}.`) }
}

/** A refusal is written down at home, and elsewhere only where it left lines. */
function homeOnly(ticket: Ticket, view: CommandView): Plan {
  const home = laneOfId(ticket.commandId)
  const lanes = ticket.plan.lanes.filter((lane) => lane === home || view.staged.has(lane))
  return { ...ticket.plan, lanes }
}

type Body = { readonly [member: string]: Json | undefined }
type EntryContent = Pick<JournalRow, 'kind' | 'version' | 'refused' | 'at'> & { body: Body }

/** One entry in each lane of the command; the outcome in its home lane, a pointer to it in the others. */
function journal(
  ticket: Ticket,
  work: ReadonlyMap<Lane, LaneWork>,
  staged: ReadonlyMap<Lane, readonly StagedLine[]>,
  content: EntryContent,
): void {
  const home = laneOfId(ticket.commandId)
  const month = monthOfId(ticket.commandId)
  // Whole before anything is kept: a body that cannot be written down is a fault of this command alone.
  const entries = ticket.plan.lanes.map((lane) => {
    const at = work.get(lane)
    if (at === undefined) throw new Error(`lane ${lane} is not locked`)
    const body = lane === home ? content.body : bodyElsewhere(content.body, lane, home)
    const row: JournalRow = {
      lane,
      seq: at.nextSeq,
      month,
      commandId: ticket.commandId,
      bookId: ticket.bookId,
      kind: content.kind,
      version: content.version,
      refused: content.refused,
      at: content.at,
      body: textOf(body),
    }
    const lines = staged.get(lane) ?? []
    const digested = lines.map((line) => [line.lines.name, ...line.values] as const)
    return { at, lines, entry: { ...row, digest: entryDigest(at.head, row, digested) } }
  })
  for (const { at, lines, entry } of entries) {
    at.entries.push(entry)
    for (const [line, { lines: table, values }] of lines.entries()) {
      const of = at.lines.get(table) ?? []
      at.lines.set(table, of)
      of.push({ seq: entry.seq, line, month, bookId: entry.bookId, values })
    }
    at.nextSeq += 1n
    at.head = entry.digest
  }
}

/** @throws TypeError for what is no JSON. */
function textOf(body: Body): string {
  const text: string | undefined = JSON.stringify(body)
  if (text === undefined) throw new TypeError('the body of an outcome is not JSON')
  return text
}

/** What a lane other than the home lane is told: where home is, and the ledger's own record of that lane. */
function bodyElsewhere(body: Body, lane: Lane, home: Lane): Body {
  const own = body['_holds']
  const holds =
    Array.isArray(own) &&
    own.filter((hold) => Array.isArray(hold) && laneOfId(String(hold[1])) === lane)
  return { home, ...(holds && holds.length > 0 && { _holds: holds }) }
}

async function writeAll(
  session: Session,
  memory: RoundMemory,
  work: ReadonlyMap<Lane, LaneWork>,
  lastAt: Instant,
): Promise<Map<Lane, bigint>> {
  const { sql } = session
  const writes: PromiseLike<unknown>[] = []
  for (const { shelf, lane, inserts, updates, removals } of memory.changes()) {
    if (inserts.length > 0) writes.push(attempt(() => shelf.insert(sql, lane, inserts)))
    if (updates.length > 0)
      writes.push(attempt(() => changing(shelf, 'update')(sql, lane, updates)))
    if (removals.length > 0)
      writes.push(attempt(() => changing(shelf, 'remove')(sql, lane, removals)))
  }
  const moved = new Map<Lane, bigint>()
  for (const [lane, at] of work) {
    if (at.entries.length === 0) continue
    for (const [lines, rows] of at.lines) writes.push(attempt(() => lines.insert(sql, lane, rows)))
    writes.push(attempt(() => appendJournal(sql, lane, at.entries)))
    writes.push(moveLane(sql, lane, { seq: at.nextSeq, head: at.head, lastAt }))
    moved.set(lane, at.nextSeq - 1n)
  }
  const committed = sql`commit`
  await sendTogether([...writes, committed])
  const { command } = await committed
  // A transaction in which a statement failed answers a commit with ROLLBACK and no error.
  if (command !== 'COMMIT') throw new Error(`PostgreSQL answered commit with ${command}`)
  return moved
}

function changing<K extends 'update' | 'remove'>(shelf: Shelf<unknown>, what: K) {
  const change = shelf[what]?.bind(shelf)
  if (change === undefined) throw new Error(`rows of ${shelf.name} are never ${what}d`)
  return change as NonNullable<Shelf<unknown>[K]>
}

function replayOf(row: ExecutedRow): Verdict {
  const body = JSON.parse(row.body)
  if (row.refused) {
    return done({ status: 'refused', refusal: body, replayed: true })
  }
  const { commandId, at, kind } = row
  return done({ status: 'done', commandId, at, kind, body, replayed: true })
}

function asReplay(verdict: Extract<Verdict, { kind: 'executed' }>): Verdict {
  return { kind: 'executed', executed: { ...verdict.executed, replayed: true } }
}
