/**
 * What an order may undergo and when, and whether a fact from WeChat is about what was asked: pure decisions over rows,
 * shared by every flow that touches an order.
 */
import {
  type Fen,
  type Instant,
  type OrderAction,
  type OrderRefundState,
  type OrderState,
  ok,
  orderActions,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { outTradeNo } from './numbers.ts'
import type { OrderRefundRow } from './refund-store.ts'
import type { OrderRow } from './store.ts'
import type { TradeRow } from './trade-store.ts'

/** Cards of one order. More at once are a batch. */
export const mostCards = 50

export function orderMay(action: OrderAction, status: OrderState): boolean {
  const from: readonly OrderState[] = orderActions[action].from
  return from.includes(status)
}

/** The order after the action. Refusals: `order.wrong_status` with the status. */
export function moved(order: OrderRow, action: OrderAction): Result<OrderRow> {
  if (orderMay(action, order.status)) return ok({ ...order, status: orderActions[action].to })
  return refused(
    refusal('order.wrong_status', `The order is ${order.status}.`, {
      data: { status: order.status },
    }),
  )
}

/** What a reader sees: a delivered order whose seal is over is complete, tidied or not. */
export function orderStatusOf(
  { status, sealedUntil }: Pick<OrderRow, 'status' | 'sealedUntil'>,
  now: Instant,
): OrderState {
  const isOver = status === 'delivered' && (sealedUntil === null || now >= sealedUntil)
  return isOver ? 'completed' : status
}

/** Whether its cards are still sealed, so that all of it can be given back. */
export function isSealed(
  { status, sealedUntil }: Pick<OrderRow, 'status' | 'sealedUntil'>,
  now: Instant,
): boolean {
  return status === 'delivered' && sealedUntil !== null && now < sealedUntil
}

/** A payment as WeChat tells it, its OpenID as the keyed digest under which it was kept. */
export interface PaidFact {
  readonly outTradeNo: string
  readonly mchid: string
  readonly appid: string
  readonly amount?: Fen | undefined
  readonly payerDigest?: Uint8Array | undefined
}

/**
 * Whether a payment is the one that was asked for: a genuine callback for 0.01 does not pay 100.00.
 * Refusals: `order.payment_differs` with the member that does.
 */
export function checkTrade(trade: TradeRow, paid: PaidFact): Result<void> {
  const member = differing(trade, paid)
  if (member === undefined) return ok(undefined)
  return refused(
    refusal('order.payment_differs', `The ${member} is not the one that was asked for.`, {
      data: { member },
    }),
  )
}

function differing(trade: TradeRow, paid: PaidFact): string | undefined {
  if (paid.outTradeNo !== outTradeNo(trade)) return 'out_trade_no'
  if (paid.amount !== trade.amount) return 'amount'
  if (paid.mchid !== trade.mchid) return 'mchid'
  if (paid.appid !== trade.appid) return 'appid'
  const { payerDigest } = trade
  if (payerDigest === null) return undefined
  const isSame = paid.payerDigest !== undefined && equal(paid.payerDigest, payerDigest)
  return isSame ? undefined : 'openid'
}

/** Whether the buyer may pay as he was asked to before: everything that WeChat compares is the same. */
export function isSameInvitation(
  trade: Pick<TradeRow, 'scene' | 'appid' | 'payerDigest' | 'accountId'>,
  asked: Pick<TradeRow, 'scene' | 'appid' | 'payerDigest' | 'accountId'>,
): boolean {
  const { payerDigest: one } = trade
  const { payerDigest: other } = asked
  const isSamePayer = one === null || other === null ? one === other : equal(one, other)
  return (
    isSamePayer &&
    trade.scene === asked.scene &&
    trade.appid === asked.appid &&
    trade.accountId === asked.accountId
  )
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}

/** A refund as WeChat tells it. Refusals: `order.payment_differs`. */
export function checkRefundFact(
  row: OrderRefundRow,
  told: { readonly outTradeNo: string; readonly amount: Fen },
): Result<void> {
  const isSame =
    told.amount === row.amount &&
    told.outTradeNo === outTradeNo({ orderId: row.orderId, n: row.trade })
  if (isSame) return ok(undefined)
  return refused(
    refusal('order.payment_differs', 'The refund is not the one that was asked for.', {
      data: { member: told.amount === row.amount ? 'out_trade_no' : 'amount' },
    }),
  )
}

/**
 * The refunds that this one asks for again, the last first: WeChat closed it, and whichever repeated it before. `all`: those
 * of the order.
 */
export function askedBefore<Row extends OrderRefundRow>(
  row: OrderRefundRow,
  all: readonly Row[],
): Row[] {
  const before = all.findLast(
    ({ n, trade, basis }) => n < row.n && trade === row.trade && basis === row.basis,
  )
  return before?.state === 'closed' ? [before, ...askedBefore(before, all)] : []
}

/** The one that asks for it again, and is asked for again by none; itself where none does. */
export function lastAsked<Row extends OrderRefundRow>(row: Row, all: readonly Row[]): Row {
  const isOf = (one: Row) => askedBefore(one, all).some(({ n }) => n === row.n)
  return all.findLast(isOf) ?? row
}

export interface RefundTold {
  readonly refundId: string
  readonly state: OrderRefundState
  /** WeChat has never heard of the last number. */
  readonly isUnsent: boolean
}

/**
 * What WeChat says of a refund under one of its numbers, of which `last` is the last one. What it closed stays closed, so of
 * an earlier number it can only be late; that money arrived under one all the same is believed where the last number cannot
 * pay it a second time, and `differs` where it can.
 */
export function judgeRefundTold(
  { n }: OrderRefundRow,
  last: OrderRefundRow,
  told: RefundTold,
): 'news' | 'known' | 'differs' {
  const isPaid = told.state === 'succeeded'
  if (last.state === 'succeeded')
    return isPaid && told.refundId !== last.refundId ? 'differs' : 'known'
  if (isPaid) {
    const isOnce =
      n === last.n || last.state === 'closed' || (told.isUnsent && last.state === 'asked')
    return isOnce ? 'news' : 'differs'
  }
  return n !== last.n || last.state === 'closed' || last.state === told.state ? 'known' : 'news'
}

/** Numbers of the order that may still be paid at WeChat. */
export function mayBePaid({ state }: Pick<TradeRow, 'state'>): boolean {
  return state === 'asked' || state === 'open' || state === 'closing'
}

/**
 * How long WeChat may not know a number that it was asked to open: a call that is still under way, from a process that
 * may have died, has arrived by then or never will.
 */
export const callInFlightMs = 60_000

const seconds = [5, 10, 15, 30, 60, 60, 120, 300]

/** How long WeChat is left alone before it is asked the next time about a payment or a refund, by how often it was. */
export function lookAgainMs(looks: number): number {
  return (seconds[Math.min(looks, seconds.length - 1)] ?? 300) * 1_000
}
