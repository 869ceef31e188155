/**
 * An order is paid: the money and what is bought for it in one command. Callback, query and bill are three ways to
 * learn of it; each runs this command under the number of the payment, so that it has one effect. What cannot be
 * delivered is set apart and goes back by itself.
 */
import {
  type CommandId,
  type Instant,
  issuerOfBook,
  laneOfId,
  type OrderId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { type Buyer, type MintedCard, openBuyer } from '../../modules/cards/index.ts'
import {
  checkTrade,
  mayBePaid,
  mostRefunds,
  moved,
  type OrderRefundRow,
  type OrderRow,
  outTradeNo,
  type PaidFact,
  type RefundBasis,
  type TradeRow,
} from '../../modules/orders/index.ts'
import type { Command, Decision } from '../../platform/lanes/index.ts'
import type { Body } from '../cards/facts.ts'
import { type Law, lawOf } from '../cards/law.ts'
import { termsOfCard } from '../cards/on-card.ts'
import { type Sale, saleOf } from '../cards/sale.ts'
import type { FlowContext } from '../context.ts'
import { type Kept, keptStock, returnKept, sellKept } from '../stock/keep.ts'
import { type PreparedTopUp, prepareTopUp, topUp } from '../top-up/deliver.ts'
import { deliverCards, sealOf } from './deliver.ts'
import { orderBody, refundBody } from './facts.ts'
import { checkOrdered } from './law-of-order.ts'
import {
  commandOnOrder,
  type OnOrder,
  ownAccount,
  putOrder,
  putRefund,
  putTrade,
} from './on-order.ts'

/** A payment that WeChat says was made. */
export interface Paid extends PaidFact {
  readonly transactionId: string
  readonly paidAt?: Instant | undefined
}

/** What was prepared before the round: whatever the order is for. */
interface Goods {
  readonly law: Law
  readonly sale: Sale
  readonly buyer: Buyer | undefined
  readonly minted: readonly MintedCard[]
  readonly topUp: PreparedTopUp | undefined
  readonly kept: Kept | undefined
}

/**
 * Outcomes: `order.paid` (cards were delivered), `order.topped_up`, `order.undeliverable` and `order.paid_again` (the
 * money is set apart, its refund is asked for). Refusals: `order.not_found`, `order.payment_differs`,
 * `order.wrong_status` for what was told before; none of them is final.
 */
export function paidCommand(
  context: FlowContext,
  book: OrderRow['bookId'],
  { orderId, n }: { readonly orderId: OrderId; readonly n: number },
  paid: Paid,
  seen?: OrderRow,
): Result<Command> {
  const key = outTradeNo({ orderId, n })
  const asked = { orderId, operation: 'order.paid', key, input: {}, seen }
  let topUpBefore: PreparedTopUp | undefined
  return commandOnOrder(context, book, asked, async (seen, commandId) => {
    const goods = await prepare(context, seen, commandId, topUpBefore)
    topUpBefore = goods.topUp
    return {
      lanes: [
        ...(goods.topUp?.lanes ?? []),
        ...(goods.kept === undefined ? [] : [goods.kept.lane]),
      ],
      reads: [...(goods.topUp?.reads ?? []), ...(goods.kept?.reads ?? [])],
      decide: (on) => {
        const trade = on.trades[n - 1]
        const checked = trade === undefined ? refused(unknownTrade) : checkTrade(trade, paid)
        if (!checked.ok) return { ...checked, final: false }
        if (trade === undefined || trade.state === 'paid')
          return { ok: false, final: false, refusal: toldBefore }
        return decide(context, on, receipt(on, trade, paid), goods)
      },
    }
  })
}

const unknownTrade = refusal('order.not_found', 'The order never had this number at WeChat.')
const toldBefore = refusal('order.wrong_status', 'The payment is in the book already.')

async function prepare(
  context: FlowContext,
  order: OrderRow,
  commandId: CommandId,
  topUpBefore: PreparedTopUp | undefined,
): Promise<Goods> {
  const { bookId: book, hasBuyer, kind, quantity } = order
  const { database, keyring, mintCards } = context
  const issuerId = issuerOfBook(book)
  const isPurchase = kind === 'purchase'
  const [law, sale, buyer, prepared, kept] = await Promise.all([
    lawOf(context, issuerId),
    saleOf(context, { issuerId, book }),
    hasBuyer ? openBuyer(database.sql, keyring, order.id) : undefined,
    isPurchase ? undefined : prepareTopUp(context, order, topUpBefore),
    isPurchase ? keptStock(context, order.id, order.productId) : undefined,
  ])
  return {
    law,
    sale,
    buyer,
    topUp: prepared,
    kept,
    minted: isPurchase
      ? mintCards({
          lane: laneOfId(commandId),
          prefix: law.issuer.numberPrefix,
          count: quantity,
        })
      : [],
  }
}

/** The payment is in the book; what else the buyer was asked for is to be closed. */
function receipt(on: OnOrder, trade: TradeRow, paid: Paid): TradeRow {
  const { transactionId, paidAt = on.now } = paid
  const received: TradeRow = {
    ...trade,
    state: 'paid',
    transactionId,
    paidAt,
    paidBy: on.view.commandId,
  }
  putTrade(on, received)
  for (const other of on.trades)
    if (other.n !== trade.n && mayBePaid(other)) putTrade(on, { ...other, state: 'closing' })
  return received
}

function decide(context: FlowContext, on: OnOrder, trade: TradeRow, goods: Goods): Decision {
  const { order } = on
  if (order.paidTrade !== null) return giveBack(on, order, trade, 'surplus', 'order.paid_again')
  const paid: OrderRow = { ...order, paidTrade: trade.n, paidAt: trade.paidAt }
  const received = moved(paid, 'pay')
  const delivered = received.ok ? deliver(context, on, trade, goods, received.value) : received
  if (delivered.ok) {
    sellKept(on.view, goods.kept)
    return delivered
  }
  const back = moved({ ...paid, undeliverable: delivered.refusal.code }, 'surrender')
  if (back.ok) returnKept(on.view, goods.kept)
  return back.ok
    ? giveBack(on, back.value, trade, 'undeliverable', 'order.undeliverable')
    : { ok: false, final: false, refusal: back.refusal }
}

/** Refusals, after which nothing has moved: those of the law and of the card that is topped up. */
function deliver(
  context: FlowContext,
  on: OnOrder,
  trade: TradeRow,
  { law, sale, buyer, minted, topUp: prepared }: Goods,
  order: OrderRow,
): Result<{ kind: string; version: number; body: Body }> {
  const policy = law.at(on.now)
  if (prepared !== undefined) {
    const done = topUp(context, on, trade, prepared, { policy, sale, buyer })
    if (!done.ok) return done
    const { cardId, body } = done.value
    const after = finish(on, { ...order, cardIds: [cardId] })
    return ok({ kind: 'order.topped_up', version: 1, body: { ...body, ...bodyOf(on, after) } })
  }
  const terms = termsOfCard(context, order)
  const lawful = checkOrdered(policy, { ...order, terms, carried: 0n, buyer }, sale)
  if (!lawful.ok) return lawful
  const cardIds = deliverCards(context, on, trade, { minted, sale })
  const after = finish(on, { ...order, cardIds })
  return ok({ kind: 'order.paid', version: 1, body: bodyOf(on, after) })
}

/** Delivered; complete at once where nothing is sealed. */
function finish(on: OnOrder, order: OrderRow): OrderRow {
  const sealedUntil = sealOf(order, on.now)
  const delivered = moved(order, sealedUntil === null ? 'complete' : 'deliver')
  if (!delivered.ok) throw new Error('an order that was paid cannot be delivered')
  const after = { ...delivered.value, sealedUntil, deliveryId: on.view.commandId }
  putOrder(on, after)
  return after
}

function bodyOf(on: OnOrder, order: OrderRow): Body {
  return { ...orderBody(order), ...on.desks.records() }
}

/** The money waits for its way back, and the refund is asked for as soon as the command is in the book. */
function giveBack(
  on: OnOrder,
  order: OrderRow,
  trade: TradeRow,
  basis: RefundBasis,
  kind: string,
): Decision {
  const { desks, lane, now } = on
  if (order.refunds >= mostRefunds) throw new Error('an order has more refunds than WeChat takes')
  const { amount } = trade
  desks.in(lane).transfer({
    debit: ownAccount(on, 'wechat'),
    credit: ownAccount(on, 'order_suspense'),
    amount,
  })
  const refund: OrderRefundRow = {
    orderId: order.id,
    n: order.refunds + 1,
    bookId: order.bookId,
    trade: trade.n,
    total: amount,
    amount,
    basis,
    state: 'asked',
    refundId: null,
    reason: null,
    askedAt: now,
    endedAt: null,
    endedBy: null,
  }
  putRefund(on, refund)
  const after = { ...order, refunds: refund.n }
  putOrder(on, after)
  const body = { ...bodyOf(on, after), refund: refundBody(refund) }
  return { ok: true, value: { kind, version: 1, body } }
}
