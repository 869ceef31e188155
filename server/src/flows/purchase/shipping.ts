/**
 * What was paid in a mini-program and delivered is reported to WeChat (发货信息录入): it keeps the money frozen, and its
 * sharing waits, until it has been told. A card has no parcel: it is delivered the moment it can be used.
 */
import { modeOfBook } from '@lika/contract'
import {
  type Due,
  findOrder,
  findTrade,
  type OrderRow,
  outTradeNo,
  type ShippingEnd,
  type TradeRow,
  writeShipping,
} from '../../modules/orders/index.ts'
import type { FlowContext } from '../context.ts'
import { isPayer, payerIn } from '../payer.ts'
import { descriptionOf } from './description.ts'

const minuteMs = 60_000
/** WeChat knows a payment a moment later than whoever asks; what a person has to mend takes its time. */
export const shippingPausesMs = [0.25, 1, 5, 15, 60, 240].map((minutes) => minutes * minuteMs)
/** Sharing may wait for thirty days, and not a day longer. */
const keptForMs = 30 * 24 * 60 * minuteMs

/** It was told before: by an earlier call whose answer was lost, or by a person in WeChat's console. */
const toldBefore = ['10060002', '10060003', '10060023']
const longestItem = 120

/** Tells WeChat, or writes down why that cannot be done now. */
export async function reportShipping(context: FlowContext, due: Due): Promise<void> {
  const { sql } = context.database
  const trade = await findTrade(sql, due.lane, due.orderId, due.n)
  const order = trade && (await findOrder(sql, due.lane, due.bookId, due.orderId))
  if (trade === undefined || order === undefined) return
  const told = isDue(order, trade) ? await tell(context, order, trade) : notDue
  const isLate = context.engine.now(modeOfBook(due.bookId)) >= (trade.paidAt ?? 0) + keptForMs
  const end = told.end ?? (isLate ? 'given_up' : null)
  await writeShipping(sql, due.lane, trade, { ...told, end })
}

/** Not what was paid twice, could not be delivered, or goes back. */
function isDue({ status, paidTrade }: OrderRow, { n }: TradeRow): boolean {
  return paidTrade === n && (status === 'paid' || status === 'delivered' || status === 'completed')
}

interface Told {
  readonly end: ShippingEnd | null
  readonly problem: string | null
}

async function tell(context: FlowContext, order: OrderRow, trade: TradeRow): Promise<Told> {
  const { wechatApps, wechatApp, programs, engine } = context
  if (order.status === 'paid') return later('it is not delivered yet')
  const { bookId: book, mchid, appid, payerDigest } = trade
  const [app] = await wechatApps.list(book, { appid, limit: 1 })
  if (app === undefined) return later('there is no such app any more')
  const payer = await payerIn(context, book, order.memberId, appid)
  const isSame = payer !== undefined && payerDigest !== null && isPayer(payer.digest, payerDigest)
  if (!isSame) return later('the member is not the payer any more')
  const terms = await programs.termsOf(book, order.productId, order.productVersion)
  const item = descriptionOf(terms?.name ?? '', order.quantity).slice(0, longestItem)
  const at = engine.now(modeOfBook(book))
  const answer = await wechatApp.reportDelivered(app.id, {
    mchid,
    outTradeNo: outTradeNo(trade),
    item,
    openid: payer.openid,
    at,
  })
  if (answer.status === 'unknown') return later(answer.why)
  const isTold = answer.status === 'done' || toldBefore.includes(answer.code)
  return isTold ? { end: 'reported', problem: null } : later(answer.code)
}

const notDue: Told = { end: 'not_due', problem: null }

function later(problem: string): Told {
  return { end: null, problem }
}
