/**
 * The part by WeChat of a combined payment: how the payer is asked, what every answer leads to, and how it is made sure
 * that it will never be paid before the card is let go: close, then ask.
 */
import type { Fen, Instant } from '@lika/contract'
import { businessDateOf, laneOfId, modeOfBook } from '@lika/contract'
import {
  type CallRow,
  type CombinedRow,
  findCall,
  findCombined,
  leaseCall,
  noteAsked,
  postponeCall,
  wantEnd,
} from '../../modules/combined/index.ts'
import { isShared } from '../../modules/sharing/index.ts'
import type { Answer, Invitation, Trade } from '../../modules/wechat/index.ts'
import type { Executed } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { isPayer, payerDigestOf, payerIn } from '../payer.ts'
import { openCase } from '../reserve/case.ts'
import { micropaySeconds } from './create.ts'
import { neverPaid, paidAtWechat, refundedThere } from './end.ts'

export interface LegContext extends FlowContext {
  readonly legLog: { error(details: object, sentence: string): void }
}

export interface Asking {
  /** Of micropay. */
  readonly authCode?: string | undefined
  /** The till's address. */
  readonly clientIp: string
  readonly description: string
  /** The payment was made before: what was asked earlier may be paid, or still be on its way. */
  readonly isRepeat?: boolean
}

/** What could not be decided yet. */
type Open = 'open'
type Looked = 'ended' | Open

/**
 * Asks the payer: right after the payment was made, or again for the same invitation. Answers the invitation where there
 * is one. What WeChat refuses of the first and only call fails the payment at once; of a repeat it says nothing of what was
 * asked before, which is given up and looked after. What it does not answer is asked about later.
 */
export async function askPayer(
  context: LegContext,
  row: CombinedRow,
  asking: Asking,
): Promise<Invitation | undefined> {
  if (row.wechatAmount === 0n) {
    await paidAtWechat(context, row, undefined)
    return undefined
  }
  const { outTradeNo, appid, accountId, wechatAmount: amount } = row
  const { bookId, merchantId: subject } = row
  const sale = { lane: laneOf(row), bookId, outTradeNo, subject }
  const profitSharing = await isShared(context.database.sql, sale)
  const { description } = asking
  const common = { outTradeNo, appid, amount, description, creditCards: true, profitSharing }
  if (row.scene === 'micropay') {
    const { authCode = '', clientIp } = asking
    const answer = await context.wechatPay.micropay(accountId, { ...common, authCode, clientIp })
    await afterMicropay(context, row, answer)
    return undefined
  }
  const openid = await openidOf(context, row)
  const isRepeat = asking.isRepeat === true
  // Who was asked is not known by this app any more; what was shown to him may be paid all the same.
  if (isRepeat && row.memberId !== null && openid === undefined) return undefined
  if (isRepeat) await noteRepeat(context, row)
  const { scene, legExpiresAt: expiresAt } = row
  const answer = await context.wechatPay.prepay(accountId, { ...common, scene, expiresAt, openid })
  if (answer.status === 'refused') await afterRefusal(context, row, asking, answer.code)
  return answer.status === 'done' ? answer.value : undefined
}

async function noteRepeat(context: LegContext, row: CombinedRow): Promise<void> {
  const { sql } = context.database
  const call = await findCall(sql, laneOf(row), row.id)
  const at = now(context, row)
  if (call !== undefined) await noteAsked(sql, call, { now: at, next: at + askMs })
}

async function afterRefusal(
  context: LegContext,
  row: CombinedRow,
  { isRepeat }: Asking,
  code: string,
): Promise<void> {
  // Disabled since: WeChat was not asked, and what it was asked before may be paid all the same.
  if (isRepeat === true && code === 'ACCOUNT_DISABLED') return
  const { sql } = context.database
  const call = await findCall(sql, laneOf(row), row.id)
  const isOnly = isRepeat !== true && call?.tries === 0
  if (isOnly) await neverPaid(context, row, code)
  else await endNow(context, row, code === 'ORDER_PAID' ? undefined : code)
}

/** How long this process has for it before others look after it, in the time of the book. */
const leaseMs = 60_000

/** Looks after it at once; `reason`: why it is given up. */
export async function endNow(
  context: LegContext,
  row: CombinedRow,
  reason: string | undefined,
): Promise<void> {
  const { sql } = context.database
  const lane = laneOf(row)
  if (reason !== undefined) await wantEnd(sql, lane, row.id, reason, now(context, row))
  const call = await findCall(sql, lane, row.id)
  if (call === undefined) return
  const mine = await leaseCall(sql, call, now(context, row) + leaseMs)
  if (mine === undefined) return
  const again = await lookAfter(context, row, mine)
  if (again !== undefined) await postponeCall(sql, mine, again)
}

/** Of the payer that WeChat was asked for; undefined where the member is somebody else by now. */
async function openidOf(
  context: LegContext,
  { bookId, memberId, appid, payerDigest }: CombinedRow,
): Promise<string | undefined> {
  const payer = await payerIn(context, bookId, memberId, appid)
  const isSame = payer !== undefined && (payerDigest === null || isPayer(payer.digest, payerDigest))
  return isSame ? payer.openid : undefined
}

async function afterMicropay(
  context: LegContext,
  row: CombinedRow,
  answer: Answer<Trade>,
): Promise<void> {
  if (answer.status === 'refused') {
    await neverPaid(context, row, answer.code)
    return
  }
  if (answer.status === 'done') await takeIn(context, row, answer.value)
  // Whatever is open now is asked about in five seconds.
  const call = await findCall(context.database.sql, laneOf(row), row.id)
  if (call !== undefined) await postponeCall(context.database.sql, call, now(context, row) + askMs)
}

function laneOf({ id }: CombinedRow) {
  return laneOfId(id)
}

function now(context: LegContext, { bookId }: CombinedRow): Instant {
  return context.engine.now(modeOfBook(bookId))
}

const askMs = 5_000

/** One look after a payment that is not over. Answers when to look again; undefined: it has ended. */
export async function lookAfter(
  context: LegContext,
  row: CombinedRow,
  call: CallRow,
): Promise<Instant | undefined> {
  if (row.status !== 'waiting') return undefined
  if (row.wechatAmount === 0n) {
    await paidAtWechat(context, row, undefined)
    return undefined
  }
  const at = now(context, row)
  const looked =
    row.scene === 'micropay'
      ? await lookAfterMicropay(context, row, call, at)
      : await lookAfterInvitation(context, row, call, at)
  return looked === 'ended' ? undefined : nextLook(row, call, at)
}

const pausesMs = [askMs, 5_000, 10_000, 15_000, 30_000, 60_000]

function nextLook(row: CombinedRow, { tries }: CallRow, at: Instant): Instant {
  const pause = row.scene === 'micropay' ? askMs : (pausesMs[tries] ?? 60_000)
  const isBefore = at < row.legExpiresAt && row.scene !== 'micropay'
  return isBefore ? Math.min(at + pause, row.legExpiresAt) : at + pause
}

/** How long a call may still reach WeChat, and a code that is shown be good. */
const callInFlightMs = 75_000

/** JSAPI, Native: asked while it may be paid; once its time is over, or it was given up, closed and asked again. */
async function lookAfterInvitation(
  context: LegContext,
  row: CombinedRow,
  { ending, startedAt }: CallRow,
  at: Instant,
): Promise<Looked> {
  const { wechatPay } = context
  const isOver = ending !== null || at >= row.legExpiresAt
  const closed = isOver ? await wechatPay.close(row.accountId, row.outTradeNo) : undefined
  const asked = await wechatPay.query(row.accountId, row.outTradeNo)
  if (asked.status === 'done') {
    const reason = ending ?? (isOver ? 'expired' : undefined)
    const taken = await takeIn(context, row, asked.value, reason)
    if (taken !== 'open') return taken === 'over' ? 'ended' : 'open'
    const isClosed = closed?.status === 'done' && !mayBePaid(asked.value)
    return isClosed ? giveUp(context, row, ending ?? 'expired') : 'open'
  }
  // WeChat has never heard of it, and no call that asks for it is under way: what nobody was invited to, nobody pays.
  const isUnknown = asked.status === 'refused' && isNotThere(asked.code)
  const isDead = at >= startedAt + callInFlightMs
  return isOver && isUnknown && isDead ? giveUp(context, row, ending ?? 'expired') : 'open'
}

/** A payment code: asked for half a minute, then taken back, until WeChat says that it was. */
async function lookAfterMicropay(
  context: LegContext,
  row: CombinedRow,
  { ending, startedAt }: CallRow,
  at: Instant,
): Promise<Looked> {
  const { wechatPay } = context
  const asked = await wechatPay.queryMicropay(row.accountId, row.outTradeNo)
  const taken =
    asked.status === 'done'
      ? await takeIn(context, row, asked.value, ending ?? undefined)
      : ('open' as const)
  if (taken !== 'open') return taken === 'over' ? 'ended' : 'open'
  const isOver = ending !== null || at >= startedAt + micropaySeconds * 1_000
  if (!isOver) return 'open'
  const back = await wechatPay.reverse(row.accountId, row.outTradeNo)
  // A call that shows the code may still be under way; when the code has run out it takes nothing any more.
  const isDead = at >= startedAt + callInFlightMs
  const isUnknown = back.status === 'refused' && isNotThere(back.code)
  const isBack = back.status === 'done' || (isUnknown && isDead)
  return isBack ? giveUp(context, row, ending ?? 'expired') : 'open'
}

async function giveUp(context: LegContext, row: CombinedRow, reason: string): Promise<Looked> {
  await neverPaid(context, row, reason)
  return 'ended'
}

function mayBePaid({ state }: Trade): boolean {
  return state === 'not_paid' || state === 'paying' || state === 'paid'
}

/** WeChat has never heard of it. */
export function isNotThere(code: string): boolean {
  return code === 'ORDER_NOT_EXIST' || code === 'RESOURCE_NOT_EXISTS'
}

/** `later`: it is over at WeChat, and could not be recorded just now. */
export type TakenIn = 'over' | 'open' | 'later'

/** What WeChat says of it, by whatever way; `reason`: why it was given up. */
export async function takeIn(
  context: LegContext,
  row: CombinedRow,
  trade: Trade,
  reason?: string,
): Promise<TakenIn> {
  switch (trade.state) {
    case 'refunded':
      return givenBackThere(context, row)
    case 'paid': {
      const other = await differing(context, row, trade)
      const { transactionId } = trade
      if (other === undefined && transactionId !== undefined) {
        return takenBy(await paidAtWechat(context, row, { transactionId }))
      }
      context.legLog.error(
        { combined: row.id, member: other ?? 'transaction_id' },
        'WeChat tells of a payment that is not the one that was asked for',
      )
      return 'open'
    }
    case 'closed':
    case 'revoked':
    case 'failed':
      return takenBy(await neverPaid(context, row, reason ?? trade.state))
    case 'not_paid':
    case 'paying':
      return 'open'
  }
}

/**
 * It was paid, and the money given back, or a part of it. Where we did not ask for that somebody did in WeChat's own
 * console: it pays nothing here that it has not paid already, and a person looks into what is left.
 */
async function givenBackThere(context: LegContext, { bookId, id }: CombinedRow): Promise<TakenIn> {
  // As it is by now: what we ask for is written down before WeChat is asked.
  const row = await findCombined(context.database.sql, bookId, id)
  if (row === undefined || row.wechatRefunded > 0n) return 'over'
  const { accountId, outTradeNo, wechatAmount } = row
  await openCase(context, bookId, `wechat ${accountId} refunded ${outTradeNo}`, {
    kind: 'wechat_row_differs',
    day: businessDateOf(row.createdAt),
    amount: row.transactionId === null ? wechatAmount : -wechatAmount,
    subject: outTradeNo,
  })
  return row.transactionId === null ? takenBy(await refundedThere(context, row)) : 'over'
}

function takenBy(executed: Executed): TakenIn {
  const hasEnded = executed.status === 'done' || executed.refusal.code === 'combined_payment.ended'
  return hasEnded ? 'over' : 'later'
}

/** Which member of a payment is not the one that was asked for: a genuine callback for 0.01 does not pay 17.50. */
async function differing(
  context: LegContext,
  row: CombinedRow,
  trade: Trade,
): Promise<string | undefined> {
  const account = await context.payAccounts.find(row.bookId, row.accountId)
  const expected: Fen = row.wechatAmount
  if (trade.outTradeNo !== row.outTradeNo) return 'out_trade_no'
  if (trade.amount !== expected) return 'amount'
  if (trade.mchid !== account?.mchid) return 'mchid'
  if (trade.appid !== row.appid) return 'appid'
  return (await isAsked(context, row, trade)) ? undefined : 'openid'
}

async function isAsked(context: LegContext, row: CombinedRow, { openid }: Trade): Promise<boolean> {
  const { bookId, memberId, appid, payerDigest } = row
  if (memberId === null) return true
  if (openid === undefined) return false
  // Made before the digest was kept.
  if (payerDigest === null) return openid === (await openidOf(context, row))
  return isPayer(payerDigestOf(context, bookId, appid, openid), payerDigest)
}
