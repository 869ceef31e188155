/** Journal entries that moved value, with their transfers, over all lanes of a book in the order of time. */
import {
  type BookId,
  type Fen,
  type Instant,
  type Lane,
  modeOfBook,
  withKindAndLane,
} from '@lika/contract'
import type { Database, Sql } from '../../platform/db.ts'
import { positionBefore } from '../../platform/lanes/tail-store.ts'
import {
  type EntryHead,
  type EntryRange,
  readEnds,
  readEntriesBySeq,
  readEntriesByTime,
  readTransfersOf,
  type TransferOfEntry,
} from './read-store.ts'

export interface LedgerEntry {
  /** The command's id with the lane of the entry: a command over two lanes has an entry in each. */
  readonly id: string
  readonly lane: Lane
  readonly seq: bigint
  readonly at: Instant
  /** Such as `payment.created`. */
  readonly kind: string
  readonly transfers: readonly {
    readonly debit: string
    readonly credit: string
    readonly amount: Fen
  }[]
}

/** Where a page of entries ended: they are ordered by these three. */
export interface EntryPosition {
  readonly at: Instant
  readonly lane: Lane
  readonly seq: bigint
}

export interface EntriesAsked {
  readonly from: Instant | undefined
  /** Not included. */
  readonly to: Instant | undefined
  readonly after: EntryPosition | undefined
  readonly limit: number
}

const firstInstant = 0
const lastInstant = 253_402_300_799_999

/** The oldest first. */
export async function ledgerEntries(
  { sql }: Database,
  book: BookId,
  asked: EntriesAsked,
): Promise<LedgerEntry[]> {
  const mode = modeOfBook(book)
  const ends = await readEnds(sql, mode)
  const read = mode === 'live' ? inOrderOfLane : inOrderOfTime
  const heads = await Promise.all(
    [...ends].map(([lane, end]) => read(sql, lane, rangeOf(book, asked, end), asked)),
  )
  const page = heads.flat().sort(byPosition).slice(0, asked.limit)
  const transfers = await transfersOf(sql, page)
  return page.map(({ lane, seq, at, kind, commandId }) => ({
    id: withKindAndLane(commandId, 0, lane),
    lane,
    seq,
    at,
    kind,
    transfers: transfers.get(`${lane} ${seq}`) ?? [],
  }))
}

function rangeOf(bookId: BookId, asked: EntriesAsked, end: bigint): EntryRange {
  const { from = firstInstant, to = lastInstant, limit } = asked
  return { bookId, afterSeq: 0n, untilSeq: end, from, to, limit }
}

/** The clock of a live lane never runs backwards: its order is that of time, and an instant has a place in it. */
async function inOrderOfLane(
  sql: Sql,
  lane: Lane,
  range: EntryRange,
  { after }: EntriesAsked,
): Promise<EntryHead[]> {
  const [afterSeq, untilSeq] = await Promise.all([
    after === undefined ? placeBefore(sql, lane, range.from) : placeBehind(sql, lane, after),
    range.to === lastInstant ? range.untilSeq : placeBefore(sql, lane, range.to),
  ])
  return readEntriesBySeq(sql, lane, { ...range, afterSeq, untilSeq })
}

function inOrderOfTime(
  sql: Sql,
  lane: Lane,
  range: EntryRange,
  { after }: EntriesAsked,
): Promise<EntryHead[]> {
  if (after === undefined) return readEntriesByTime(sql, lane, range, { at: firstInstant, seq: 0n })
  const { at } = after
  const seq = lane === after.lane ? after.seq : lane < after.lane ? allSeqs : 0n
  return readEntriesByTime(sql, lane, range, { at, seq })
}

const allSeqs = 9_223_372_036_854_775_807n

async function placeBehind(sql: Sql, lane: Lane, after: EntryPosition): Promise<bigint> {
  if (lane === after.lane) return after.seq
  return placeBefore(sql, lane, lane < after.lane ? after.at + 1 : after.at)
}

async function placeBefore(sql: Sql, lane: Lane, at: Instant): Promise<bigint> {
  return (await positionBefore(sql, lane, at)).seq
}

async function transfersOf(sql: Sql, heads: readonly EntryHead[]) {
  const all = new Map<string, TransferOfEntry[]>()
  for (const [lane, some] of Map.groupBy(heads, (head) => head.lane)) {
    const seqs = some.map((head) => head.seq)
    for (const transfer of await readTransfersOf(sql, lane, seqs)) {
      const key = `${lane} ${transfer.seq}`
      all.set(key, [...(all.get(key) ?? []), transfer])
    }
  }
  return all
}

function byPosition(one: EntryHead, other: EntryHead): number {
  return one.at - other.at || one.lane - other.lane || Number(one.seq - other.seq)
}

/** What these entries of a lane moved, in their order. */
export async function transfersOfEntries(
  sql: Sql,
  lane: Lane,
  seqs: readonly bigint[],
): Promise<ReadonlyMap<bigint, readonly TransferOfEntry[]>> {
  return Map.groupBy(await readTransfersOf(sql, lane, seqs), ({ seq }) => seq)
}
