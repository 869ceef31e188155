/** Shares of sales by WeChat: who gets how much, in fen, and the numbers under which WeChat knows them. Pure. */
import type {
  BookId,
  Fen,
  Instant,
  Lane,
  MerchantId,
  ProductId,
  Uuid,
  WechatAccountId,
} from '@lika/contract'

/** Most that WeChat lets a merchant share of a payment, in basis points, unless it agreed to more. */
export const mostSharedBp = 3_000
/** What has to pass after a payment before it can be shared. */
export const shareAfterMs = 61_000
/** Calls in a second: in all, of one merchant number, and for one payee. */
export const mostPerSecond = { all: 300, account: 30, payee: 30 } as const

export interface SharingReceiver {
  readonly mchid: string
  /** As the merchant is registered at WeChat. */
  readonly name: string
  readonly relation: string
  readonly shareBp: number
}

export interface SharingRule {
  readonly id: Uuid
  readonly bookId: BookId
  readonly productId: ProductId | null
  readonly merchantId: MerchantId | null
  readonly receivers: readonly SharingReceiver[]
  readonly createdAt: Instant
}

export const relations = [
  'SERVICE_PROVIDER',
  'STORE',
  'PARTNER',
  'HEADQUARTER',
  'BRAND',
  'DISTRIBUTOR',
  'SUPPLIER',
] as const

export interface SharePart {
  readonly mchid: string
  readonly amount: Fen
}

export const shareStates = [
  'waiting',
  'asked',
  'processing',
  'finished',
  'failed',
  'cancelled',
] as const
export type ShareState = (typeof shareStates)[number]

export interface ShareRow {
  readonly lane: Lane
  readonly id: Uuid
  readonly bookId: BookId
  readonly accountId: WechatAccountId
  readonly appid: string
  readonly transactionId: string
  readonly outTradeNo: string
  /** Of the sale. */
  readonly total: Fen
  readonly receivers: readonly SharePart[]
  readonly amount: Fen
  readonly state: ShareState
  readonly reason: string | null
  readonly returned: Fen
  readonly nextAt: Instant
  readonly tries: number
  readonly createdAt: Instant
}

/** What each gets of a sale, rounded down; whoever would get nothing is left out. */
export function partsOf(receivers: readonly SharingReceiver[], total: Fen): SharePart[] {
  return receivers
    .map(({ mchid, shareBp }) => ({ mchid, amount: (total * BigInt(shareBp)) / 10_000n }))
    .filter(({ amount }) => amount > 0n)
}

/** What of a share comes back when so much of the sale is refunded: its part of it, rounded down; of all of it, all. */
export function returnOf(part: Fen, refunded: Fen, total: Fen): Fen {
  return refunded >= total ? part : (part * refunded) / total
}

function digitsOf(id: string): string {
  return BigInt(`0x${id.replaceAll('-', '')}`)
    .toString(36)
    .padStart(25, '0')
}

export function outShareNo(id: string): string {
  return `ls${digitsOf(id)}`
}

/** `index`: of the receiver. */
export function outReturnNo(id: string, outRefundNo: string, index: number): string {
  return `lt${digitsOf(id)}${outRefundNo}${index.toString(36)}`
}
