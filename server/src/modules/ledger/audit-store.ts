/** The SQL of the auditor: everything of a lane in its order, a slice at a time. */
import type { AccountId, BookId, BusinessDate, Fen, Lane, Mode } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray, textArray, uuidArray } from '../../platform/db-array.ts'
import type { JournalRow } from '../../platform/lanes/index.ts'
import type { CutRow } from './day-store.ts'

export interface AuditedEntry extends JournalRow {
  readonly digest: Uint8Array
  /** Its time is finer than the milliseconds in which rounds write. */
  readonly atIsFiner: boolean
}

export interface AuditedTransfer {
  readonly seq: bigint
  readonly line: number
  readonly month: number
  readonly bookId: BookId
  readonly debit: AccountId
  readonly credit: AccountId
  readonly amount: Fen
  readonly debitBalance: Fen | null
  readonly creditBalance: Fen | null
}

export interface LaneEnd {
  readonly lane: Lane
  readonly pool: Mode
  readonly seq: bigint
  readonly head: Uint8Array
  readonly openDay: BusinessDate
}

/** Makes the transaction that was just begun see one moment. */
export function seeOneMoment(sql: Sql): Promise<unknown> {
  return sql`set transaction isolation level repeatable read, read only`
}

export function readLaneEnds(sql: Sql): Promise<LaneEnd[]> {
  return sql<LaneEnd[]>`
    select lane, pool, next_seq - 1 as seq, head, open_day as "openDay"
    from lane
    order by lane`
}

export async function readLaneEnd(sql: Sql, lane: Lane): Promise<LaneEnd | undefined> {
  const [row] = await sql<LaneEnd[]>`
    select lane, pool, next_seq - 1 as seq, head, open_day as "openDay"
    from lane
    where lane = ${lane}`
  return row
}

export function readEntriesToAudit(
  sql: Sql,
  lane: Lane,
  afterSeq: bigint,
  limit: number,
): Promise<AuditedEntry[]> {
  return sql<AuditedEntry[]>`
    select
      lane, seq, month, command_id as "commandId", book_id as "bookId", kind, version, refused, at, body, digest,
      at <> date_trunc('milliseconds', at) as "atIsFiner"
    from journal
    where lane = ${lane}
      and seq > ${afterSeq}
    order by seq
    limit ${limit}`
}

export function readTransfersToAudit(
  sql: Sql,
  lane: Lane,
  afterSeq: bigint,
  untilSeq: bigint,
  /** null: all of them. */
  limit: number | null,
): Promise<AuditedTransfer[]> {
  return sql<AuditedTransfer[]>`
    select
      seq, line, month, book_id as "bookId", debit_account as debit, credit_account as credit, amount,
      debit_balance as "debitBalance", credit_balance as "creditBalance"
    from transfer
    where lane = ${lane}
      and seq > ${afterSeq}
      and seq <= ${untilSeq}
    order by seq, line
    limit ${limit}`
}

/** A transfer of the lane that no entry can have: outside 1 … `untilSeq`. */
export async function findOutside(
  sql: Sql,
  lane: Lane,
  untilSeq: bigint,
): Promise<{ seq: bigint; line: number } | undefined> {
  const [row] = await sql<{ seq: bigint; line: number }[]>`
    select seq, line
    from transfer
    where lane = ${lane}
      and (seq > ${untilSeq} or seq < 1)
    order by seq, line
    limit 1`
  return row
}

/** Which of these commands have an entry in the lane, and what it moved in transit: debits less credits. */
export function readTransits(
  sql: Sql,
  lane: Lane,
  months: readonly number[],
  commandIds: readonly string[],
  transitDigits: string,
): Promise<{ commandId: string; transit: Fen }[]> {
  return sql`
    select
      command_id as "commandId",
      coalesce(sum(
        case when right(debit_account::text, 4) = ${transitDigits} then amount else 0 end
        - case when right(credit_account::text, 4) = ${transitDigits} then amount else 0 end
      ), 0)::bigint as transit
    from journal
    left join transfer on transfer.lane = ${lane} and transfer.seq = journal.seq
    where journal.lane = ${lane}
      and journal.month = any(${intArray(months)}::int[])
      and command_id = any(${uuidArray(commandIds)}::uuid[])
    group by command_id`
}

export function readCutsOf(sql: Sql, lane: Lane, days: readonly string[]): Promise<CutRow[]> {
  return sql<CutRow[]>`
    select lane, day, seq, at
    from cut
    where lane = ${lane}
      and day = any(${textArray(days)}::date[])`
}

/** Cuts of the lane whose entry is not one that closes a day. */
export function findStrayCuts(sql: Sql, lane: Lane, kind: string): Promise<CutRow[]> {
  return sql<CutRow[]>`
    select cut.lane, day, cut.seq, cut.at
    from cut
    left join journal on journal.lane = ${lane} and journal.seq = cut.seq and journal.kind = ${kind}
    where cut.lane = ${lane}
      and (journal.seq is null or journal.body ->> 'day' <> cut.day::text)
    order by day
    limit 1`
}

/** Lanes that have rows but do not exist, with the table in which they do. */
export function findStrayLanes(sql: Sql): Promise<{ table: string; lane: Lane }[]> {
  return sql`
    with recursive
      entries (lane) as (
        select min(lane) from journal
        union all
        select (select min(lane) from journal where lane > entries.lane) from entries where entries.lane is not null
      ),
      moves (lane) as (
        select min(lane) from transfer
        union all
        select (select min(lane) from transfer where lane > moves.lane) from moves where moves.lane is not null
      ),
      owned (lane) as (
        select min(lane) from account
        union all
        select (select min(lane) from account where lane > owned.lane) from owned where owned.lane is not null
      ),
      aside (lane) as (
        select min(lane) from hold
        union all
        select (select min(lane) from hold where lane > aside.lane) from aside where aside.lane is not null
      )
    select "table", found.lane
    from (
      select 'journal' as "table", lane from entries
      union all select 'transfer', lane from moves
      union all select 'account', lane from owned
      union all select 'hold', lane from aside
    ) as found
    where found.lane is not null
      and not exists (select from lane where lane.lane = found.lane)
    order by found.lane
    limit 1`
}
