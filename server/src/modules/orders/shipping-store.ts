/** Which payments in mini-programs WeChat has yet to be told the delivery of, and what came of it: outside rounds. */
import type { Instant, Lane, OrderId, ShippingEnd } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray } from '../../platform/db-array.ts'
import type { Due } from './read.ts'
import type { TradeRow } from './trade-store.ts'

/** Of the payment of an order that was made in a mini-program. */
export interface ShippingRow {
  readonly n: number
  /** null: WeChat is told soon, or again. */
  readonly end: ShippingEnd | null
  readonly problem: string | null
}

export function selectShippings(sql: Sql, lane: Lane, orderId: OrderId): Promise<ShippingRow[]> {
  return sql<ShippingRow[]>`
    select n, shipping as end, shipping_problem as problem
    from order_trade
    where lane = ${lane}
      and order_id = ${orderId}
      and scene = 'mini_program'
      and state = 'paid'`
}

/** As `takeDueTrades`, of deliveries that WeChat has not been told. */
export function takeDueShippings(
  sql: Sql,
  lanes: readonly Lane[],
  now: Instant,
  backoff: readonly Instant[],
  limit: number,
): Promise<Due[]> {
  return sql<Due[]>`
    with due as (
      select lane, order_id, n
      from order_trade
      where lane = any(${intArray(lanes)}::int[])
        and scene = 'mini_program'
        and state = 'paid'
        and shipping is null
        and coalesce(shipping_look_at, paid_at) <= ${new Date(now)}
      order by coalesce(shipping_look_at, paid_at)
      limit ${limit}
      for update skip locked
    )
    update order_trade
    set
      shipping_looks = shipping_looks + 1,
      shipping_look_at = ${new Date(now)}::timestamptz + make_interval(secs => (
        ${intArray(backoff)}::int[]
      )[least(shipping_looks + 1, ${backoff.length})] / 1000.0)
    from due
    where order_trade.lane = any(${intArray(lanes)}::int[])
      and order_trade.lane = due.lane
      and order_trade.order_id = due.order_id
      and order_trade.n = due.n
    returning
      order_trade.lane, book_id as "bookId", order_trade.order_id as "orderId", order_trade.n,
      shipping_looks as looks`
}

/** `end` null: it is told again later. */
export function writeShipping(
  sql: Sql,
  lane: Lane,
  { orderId, n }: Pick<TradeRow, 'orderId' | 'n'>,
  { end, problem }: { readonly end: ShippingEnd | null; readonly problem: string | null },
): Promise<unknown> {
  return sql`
    update order_trade
    set shipping = ${end}, shipping_problem = ${problem}
    where lane = ${lane}
      and order_id = ${orderId}
      and n = ${n}`
}
