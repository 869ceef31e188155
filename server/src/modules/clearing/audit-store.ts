/** The SQL of what the auditor checks of clearing. */
import type { CommandId, Fen, Lane, MerchantId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, uuidArray } from '../../platform/db-array.ts'
import type { AuditSlice } from '../ledger/index.ts'
import type { ClearingRow, StatementRow } from './model.ts'
import { statementColumns } from './store.ts'

export function readClearingsAfter(
  sql: Sql,
  { lane, book, after, limit }: AuditSlice,
): Promise<ClearingRow[]> {
  return sql<ClearingRow[]>`
    select
      lane, merchant_id as "merchantId", book_id as "bookId", settled_through as "settledThrough", receivable
    from merchant_clearing
    where lane = ${lane}
      and (${book ?? null}::uuid is null or book_id = ${book ?? null}::uuid)
      and (${after ?? null}::uuid is null or merchant_id > ${after ?? null}::uuid)
    order by merchant_id
    limit ${limit}`
}

/** In the order of their days. */
export function statementsOfMerchants(
  sql: Sql,
  lane: Lane,
  merchantIds: readonly MerchantId[],
): Promise<StatementRow[]> {
  return sql<StatementRow[]>`
    select ${statementColumns(sql)}
    from statement
    where lane = ${lane}
      and merchant_id = any(${uuidArray(merchantIds)}::uuid[])
    order by merchant_id, to_day`
}

export async function readBodiesOf(
  sql: Sql,
  lane: Lane,
  seqs: readonly bigint[],
): Promise<Map<bigint, { commandId: CommandId; body: object }>> {
  const rows = await sql<{ seq: bigint; commandId: CommandId; body: object }[]>`
    select seq, command_id as "commandId", body::jsonb as body
    from journal
    where lane = ${lane}
      and seq = any(${bigintArray(seqs)}::bigint[])`
  return new Map(rows.map(({ seq, ...entry }) => [seq, entry]))
}

/** Of guarded accounts that have a row. */
export async function readAccountBalances(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
): Promise<Map<string, Fen>> {
  const rows = await sql<{ id: string; balance: Fen }[]>`
    select id, balance
    from account
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
  return new Map(rows.map(({ id, balance }) => [id, balance]))
}

/** What these accounts without a row hold by the transfers of entries that settled: nothing else moves them. */
export async function sumReceivables(
  sql: Sql,
  lane: Lane,
  merchantIds: readonly MerchantId[],
  ids: readonly string[],
): Promise<Map<string, Fen>> {
  const rows = await sql<{ id: string; balance: Fen }[]>`
    select side.id, sum(side.amount)::bigint as balance
    from statement
    join transfer on transfer.lane = ${lane} and transfer.seq = statement.seq
    cross join lateral (
      values (transfer.debit_account, transfer.amount), (transfer.credit_account, -transfer.amount)
    ) as side (id, amount)
    where statement.lane = ${lane}
      and statement.merchant_id = any(${uuidArray(merchantIds)}::uuid[])
      and (statement.receivable_added > 0 or statement.set_off > 0)
      and side.id = any(${uuidArray(ids)}::uuid[])
    group by side.id`
  return new Map(rows.map(({ id, balance }) => [id, balance]))
}

/** Merchants to whom something of a statement in the lane is or was paid. */
export async function readPayeesAfter(
  sql: Sql,
  { lane, book, after, limit }: AuditSlice,
): Promise<MerchantId[]> {
  const rows = await sql<{ merchantId: MerchantId }[]>`
    select distinct merchant_id as "merchantId"
    from statement_portion
    where lane = ${lane}
      and (${book ?? null}::uuid is null or book_id = ${book ?? null}::uuid)
      and (${after ?? null}::uuid is null or merchant_id > ${after ?? null}::uuid)
    order by merchant_id
    limit ${limit}`
  return rows.map(({ merchantId }) => merchantId)
}

/** By `payee status`. */
export async function sumPortions(
  sql: Sql,
  lane: Lane,
  payees: readonly MerchantId[],
): Promise<Map<string, Fen>> {
  const rows = await sql<{ merchantId: MerchantId; status: string; amount: Fen }[]>`
    select merchant_id as "merchantId", status, sum(amount)::bigint as amount
    from statement_portion
    where lane = ${lane}
      and merchant_id = any(${uuidArray(payees)}::uuid[])
    group by merchant_id, status`
  return new Map(rows.map(({ merchantId, status, amount }) => [`${merchantId} ${status}`, amount]))
}
