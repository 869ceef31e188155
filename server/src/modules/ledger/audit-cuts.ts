/** Where days end, and their closing balances: compared with the entries that closed them and with the transfers. */
import type { BookId, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { laneStart, readCursor } from '../../platform/lanes/tail-store.ts'
import { type AuditedEntry, findStrayCuts, type LaneEnd, readCutsOf } from './audit-store.ts'
import { BookIsWrong, rowOf, wrongLane } from './audit-types.ts'
import { type ClosingRow, countClosings, readClosingsOf, readClosingsOn } from './closing-store.ts'
import { closingsCursor, inParts, type Totals, totalsBefore, totalsOfDay } from './closings.ts'
import { dayClosed } from './day.ts'
import { type CutRow, readCutBefore, readCutsAfter } from './day-store.ts'

function wrongCut(lane: Lane, day: string, why: string, column?: string): BookIsWrong {
  return new BookIsWrong(rowOf('cut', lane, `day = '${day}'`, why, column))
}

function wrongClosing(lane: Lane, day: string, id: string, why: string, column?: string) {
  const key = `account_id = '${id}' and day = '${day}'`
  return new BookIsWrong(rowOf('closing', lane, key, why, column))
}

/** Every entry that closed a day has its cut. @throws BookIsWrong */
export async function checkCutRows(
  sql: Sql,
  lane: Lane,
  entries: readonly AuditedEntry[],
): Promise<void> {
  const closed = entries.flatMap((entry) => {
    const day = entry.kind === dayClosed && !entry.refused ? dayOf(entry) : undefined
    return day === undefined ? [] : [{ day, seq: entry.seq, at: entry.at }]
  })
  if (closed.length === 0) return
  const rows = await readCutsOf(
    sql,
    lane,
    closed.map(({ day }) => day),
  )
  const byDay = new Map(rows.map((row) => [row.day, row]))
  for (const { day, seq, at } of closed) {
    const row = byDay.get(day)
    if (row === undefined) throw wrongCut(lane, day, `it is missing; the entry ${seq} made it`)
    if (row.seq !== seq) throw wrongCut(lane, day, `the day ended at ${seq}`, 'seq')
    if (row.at !== at) throw wrongCut(lane, day, 'the day ended at another time', 'at')
  }
}

/** No cut without its entry, and the open day lies behind the last. @throws BookIsWrong */
export async function checkCutsAtEnd(sql: Sql, end: LaneEnd): Promise<void> {
  const [stray] = await findStrayCuts(sql, end.lane, dayClosed)
  if (stray !== undefined) throw wrongCut(end.lane, stray.day, 'no entry made it')
  const last = await readCutBefore(sql, end.lane, end.seq)
  if (last !== undefined && end.openDay <= last.day)
    throw wrongLane(end.lane, `${last.day} is closed`, 'open_day')
}

function dayOf({ body }: AuditedEntry): string | undefined {
  const parsed: unknown = JSON.parse(body)
  if (typeof parsed !== 'object' || parsed === null || !('day' in parsed)) return undefined
  return typeof parsed.day === 'string' ? parsed.day : undefined
}

const rowsAtOnce = 5_000

/** Adds up each closed day of a lane again; answers how many closings were compared. @throws BookIsWrong */
export async function checkClosings(
  sql: Sql,
  lane: Lane,
  book: BookId | undefined,
  fromSeq: bigint,
): Promise<number> {
  const cursor = (await readCursor(sql, closingsCursor, lane)) ?? laneStart
  const counts = new Map((await countClosings(sql, lane)).map((row) => [row.day, row.rows]))
  let checked = 0
  for (let at = fromSeq; ; ) {
    const [cut] = await readCutsAfter(sql, lane, at, 1)
    if (cut === undefined || cut.seq > cursor.seq) return checked
    const totals = await totalsOfDay(sql, lane, at, cut.seq)
    for (const ids of inParts([...totals.keys()], rowsAtOnce))
      checked += await checkDay(sql, cut, ids, totals, book)
    if ((counts.get(cut.day) ?? 0n) !== BigInt(totals.size)) await findStray(sql, cut, totals)
    at = cut.seq
  }
}

async function checkDay(
  sql: Sql,
  { lane, day }: CutRow,
  ids: readonly string[],
  totals: ReadonlyMap<string, Totals>,
  book: BookId | undefined,
): Promise<number> {
  const [rows, before] = await Promise.all([
    readClosingsOf(sql, lane, day, ids),
    totalsBefore(sql, lane, day, ids),
  ])
  const byId = new Map(rows.map((row) => [row.accountId, row]))
  let checked = 0
  for (const id of ids) {
    const moved = totals.get(id)
    if (moved === undefined || (book !== undefined && moved.bookId !== book)) continue
    const had = before.get(id) ?? { debits: 0n, credits: 0n }
    const row = byId.get(id)
    if (row === undefined) throw wrongClosing(lane, day, id, 'it is missing')
    const column = differenceOf(row, moved, had)
    if (column !== undefined)
      throw wrongClosing(lane, day, id, 'the transfers say otherwise', column)
    checked += 1
  }
  return checked
}

function differenceOf(
  row: ClosingRow,
  moved: Totals,
  had: { debits: bigint; credits: bigint },
): string | undefined {
  if (row.bookId !== moved.bookId) return 'book_id'
  if (row.debits !== had.debits + moved.debits) return 'debits'
  return row.credits === had.credits + moved.credits ? undefined : 'credits'
}

async function findStray(
  sql: Sql,
  { lane, day }: CutRow,
  totals: ReadonlyMap<string, Totals>,
): Promise<void> {
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const rows = await readClosingsOn(sql, lane, day, after, rowsAtOnce)
    const stray = rows.find((row) => !totals.has(row.accountId))
    if (stray !== undefined)
      throw wrongClosing(lane, day, stray.accountId, 'the account did not move on that day')
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.accountId
  }
}
