/** The SQL of those who read the ledger outside rounds: ends of lanes, balances at a place, entries with transfers. */
import type { BookId, CommandId, Fen, Instant, Lane, Mode } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray } from '../../platform/db-array.ts'

/** The last sequence number of every lane of a mode, all read at one moment. */
export async function readEnds(sql: Sql, mode: Mode): Promise<Map<Lane, bigint>> {
  const rows = await sql<{ lane: Lane; seq: bigint }[]>`
    select lane, next_seq - 1 as seq
    from lane
    where pool = ${mode}
    order by lane`
  return new Map(rows.map((row) => [row.lane, row.seq]))
}

/** The balance of a guarded account after the entry `seq` of its lane. */
export async function balanceOfGuarded(
  sql: Sql,
  lane: Lane,
  id: string,
  seq: bigint,
): Promise<Fen> {
  const [row] = await sql<{ balance: Fen }[]>`
    select balance
    from (
      (
        select seq, line, debit_balance as balance
        from transfer
        where lane = ${lane}
          and debit_account = ${id}
          and debit_balance is not null
          and seq <= ${seq}
        order by seq desc, line desc
        limit 1
      )
      union all
      (
        select seq, line, credit_balance
        from transfer
        where lane = ${lane}
          and credit_account = ${id}
          and credit_balance is not null
          and seq <= ${seq}
        order by seq desc, line desc
        limit 1
      )
    ) as last
    order by seq desc, line desc
    limit 1`
  return row?.balance ?? 0n
}

export interface EntryHead {
  readonly lane: Lane
  readonly seq: bigint
  readonly commandId: CommandId
  readonly kind: string
  readonly at: Instant
}

export interface EntryRange {
  readonly bookId: BookId
  readonly afterSeq: bigint
  readonly untilSeq: bigint
  readonly from: Instant
  /** Not included. */
  readonly to: Instant
  readonly limit: number
}

/** Entries that moved value, in the order of the lane. */
export function readEntriesBySeq(sql: Sql, lane: Lane, range: EntryRange): Promise<EntryHead[]> {
  return sql<EntryHead[]>`
    select lane, seq, command_id as "commandId", kind, at
    from journal
    where lane = ${lane}
      and seq > ${range.afterSeq}
      and seq <= ${range.untilSeq}
      and book_id = ${range.bookId}
      and not refused
      and at >= ${new Date(range.from)}
      and at < ${new Date(range.to)}
      and exists (
        select
        from transfer
        where transfer.lane = ${lane}
          and transfer.seq = journal.seq
      )
    order by seq
    limit ${range.limit}`
}

/** The same in the order of time, behind (at, seq): for lanes whose clock may be set back. */
export function readEntriesByTime(
  sql: Sql,
  lane: Lane,
  range: EntryRange,
  behind: { readonly at: Instant; readonly seq: bigint },
): Promise<EntryHead[]> {
  return sql<EntryHead[]>`
    select lane, seq, command_id as "commandId", kind, at
    from journal
    where lane = ${lane}
      and book_id = ${range.bookId}
      and not refused
      and at >= ${new Date(range.from)}
      and at < ${new Date(range.to)}
      and (at, seq) > (${new Date(behind.at)}, ${behind.seq})
      and exists (
        select
        from transfer
        where transfer.lane = ${lane}
          and transfer.seq = journal.seq
      )
    order by at, seq
    limit ${range.limit}`
}

export interface TransferOfEntry {
  readonly seq: bigint
  readonly line: number
  readonly debit: string
  readonly credit: string
  readonly amount: Fen
}

export function readTransfersOf(
  sql: Sql,
  lane: Lane,
  seqs: readonly bigint[],
): Promise<TransferOfEntry[]> {
  return sql<TransferOfEntry[]>`
    select seq, line, debit_account as debit, credit_account as credit, amount
    from transfer
    where lane = ${lane}
      and seq = any(${bigintArray(seqs)}::bigint[])
    order by seq, line`
}
