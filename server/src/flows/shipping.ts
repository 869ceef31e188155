/**
 * Tells WeChat of what was paid in a mini-program that it was delivered (发货信息录入): it keeps the money frozen, and its
 * sharing waits, until it has been told.
 */
import type { BookId, Instant, MemberId, ShippingEnd } from '@lika/contract'
import type { DeliveredAsked } from '../modules/wechat/index.ts'
import type { FlowContext } from './context.ts'
import { isPayer, payerIn } from './payer.ts'

const minuteMs = 60_000
/** WeChat knows a payment a moment later than whoever asks; what a person has to mend takes its time. */
export const shippingPausesMs = [0.25, 1, 5, 15, 60, 240].map((minutes) => minutes * minuteMs)
/** Sharing may wait for thirty days, and not a day longer. */
const keptForMs = 30 * 24 * 60 * minuteMs

/** It was told before: by an earlier call whose answer was lost, or by a person in WeChat's console. */
const toldBefore = ['10060002', '10060003', '10060023']
const longestItem = 120

export interface Delivery extends Pick<DeliveredAsked, 'mchid' | 'outTradeNo' | 'item' | 'goods'> {
  readonly book: BookId
  readonly appid: string
  readonly memberId: MemberId | null
  readonly payerDigest: Uint8Array | null
  readonly at: Instant
}

export interface Told {
  /** null: it is told again later. */
  readonly end: ShippingEnd | null
  readonly problem: string | null
}

/** Nothing was delivered for it, or it goes back. */
export const notDue: Told = { end: 'not_due', problem: null }

export function notTold(problem: string): Told {
  return { end: null, problem }
}

export async function tellDelivered(context: FlowContext, delivery: Delivery): Promise<Told> {
  const { wechatApps, wechatApp } = context
  const { book, appid, memberId, payerDigest, at, mchid, outTradeNo, goods } = delivery
  const [app] = await wechatApps.list(book, { appid, limit: 1 })
  if (app === undefined) return notTold('there is no such app any more')
  const payer = await payerIn(context, book, memberId, appid)
  const isSame = payer !== undefined && payerDigest !== null && isPayer(payer.digest, payerDigest)
  if (!isSame) return notTold('the member is not the payer any more')
  const item = Array.from(delivery.item).slice(0, longestItem).join('')
  const { openid } = payer
  const asked = { mchid, outTradeNo, item, goods, openid, at }
  const answer = await wechatApp.reportDelivered(app.id, asked)
  if (answer.status === 'unknown') return notTold(answer.why)
  const isTold = answer.status === 'done' || toldBefore.includes(answer.code)
  return isTold ? { end: 'reported', problem: null } : notTold(answer.code)
}

/** What WeChat has not taken in time it is told no more. */
export function inTime(told: Told, now: Instant, paidAt: Instant): Told {
  return told.end === null && now >= paidAt + keptForMs ? { ...told, end: 'given_up' } : told
}
