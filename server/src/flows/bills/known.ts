/** What the books say of a payment or a refund that stands in a bill. */
import { asId, type BookId, type Fen, laneOfId, modeOfBook } from '@lika/contract'
import type { BilledRow } from '../../modules/bills/index.ts'
import {
  findCombined,
  findCombinedRefund,
  idOfOutNumber,
  refundedAtWechat,
} from '../../modules/combined/index.ts'
import {
  findTrade,
  type OrderRefundRow,
  readOutRefundNo,
  readOutTradeNo,
  selectRefundsOf,
} from '../../modules/orders/index.ts'
import type { FlowContext } from '../context.ts'

/** Fen; undefined: they do not know that it was paid, or given back. */
export async function amountInBook(
  context: FlowContext,
  book: BookId,
  row: BilledRow,
): Promise<Fen | undefined> {
  return row.kind === 'payment'
    ? paidInBook(context, book, row.outTradeNo)
    : refundedInBook(context, book, row)
}

/** Fen; undefined: they do not know that it was paid. */
export async function paidInBook(
  { database: { sql }, engine }: FlowContext,
  book: BookId,
  number: string,
): Promise<Fen | undefined> {
  const lanes = engine.lanesOf(modeOfBook(book))
  const order = readOutTradeNo(number)
  if (order !== undefined && lanes.includes(laneOfId(order.orderId))) {
    const trade = await findTrade(sql, order.orderId, order.n)
    return trade?.bookId === book && trade.state === 'paid' ? trade.amount : undefined
  }
  const till = idOfOutNumber('trade', number)
  if (till === undefined || !lanes.includes(laneOfId(till))) return undefined
  const row = await findCombined(sql, book, asId(till))
  // Of what was given back there a person knows.
  const isKnown = row?.reason === refundedAtWechat || (row?.transactionId ?? null) !== null
  return isKnown ? row?.wechatAmount : undefined
}

/** Whether the books have it, paid or not. */
export async function isOurs(
  { database: { sql }, engine }: FlowContext,
  book: BookId,
  number: string,
): Promise<boolean> {
  const lanes = engine.lanesOf(modeOfBook(book))
  const order = readOutTradeNo(number)
  if (order !== undefined && lanes.includes(laneOfId(order.orderId)))
    return (await findTrade(sql, order.orderId, order.n))?.bookId === book
  const till = idOfOutNumber('trade', number)
  const isLane = till !== undefined && lanes.includes(laneOfId(till))
  return isLane && (await findCombined(sql, book, asId(till))) !== undefined
}

/** Of a payment at a till of which the payer showed a code. */
export async function isByCode(
  { database: { sql }, engine }: FlowContext,
  book: BookId,
  number: string,
): Promise<boolean> {
  const till = idOfOutNumber('trade', number)
  const isOurs = till !== undefined && engine.lanesOf(modeOfBook(book)).includes(laneOfId(till))
  const row = isOurs ? await findCombined(sql, book, asId(till)) : undefined
  return row?.scene === 'micropay'
}

async function refundedInBook(
  { database: { sql }, engine }: FlowContext,
  book: BookId,
  { outRefundNo: number, refundId }: Extract<BilledRow, { readonly kind: 'refund' }>,
): Promise<Fen | undefined> {
  const lanes = engine.lanesOf(modeOfBook(book))
  const order = readOutRefundNo(number)
  if (order !== undefined && lanes.includes(laneOfId(order.orderId))) {
    const all = await selectRefundsOf(sql, laneOfId(order.orderId), order.orderId)
    // Under whichever of its numbers it arrived: the one that asked for it last has ended with it.
    const isIt = (one: OrderRefundRow) => one.state === 'succeeded' && one.refundId === refundId
    return all.find((one) => one.bookId === book && isIt(one))?.amount
  }
  const till = idOfOutNumber('refund', number)
  if (till === undefined || !lanes.includes(laneOfId(till))) return undefined
  const row = await findCombinedRefund(sql, book, till)
  // Under whichever of its numbers it arrived, and under no other.
  const isArrived = row?.status === 'succeeded' && row.outRefundNo === number
  return isArrived ? row.wechatAmount : undefined
}
