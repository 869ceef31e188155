/** Statements, their portions, and how far merchants are settled, in rounds. */
import type { Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  instantArray,
  intArray,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Finder, Shelf } from '../../platform/lanes/index.ts'
import type { ClearingRow, PortionRow, StatementRow } from './model.ts'

export const clearings: Shelf<ClearingRow> = {
  name: 'merchant_clearing',
  keyOf: (row) => row.merchantId,
  load: loadClearings,
  insert: insertClearings,
  update: updateClearings,
}

export const statements: Shelf<StatementRow> = {
  name: 'statement',
  keyOf: (row) => row.id,
  load: loadStatements,
  insert: insertStatements,
  update: updateStatements,
}

export const portions: Shelf<PortionRow> = {
  name: 'statement_portion',
  keyOf: portionKey,
  load: loadPortions,
  insert: insertPortions,
  update: updatePortions,
}

/** The statements of a merchant that still withhold something, by its id. */
export const statementsWithMargin: Finder<StatementRow> = {
  name: 'statements with margin of a merchant',
  shelf: statements,
  find: async (sql, lane, keys) =>
    (await findWithMargin(sql, lane, keys)).map((row) => ({ key: row.merchantId, row })),
}

/** All portions of a statement, by its id. */
export const portionsOfStatement: Finder<PortionRow> = {
  name: 'portions of a statement',
  shelf: portions,
  find: async (sql, lane, keys) =>
    (await findPortions(sql, lane, keys)).map((row) => ({ key: row.statementId, row })),
}

function portionKey(row: Pick<PortionRow, 'statementId' | 'merchantId'>): string {
  return `${row.statementId} ${row.merchantId}`
}

/** Of one lane, by merchant; unlocked reads use it too. */
export function loadClearings(
  sql: Sql,
  lane: Lane,
  merchantIds: readonly string[],
): Promise<ClearingRow[]> {
  return sql<ClearingRow[]>`
    select
      lane, merchant_id as "merchantId", book_id as "bookId", settled_through as "settledThrough", receivable
    from merchant_clearing
    where lane = ${lane}
      and merchant_id = any(${uuidArray(merchantIds)}::uuid[])`
}

function insertClearings(sql: Sql, lane: Lane, rows: readonly ClearingRow[]): Promise<unknown> {
  return sql`
    insert into merchant_clearing (lane, merchant_id, book_id, settled_through, receivable)
    select ${lane}, merchant_id, book_id, settled_through, receivable
    from unnest(
      ${uuidArray(rows.map((row) => row.merchantId))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${textArray(rows.map((row) => row.settledThrough))}::date[],
      ${bigintArray(rows.map((row) => row.receivable))}::bigint[]
    ) as fresh (merchant_id, book_id, settled_through, receivable)`
}

function updateClearings(sql: Sql, lane: Lane, rows: readonly ClearingRow[]): Promise<unknown> {
  return sql`
    update merchant_clearing
    set settled_through = changed.settled_through, receivable = changed.receivable
    from unnest(
      ${uuidArray(rows.map((row) => row.merchantId))}::uuid[],
      ${textArray(rows.map((row) => row.settledThrough))}::date[],
      ${bigintArray(rows.map((row) => row.receivable))}::bigint[]
    ) as changed (merchant_id, settled_through, receivable)
    where merchant_clearing.lane = ${lane}
      and merchant_clearing.merchant_id = changed.merchant_id`
}

/** The columns of a statement under the names of its row. */
export function statementColumns(sql: Sql) {
  return sql`
    id, book_id as "bookId", merchant_id as "merchantId", contract_version as "contractVersion",
    from_day as "fromDay", to_day as "toDay", from_cut as "fromCut", to_cut as "toCut", nets, taken, refunded, cancelled,
    commission, bonus_share as "bonusShare", voucher_share as "voucherShare", adjusted, due, set_off as "setOff",
    margin_withheld as "marginWithheld", margin_used as "marginUsed", receivable_added as "receivableAdded",
    margin_released as "marginReleased", payable, own_sales as "ownSales", margin_left as "marginLeft",
    margin_release_on as "marginReleaseOn", pay_on as "payOn", status, seq, seqs, created_at as "createdAt"`
}

/** Of one lane, by id; unlocked reads use it too. */
export function loadStatements(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
): Promise<StatementRow[]> {
  return sql<StatementRow[]>`
    select ${statementColumns(sql)}
    from statement
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

function findWithMargin(
  sql: Sql,
  lane: Lane,
  merchantIds: readonly string[],
): Promise<StatementRow[]> {
  return sql<StatementRow[]>`
    select ${statementColumns(sql)}
    from statement
    where lane = ${lane}
      and merchant_id = any(${uuidArray(merchantIds)}::uuid[])
      and margin_left > 0
    order by margin_release_on, id`
}

function insertStatements(sql: Sql, lane: Lane, rows: readonly StatementRow[]): Promise<unknown> {
  const uuids = (of: (row: StatementRow) => string) => uuidArray(rows.map(of))
  const texts = (of: (row: StatementRow) => string | null) => textArray(rows.map(of))
  const fens = (of: (row: StatementRow) => bigint) => bigintArray(rows.map(of))
  return sql`
    insert into statement
      (lane, id, book_id, merchant_id, contract_version, from_day, to_day, from_cut, to_cut, nets, taken, refunded,
        cancelled, commission, bonus_share, voucher_share, adjusted, due, set_off, margin_withheld, margin_used,
        receivable_added, margin_released, payable, own_sales, margin_left, margin_release_on, pay_on, status, seq,
        seqs, created_at)
    select
      ${lane}, id, book_id, merchant_id, contract_version, from_day, to_day, from_cut, to_cut, nets, taken, refunded,
      cancelled, commission, bonus_share, voucher_share, adjusted, due, set_off, margin_withheld, margin_used,
      receivable_added, margin_released, payable, own_sales, margin_left, margin_release_on, pay_on, status, seq,
      seqs, created_at
    from unnest(
      ${uuids((row) => row.id)}::uuid[],
      ${uuids((row) => row.bookId)}::uuid[],
      ${uuids((row) => row.merchantId)}::uuid[],
      ${intArray(rows.map((row) => row.contractVersion))}::int[],
      ${texts((row) => row.fromDay)}::date[],
      ${texts((row) => row.toDay)}::date[],
      ${texts((row) => JSON.stringify(row.fromCut))}::jsonb[],
      ${texts((row) => JSON.stringify(row.toCut))}::jsonb[],
      ${texts((row) => JSON.stringify(row.nets))}::jsonb[],
      ${fens((row) => row.taken)}::bigint[],
      ${fens((row) => row.refunded)}::bigint[],
      ${fens((row) => row.cancelled)}::bigint[],
      ${fens((row) => row.commission)}::bigint[],
      ${fens((row) => row.bonusShare)}::bigint[],
      ${fens((row) => row.voucherShare)}::bigint[],
      ${fens((row) => row.adjusted)}::bigint[],
      ${fens((row) => row.due)}::bigint[],
      ${fens((row) => row.setOff)}::bigint[],
      ${fens((row) => row.marginWithheld)}::bigint[],
      ${fens((row) => row.marginUsed)}::bigint[],
      ${fens((row) => row.receivableAdded)}::bigint[],
      ${fens((row) => row.marginReleased)}::bigint[],
      ${fens((row) => row.payable)}::bigint[],
      ${fens((row) => row.ownSales)}::bigint[],
      ${fens((row) => row.marginLeft)}::bigint[],
      ${texts((row) => row.marginReleaseOn)}::date[],
      ${texts((row) => row.payOn)}::date[],
      ${texts((row) => row.status)}::text[],
      ${fens((row) => row.seq)}::bigint[],
      ${texts((row) => JSON.stringify(row.seqs))}::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh
      (id, book_id, merchant_id, contract_version, from_day, to_day, from_cut, to_cut, nets, taken, refunded,
        cancelled, commission, bonus_share, voucher_share, adjusted, due, set_off, margin_withheld, margin_used,
        receivable_added, margin_released, payable, own_sales, margin_left, margin_release_on, pay_on, status, seq,
        seqs, created_at)`
}

/** What changes of a statement: how far it is paid, and what later ones leave of its margin. */
function updateStatements(sql: Sql, lane: Lane, rows: readonly StatementRow[]): Promise<unknown> {
  return sql`
    update statement
    set status = changed.status, margin_left = changed.margin_left
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${bigintArray(rows.map((row) => row.marginLeft))}::bigint[]
    ) as changed (id, status, margin_left)
    where statement.lane = ${lane}
      and statement.id = changed.id`
}

function loadPortions(sql: Sql, lane: Lane, keys: readonly string[]): Promise<PortionRow[]> {
  const parts = keys.map((key) => key.split(' '))
  return sql<PortionRow[]>`
    select
      statement_id as "statementId", statement_portion.merchant_id as "merchantId", line, book_id as "bookId", amount,
      status, payout_id as "payoutId"
    from statement_portion
    join unnest(
      ${uuidArray(parts.map(([id = '']) => id))}::uuid[],
      ${uuidArray(parts.map(([, id = '']) => id))}::uuid[]
    ) as wanted (id, merchant_id)
      on wanted.id = statement_portion.statement_id
      and wanted.merchant_id = statement_portion.merchant_id
    where lane = ${lane}`
}

/** Of one lane, by statement, in their order; unlocked reads use it too. */
export function findPortions(
  sql: Sql,
  lane: Lane,
  statementIds: readonly string[],
): Promise<PortionRow[]> {
  return sql<PortionRow[]>`
    select
      statement_id as "statementId", merchant_id as "merchantId", line, book_id as "bookId", amount, status,
      payout_id as "payoutId"
    from statement_portion
    where lane = ${lane}
      and statement_id = any(${uuidArray(statementIds)}::uuid[])
    order by statement_id, line`
}

function insertPortions(sql: Sql, lane: Lane, rows: readonly PortionRow[]): Promise<unknown> {
  return sql`
    insert into statement_portion
      (lane, statement_id, merchant_id, line, book_id, amount, status, payout_id)
    select ${lane}, statement_id, merchant_id, line, book_id, amount, status, payout_id
    from unnest(
      ${uuidArray(rows.map((row) => row.statementId))}::uuid[],
      ${uuidArray(rows.map((row) => row.merchantId))}::uuid[],
      ${intArray(rows.map((row) => row.line))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${uuidArray(rows.map((row) => row.payoutId))}::uuid[]
    ) as fresh (statement_id, merchant_id, line, book_id, amount, status, payout_id)`
}

function updatePortions(sql: Sql, lane: Lane, rows: readonly PortionRow[]): Promise<unknown> {
  return sql`
    update statement_portion
    set status = changed.status, payout_id = changed.payout_id
    from unnest(
      ${uuidArray(rows.map((row) => row.statementId))}::uuid[],
      ${uuidArray(rows.map((row) => row.merchantId))}::uuid[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${uuidArray(rows.map((row) => row.payoutId))}::uuid[]
    ) as changed (statement_id, merchant_id, status, payout_id)
    where statement_portion.lane = ${lane}
      and statement_portion.statement_id = changed.statement_id
      and statement_portion.merchant_id = changed.merchant_id`
}
