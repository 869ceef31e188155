/**
 * A refund on its way through WeChat: asked for under its number until WeChat says what became of it. It is written down
 * before, so whoever comes after a crash goes on; each of its ends goes into the book once.
 */
import { laneOfId, modeOfBook, type Result, refusal, type WechatAccountId } from '@lika/contract'
import {
  askedBefore,
  checkRefundFact,
  findTrade,
  judgeRefundTold,
  lastAsked,
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
import { isUnknownThere, type Learnt } from './learn.ts'
import { commandOnOrder, type OnOrder, ownAccount, putOrder, putRefund } from './on-order.ts'
import { payableOf } from './refund.ts'

/** Asks WeChat for it, or what became of it. */
export async function pursueRefund(context: FlowContext, row: OrderRefundRow): Promise<Learnt> {
  const { database, wechatPay } = context
  const lane = laneOfId(row.orderId)
  const trade = await findTrade(database.sql, row.orderId, row.trade)
  if (trade === undefined) throw new Error('a refund is of a payment that the order never had')
  const { accountId } = trade
  const said =
    row.state === 'asked'
      ? await askFor(context, trade, row)
      : { answer: await wechatPay.queryRefund(accountId, outRefundNo(row)), isUnsent: false }
  const { answer, isUnsent } = said
  if (answer.status === 'done') {
    const learnt = await learnRefund(context, row.bookId, accountId, answer.value, isUnsent)
    const isOpen = isUnsent && answer.value.state !== 'succeeded'
    if (!isOpen) return learnt
  }
  await writeRefundProblem(database.sql, lane, row, whyNot(answer))
  return 'later'
}

interface Said {
  readonly answer: Answer<Refund>
  /** It is of an earlier number, and WeChat has never heard of the last one. */
  readonly isUnsent: boolean
}

/**
 * The same number refunds once, however often it is sent; another one is sent only after WeChat has said once more that
 * those before it are closed.
 */
async function askFor(context: FlowContext, trade: TradeRow, row: OrderRefundRow): Promise<Said> {
  const { database, wechatPay } = context
  const { orderId, amount, total } = row
  const { accountId } = trade
  const own = outRefundNo(row)
  const before = askedBefore(row, await selectRefundsOf(database.sql, laneOfId(orderId), orderId))
  if (before.length > 0) {
    const known = await wechatPay.queryRefund(accountId, own)
    if (!isUnknownThere(known)) return { answer: known, isUnsent: false }
  }
  for (const one of before) {
    const answer = await wechatPay.queryRefund(accountId, outRefundNo(one))
    const isClosed = answer.status === 'done' && answer.value.state === 'closed'
    if (!isClosed) return { answer, isUnsent: true }
  }
  const sale = { accountId, outTradeNo: outTradeNo(trade), amount, total }
  // They come back once, under whichever numbers the refund is asked for.
  const firstRefundNo = outRefundNo(before.at(-1) ?? row)
  const answer = (await sharesAreBack(context, { ...sale, firstRefundNo }))
    ? await wechatPay.refund(accountId, {
        outTradeNo: outTradeNo(trade),
        outRefundNo: own,
        amount,
        total,
        reason: reasonOf(row.reason),
      })
    : waitsForShares
  return { answer, isUnsent: false }
}

const waitsForShares = { status: 'unknown', why: 'its shares come back first' } as const

function whyNot(answer: Answer<Refund>): string {
  if (answer.status === 'done')
    return 'WeChat does not say any more that the number before is closed'
  return answer.status === 'refused' ? answer.code : answer.why
}

/**
 * A refund as WeChat tells it, by callback or as an answer, of the merchant number that was paid. What it pays under a
 * number that it had closed ends the last one that asked for it. `isUnsent`: of which WeChat has never heard.
 */
export async function learnRefund(
  context: FlowContext,
  book: OrderRow['bookId'],
  account: WechatAccountId,
  told: Refund,
  isUnsent = false,
): Promise<Learnt> {
  const { engine, database } = context
  const number = readOutRefundNo(told.outRefundNo)
  if (number === undefined) return 'foreign'
  const { orderId, n } = number
  const lane = laneOfId(orderId)
  if (!engine.lanesOf(modeOfBook(book)).includes(lane)) return 'foreign'
  const all = await selectRefundsOf(database.sql, lane, orderId)
  const row = all.find((one) => one.n === n)
  if (row?.bookId !== book) return 'foreign'
  const trade = await findTrade(database.sql, orderId, row.trade)
  if (trade?.accountId !== account) return 'foreign'
  if (!checkRefundFact(row, told).ok) {
    await writeRefundProblem(database.sql, lane, row, 'differs')
    return 'differs'
  }
  const last = lastAsked(row, all)
  const verdict = judgeRefundTold(row, last, { ...told, isUnsent })
  if (verdict === 'differs') {
    await writeRefundProblem(
      database.sql,
      lane,
      last,
      `WeChat has paid ${told.outRefundNo} as well`,
    )
    return 'differs'
  }
  if (verdict === 'known') return 'in_book'
  const command = factCommand(context, last, { ...told, n, isUnsent })
  if (!command.ok) return 'foreign'
  const executed = await executePrepared((one) => engine.execute(one), command.value)
  const isIn = executed.status === 'done' || executed.refusal.code === 'order.wrong_status'
  const problem = n === last.n ? problems[told.state] : `paid under ${told.outRefundNo}`
  if (isIn) await writeRefundProblem(database.sql, lane, last, problem)
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

type Told = Refund & { readonly n: number; readonly isUnsent: boolean }

/** An end comes once; what lies before it may come again, and changes nothing where it does. */
function factCommand(context: FlowContext, row: OrderRefundRow, told: Told): Result<Command> {
  const { orderId, n } = row
  const no = outRefundNo(row)
  const isEnd = told.state === 'succeeded' || told.state === 'closed'
  const key = isEnd ? no : `${no}:${context.newId()}`
  const asked = { orderId, operation: kinds[told.state], key, input: {} }
  return commandOnOrder(context, row.bookId, asked, () => ({
    decide: (on) => {
      const [standing, about] = [on.refunds[n - 1], on.refunds[told.n - 1]]
      if (standing === undefined || about === undefined) throw new Error(`${no} is not there`)
      const isLast = lastAsked(about, on.refunds).n === n
      return isLast && judgeRefundTold(about, standing, told) === 'news'
        ? decide(on, standing, told)
        : { ok: false, final: false, refusal: knownAlready }
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
