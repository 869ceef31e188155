/**
 * A payment at a till of which cards give a part and WeChat the rest: what there is of it, what may still be given back,
 * and by which numbers WeChat knows it. Pure.
 */
import {
  asId,
  type BookId,
  type CombinedPaymentId,
  type CombinedRefundId,
  type Fen,
  fenToJson,
  formatYuan,
  type Instant,
  type MemberId,
  type MerchantId,
  ok,
  type PaymentId,
  type Result,
  refusal,
  refused,
  type ShippingEnd,
  type Uuid,
  type WechatAccountId,
} from '@lika/contract'

export const combinedScenes = ['native', 'jsapi', 'mini_program', 'micropay'] as const
export type CombinedScene = (typeof combinedScenes)[number]

export const combinedStates = ['waiting', 'succeeded', 'failed'] as const
export type CombinedState = (typeof combinedStates)[number]

/** Why it failed though WeChat was paid: somebody gave the money back there, and did not ask us. */
export const refundedAtWechat = 'refunded_at_wechat'

/**
 * `abnormal`: WeChat cannot give it to the payer's account; a person has to see to it. `closed`: WeChat did not carry it
 * out; it is owed, and asked for again under another number when somebody says so.
 */
export const combinedRefundStates = ['processing', 'succeeded', 'abnormal', 'closed'] as const
export type CombinedRefundState = (typeof combinedRefundStates)[number]

type Metadata = Readonly<Record<string, string>> | null

export interface CombinedRow {
  /** The hold of the card part has the same. */
  readonly id: CombinedPaymentId
  readonly bookId: BookId
  readonly merchantId: MerchantId
  readonly reference: string
  readonly amount: Fen
  readonly cardAmount: Fen
  readonly wechatAmount: Fen
  readonly status: CombinedState
  readonly reason: string | null
  readonly accountId: WechatAccountId
  readonly appid: string
  /** Who is to pay, where that is known. */
  readonly memberId: MemberId | null
  /** Of the OpenID that WeChat is asked for; null where whoever scans it pays. */
  readonly payerDigest: Uint8Array | null
  readonly scene: CombinedScene
  readonly outTradeNo: string
  readonly legExpiresAt: Instant
  readonly transactionId: string | null
  readonly paymentId: PaymentId | null
  readonly wechatRefunded: Fen
  /** Of what was paid in a mini-program: what came of reporting its delivery, outside rounds; null: it is told, or again. */
  readonly shipping: ShippingEnd | null
  readonly shippingProblem: string | null
  readonly metadata: Metadata
  readonly createdAt: Instant
  readonly endedAt: Instant | null
}

export interface CombinedRefundRow {
  /** The refund of the card part has the same. */
  readonly id: CombinedRefundId
  readonly bookId: BookId
  readonly combinedId: CombinedPaymentId
  readonly cardAmount: Fen
  readonly wechatAmount: Fen
  readonly reference: string | null
  readonly reason: string | null
  readonly status: CombinedRefundState
  /** Counts the numbers under which WeChat was asked for it, from 1. */
  readonly attempt: number
  /** Of the last attempt; of one that succeeded, the number under which it did. */
  readonly outRefundNo: string
  readonly refundId: string | null
  /** WeChat's last code; null: it has taken what it was last asked. */
  readonly problem: string | null
  /** How often in a row it was that code. */
  readonly refusals: number
  readonly metadata: Metadata
  readonly createdAt: Instant
  readonly endedAt: Instant | null
}

/** Numbers under which WeChat knows what we ask for; the same id gives the same number for ever. */
const prefixes = { trade: 'CP', refund: 'CR' } as const
const digits = 25
/** WeChat takes 50 refunds of a payment. */
const mostAttempts = 50

export function outNumberOf(kind: keyof typeof prefixes, id: string): string {
  const number = BigInt(`0x${id.replaceAll('-', '')}`)
    .toString(36)
    .toUpperCase()
  return prefixes[kind] + number.padStart(digits, '0')
}

/** Of a refund, `attempt` from 1: from the second on it has the count behind it, `CR…-2`. */
function outRefundNoOf(id: string, attempt: number): string {
  const first = outNumberOf('refund', id)
  return attempt === 1 ? first : `${first}-${attempt}`
}

const patterns = {
  trade: /^CP([0-9A-Z]{25})$/,
  refund: /^CR([0-9A-Z]{25})(?:-(?:[2-9]|[1-9][0-9]))?$/,
} as const

/** Of a refund under whichever attempt. undefined: it is not a number of ours of that kind. */
export function idOfOutNumber(kind: keyof typeof prefixes, text: string): Uuid | undefined {
  const [, rest] = patterns[kind].exec(text) ?? []
  if (rest === undefined) return undefined
  let number = 0n
  for (const digit of rest) number = number * 36n + BigInt(Number.parseInt(digit, 36))
  const hex = number.toString(16).padStart(32, '0')
  const parts = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(hex)
  return parts === null ? undefined : asId(parts.slice(1).join('-'))
}

/**
 * How a refund is divided: what was paid last goes back first, so first what came by WeChat, then what cards gave.
 * Refusals: `combined_payment.not_succeeded`, `refund.exceeds_payment` with what is allowed.
 */
export function divideRefund(
  combined: Pick<CombinedRow, 'status' | 'wechatAmount' | 'wechatRefunded'>,
  cardLeft: Fen,
  asked: Fen | undefined,
): Result<{ readonly wechat: Fen; readonly card: Fen }> {
  if (combined.status !== 'succeeded')
    return refused(
      refusal('combined_payment.not_succeeded', 'Only what was paid can be given back.'),
    )
  const wechatLeft = combined.wechatAmount - combined.wechatRefunded
  const left = wechatLeft + cardLeft
  const amount = asked ?? left
  if (amount > left || left === 0n)
    return refused(
      refusal('refund.exceeds_payment', `Of the payment ${formatYuan(left)} yuan are left.`, {
        data: { allowed: { min: left > 0n ? 1 : 0, max: fenToJson(left) } },
      }),
    )
  const wechat = amount < wechatLeft ? amount : wechatLeft
  return ok({ wechat, card: amount - wechat })
}

/** All numbers under which WeChat was asked for it, the last one first. */
export function outRefundNosOf({ id, attempt }: CombinedRefundRow): string[] {
  return Array.from({ length: attempt }, (_, before) => outRefundNoOf(id, attempt - before))
}

/**
 * What WeChat closed is asked for once more, under the next number; what it refuses under the same, for it never took that
 * one. Refusals: `combined_refund.not_closed` with the status, `combined_refund.asked_too_often`.
 */
export function askedAgain(row: CombinedRefundRow): Result<CombinedRefundRow> {
  const { id, status, attempt } = row
  if (status === 'processing' && row.problem !== null) return ok(row)
  if (status !== 'closed')
    return refused(
      refusal('combined_refund.not_closed', `The refund is ${status}.`, { data: { status } }),
    )
  if (attempt >= mostAttempts)
    return refused(
      refusal('combined_refund.asked_too_often', 'WeChat takes no more refunds of the payment.'),
    )
  const next = attempt + 1
  const outRefundNo = outRefundNoOf(id, next)
  const anew = { refundId: null, problem: null, refusals: 0 }
  return ok({ ...row, ...anew, status: 'processing', attempt: next, outRefundNo })
}

export interface RefundTold {
  readonly outRefundNo: string
  readonly status: CombinedRefundState
  /** WeChat has never heard of the last number. */
  readonly isUnsent: boolean
}

/**
 * What WeChat says of a refund under one of its numbers. What it closed stays closed, so of an earlier number it can only
 * be late; that money arrived under one all the same is believed where the last number cannot pay it a second time, and
 * `differs` where it can.
 */
export function judgeTold(
  { status, outRefundNo }: CombinedRefundRow,
  told: RefundTold,
): 'news' | 'known' | 'differs' {
  const isPaid = told.status === 'succeeded'
  if (told.outRefundNo !== outRefundNo) {
    if (!isPaid) return 'known'
    const isOnce = status === 'closed' || (told.isUnsent && status !== 'succeeded')
    return isOnce ? 'news' : 'differs'
  }
  if (status === 'closed') return isPaid ? 'news' : 'known'
  return status === 'succeeded' || status === told.status ? 'known' : 'news'
}
