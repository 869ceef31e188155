/**
 * Closing balances: after each cut, what moved on that day is added to the running totals of the accounts it moved,
 * read from (cut D−1, cut D] by lane and sequence number alone. Can be interrupted anywhere and done by several
 * processes at once: the rows are the same whoever writes them, and a cursor says which days are complete.
 */
import {
  type BookId,
  type BusinessDate,
  issuerOfBook,
  type Lane,
  withKindAndLane,
} from '@lika/contract'
import type { Database, Sql } from '../../platform/db.ts'
import { laneStart, moveCursor, readCursor, readFrom } from '../../platform/lanes/tail-store.ts'
import { accountKinds, kindOfAccount } from './chart.ts'
import { insertClosings, readClosingsBefore, sumSides } from './closing-store.ts'
import { type CutRow, readCutBefore, readCutsAfter } from './day-store.ts'

export interface Totals {
  readonly bookId: BookId
  debits: bigint
  credits: bigint
}

/** Of the cursor that says up to which cut the closings of a lane are complete. */
export const closingsCursor = 'closings'
/** Entries whose transfers are added up in one statement. */
const sliceSeqs = 50_000n
const rowsAtOnce = 5_000

/** Writes what is missing in a lane; answers how many days that were. */
export async function writeClosings(database: Database, lane: Lane): Promise<number> {
  const { sql } = database
  let cursor = (await readCursor(sql, closingsCursor, lane)) ?? laneStart
  for (let days = 0; ; days += 1) {
    const [cut] = await readCutsAfter(sql, lane, cursor.seq, 1)
    if (cut === undefined) return days
    await writeDay(sql, lane, cut, cursor.seq)
    const [entry] = await readFrom(sql, lane, cut.seq, 0, 1)
    if (entry?.seq !== cut.seq) throw new Error(`lane ${lane} has no entry at its cut ${cut.seq}`)
    await moveCursor(sql, closingsCursor, lane, cursor, entry)
    cursor = entry
  }
}

async function writeDay(sql: Sql, lane: Lane, cut: CutRow, afterSeq: bigint): Promise<void> {
  const day = await totalsOfDay(sql, lane, afterSeq, cut.seq)
  for (const ids of inParts([...day.keys()], rowsAtOnce)) {
    const before = await totalsBefore(sql, lane, cut.day, ids)
    const rows = ids.flatMap((accountId) => {
      const moved = day.get(accountId)
      if (moved === undefined) return []
      const had = before.get(accountId)
      const debits = (had?.debits ?? 0n) + moved.debits
      const credits = (had?.credits ?? 0n) + moved.credits
      return [{ accountId, bookId: moved.bookId, debits, credits }]
    })
    await insertClosings(sql, lane, cut.day, rows)
  }
}

/** The running totals of these accounts at the end of the last day before `day` on which they moved. */
export async function totalsBefore(
  sql: Sql,
  lane: Lane,
  day: BusinessDate,
  ids: readonly string[],
): Promise<Map<string, { debits: bigint; credits: bigint }>> {
  const rows = await readClosingsBefore(sql, lane, day, ids)
  return new Map(rows.map((row) => [row.accountId, row]))
}

/** What moved in (afterSeq, untilSeq], by closing account. */
export async function totalsOfDay(
  sql: Sql,
  lane: Lane,
  afterSeq: bigint,
  untilSeq: bigint,
): Promise<Map<string, Totals>> {
  const totals = new Map<string, Totals>()
  for (const [after, until] of stretches(afterSeq, untilSeq)) {
    for (const side of await sumSides(sql, lane, after, until)) {
      for (const accountId of closingAccountsOf(side, lane)) {
        const sum = totals.get(accountId) ?? { bookId: side.bookId, debits: 0n, credits: 0n }
        totals.set(accountId, sum)
        sum.debits += side.debits
        sum.credits += side.credits
      }
    }
  }
  return totals
}

/** (after, until] cut into pieces that one statement can add up in well under a second. */
export function* stretches(after: bigint, until: bigint): Generator<[bigint, bigint]> {
  for (let from = after; from < until; from += sliceSeqs) {
    yield [from, from + sliceSeqs < until ? from + sliceSeqs : until]
  }
}

/**
 * The account that stands for all accounts of a kind in a book, in one lane: the issuer's id with that kind. For
 * kinds that the issuer itself owns it is the account.
 */
export function controlAccount(bookId: BookId, kindBits: number, lane: Lane): string {
  return withKindAndLane(issuerOfBook(bookId), kindBits, lane)
}

function closingAccountsOf(
  side: { bookId: BookId; accountId: string | null; kindBits: number },
  lane: Lane,
): string[] {
  const control = controlAccount(side.bookId, side.kindBits, lane)
  const { accountId } = side
  if (accountId === null || accountId === control) return [control]
  const kind = kindOfAccount(accountId)
  return kind !== undefined && accountKinds[kind].owner === 'issuer'
    ? [accountId]
    : [accountId, control]
}

/** The last day of a lane whose closings are complete and that ended at `seq` or before it. */
export async function closedUpTo(sql: Sql, lane: Lane, seq: bigint): Promise<CutRow | undefined> {
  const cursor = (await readCursor(sql, closingsCursor, lane)) ?? laneStart
  return readCutBefore(sql, lane, cursor.seq < seq ? cursor.seq : seq)
}

export function inParts<T>(all: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let at = 0; at < all.length; at += size) parts.push(all.slice(at, at + size))
  return parts
}
