/**
 * What of a combined payment goes back by WeChat: asked for under one number until WeChat has taken it, then asked about
 * until the payer has it. The same number refunds once, however often it is sent; another one is sent only after WeChat has
 * said once more that those before it are closed.
 */
import { type Fen, type Instant, modeOfBook, type WechatAccountId } from '@lika/contract'
import {
  type CallRow,
  type CombinedRefundRow,
  type CombinedRow,
  clearRefundProblem,
  findCombined,
  judgeTold,
  outNumberOf,
  outRefundNosOf,
} from '../../modules/combined/index.ts'
import type { Answer, Refund } from '../../modules/wechat/index.ts'
import { sharesAreBack } from '../sharing/returns.ts'
import { isNotThere, type LegContext } from './leg.ts'
import { refundCameTo } from './refund.ts'
import { noteRefusal, noteWaiting } from './refund-refused.ts'

/** One look after a refund. Answers when to look again; undefined: it has ended. */
export async function lookAfterRefund(
  context: LegContext,
  row: CombinedRefundRow,
  call: CallRow,
): Promise<Instant | undefined> {
  if (row.status === 'succeeded' || row.status === 'closed') return undefined
  const combined = await findCombined(context.database.sql, row.bookId, row.combinedId)
  if (combined === undefined) throw new Error(`the payment of the refund ${row.id} is not there`)
  const { answer, isUnsent, isUnheardOf } = await askFor(context, combined, row)
  const now = () => context.engine.now(modeOfBook(row.bookId))
  if (answer.status === 'refused') {
    const pause = await noteRefusal(context, combined, row, { code: answer.code, isUnheardOf })
    return now() + (pause ?? pauseMs(row, call))
  }
  if (answer.status === 'unknown') {
    if (answer === waitsForShares) await noteWaiting(context, row, answer.why)
    return now() + pauseMs(row, call)
  }
  const taken = await takeInRefund(context, row, answer.value, isUnsent)
  if (row.problem !== null) await clearRefundProblem(context.database.sql, row)
  return taken === 'over' ? undefined : now() + pauseMs(row, call)
}

interface Said {
  readonly answer: Answer<Refund>
  /** It is of an earlier number, and WeChat has never heard of the last one. */
  readonly isUnsent: boolean
  /** It was sent, and WeChat had never heard of it. */
  readonly isUnheardOf: boolean
}

/** Asked about first: what WeChat has not heard of is sent, under the same number whatever became of earlier calls. */
async function askFor(
  context: LegContext,
  { accountId, outTradeNo, wechatAmount: total }: CombinedRow,
  row: CombinedRefundRow,
): Promise<Said> {
  const { wechatPay } = context
  const { id, attempt, outRefundNo, wechatAmount: amount, refundId } = row
  const known = await wechatPay.queryRefund(accountId, outRefundNo)
  const isUnknown =
    known.status === 'refused' && refundId === null && (attempt === 1 || isNotThere(known.code))
  if (!isUnknown) return { answer: known, isUnsent: false, isUnheardOf: false }
  const open = await notClosed(context, accountId, row)
  if (open !== undefined) return { answer: open, isUnsent: true, isUnheardOf: false }
  const answer = (await areSharesBack(context, { accountId, outTradeNo, id, amount, total }))
    ? await wechatPay.refund(accountId, { outTradeNo, outRefundNo, amount, total })
    : waitsForShares
  return { answer, isUnsent: false, isUnheardOf: isNotThere(known.code) }
}

const waitsForShares = { status: 'unknown', why: 'its shares come back first' } as const

/** They come back once, under whichever numbers the refund is asked for. */
function areSharesBack(
  context: LegContext,
  {
    id,
    ...sale
  }: Pick<CombinedRow, 'accountId' | 'outTradeNo'> & {
    readonly id: CombinedRefundRow['id']
    readonly amount: Fen
    readonly total: Fen
  },
): Promise<boolean> {
  return sharesAreBack(context, { ...sale, firstRefundNo: outNumberOf('refund', id) })
}

/** What WeChat answers of an earlier number that it does not say is closed; undefined: all are, and pay nothing. */
async function notClosed(
  context: LegContext,
  accountId: WechatAccountId,
  row: CombinedRefundRow,
): Promise<Answer<Refund> | undefined> {
  for (const outRefundNo of outRefundNosOf(row).slice(1)) {
    const said = await context.wechatPay.queryRefund(accountId, outRefundNo)
    if (said.status === 'done' && said.value.state === 'closed') continue
    if (said.status !== 'unknown')
      context.legLog.error(
        { refund: row.id, outRefundNo },
        'WeChat closed a refund and does not say so any more: nothing is sent for it',
      )
    return said
  }
  return undefined
}

/** `over`: nothing has to be asked about any more. `differs`: it is not what was asked for, or would be paid twice. */
type Taken = 'over' | 'open' | 'differs'

/** What WeChat says of a refund, by whatever way. */
export async function takeInRefund(
  context: LegContext,
  row: CombinedRefundRow,
  refund: Refund,
  isUnsent = false,
): Promise<Taken> {
  const { outRefundNo, refundId, state: status } = refund
  const told = { outRefundNo, refundId, status, isUnsent }
  const isOwn = outRefundNosOf(row).includes(outRefundNo) && refund.amount === row.wechatAmount
  const verdict = isOwn ? judgeTold(row, told) : 'differs'
  if (verdict === 'differs') {
    context.legLog.error(
      { refund: row.id, outRefundNo },
      isOwn
        ? 'WeChat paid a refund that it had closed, which was asked for again since'
        : 'WeChat tells of a refund that is not the one that was asked for',
    )
    return 'differs'
  }
  if (verdict === 'news') await refundCameTo(context, row, told)
  const isEnd = status === 'succeeded' || status === 'closed'
  return isEnd && (verdict === 'news' || outRefundNo === row.outRefundNo) ? 'over' : 'open'
}

const pausesMs = [5_000, 15_000, 60_000, 300_000]

/** What a person has to see to is looked at every half an hour. */
function pauseMs({ status }: CombinedRefundRow, { tries }: CallRow): number {
  return status === 'abnormal' ? 1_800_000 : (pausesMs[tries] ?? 300_000)
}
