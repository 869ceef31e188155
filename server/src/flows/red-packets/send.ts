/**
 * Red packets at WeChat: sent under one number, which gives once however often it is sent, and asked about until the member
 * has taken it, or nobody will.
 */
import { type Instant, type Mode, modeOfBook } from '@lika/contract'
import { callInFlightMs } from '../../modules/orders/index.ts'
import {
  postponeRedPacket,
  type RedPacketRow,
  takeDueRedPackets,
} from '../../modules/red-packets/index.ts'
import type { Answer, TransferBill } from '../../modules/wechat/index.ts'
import type { FlowContext } from '../context.ts'
import { endRedPacket } from './give.ts'

type Context = Pick<FlowContext, 'engine' | 'database' | 'members' | 'wechatPay'>

/** Cash for marketing, and what WeChat wants to be told of it. */
const scene = '1000'
const sceneReport = [
  { type: '活动名称', content: '营销活动' },
  { type: '奖励说明', content: '活动红包' },
]

/**
 * Sends it. Answers what the member's phone needs to take it, while there is something to take. What WeChat refuses of a
 * repeat says nothing of what it took before: that is asked about in its turn.
 */
export async function sendRedPacket(
  context: Context,
  row: RedPacketRow,
  isRepeat = false,
): Promise<string | undefined> {
  const openid = await context.members.openidOf(row.bookId, row.memberId, row.appid)
  if (openid === undefined) {
    if (isRepeat) return undefined
    await endRedPacket(context, row, { status: 'returned', reason: 'payer_unknown' })
    return undefined
  }
  // As long as this call may be on its way nobody takes it for one that was never made.
  if (isRepeat) await lookLater(context, row, callInFlightMs)
  const { accountId, outBillNo, appid, amount, remark } = row
  const asked = { outBillNo, appid, openid, amount, sceneId: scene, sceneReport, remark }
  const answer = await context.wechatPay.transfer(accountId, asked)
  if (!isRepeat || answer.status === 'done') await takeIn(context, row, answer)
  return answer.status === 'done' ? answer.value.packageInfo : undefined
}

/** Codes after which the same number may be sent again; `NO_CODE` says nothing at all. */
const passing = ['NOT_ENOUGH', 'FREQUENCY_LIMITED', 'SYSTEM_ERROR', 'ALREADY_EXISTS', 'NO_CODE']

/** What WeChat says when it was asked to send. */
async function takeIn(
  context: Context,
  row: RedPacketRow,
  answer: Answer<TransferBill>,
): Promise<void> {
  if (answer.status === 'done') await takeBill(context, row, answer.value)
  else if (answer.status === 'unknown' || passing.includes(answer.code))
    await lookLater(context, row, pauseOf(row))
  else await endRedPacket(context, row, { status: 'returned', reason: answer.code })
}

/** What WeChat knows of it, by answer or notice. */
export async function takeBill(
  context: Context,
  row: RedPacketRow,
  bill: TransferBill,
): Promise<void> {
  const end = endOf(bill)
  if (end === undefined) await lookLater(context, row, pauseOf(row))
  else await endRedPacket(context, row, end)
}

function endOf({
  state,
  failReason,
}: TransferBill): Parameters<typeof endRedPacket>[2] | undefined {
  switch (state) {
    case 'succeeded':
      return { status: 'received', reason: null }
    case 'failed':
    case 'cancelled':
      return { status: 'returned', reason: failReason ?? state }
    case 'accepted':
    case 'processing':
    case 'waiting_for_user':
    case 'transferring':
    case 'cancelling':
      return undefined
  }
}

const pausesMs = [10_000, 60_000, 300_000, 1_800_000]

function pauseOf({ tries }: RedPacketRow): number {
  return pausesMs[tries] ?? 1_800_000
}

function now({ engine }: Context, { bookId }: RedPacketRow): Instant {
  return engine.now(modeOfBook(bookId))
}

async function lookLater(context: Context, row: RedPacketRow, inMs: number): Promise<void> {
  await postponeRedPacket(context.database.sql, row.id, now(context, row) + inMs)
}

const leaseMs = 60_000
const atOnce = 50

/** Looks after those that are due. Answers how many there were. */
export async function tendRedPackets(
  context: Context,
  mode: Mode,
  log: { error(details: object, sentence: string): void },
): Promise<number> {
  const now = context.engine.now(mode)
  const lanes = context.engine.lanesOf(mode)
  const due = await takeDueRedPackets(context.database.sql, lanes, now, now + leaseMs, atOnce)
  await Promise.all(
    due.map((row) =>
      look(context, row).catch((error: unknown) =>
        log.error({ err: error, redPacket: row.id }, 'a red packet: asked again later'),
      ),
    ),
  )
  return due.length
}

/** WeChat has never heard of it. */
const notThere = ['NOT_FOUND', 'RESOURCE_NOT_EXISTS', 'ORDER_NOT_EXIST']

/**
 * What WeChat has never heard of, though no call is on its way any more, is sent again, under the same number. That nobody
 * may ask now says nothing of what was sent: the member may take it all the same.
 */
async function look(context: Context, row: RedPacketRow): Promise<void> {
  const answer = await context.wechatPay.queryTransfer(row.accountId, row.outBillNo)
  if (answer.status === 'done') return takeBill(context, row, answer.value)
  const isUnknown = answer.status === 'refused' && notThere.includes(answer.code)
  const isDead = now(context, row) >= row.createdAt + callInFlightMs
  if (isUnknown && isDead) await sendRedPacket(context, row)
  else await lookLater(context, row, pauseOf(row))
}
