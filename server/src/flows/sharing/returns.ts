/**
 * Before a sale that was shared is refunded its shares come back: what was never sent is not sent any more, what was comes
 * back from each who got it, in proportion to the refund, once for each refund.
 */
import {
  type Fen,
  type Instant,
  issuerOfBook,
  modeOfBook,
  ok,
  type WechatAccountId,
} from '@lika/contract'
import { accountId } from '../../modules/ledger/index.ts'
import {
  cancelWaiting,
  insertReturn,
  notEnough,
  noteReturn,
  outReturnNo,
  outShareNo,
  type ReturnRow,
  returnOf,
  returnsOfShares,
  returnWithinMs,
  type SharePart,
  type ShareRow,
  shareOfTrade,
  shareReturns,
  shares,
} from '../../modules/sharing/index.ts'
import type { Answer, ShareReturn } from '../../modules/wechat/index.ts'
import { read } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { Desks } from '../payments/desks.ts'

type Context = Pick<FlowContext, 'engine' | 'database' | 'wechatPay'>

export interface RefundOfSale {
  readonly accountId: WechatAccountId
  readonly outTradeNo: string
  /** Under which the refund was asked for first: its shares come back once, under however many it is asked for since. */
  readonly firstRefundNo: string
  readonly amount: Fen
  /** Of the sale. */
  readonly total: Fen
}

/** Whether the refund may go out: nothing of its share is with others that is to come back. Asked again until it may. */
export async function sharesAreBack(context: Context, refund: RefundOfSale): Promise<boolean> {
  const { sql } = context.database
  const share = await shareOfTrade(sql, refund.accountId, refund.outTradeNo)
  switch (share?.state) {
    case undefined:
    case 'failed':
    case 'cancelled':
      return true
    case 'waiting':
      return cancelWaiting(sql, share, now(context, share) + refundFirstMs)
    case 'asked':
    case 'processing':
      return false
    case 'finished':
      return allBack(context, share, refund)
  }
}

/** The refund is asked for before what is left of the sale is let go. */
const refundFirstMs = 60_000

function now({ engine }: Context, { bookId }: ShareRow): Instant {
  return engine.now(modeOfBook(bookId))
}

async function allBack(context: Context, share: ShareRow, refund: RefundOfSale): Promise<boolean> {
  const { sql } = context.database
  const known = await returnsOfShares(sql, [share.lane], [share.id])
  let areBack = true
  for (const [index, part] of share.receivers.entries()) {
    const amount = returnOf(part.amount, refund.amount, refund.total)
    if (amount === 0n || part.isClosed) continue
    const no = outReturnNo(share.id, refund.firstRefundNo, index)
    const standing = known.find(({ outReturnNo: one }) => one === no)
    if (standing !== undefined && standing.state !== 'asked') continue
    const row = standing ?? rowOf(part, { ...refund, amount, share, no, at: now(context, share) })
    if (standing === undefined) await insertReturn(sql, share.lane, row)
    if (row.mchid === null) continue
    const sent = { share, row, mchid: row.mchid, wasAsked: standing !== undefined }
    areBack = (await isBack(context, sent)) && areBack
  }
  return areBack
}

/** WeChat takes nothing back from a person: that it does not come back is written down at once. */
function rowOf(
  payee: SharePart,
  of: Pick<RefundOfSale, 'firstRefundNo' | 'amount'> & {
    readonly share: ShareRow
    readonly no: string
    readonly at: Instant
  },
): ReturnRow {
  const mchid = payee.mchid ?? null
  const memberId = payee.memberId ?? null
  const isPerson = mchid === null
  return {
    outReturnNo: of.no,
    shareId: of.share.id,
    bookId: of.share.bookId,
    outRefundNo: of.firstRefundNo,
    mchid,
    memberId,
    amount: of.amount,
    state: isPerson ? 'failed' : 'asked',
    reason: isPerson ? 'payee_is_a_person' : null,
    isThere: false,
    createdAt: of.at,
  }
}

/**
 * It will never come back (`NO_AUTH`: who got it never agreed to that); after every other code the same request may do, and
 * WeChat keeps what it answered `NOT_ENOUGH`.
 */
const final = [
  'PARAM_ERROR',
  'INVALID_REQUEST',
  'RULE_LIMIT',
  'NO_AUTH',
  'RESOURCE_NOT_EXISTS',
  'ORDER_NOT_EXIST',
  'USER_ACCOUNT_ABNORMAL',
]

interface Sent {
  readonly share: ShareRow
  readonly row: ReturnRow
  readonly mchid: string
  /** WeChat may know it already. */
  readonly wasAsked: boolean
}

/**
 * What a payee cannot give back is borne by the merchant's own balance: the refund waits for it no longer. Nor does it wait
 * longer than a day where WeChat does not take the request. What WeChat has taken ends only by its word, be it after the
 * refund.
 */
export async function isBack(context: Context, sent: Sent): Promise<boolean> {
  const { share, row } = sent
  const { answer, isThere } = await askBack(context, sent)
  if (answer.status === 'done' && answer.value.state !== 'processing') {
    const { state, failReason } = answer.value
    return end(context, share, row, {
      state,
      reason: state === 'failed' ? (failReason ?? 'FAILED') : null,
    })
  }
  const code = answer.status === 'refused' ? answer.code : undefined
  const isFinal = code !== undefined && (final.includes(code) || isLate(context, sent))
  if (isFinal && !isThere) {
    return end(context, share, row, { state: 'failed', reason: code })
  }
  const isBorne = row.reason === notEnough || code === notEnough
  const why = code ?? (answer.status === 'unknown' ? answer.why : null)
  const reason = isBorne ? notEnough : why
  await noteReturn(context.database.sql, share.lane, row, { reason, isThere })
  return isBorne
}

function isLate(context: Context, { share, row }: Sent): boolean {
  return now(context, share) >= row.createdAt + returnWithinMs
}

interface Told {
  readonly answer: Answer<ShareReturn>
  /** WeChat has it and is at it, whatever it says to the same request. */
  readonly isThere: boolean
}

/**
 * What was asked for before is asked about first. What has not come there is sent, and what is under way sent again: where
 * the payee's balance does not reach only that says so.
 */
async function askBack(context: Context, sent: Sent): Promise<Told> {
  const { wechatPay } = context
  const { share, row, mchid, wasAsked } = sent
  const outOrderNo = outShareNo(share.id)
  const { outReturnNo: no, amount } = row
  let { isThere } = row
  if (wasAsked) {
    const known = await wechatPay.queryShareReturn(share.accountId, no, outOrderNo)
    if (known.status === 'unknown') return { answer: known, isThere }
    // That nobody may ask now says nothing of what was asked for; in the end the same number is sent all the same.
    const isUnknown = known.status === 'refused' && known.code === 'RESOURCE_NOT_EXISTS'
    if (known.status === 'refused' && !isUnknown && (isThere || !isLate(context, sent)))
      return { answer: { status: 'unknown', why: known.code }, isThere }
    isThere = known.status === 'done'
    if (known.status === 'done' && known.value.state !== 'processing')
      return { answer: known, isThere }
  }
  const answer = await wechatPay.returnShare(share.accountId, {
    outOrderNo,
    outReturnNo: no,
    returnMchid: mchid,
    amount,
    description: '退款',
  })
  const isKept = answer.status === 'refused' && answer.code === notEnough
  return { answer, isThere: isThere || isKept || answer.status === 'done' }
}

/** False: there is no room for it now; the refund waits, or nobody would ask what became of this any more. */
async function end(
  context: Context,
  share: ShareRow,
  row: ReturnRow,
  { state, reason }: { readonly state: 'succeeded' | 'failed'; readonly reason: string | null },
): Promise<boolean> {
  const { lane, bookId } = share
  const done = await context.engine.execute({
    book: bookId,
    operation: 'sharing.returned',
    key: row.outReturnNo,
    input: {},
    weight: 'bulk',
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(shares, lane, share.id), read(shareReturns, lane, row.outReturnNo)],
      decide: (view) => {
        const current = view.get(shares, share.id)
        const standing = view.get(shareReturns, row.outReturnNo)
        if (current === undefined || standing === undefined)
          throw new Error(`the return ${row.outReturnNo} is not there`)
        const own = (kind: 'wechat' | 'shared_sales') => accountId(issuerOfBook(bookId), kind, lane)
        if (state === 'succeeded') {
          const { amount } = row
          new Desks(view)
            .in(lane)
            .transfer({ debit: own('wechat'), credit: own('shared_sales'), amount })
          view.put(shares, lane, { ...current, returned: current.returned + amount })
        }
        view.put(shareReturns, lane, { ...standing, state, reason })
        const body = { share: share.id, state, reason, amountFen: String(row.amount) }
        return ok({ kind: 'sharing.returned', version: 1, body })
      },
    }),
  })
  return done.status === 'done'
}
