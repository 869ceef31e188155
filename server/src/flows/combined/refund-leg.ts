/**
 * What of a combined payment goes back by WeChat: asked for under one number until WeChat has taken it, then asked about
 * until the payer has it. The same number refunds once, however often it is sent.
 */
import { type Instant, modeOfBook } from '@lika/contract'
import {
  type CallRow,
  type CombinedRefundRow,
  type CombinedRow,
  findCombined,
} from '../../modules/combined/index.ts'
import type { Answer, Refund } from '../../modules/wechat/index.ts'
import { sharesAreBack } from '../sharing/returns.ts'
import type { LegContext } from './leg.ts'
import { refundCameTo } from './refund.ts'

/** One look after a refund. Answers when to look again; undefined: it has ended. */
export async function lookAfterRefund(
  context: LegContext,
  row: CombinedRefundRow,
  call: CallRow,
): Promise<Instant | undefined> {
  if (row.status === 'succeeded') return undefined
  const combined = await findCombined(context.database.sql, row.bookId, row.combinedId)
  if (combined === undefined) throw new Error(`the payment of the refund ${row.id} is not there`)
  const answer = await askFor(context, combined, row)
  const isOver = answer.status === 'done' && (await takeInRefund(context, row, answer.value))
  return isOver ? undefined : context.engine.now(modeOfBook(row.bookId)) + pauseMs(row, call)
}

/** Asked about first: what WeChat has not heard of is sent, under the same number whatever became of earlier calls. */
async function askFor(
  context: LegContext,
  { accountId, outTradeNo, wechatAmount: total }: CombinedRow,
  { outRefundNo, wechatAmount: amount, refundId }: CombinedRefundRow,
): Promise<Answer<Refund>> {
  const { wechatPay } = context
  const known = await wechatPay.queryRefund(accountId, outRefundNo)
  const isUnknown = known.status === 'refused' && refundId === null
  const sale = { accountId, outTradeNo, outRefundNo, amount, total }
  if (isUnknown && !(await sharesAreBack(context, sale)))
    return { status: 'unknown', why: 'its shares come back first' }
  return isUnknown ? wechatPay.refund(accountId, { outTradeNo, outRefundNo, amount, total }) : known
}

/** What WeChat says of a refund, by whatever way. True: it is over. */
export async function takeInRefund(
  context: LegContext,
  row: CombinedRefundRow,
  refund: Refund,
): Promise<boolean> {
  if (refund.outRefundNo !== row.outRefundNo || refund.amount !== row.wechatAmount) {
    context.legLog.error(
      { refund: row.id },
      'WeChat tells of a refund that is not the one that was asked for',
    )
    return false
  }
  const { refundId } = refund
  switch (refund.state) {
    case 'succeeded':
      await refundCameTo(context, row, { status: 'succeeded', refundId })
      return true
    case 'abnormal':
    case 'closed':
      if (row.status === 'processing')
        await refundCameTo(context, row, { status: 'abnormal', refundId })
      return false
    case 'processing':
      if (row.status === 'abnormal')
        await refundCameTo(context, row, { status: 'processing', refundId })
      return false
  }
}

const pausesMs = [5_000, 15_000, 60_000, 300_000]

/** What a person has to see to is looked at every half an hour. */
function pauseMs({ status }: CombinedRefundRow, { tries }: CallRow): number {
  return status === 'abnormal' ? 1_800_000 : (pausesMs[tries] ?? 300_000)
}
