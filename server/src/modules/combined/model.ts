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
  type Uuid,
  type WechatAccountId,
} from '@lika/contract'

export const combinedScenes = ['native', 'jsapi', 'mini_program', 'micropay'] as const
export type CombinedScene = (typeof combinedScenes)[number]

export const combinedStates = ['waiting', 'succeeded', 'failed'] as const
export type CombinedState = (typeof combinedStates)[number]

/** `abnormal`: WeChat cannot give it back; a person has to see to it. */
export const combinedRefundStates = ['processing', 'succeeded', 'abnormal'] as const
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
  readonly scene: CombinedScene
  readonly outTradeNo: string
  readonly legExpiresAt: Instant
  readonly transactionId: string | null
  readonly paymentId: PaymentId | null
  readonly wechatRefunded: Fen
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
  readonly outRefundNo: string
  readonly refundId: string | null
  readonly metadata: Metadata
  readonly createdAt: Instant
  readonly endedAt: Instant | null
}

/** Numbers under which WeChat knows what we ask for; the same id gives the same number for ever. */
const prefixes = { trade: 'CP', refund: 'CR' } as const
const digits = 25

export function outNumberOf(kind: keyof typeof prefixes, id: string): string {
  const number = BigInt(`0x${id.replaceAll('-', '')}`)
    .toString(36)
    .toUpperCase()
  return prefixes[kind] + number.padStart(digits, '0')
}

/** undefined: it is not a number of ours of that kind. */
export function idOfOutNumber(kind: keyof typeof prefixes, text: string): Uuid | undefined {
  const rest = text.slice(2)
  if (!text.startsWith(prefixes[kind]) || !/^[0-9A-Z]{25}$/.test(rest)) return undefined
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
