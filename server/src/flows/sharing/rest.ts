/**
 * Lets go of what WeChat keeps of a sale of which no share did: under a number of its own, the same for ever, asked about
 * before it is sent again, until WeChat has done it. The books do not change by it: the money was the merchant's all along.
 */
import { asId, type Fen, type Instant, type OrderRefundState } from '@lika/contract'
import { selectWechatRefundsOf } from '../../modules/combined/index.ts'
import { readOutTradeNo, selectRefundsOf } from '../../modules/orders/index.ts'
import {
  type AskedShare,
  askAgainMs,
  keptForMs,
  noteRests,
  outUnfreezeNo,
  type RestState,
  sendAgainMs,
  sharedOf,
} from '../../modules/sharing/index.ts'
import type { Answer, Share } from '../../modules/wechat/index.ts'
import type { FlowContext } from '../context.ts'

type Context = Pick<FlowContext, 'database' | 'wechatPay'>

interface RestEnd {
  readonly rest: Exclude<RestState, 'held'>
  readonly reason: string | null
  /** When WeChat is asked next, where it is. */
  readonly at: Instant
}

export async function letGo(
  context: Context,
  taken: readonly AskedShare[],
  now: Instant,
): Promise<void> {
  const ends = await Promise.all(
    taken.map(async (share) => {
      const { lane, id } = share
      return { lane, id, ...(await letGoOf(context, share, now)) }
    }),
  )
  await noteRests(context.database.sql, ends)
}

async function letGoOf(context: Context, share: AskedShare, now: Instant): Promise<RestEnd> {
  const { accountId, transactionId } = share
  const outOrderNo = outUnfreezeNo(share.id)
  const refunds = await refundsOf(context, share)
  if (sumOf(refunds, ['succeeded']) >= share.total)
    return { rest: 'refunded', reason: null, at: now }
  const isGoingBack =
    sumOf(refunds, ['asked', 'processing', 'abnormal', 'succeeded']) >= share.total
  if (isGoingBack && !isExpired(share, now)) return waitFor(share, now)
  if (share.wasAsked) {
    const known = await context.wechatPay.queryShare(accountId, outOrderNo, transactionId)
    if (known.status !== 'refused') return meaningOf(context, share, known, now)
    // It never came there: the same number is sent again, in a second of its own.
    if (known.code === 'RESOURCE_NOT_EXISTS')
      return { rest: 'waiting', reason: null, at: now + 1_000 }
    if (isExpired(share, now)) return { rest: 'free', reason: 'expired', at: now }
    return { rest: 'asked', reason: known.code, at: now + sendAgainMs(share.tries) }
  }
  const asked = { transactionId, outOrderNo, description: '解冻剩余资金' }
  const answer = await context.wechatPay.unfreeze(accountId, asked)
  return meaningOf(context, share, answer, now)
}

/** Until it has arrived, or WeChat has closed it: then the rest of the sale is let go as that of any other. */
function waitFor({ wasAsked, tries }: AskedShare, now: Instant): RestEnd {
  return { rest: wasAsked ? 'asked' : 'waiting', reason: null, at: now + sendAgainMs(tries) }
}

/** What is asked for will never be done; after every other code the same request may do. */
const final = ['PARAM_ERROR', 'INVALID_REQUEST', 'RULE_LIMIT', 'ORDER_NOT_EXIST']

async function meaningOf(
  context: Context,
  share: AskedShare,
  answer: Answer<Share>,
  now: Instant,
): Promise<RestEnd> {
  if (answer.status === 'unknown')
    return isExpired(share, now)
      ? { rest: 'free', reason: 'expired', at: now }
      : { rest: 'asked', reason: answer.why, at: now + askAgainMs(share.tries) }
  if (answer.status === 'done') {
    const rest = answer.value.state === 'finished' ? 'free' : 'asked'
    return { rest, reason: null, at: now + askAgainMs(share.tries) }
  }
  const { code } = answer
  // There is nothing left that WeChat keeps.
  if (code === 'NOT_ENOUGH') return { rest: 'free', reason: null, at: now }
  if (isExpired(share, now)) return { rest: 'free', reason: 'expired', at: now }
  if (!final.includes(code))
    return { rest: 'waiting', reason: code, at: now + sendAgainMs(share.tries) }
  const told = await sharedOf(context.database.sql, [share])
  // The rule is younger than the invitation: WeChat was never told to keep anything.
  if (!told.has(share.outTradeNo)) return { rest: 'free', reason: 'never_kept', at: now }
  return { rest: 'refused', reason: code, at: now }
}

/** Whatever WeChat says or does not say: it keeps nothing any more. */
function isExpired({ createdAt }: AskedShare, now: Instant): boolean {
  return now > createdAt + keptForMs
}

interface RefundOf {
  readonly amount: Fen
  readonly state: OrderRefundState
}

/** Of the sale, by WeChat. */
async function refundsOf(
  { database: { sql } }: Context,
  { lane, id, outTradeNo }: AskedShare,
): Promise<RefundOf[]> {
  const number = readOutTradeNo(outTradeNo)
  if (number === undefined) {
    const atTill = await selectWechatRefundsOf(sql, lane, asId(id))
    return atTill.map(({ status, wechatAmount }) => ({ state: status, amount: wechatAmount }))
  }
  const refunds = await selectRefundsOf(sql, lane, number.orderId)
  return refunds.filter(({ trade }) => trade === number.n)
}

function sumOf(refunds: readonly RefundOf[], states: readonly OrderRefundState[]): Fen {
  return refunds
    .filter(({ state }) => states.includes(state))
    .reduce((sum, { amount }) => sum + amount, 0n)
}
