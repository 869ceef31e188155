/**
 * An order as the outside sees it. What changes in its life comes from its row or from the body of a journal entry, so
 * that an answer that is given again is the one that was given first; what was agreed comes from the row.
 */
import {
  asId,
  type CardId,
  fenToJson,
  formatId,
  formatInstant,
  type Instant,
  type OrderState,
  orderStates,
} from '@lika/contract'
import {
  isSealed,
  type OrderRefundRow,
  type OrderRow,
  orderStatusOf,
  outRefundNo,
  outTradeNo,
  refundBases,
  type TradeRow,
} from '../../modules/orders/index.ts'
import { type Body, currency, fenIn, listIn, membersOf, textIn } from '../cards/facts.ts'

/** What of an order changes in its life. */
type Changing = Pick<
  OrderRow,
  | 'status'
  | 'review'
  | 'paidAt'
  | 'refunded'
  | 'cardIds'
  | 'sealedUntil'
  | 'undeliverable'
  | 'trades'
  | 'paidTrade'
>

/** As members of the body of an entry: ids, amounts and codes, nothing of people. */
export function orderBody(order: OrderRow): Body {
  return {
    orderId: order.id,
    orderKind: order.kind,
    channel: order.channel,
    productId: order.productId,
    amountFen: String(order.amount),
    bonusFen: String(order.bonus),
    quantity: order.quantity,
    totalFen: String(order.total),
    ...(order.memberId !== null && { memberId: order.memberId }),
    status: order.status,
    review: order.review,
    paidAt: order.paidAt,
    refundedFen: String(order.refunded),
    cardIds: [...order.cardIds],
    unsealsAt: order.sealedUntil,
    undeliverable: order.undeliverable,
    trades: order.trades,
    paidTrade: order.paidTrade,
  }
}

function changingFrom(body: Body): Changing {
  const status = orderStates.find((one) => one === body['status'])
  if (status === undefined) throw new Error('the body of the entry has no status of an order')
  const review = (['pending', 'approved', 'rejected'] as const).find(
    (one) => one === body['review'],
  )
  const undeliverable = body['undeliverable']
  return {
    status,
    review: review ?? null,
    paidAt: numberOr(body, 'paidAt', null),
    refunded: fenIn(body, 'refundedFen'),
    cardIds: listIn(body, 'cardIds').flatMap((id): CardId[] =>
      typeof id === 'string' ? [asId(id)] : [],
    ),
    sealedUntil: numberOr(body, 'unsealsAt', null),
    undeliverable: typeof undeliverable === 'string' ? undeliverable : null,
    trades: numberOr(body, 'trades', 0),
    paidTrade: numberOr(body, 'paidTrade', null),
  }
}

function numberOr<T>(body: Body, name: string, other: T): number | T {
  const value = body[name]
  return typeof value === 'number' ? value : other
}

/** The order as it was at the end of a command; `order` is its row, of which only what never changes is taken. */
export function presentOrderOf(body: Body, order: OrderRow, at: Instant) {
  return presentOrder({ ...order, ...changingFrom(membersOf(body)) }, at)
}

/** `at` decides whether the order reads `completed`. */
export function presentOrder(order: OrderRow, at: Instant) {
  const status: OrderState = orderStatusOf(order, at)
  return {
    id: formatId('order', order.id),
    kind: order.kind,
    status,
    channel: order.channel,
    product_id: formatId('product', order.productId),
    product_version: order.productVersion,
    card_id: order.cardId === null ? null : formatId('card', order.cardId),
    member_id: order.memberId === null ? null : formatId('member', order.memberId),
    amount: fenToJson(order.amount),
    bonus_amount: fenToJson(order.bonus),
    quantity: order.quantity,
    total: fenToJson(order.total),
    refunded_amount: fenToJson(order.refunded),
    currency,
    review: order.review,
    cards: order.cardIds.map((id) => formatId('card', id)),
    sealed_until: isSealed(order, at) ? timeOf(order.sealedUntil) : null,
    undeliverable: order.undeliverable,
    payment: {
      out_trade_no: tradeNoOf(order),
      expires_at: formatInstant(order.expiresAt),
      paid_at: timeOf(order.paidAt),
    },
    reference: order.reference,
    metadata: { ...order.metadata },
    created_at: formatInstant(order.createdAt),
  }
}

/** The number that paid it, else the last under which it may be paid. */
function tradeNoOf({ id: orderId, trades, paidTrade }: OrderRow): string | null {
  const n = paidTrade ?? trades
  return n === 0 ? null : outTradeNo({ orderId, n })
}

function timeOf(at: Instant | null): string | null {
  return at === null ? null : formatInstant(at)
}

/** A refund as members of a body, and as it is answered from there. */
export function refundBody(refund: OrderRefundRow): Body {
  return { n: refund.n, amountFen: String(refund.amount), basis: refund.basis, trade: refund.trade }
}

/** What was asked of WeChat a moment ago is under way there. */
export function presentRefundOf(body: Body, orderId: OrderRow['id'], reason: string | null) {
  const n = numberOr(body, 'n', 0)
  return {
    out_refund_no: outRefundNo({ orderId, n }),
    amount: fenToJson(fenIn(body, 'amountFen')),
    basis: refundBases.find((one) => one === textIn(body, 'basis')) ?? 'surplus',
    status: 'asked' as const,
    reason,
    problem: null,
    ended_at: null,
  }
}

export function presentRefund(refund: OrderRefundRow & { readonly problem: string | null }) {
  return {
    out_refund_no: outRefundNo(refund),
    amount: fenToJson(refund.amount),
    basis: refund.basis,
    status: refund.state,
    reason: refund.reason,
    problem: refund.problem,
    ended_at: timeOf(refund.endedAt),
  }
}

export function presentTrade(trade: TradeRow) {
  return {
    out_trade_no: outTradeNo(trade),
    scene: trade.scene,
    status: trade.state,
    expires_at: formatInstant(trade.expiresAt),
    paid_at: timeOf(trade.paidAt),
  }
}
