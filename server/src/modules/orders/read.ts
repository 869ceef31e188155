/** Orders for those who ask, and what of them WeChat has to be asked about again: reads outside rounds. */
import type { BookId, CardId, Instant, Lane, MemberId, OrderId, OrderState } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray, laneArray, uuidArray } from '../../platform/db-array.ts'
import { together } from '../../platform/together.ts'
import { loadOrderRefunds, type OrderRefundRow } from './refund-store.ts'
import { type OrderRow, orderById } from './store.ts'
import { type TradeRow, tradeColumns } from './trade-store.ts'

/** undefined: there is none in that book. */
export async function findOrder(
  sql: Sql,
  book: BookId,
  id: OrderId,
): Promise<OrderRow | undefined> {
  const row = await orderById(sql, id)
  return row?.bookId === book ? row : undefined
}

/** With what stands in the way, which is noted beside the round. */
export type TradeShown = TradeRow & { readonly problem: string | null }

/** Every number of one order, in order. Whoever asks at the same time asks in one statement. */
export const selectTradesOf: (sql: Sql, orderId: OrderId) => Promise<readonly TradeShown[]> =
  together(async (sql, orderIds) => {
    const rows = await sql<TradeShown[]>`
      select ${tradeColumns(sql)}, problem
      from order_trade
      where lane = any(${laneArray(orderIds)}::int[])
        and order_id = any(${uuidArray(orderIds)}::uuid[])
      order by order_id, n`
    const byOrder = Map.groupBy(rows, ({ orderId }) => orderId)
    return (orderId: OrderId) => byOrder.get(orderId) ?? []
  })

export async function findTrade(
  sql: Sql,
  orderId: OrderId,
  n: number,
): Promise<TradeShown | undefined> {
  const all = await selectTradesOf(sql, orderId)
  return all.find((trade) => trade.n === n)
}

export async function findOrderRefund(
  sql: Sql,
  lane: Lane,
  orderId: OrderId,
  n: number,
): Promise<OrderRefundRow | undefined> {
  const [row] = await loadOrderRefunds(sql, lane, [`${orderId}:${n}`])
  return row
}

export function writeTradeProblem(
  sql: Sql,
  lane: Lane,
  { orderId, n }: Pick<TradeRow, 'orderId' | 'n'>,
  problem: string | null,
): Promise<unknown> {
  return sql`
    update order_trade
    set problem = ${problem}
    where lane = ${lane}
      and order_id = ${orderId}
      and n = ${n}`
}

export function writeRefundProblem(
  sql: Sql,
  lane: Lane,
  { orderId, n }: Pick<OrderRefundRow, 'orderId' | 'n'>,
  problem: string | null,
): Promise<unknown> {
  return sql`
    update order_refund
    set problem = ${problem}
    where lane = ${lane}
      and order_id = ${orderId}
      and n = ${n}`
}

export interface Due {
  readonly lane: Lane
  readonly bookId: BookId
  readonly orderId: OrderId
  readonly n: number
  readonly looks: number
}

/**
 * Numbers that WeChat has to be asked about, each given to one process for a while: whoever has it puts off the next
 * look before it looks.
 */
export function takeDueTrades(
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
        and look_at <= ${new Date(now)}
        and state in ('asked', 'open', 'closing')
      order by look_at
      limit ${limit}
      for update skip locked
    )
    update order_trade
    set
      looks = looks + 1,
      look_at = least(
        ${new Date(now)}::timestamptz + make_interval(secs => (
          ${intArray(backoff)}::int[]
        )[least(looks + 1, ${backoff.length})] / 1000.0),
        -- What can no longer be paid is closed on time.
        case when expires_at > ${new Date(now)}::timestamptz then expires_at else 'infinity' end
      )
    from due
    where order_trade.lane = any(${intArray(lanes)}::int[])
      and order_trade.lane = due.lane
      and order_trade.order_id = due.order_id
      and order_trade.n = due.n
    returning
      order_trade.lane, book_id as "bookId", order_trade.order_id as "orderId", order_trade.n, looks`
}

/** As `takeDueTrades`, of refunds. */
export function takeDueRefunds(
  sql: Sql,
  lanes: readonly Lane[],
  now: Instant,
  backoff: readonly Instant[],
  limit: number,
): Promise<Due[]> {
  return sql<Due[]>`
    with due as (
      select lane, order_id, n
      from order_refund
      where lane = any(${intArray(lanes)}::int[])
        and look_at <= ${new Date(now)}
        and state in ('asked', 'processing', 'abnormal')
      order by look_at
      limit ${limit}
      for update skip locked
    )
    update order_refund
    set
      looks = looks + 1,
      look_at = ${new Date(now)}::timestamptz + make_interval(secs => (
        ${intArray(backoff)}::int[]
      )[least(looks + 1, ${backoff.length})] / 1000.0)
    from due
    where order_refund.lane = any(${intArray(lanes)}::int[])
      and order_refund.lane = due.lane
      and order_refund.order_id = due.order_id
      and order_refund.n = due.n
    returning
      order_refund.lane, book_id as "bookId", order_refund.order_id as "orderId", order_refund.n, looks`
}

export type OrderPlace = Pick<Due, 'lane' | 'bookId' | 'orderId'>

/** Orders whose time to be paid is over, and of which nothing can be paid any more, the oldest first. */
export function selectExpired(
  sql: Sql,
  lanes: readonly Lane[],
  now: Instant,
  limit: number,
): Promise<OrderPlace[]> {
  return sql<OrderPlace[]>`
    select lane, book_id as "bookId", id as "orderId"
    from sale_order
    where lane = any(${intArray(lanes)}::int[])
      and status in ('created', 'paying')
      and expires_at <= ${new Date(now)}
      and not exists (
        select
        from order_trade
        where order_trade.lane = sale_order.lane
          and order_trade.order_id = sale_order.id
          and state in ('asked', 'open', 'closing')
      )
    order by expires_at
    limit ${limit}`
}

/** Delivered orders whose seal is over. */
export function selectUnsealed(
  sql: Sql,
  lanes: readonly Lane[],
  now: Instant,
  limit: number,
): Promise<OrderPlace[]> {
  return sql<OrderPlace[]>`
    select lane, book_id as "bookId", id as "orderId"
    from sale_order
    where lane = any(${intArray(lanes)}::int[])
      and status = 'delivered'
      and sealed_until <= ${new Date(now)}
    order by sealed_until
    limit ${limit}`
}

export interface OrderFilter {
  readonly reference?: string | undefined
  /** As a reader sees it at `now`. */
  readonly status?: OrderState | undefined
  readonly now: Instant
  /** Of any of these. */
  readonly members?: readonly MemberId[] | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** Of one book, the newest first, over all of its lanes. */
export function selectOrders(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  { reference, status, now, members, before, limit }: OrderFilter,
): Promise<{ id: OrderId; lane: Lane }[]> {
  return sql<{ id: OrderId; lane: Lane }[]>`
    select id, lane
    from sale_order
    where lane = any(${intArray(lanes)}::int[])
      and book_id = ${book}
      and (${reference ?? null}::text is null or reference = ${reference ?? null})
      and (
        ${status ?? null}::text is null
        or ${status ?? null}::text = case
          when status = 'delivered' and sealed_until <= ${new Date(now)} then 'completed'
          else status
        end
      )
      and (${members === undefined} or member_id = any(${uuidArray(members ?? [])}::uuid[]))
      and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
    order by id desc
    limit ${limit}`
}

/** The cards that were delivered for orders of any of these members, the newest order first. `card`: that one alone. */
export async function selectCardsOfMembers(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  members: readonly MemberId[],
  card?: CardId,
): Promise<CardId[]> {
  const rows = await sql<{ cardId: CardId }[]>`
    select bought.card_id as "cardId"
    from sale_order
    cross join unnest(card_ids) as bought (card_id)
    where lane = any(${intArray(lanes)}::int[])
      and book_id = ${book}
      and member_id = any(${uuidArray(members)}::uuid[])
      and kind = 'purchase'
      and (${card ?? null}::uuid is null or bought.card_id = ${card ?? null}::uuid)
    order by id desc, bought.card_id
    limit 200`
  return rows.map((row) => row.cardId)
}

/** Whether one of these members bought the card, or topped it up, by an order; a card lives in the lane of its order. */
export async function isCardOfMembers(
  sql: Sql,
  lane: Lane,
  members: readonly MemberId[],
  cardId: CardId,
): Promise<boolean> {
  const [row] = await sql`
    select id
    from sale_order
    where lane = ${lane}
      and member_id = any(${uuidArray(members)}::uuid[])
      and ${cardId}::uuid = any(card_ids)
    limit 1`
  return row !== undefined
}

export type RefundShown = OrderRefundRow & { readonly problem: string | null }

/** The refunds of one order, in order. */
export function selectRefundsOf(sql: Sql, lane: Lane, orderId: OrderId): Promise<RefundShown[]> {
  return sql<RefundShown[]>`
    select
      order_id as "orderId", n, book_id as "bookId", trade, total, amount, basis, state,
      refund_id as "refundId", reason, asked_at as "askedAt", ended_at as "endedAt", ended_by as "endedBy", problem
    from order_refund
    where lane = ${lane}
      and order_id = ${orderId}
    order by n`
}
