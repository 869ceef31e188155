/**
 * What moves between each two kinds of accounts, day by day: read from the transfers by lane and sequence number in
 * short pieces, exactly once. Reports, the watch over outflows and the daily position all read these sums and nothing
 * longer. They are a projection: never older than a few seconds while a server runs, and complete for a day once its
 * cut was passed.
 */
import type { BookId, BusinessDate, Fen, Lane } from '@lika/contract'
import type { Database, Sql } from '../../platform/db.ts'
import { ensureCursor, lockCursor, moveCursor, readFrom } from '../../platform/lanes/tail-store.ts'
import { type AccountKindName, accountKindNames, accountKinds } from '../ledger/index.ts'
import type { PairFlow } from './flows.ts'

const dayFlowsCursor = 'day-flows'
/** Entries whose transfers are added up in one statement: well under a second. */
const sliceSeqs = 20_000n

interface Piece {
  /** The lane has been read to `end`. */
  readonly isDone: boolean
  /** Another process is at it, or nothing was there. */
  readonly isIdle: boolean
}

/** Reads a lane on up to `end`, at most `pieces` statements; true: all of it was read. */
export async function readOnFlows(
  database: Database,
  lane: Lane,
  end: bigint,
  pieces = 50,
): Promise<boolean> {
  await ensureCursor(database.sql, dayFlowsCursor, lane)
  for (let piece = 0; piece < pieces; piece += 1) {
    const { isDone, isIdle } = await database.transaction((sql) => readPiece(sql, lane, end))
    if (isDone) return true
    if (isIdle) return false
  }
  return false
}

async function readPiece(sql: Sql, lane: Lane, end: bigint): Promise<Piece> {
  const cursor = await lockCursor(sql, dayFlowsCursor, lane)
  if (cursor === undefined) return { isDone: false, isIdle: true }
  if (cursor.seq >= end) return { isDone: true, isIdle: false }
  await assertSame(sql, lane, cursor)
  const { day, cutSeq } = await dayBehind(sql, lane, cursor.seq)
  const most = cursor.seq + sliceSeqs < end ? cursor.seq + sliceSeqs : end
  const until = cutSeq !== null && cutSeq < most ? cutSeq : most
  await addFlows(sql, lane, day, cursor.seq, until)
  const [last] = await readFrom(sql, lane, until, 0, 1)
  if (last?.seq !== until) throw new Error(`lane ${lane} has no entry ${until}`)
  await moveCursor(sql, dayFlowsCursor, lane, cursor, last)
  return { isDone: until === end, isIdle: false }
}

/** @throws where the journal is not the one that was read before. */
async function assertSame(
  sql: Sql,
  lane: Lane,
  cursor: { seq: bigint; digest: Uint8Array },
): Promise<void> {
  if (cursor.seq === 0n) return
  const [entry] = await readFrom(sql, lane, cursor.seq, 0, 1)
  const isSame = entry?.seq === cursor.seq && Buffer.compare(entry.digest, cursor.digest) === 0
  if (!isSame)
    throw new Error(
      `day flows: entry ${cursor.seq} of lane ${lane} is not the one that was read before`,
    )
}

/** The day of the entries behind `seq`, and where it ends: in one statement, so that a cut is never overlooked. */
async function dayBehind(
  sql: Sql,
  lane: Lane,
  seq: bigint,
): Promise<{ day: BusinessDate; cutSeq: bigint | null }> {
  const [row] = await sql<{ day: BusinessDate; cutSeq: bigint | null }[]>`
    select coalesce(next.day, lane.open_day) as day, next.seq as "cutSeq"
    from lane
    left join lateral (
      select day, seq
      from cut
      where cut.lane = ${lane}
        and seq > ${seq}
      order by seq
      limit 1
    ) as next on true
    where lane.lane = ${lane}`
  if (row === undefined) throw new Error(`there is no lane ${lane}`)
  return row
}

function addFlows(
  sql: Sql,
  lane: Lane,
  day: BusinessDate,
  afterSeq: bigint,
  untilSeq: bigint,
): Promise<unknown> {
  return sql`
    insert into day_flow (lane, day, book_id, debit_kind, credit_kind, amount)
    select
      ${lane}::int, ${day}::date, book_id, ('x' || debited)::bit(16)::int >> 10, ('x' || credited)::bit(16)::int >> 10,
      sum(amount)::bigint
    from (
      select
        book_id, right(debit_account::text, 4) as debited, right(credit_account::text, 4) as credited, amount
      from transfer
      where lane = ${lane}
        and seq > ${afterSeq}
        and seq <= ${untilSeq}
    ) as moved
    group by 3, 4, 5
    on conflict (lane, day, book_id, debit_kind, credit_kind) do update
    set amount = day_flow.amount + excluded.amount`
}

export interface DayPair extends PairFlow {
  readonly day: BusinessDate
}

/** What moved on these days, `from` and `to` among them, by day and pair of kinds, over all lanes. */
export async function selectFlows(
  sql: Sql,
  bookId: BookId,
  from: BusinessDate,
  to: BusinessDate,
): Promise<DayPair[]> {
  const rows = await sql<
    { day: BusinessDate; debitKind: number; creditKind: number; amount: Fen }[]
  >`
    select day, debit_kind as "debitKind", credit_kind as "creditKind", sum(amount)::bigint as amount
    from day_flow
    where book_id = ${bookId}
      and day >= ${from}
      and day <= ${to}
    group by day, debit_kind, credit_kind
    order by day, debit_kind, credit_kind`
  return rows.map(({ day, debitKind, creditKind, amount }) => ({
    day,
    debit: kindNumbered(debitKind),
    credit: kindNumbered(creditKind),
    amount,
  }))
}

const names = new Map<number, AccountKindName>(
  accountKindNames().map((name) => [accountKinds[name].number, name]),
)

function kindNumbered(number: number): AccountKindName {
  const name = names.get(number)
  if (name === undefined) throw new Error(`no kind of account has the number ${number}`)
  return name
}
