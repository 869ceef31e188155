/**
 * A refund on its way through WeChat: asked for under its number until WeChat says what became of it. It is written down
 * before, so whoever comes after a crash goes on; each of its ends goes into the book once.
 */
import { laneOfId, modeOfBook, type Result, refusal, type WechatAccountId } from '@lika/contract'
import {
  checkRefundFact,
  findOrderRefund,
  findTrade,
  firstAsked,
  moved,
  type OrderRefundRow,
  type OrderRow,
  outRefundNo,
  outTradeNo,
  readOutRefundNo,
  selectRefundsOf,
  type TradeRow,
  writeRefundProblem,
} from '../../modules/orders/index.ts'
import type { Answer, Refund, RefundState } from '../../modules/wechat/index.ts'
import type { Command, Decision } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { executePrepared } from '../prepared.ts'
import { sharesAreBack } from '../sharing/returns.ts'
import { reasonOf } from './description.ts'
import { orderBody, refundBody } from './facts.ts'
import type { Learnt } from './learn.ts'
import { commandOnOrder, type OnOrder, ownAccount, putOrder, putRefund } from './on-order.ts'
import { payableOf } from './refund.ts'

/** Asks WeChat for it, or what became of it. */
export async function pursueRefund(context: FlowContext, row: OrderRefundRow): Promise<Learnt> {
  const { database, wechatPay } = context
  const lane = laneOfId(row.orderId)
  const trade = await findTrade(database.sql, lane, row.orderId, row.trade)
  if (trade === undefined) throw new Error('a refund is of a payment that the order never had')
  const no = outRefundNo(row)
  const { accountId } = trade
  if (row.state === 'asked' && !(await areSharesBack(context, trade, row))) {
    await writeRefundProblem(database.sql, lane, row, 'its shares come back first')
    return 'later'
  }
  const answer =
    row.state === 'asked'
      ? await wechatPay.refund(trade.accountId, {
          outTradeNo: outTradeNo(trade),
          outRefundNo: no,
          amount: row.amount,
          total: row.total,
          reason: reasonOf(row.reason),
        })
      : await wechatPay.queryRefund(trade.accountId, no)
  if (answer.status === 'done') return learnRefund(context, row.bookId, accountId, answer.value)
  await writeRefundProblem(database.sql, lane, row, whyNot(answer))
  return 'later'
}

/** They come back once, under whichever numbers the refund is asked for. */
async function areSharesBack(
  context: FlowContext,
  trade: TradeRow,
  row: OrderRefundRow,
): Promise<boolean> {
  const { orderId, amount, total } = row
  const all = await selectRefundsOf(context.database.sql, laneOfId(orderId), orderId)
  const firstRefundNo = outRefundNo(firstAsked(row, all))
  const { accountId } = trade
  return sharesAreBack(context, {
    accountId,
    outTradeNo: outTradeNo(trade),
    firstRefundNo,
    amount,
    total,
  })
}

function whyNot(answer: Exclude<Answer<unknown>, { status: 'done' }>): string {
  return answer.status === 'refused' ? answer.code : answer.why
}

/** A refund as WeChat tells it, by callback or as an answer, of the merchant number that was paid. */
export async function learnRefund(
  context: FlowContext,
  book: OrderRow['bookId'],
  account: WechatAccountId,
  told: Refund,
): Promise<Learnt> {
  const { engine, database } = context
  const number = readOutRefundNo(told.outRefundNo)
  if (number === undefined) return 'foreign'
  const lane = laneOfId(number.orderId)
  if (!engine.lanesOf(modeOfBook(book)).includes(lane)) return 'foreign'
  const row = await findOrderRefund(database.sql, lane, number.orderId, number.n)
  if (row?.bookId !== book) return 'foreign'
  const trade = await findTrade(database.sql, lane, row.orderId, row.trade)
  if (trade?.accountId !== account) return 'foreign'
  if (!checkRefundFact(row, told).ok) {
    await writeRefundProblem(database.sql, lane, row, 'differs')
    return 'differs'
  }
  if (row.state === told.state || row.endedAt !== null) return 'in_book'
  const command = factCommand(context, row, told)
  if (!command.ok) return 'foreign'
  const executed = await executePrepared((one) => engine.execute(one), command.value)
  const isIn = executed.status === 'done' || executed.refusal.code === 'order.wrong_status'
  if (isIn) await writeRefundProblem(database.sql, lane, row, problems[told.state])
  return isIn ? 'in_book' : 'later'
}

/** What a person has to do, where one has to. */
const problems: Record<RefundState, string | null> = {
  processing: null,
  succeeded: null,
  abnormal:
    'the payer’s account cannot take it back: apply for the abnormal refund with a bank card of his',
  closed: 'WeChat has closed it: ask for the refund again',
}

const kinds = {
  processing: 'order_refund.accepted',
  succeeded: 'order.refunded',
  abnormal: 'order.refund_abnormal',
  closed: 'order.refund_closed',
} as const satisfies Record<RefundState, string>

/** An end comes once; what lies before it may come again, and changes nothing where it does. */
function factCommand(context: FlowContext, row: OrderRefundRow, told: Refund): Result<Command> {
  const { orderId, n } = row
  const no = outRefundNo(row)
  const isEnd = told.state === 'succeeded' || told.state === 'closed'
  const key = isEnd ? no : `${no}:${context.newId()}`
  const asked = { orderId, operation: kinds[told.state], key, input: {} }
  return commandOnOrder(context, row.bookId, asked, () => ({
    decide: (on) => {
      const standing = on.refunds[n - 1]
      if (standing === undefined || standing.endedAt !== null || standing.state === told.state)
        return { ok: false, final: false, refusal: knownAlready }
      return decide(on, standing, told)
    },
  }))
}

const knownAlready = refusal('order.wrong_status', 'This is in the book already.')

function decide(on: OnOrder, row: OrderRefundRow, told: Refund): Decision {
  const { order, now } = on
  const isEnd = told.state === 'succeeded' || told.state === 'closed'
  const refund: OrderRefundRow = {
    ...row,
    state: told.state,
    refundId: told.refundId,
    endedAt: isEnd ? (told.succeededAt ?? now) : null,
    endedBy: isEnd ? on.view.commandId : null,
  }
  putRefund(on, refund)
  const after = told.state === 'succeeded' ? arrived(on, refund) : order
  const body = { ...orderBody(after), refund: refundBody(refund) }
  return { ok: true, value: { kind: kinds[told.state], version: 1, body } }
}

/** The money has left WeChat's hands: nobody is owed it any more. */
function arrived(on: OnOrder, { amount, basis }: OrderRefundRow): OrderRow {
  const { order, desks, lane } = on
  desks.in(lane).transfer({
    debit: ownAccount(on, payableOf(basis)),
    credit: ownAccount(on, 'wechat'),
    amount,
  })
  if (basis === 'surplus') return order
  const settled = moved({ ...order, refunded: order.refunded + amount }, 'settle')
  if (!settled.ok) throw new Error(`a refund arrived for an order that is ${order.status}`)
  putOrder(on, settled.value)
  return settled.value
}
