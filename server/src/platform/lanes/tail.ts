/**
 * Gives a consumer every entry of the journal, lane by lane and in order, and remembers how far it has come. The
 * consumer stops for good when the journal no longer holds what it took last: then an older backup was restored,
 * and what it did since has no ground any more.
 */
import type { Lane } from '@lika/contract'
import type { Database, Sql } from '../db.ts'
import { Nap } from '../nap.ts'
import {
  ensureCursor,
  type JournalCursor,
  type JournalEntry,
  laneStart,
  lockCursor,
  moveCursor,
  readCursor,
  readFrom,
  readLaneEnd,
} from './tail-store.ts'

interface TailCommon {
  /** Under which the cursors are kept. */
  readonly name: string
  readonly lanes: () => readonly Lane[]
  /** Entries at one time. */
  readonly batch?: number
  /** How long it takes at most until entries of another process are noticed. */
  readonly pollMs?: number
  readonly log: { error(details: object, sentence: string): void }
  /** Called once, when the journal went backwards; nothing is taken after that. */
  readonly onStopped: (error: JournalBroken) => void
}

export type TailOptions = TailCommon &
  (
    | {
        /** At least once: what was taken when the process died is given again. */
        readonly take: (entries: readonly JournalEntry[]) => Promise<void>
      }
    | {
        /** Exactly once, as long as its only effects are in this transaction. One process at a time for each lane. */
        readonly takeIn: (sql: Sql, entries: readonly JournalEntry[]) => Promise<void>
      }
  )

export interface Tail {
  /** The lane has new entries. */
  wake(lane: Lane): void
  /** Lets what is being taken come to its end. */
  stop(): Promise<void>
}

/** The journal is not the one that was read before, or has a hole. */
export class JournalBroken extends Error {
  readonly lane: Lane
  readonly seq: bigint

  readonly why: string

  constructor(lane: Lane, seq: bigint, why: string, consumer?: string) {
    const who = consumer === undefined ? '' : `The consumer ${consumer} stops: `
    super(`${who}in lane ${lane} of the journal entry ${seq} ${why}`)
    this.name = 'JournalBroken'
    this.lane = lane
    this.seq = seq
    this.why = why
  }
}

const pauseAfterFaultMs = { first: 100, longest: 10_000 }
const lookForLanesMs = 1_000

export function startTail(database: Database, options: TailOptions): Tail {
  const { name, log, pollMs = 200 } = options
  const naps = new Map<Lane, Nap>()
  const running: Promise<void>[] = []
  let stopped = false

  function halt(error: JournalBroken): void {
    if (stopped) return
    endAll()
    log.error(
      { err: error, consumer: name, lane: error.lane, seq: String(error.seq) },
      error.message,
    )
    options.onStopped(error)
  }

  function endAll(): void {
    stopped = true
    clearInterval(looking)
    for (const nap of naps.values()) nap.end()
  }

  async function follow(lane: Lane, nap: Nap): Promise<void> {
    const step = stepOf(database, options, lane)
    let pause = pauseAfterFaultMs.first
    while (!stopped) {
      try {
        if (!(await step())) await nap.sleep(pollMs)
        pause = pauseAfterFaultMs.first
      } catch (error) {
        if (error instanceof JournalBroken)
          return halt(new JournalBroken(error.lane, error.seq, error.why, name))
        log.error({ err: error, consumer: name, lane }, 'a consumer of the journal tries again')
        await nap.sleep(pause, true)
        pause = Math.min(pause * 2, pauseAfterFaultMs.longest)
      }
    }
  }

  function lookForLanes(): void {
    for (const lane of options.lanes()) {
      if (naps.has(lane)) continue
      const nap = new Nap()
      naps.set(lane, nap)
      running.push(follow(lane, nap))
    }
  }

  const looking = setInterval(lookForLanes, lookForLanesMs).unref()
  lookForLanes()
  return {
    wake: (lane) => naps.get(lane)?.wake(),
    stop: async () => {
      endAll()
      await Promise.all(running)
    },
  }
}

/** Takes what comes next in a lane; false: there was nothing, or another process is at it. */
function stepOf(database: Database, options: TailOptions, lane: Lane): () => Promise<boolean> {
  const { name, batch = 500 } = options
  /** Where this process left the cursor; another one may have moved it on. */
  let known: JournalCursor | undefined

  async function takeThenMove(take: (entries: readonly JournalEntry[]) => Promise<void>) {
    known ??= (await readCursor(database.sql, name, lane)) ?? laneStart
    const entries = await readOn(database.sql, lane, known, batch)
    const last = entries.at(-1)
    if (last === undefined) return false
    await take(entries)
    known = (await moveCursor(database.sql, name, lane, known, last)) ? last : undefined
    return true
  }

  async function takeAndMove(
    takeIn: (sql: Sql, entries: readonly JournalEntry[]) => Promise<void>,
  ) {
    const end = await readLaneEnd(database.sql, lane)
    if (known === undefined) await ensureCursor(database.sql, name, lane)
    else if (isSame(end, known)) return false
    const taken = await database.transaction(async (sql) => {
      const cursor = await lockCursor(sql, name, lane)
      if (cursor === undefined) return undefined
      const month = cursor.seq === known?.seq ? known.month : undefined
      const entries = await readOn(sql, lane, { ...cursor, month }, batch)
      const last = entries.at(-1)
      if (last === undefined) return { at: { ...cursor, month }, some: false }
      await takeIn(sql, entries)
      await moveCursor(sql, name, lane, cursor, last)
      return { at: last, some: true }
    })
    known = taken?.at ?? known
    return taken?.some ?? false
  }

  return 'take' in options ? () => takeThenMove(options.take) : () => takeAndMove(options.takeIn)
}

/**
 * Up to `limit` entries after the cursor, without a gap. Checks first that the entry at the cursor is still the one
 * that was taken. @throws JournalBroken
 */
export async function readOn(
  sql: Sql,
  lane: Lane,
  cursor: JournalCursor,
  limit: number,
): Promise<JournalEntry[]> {
  const end = await readLaneEnd(sql, lane)
  if (isSame(end, cursor)) return []
  if (end.seq <= cursor.seq) throw new JournalBroken(lane, cursor.seq, wentBackwards)
  // Months mostly rise with the numbers; an old command id may stand anywhere, and the gap shows it.
  const near = await readFrom(sql, lane, cursor.seq, monthBefore(cursor.month), limit + 1)
  const entries = following(near, lane, cursor, limit)
  if (isWhole(entries, cursor, end, limit)) return entries
  const everywhere = await readFrom(sql, lane, cursor.seq, 0, limit + 1)
  const all = following(everywhere, lane, cursor, limit)
  if (isWhole(all, cursor, end, limit)) return all
  throw new JournalBroken(lane, cursor.seq + BigInt(unbroken(all, cursor)) + 1n, isMissing)
}

const wentBackwards = 'is not the one that was read before, as after the restore of an older backup'
const isMissing = 'is missing although later ones are there'

/** The rows behind the first, which must be the cursor's own entry. */
function following(
  rows: JournalEntry[],
  lane: Lane,
  cursor: JournalCursor,
  limit: number,
): JournalEntry[] {
  if (cursor.seq === 0n) return rows.slice(0, limit)
  const [first, ...rest] = rows
  if (first !== undefined && isSame(first, cursor)) return rest
  throw new JournalBroken(lane, cursor.seq, wentBackwards)
}

/** Whether nothing is missing between the cursor and the last of them, nor up to the end of the lane. */
function isWhole(
  entries: readonly JournalEntry[],
  cursor: JournalCursor,
  end: JournalCursor,
  limit: number,
): boolean {
  const reaches = entries.length >= limit || cursor.seq + BigInt(entries.length) >= end.seq
  return reaches && unbroken(entries, cursor) === entries.length
}

/** How many of them follow the cursor without a gap. */
function unbroken(entries: readonly JournalEntry[], cursor: JournalCursor): number {
  const at = entries.findIndex((entry, index) => entry.seq !== cursor.seq + BigInt(index) + 1n)
  return at === -1 ? entries.length : at
}

function isSame(one: JournalCursor, other: JournalCursor): boolean {
  return one.seq === other.seq && Buffer.compare(one.digest, other.digest) === 0
}

/** 202601 → 202512; unknown → 0, from the beginning. */
function monthBefore(month: number | undefined): number {
  if (month === undefined) return 0
  return month % 100 === 1 ? month - 89 : month - 1
}
