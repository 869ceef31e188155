/**
 * What was paid in a mini-program and delivered is reported to WeChat. A card has no parcel: it is delivered the moment it can
 * be used.
 */
import { type Fen, laneOfId, modeOfBook } from '@lika/contract'
import {
  type Due,
  findOrder,
  findTrade,
  type OrderRow,
  outTradeNo,
  selectRefundsOf,
  type TradeRow,
  writeShipping,
} from '../../modules/orders/index.ts'
import type { FlowContext } from '../context.ts'
import { inTime, notDue, notTold, type Told, tellDelivered } from '../shipping.ts'
import { descriptionOf } from './description.ts'

/** Tells WeChat, or writes down why that cannot be done now. */
export async function reportShipping(context: FlowContext, due: Due): Promise<void> {
  const { sql } = context.database
  const trade = await findTrade(sql, due.orderId, due.n)
  const order = trade && (await findOrder(sql, due.bookId, due.orderId))
  if (trade === undefined || order === undefined) return
  const told = await toldOf(context, order, trade)
  const now = context.engine.now(modeOfBook(due.bookId))
  await writeShipping(sql, due.lane, trade, inTime(told, now, trade.paidAt ?? 0))
}

/** Not what was paid twice, could not be delivered, or went back whole. */
async function toldOf(context: FlowContext, order: OrderRow, trade: TradeRow): Promise<Told> {
  const { status, paidTrade, deliveryId } = order
  if (paidTrade !== trade.n) return notDue
  if (status === 'paid') return notTold('it is not delivered yet')
  if (deliveryId === null) return notDue
  const refunds = await selectRefundsOf(context.database.sql, laneOfId(order.id), order.id)
  const goingBack = refunds.filter((one) => one.trade === trade.n && one.state !== 'closed')
  if (sumOf(goingBack) < trade.amount) return tell(context, order, trade)
  const isBack = goingBack.every(({ state }) => state === 'succeeded')
  return isBack ? notDue : notTold('it goes back')
}

function sumOf(refunds: readonly { readonly amount: Fen }[]): Fen {
  return refunds.reduce((sum, { amount }) => sum + amount, 0n)
}

async function tell(context: FlowContext, order: OrderRow, trade: TradeRow): Promise<Told> {
  const { bookId: book, mchid, appid, payerDigest } = trade
  const terms = await context.programs.termsOf(book, order.productId, order.productVersion)
  return tellDelivered(context, {
    book,
    appid,
    memberId: order.memberId,
    payerDigest,
    mchid,
    outTradeNo: outTradeNo(trade),
    item: descriptionOf(terms?.name ?? '', order.quantity),
    goods: 'virtual',
    at: context.engine.now(modeOfBook(book)),
  })
}
