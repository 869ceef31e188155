/**
 * Money that goes back to a payer through WeChat, in rounds. Each refund is written, and its money set apart, before
 * WeChat is asked for it; the same number is asked for until WeChat says what became of it.
 */
import type {
  BookId,
  CommandId,
  Fen,
  Instant,
  Lane,
  OrderId,
  OrderRefundState,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  instantArray,
  intArray,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'

export const refundBases = ['cooling_off', 'statutory', 'load', 'undeliverable', 'surplus'] as const
/**
 * Why money goes back: within the seal; by law within days; a top-up; what could not be delivered; a second payment of
 * the same order.
 */
export type RefundBasis = (typeof refundBases)[number]

export interface OrderRefundRow {
  readonly orderId: OrderId
  /** Counts the refunds of the order, from 1: with its id it makes the number. */
  readonly n: number
  readonly bookId: BookId
  /** Which payment of the order goes back, and how much that was. */
  readonly trade: number
  readonly total: Fen
  readonly amount: Fen
  readonly basis: RefundBasis
  readonly state: OrderRefundState
  /** WeChat's own number. */
  readonly refundId: string | null
  /** In the words of whoever asked for it. */
  readonly reason: string | null
  readonly askedAt: Instant
  readonly endedAt: Instant | null
  /** The command that took its end into the book. */
  readonly endedBy: CommandId | null
}

export const orderRefunds: Shelf<OrderRefundRow> = {
  name: 'order_refund',
  keyOf: orderRefundKey,
  load: loadOrderRefunds,
  insert: insertRefunds,
  update: updateRefunds,
}

/** `order:n` */
function orderRefundKey({ orderId, n }: Pick<OrderRefundRow, 'orderId' | 'n'>): string {
  return `${orderId}:${n}`
}

/** Rows of one lane by key; unlocked reads use it too. */
export function loadOrderRefunds(
  sql: Sql,
  lane: Lane,
  keys: readonly string[],
): Promise<OrderRefundRow[]> {
  const parts = keys.map((key) => key.split(':'))
  return sql<OrderRefundRow[]>`
    select
      order_id as "orderId", n, book_id as "bookId", trade, total, amount, basis, state,
      refund_id as "refundId", reason, asked_at as "askedAt", ended_at as "endedAt",
      ended_by as "endedBy"
    from order_refund
    join unnest(
      ${uuidArray(parts.map(([id = '']) => id))}::uuid[],
      ${intArray(parts.map(([, n]) => Number(n)))}::int[]
    ) as wanted (order_id, n) using (order_id, n)
    where lane = ${lane}`
}

function insertRefunds(sql: Sql, lane: Lane, rows: readonly OrderRefundRow[]): Promise<unknown> {
  return sql`
    insert into order_refund
      (lane, order_id, n, book_id, trade, total, amount, basis, state, refund_id, reason, asked_at, ended_at,
        ended_by, look_at)
    select
      ${lane}, order_id, n, book_id, trade, total, amount, basis, state, refund_id, reason, asked_at, ended_at,
      ended_by, asked_at + interval '10 seconds'
    from unnest(
      ${uuidArray(rows.map((row) => row.orderId))}::uuid[],
      ${intArray(rows.map((row) => row.n))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${intArray(rows.map((row) => row.trade))}::int[],
      ${bigintArray(rows.map((row) => row.total))}::bigint[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${textArray(rows.map((row) => row.basis))}::text[],
      ${textArray(rows.map((row) => row.state))}::text[],
      ${textArray(rows.map((row) => row.refundId))}::text[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${instantArray(rows.map((row) => row.askedAt))}::timestamptz[],
      ${instantArray(rows.map((row) => row.endedAt))}::timestamptz[],
      ${uuidArray(rows.map((row) => row.endedBy))}::uuid[]
    ) as fresh
      (order_id, n, book_id, trade, total, amount, basis, state, refund_id, reason, asked_at, ended_at,
        ended_by)`
}

/** What was asked never changes; how often it was looked at is not the round's to say. */
function updateRefunds(sql: Sql, lane: Lane, rows: readonly OrderRefundRow[]): Promise<unknown> {
  return sql`
    update order_refund
    set
      state = changed.state,
      refund_id = changed.refund_id,
      ended_at = changed.ended_at,
      ended_by = changed.ended_by
    from unnest(
      ${uuidArray(rows.map((row) => row.orderId))}::uuid[],
      ${intArray(rows.map((row) => row.n))}::int[],
      ${textArray(rows.map((row) => row.state))}::text[],
      ${textArray(rows.map((row) => row.refundId))}::text[],
      ${instantArray(rows.map((row) => row.endedAt))}::timestamptz[],
      ${uuidArray(rows.map((row) => row.endedBy))}::uuid[]
    ) as changed (order_id, n, state, refund_id, ended_at, ended_by)
    where order_refund.lane = ${lane}
      and order_refund.order_id = changed.order_id
      and order_refund.n = changed.n`
}
