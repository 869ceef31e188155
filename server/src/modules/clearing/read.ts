/** Statements as they are listed and found, outside rounds. */
import type { BookId, BusinessDate, Fen, Lane, MerchantId, SettlementId } from '@lika/contract'
import { laneOfId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray } from '../../platform/db-array.ts'
import type { PortionRow, StatementRow, StatementState } from './model.ts'
import { findPortions, loadStatements, statementColumns } from './store.ts'

export interface StatementFilter {
  /** The merchant whose statement it is, not a payee. */
  readonly merchantId?: MerchantId | undefined
  readonly status?: StatementState | undefined
  readonly toDay?: BusinessDate | undefined
  /** Only those to be paid up to this day. */
  readonly payBy?: BusinessDate | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** undefined: the book has no such statement. */
export async function findStatement(
  sql: Sql,
  book: BookId,
  id: SettlementId,
): Promise<StatementRow | undefined> {
  const [row] = await loadStatements(sql, laneOfId(id), [id])
  return row?.bookId === book ? row : undefined
}

/** In the order of the split. */
export function portionsOf(sql: Sql, id: SettlementId): Promise<PortionRow[]> {
  return findPortions(sql, laneOfId(id), [id])
}

/** Of all these lanes together, the newest first. */
export function listStatements(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  { merchantId, status, toDay, payBy, before, limit }: StatementFilter,
): Promise<StatementRow[]> {
  return sql<StatementRow[]>`
    select newest.*
    from unnest(${intArray(lanes)}::int[]) as wanted (lane)
    cross join lateral (
      select ${statementColumns(sql)}
      from statement
      where lane = wanted.lane
        and book_id = ${book}
        ${merchantId === undefined ? sql`` : sql`and merchant_id = ${merchantId}`}
        ${status === undefined ? sql`` : sql`and status = ${status}`}
        ${toDay === undefined ? sql`` : sql`and to_day = ${toDay}`}
        ${payBy === undefined ? sql`` : sql`and pay_on <= ${payBy}`}
        ${before === undefined ? sql`` : sql`and id < ${before}`}
      order by id desc
      limit ${limit}
    ) as newest
    order by newest.id desc
    limit ${limit}`
}

export interface DuePortion extends PortionRow {
  readonly payOn: BusinessDate
  readonly toDay: BusinessDate
  readonly statementOf: MerchantId
}

/** Portions that are payable, of statements whose day has come by `day`; in the order of statement and line. */
export async function portionsDue(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  day: BusinessDate,
  after: { readonly statementId: string; readonly line: number } | undefined,
  limit: number,
): Promise<DuePortion[]> {
  return sql<DuePortion[]>`
    select
      portion.statement_id as "statementId", portion.merchant_id as "merchantId", portion.line,
      portion.book_id as "bookId", portion.amount, portion.status, portion.payout_id as "payoutId",
      statement.pay_on as "payOn", statement.to_day as "toDay", statement.merchant_id as "statementOf"
    from unnest(${intArray(lanes)}::int[]) as wanted (lane)
    join statement on statement.lane = wanted.lane
    join statement_portion as portion
      on portion.lane = wanted.lane
      and portion.statement_id = statement.id
    where statement.book_id = ${book}
      and statement.status = 'payable'
      and statement.pay_on <= ${day}
      and portion.status = 'payable'
      and (portion.statement_id, portion.line) > (
        ${after?.statementId ?? '00000000-0000-0000-0000-000000000000'}::uuid,
        ${after?.line ?? -1}::int
      )
    order by portion.statement_id, portion.line
    limit ${limit}`
}

/** What is still withheld, by the day on which it is given back. */
export function marginsOf(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  merchantId: MerchantId,
): Promise<{ statementId: SettlementId; releaseOn: BusinessDate; left: Fen }[]> {
  return sql`
    select id as "statementId", margin_release_on as "releaseOn", margin_left as left
    from statement
    where lane = any(${intArray(lanes)}::int[])
      and book_id = ${book}
      and merchant_id = ${merchantId}
      and margin_left > 0
    order by margin_release_on, id`
}
