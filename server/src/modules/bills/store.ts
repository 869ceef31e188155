/** The SQL of bills that were held against the books, and of what the books have of a day. */
import type {
  BookId,
  BusinessDate,
  CombinedPaymentId,
  Fen,
  Instant,
  Lane,
  OrderId,
  WechatAccountId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray } from '../../platform/db-array.ts'
import type { WechatBillRow } from './model.ts'

/** False: somebody else was faster. */
export async function insertBill(sql: Sql, row: WechatBillRow): Promise<boolean> {
  const done = await sql`
    insert into wechat_bill
      (account_id, day, book_id, state, payments, paid, refunds, refunded, fees, funds, learnt, exceptions,
        reconciled_at)
    values (
      ${row.accountId}, ${row.day}, ${row.bookId}, ${row.state}, ${row.payments}, ${row.paid}, ${row.refunds},
      ${row.refunded}, ${row.fees}, ${row.funds}, ${row.learnt}, ${row.exceptions}, ${new Date(row.reconciledAt)}
    )
    on conflict do nothing`
  return done.count === 1
}

export async function lastBilledDay(
  sql: Sql,
  accountId: WechatAccountId,
): Promise<BusinessDate | undefined> {
  const [row] = await sql<{ day: BusinessDate | null }[]>`
    select to_char(max(day), 'YYYY-MM-DD') as day
    from wechat_bill
    where account_id = ${accountId}`
  return row?.day ?? undefined
}

export interface WechatBillFilter {
  readonly day?: BusinessDate | undefined
  /** A day and an account: those before them. */
  readonly before?: { readonly day: BusinessDate; readonly accountId: string } | undefined
  readonly limit: number
}

/** The latest day first. */
export function selectBills(
  sql: Sql,
  book: BookId,
  { day, before, limit }: WechatBillFilter,
): Promise<WechatBillRow[]> {
  return sql<WechatBillRow[]>`
    select
      account_id as "accountId", to_char(day, 'YYYY-MM-DD') as day, book_id as "bookId", state, payments, paid, refunds,
      refunded, fees, funds, learnt, exceptions, reconciled_at as "reconciledAt"
    from wechat_bill
    where book_id = ${book}
      ${day === undefined ? sql`` : sql`and day = ${day}`}
      ${before === undefined ? sql`` : sql`and (day, account_id) < (${before.day}::date, ${before.accountId}::uuid)`}
    order by wechat_bill.day desc, account_id desc
    limit ${limit}`
}

export interface PaidOn {
  readonly from: Instant
  readonly until: Instant
}

/** Orders that the books say were paid over the account in that time. */
export function ordersPaidOn(
  sql: Sql,
  lanes: readonly Lane[],
  accountId: WechatAccountId,
  { from, until }: PaidOn,
): Promise<{ orderId: OrderId; n: number; amount: Fen }[]> {
  return sql`
    select order_id as "orderId", n, amount
    from order_trade
    where lane = any(${intArray(lanes)}::int[])
      and account_id = ${accountId}
      and state = 'paid'
      and paid_at >= ${new Date(from)}
      and paid_at < ${new Date(until)}`
}

/** Combined payments that the books say came to their end in that time, paid by WeChat. */
export function tillsPaidOn(
  sql: Sql,
  lanes: readonly Lane[],
  accountId: WechatAccountId,
  { from, until }: PaidOn,
): Promise<{ id: CombinedPaymentId; outTradeNo: string; amount: Fen }[]> {
  return sql`
    select id, out_trade_no as "outTradeNo", wechat_amount as amount
    from combined_payment
    where lane = any(${intArray(lanes)}::int[])
      and account_id = ${accountId}
      and transaction_id is not null
      and ended_at >= ${new Date(from)}
      and ended_at < ${new Date(until)}`
}
