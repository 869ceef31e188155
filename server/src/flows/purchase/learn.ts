/**
 * What WeChat says of a payment, whichever way it was learnt: by callback, by asking, from a bill, as the answer to
 * another call. Each fact goes into the book once; what does not fit what was asked never does.
 */
import {
  type BookId,
  businessDateOf,
  laneOfId,
  modeOfBook,
  type WechatAccountId,
} from '@lika/contract'
import {
  callInFlightMs,
  checkTrade,
  findOrder,
  findTrade,
  type OrderRow,
  outTradeNo,
  type PaidFact,
  readOutTradeNo,
  type TradeRow,
  type TradeShown,
  writeTradeProblem,
} from '../../modules/orders/index.ts'
import type { Answer, Trade } from '../../modules/wechat/index.ts'
import { executeOnCards } from '../cards/repeat.ts'
import type { FlowContext } from '../context.ts'
import { payerDigestOf } from '../payer.ts'
import { openCase } from '../reserve/case.ts'
import { paidCommand } from './paid.ts'
import { closedCommand } from './trades.ts'

/**
 * `in_book`: what was said is in the book, now or before. `nothing_new`: it is not paid yet. `foreign`: not ours.
 * `differs`: not what was asked for, and ignored. `later`: it could not be recorded just now.
 */
export type Learnt = 'in_book' | 'nothing_new' | 'foreign' | 'differs' | 'later'

/** A number of ours was asked for over the very account that speaks of it. */
export async function learnTrade(
  context: FlowContext,
  book: BookId,
  account: WechatAccountId,
  told: Trade,
): Promise<Learnt> {
  const { engine, database } = context
  const number = readOutTradeNo(told.outTradeNo)
  const lanes = engine.lanesOf(modeOfBook(book))
  if (number === undefined || !lanes.includes(laneOfId(number.orderId))) return 'foreign'
  const [trade, order] = await Promise.all([
    findTrade(database.sql, number.orderId, number.n),
    told.state === 'paid' ? findOrder(database.sql, book, number.orderId) : undefined,
  ])
  if (trade?.bookId !== book || trade.accountId !== account) return 'foreign'
  switch (told.state) {
    case 'paid':
      return trade.state === 'paid' ? 'in_book' : learnPaid(context, trade, told, order)
    case 'refunded':
      return trade.state === 'paid' ? 'in_book' : learnRefunded(context, trade)
    case 'closed':
    case 'revoked':
    case 'failed':
      return learnClosed(context, trade)
    case 'not_paid':
    case 'paying':
      return 'nothing_new'
  }
}

const refundedThere = 'paid, and refunded at WeChat before the books knew'

/**
 * Somebody gave the money back, or a part of it, in WeChat's own console before the books knew of the payment: nothing
 * is delivered for it, a person looks into what is left, and the number is done with.
 */
async function learnRefunded(context: FlowContext, trade: TradeRow): Promise<Learnt> {
  const { bookId: book, accountId, amount, orderId } = trade
  const no = outTradeNo(trade)
  await writeTradeProblem(context.database.sql, laneOfId(orderId), trade, refundedThere)
  await openCase(context, book, `wechat ${accountId} refunded ${no}`, {
    kind: 'wechat_row_differs',
    day: businessDateOf(trade.askedAt),
    amount,
    subject: no,
  })
  return learnClosed(context, trade)
}

export async function wasRefundedThere({ database }: FlowContext, { orderId, n }: TradeRow) {
  const trade = await findTrade(database.sql, orderId, n)
  return trade?.problem === refundedThere
}

async function learnPaid(
  context: FlowContext,
  trade: TradeShown,
  told: Trade,
  seen: OrderRow | undefined,
): Promise<Learnt> {
  const { bookId: book } = trade
  if (trade.problem === refundedThere) return 'differs'
  const { transactionId, paidAt } = told
  const fact = factOf(context, trade, told)
  const checked = checkTrade(trade, fact)
  if (!checked.ok || transactionId === undefined) {
    const member = checked.ok ? 'transaction_id' : String(checked.refusal.data?.['member'])
    const { sql } = context.database
    await writeTradeProblem(sql, laneOfId(trade.orderId), trade, `differs in ${member}`)
    return 'differs'
  }
  const command = paidCommand(context, book, trade, { ...fact, transactionId, paidAt }, seen)
  if (!command.ok) return 'foreign'
  const executed = await executeOnCards((one) => context.engine.execute(one), command.value)
  if (executed.status === 'done') return 'in_book'
  if (executed.refusal.code === 'order.payment_differs') return 'differs'
  return executed.refusal.code === 'order.wrong_status' ? 'in_book' : 'later'
}

function factOf(context: FlowContext, { bookId }: TradeRow, told: Trade): PaidFact {
  const { outTradeNo, mchid, appid, amount, openid } = told
  const payerDigest =
    openid === undefined ? undefined : payerDigestOf(context, bookId, appid, openid)
  return { outTradeNo, mchid, appid, amount, payerDigest }
}

async function learnClosed(context: FlowContext, trade: TradeRow): Promise<Learnt> {
  if (trade.state === 'paid' || trade.state === 'closed') return 'in_book'
  const command = closedCommand(context, trade.bookId, trade)
  if (!command.ok) return 'foreign'
  const executed = await context.engine.execute(command.value)
  return executed.status === 'done' || executed.refusal.code === 'order.superseded'
    ? 'in_book'
    : 'later'
}

/** Asks WeChat what became of the number. `not_there`: it does not have it, or not yet. */
export async function askTrade(
  context: FlowContext,
  trade: TradeRow,
  no: string,
): Promise<Learnt | 'not_there'> {
  const answer = await context.wechatPay.query(trade.accountId, no)
  if (answer.status === 'done')
    return learnTrade(context, trade.bookId, trade.accountId, answer.value)
  if (!isUnknownThere(answer)) return noteProblem(context, trade, answer)
  if (isOutOfFlight(context, trade)) return learnClosed(context, trade)
  await noteProblem(context, trade, answer)
  return 'not_there'
}

/**
 * Has the number closed at WeChat, then in the book; where it was paid in the last moment, that is learnt instead. The
 * order of the two is what keeps a buyer from paying for what is closed.
 */
export async function closeTrade(
  context: FlowContext,
  trade: TradeRow,
  no: string,
): Promise<Learnt | 'not_there'> {
  const answer = await context.wechatPay.close(trade.accountId, no)
  if (answer.status === 'done') return learnClosed(context, trade)
  if (answer.status === 'refused' && isPaidThere(answer.code)) return askTrade(context, trade, no)
  if (answer.status === 'refused' && answer.code === 'ORDER_CLOSED')
    return learnClosed(context, trade)
  return isUnknownThere(answer) && isOutOfFlight(context, trade)
    ? learnClosed(context, trade)
    : noteProblem(context, trade, answer)
}

async function noteProblem(
  { database }: FlowContext,
  trade: TradeRow,
  answer: Exclude<Answer<unknown>, { status: 'done' }>,
): Promise<Learnt> {
  const why = answer.status === 'refused' ? answer.code : answer.why
  await writeTradeProblem(database.sql, laneOfId(trade.orderId), trade, why)
  return 'later'
}

function isPaidThere(code: string): boolean {
  return code === 'ORDER_PAID'
}

export function isUnknownThere(answer: Answer<unknown>): boolean {
  const codes = ['ORDER_NOT_EXIST', 'RESOURCE_NOT_EXISTS']
  return answer.status === 'refused' && codes.includes(answer.code)
}

/** A call that opens the number, from a process that may have died, is not under way any more. */
function isOutOfFlight({ engine }: FlowContext, { bookId, askedAt }: TradeRow): boolean {
  return engine.now(modeOfBook(bookId)) >= askedAt + callInFlightMs
}
