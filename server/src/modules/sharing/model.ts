/**
 * Shares of sales by WeChat: who gets how much, in fen, the numbers under which WeChat knows them, and when it is asked
 * again. Pure.
 */
import {
  type BookId,
  dayMs,
  type Fen,
  type Instant,
  type Lane,
  type MemberId,
  type MerchantId,
  type ProductId,
  type Uuid,
  type WechatAccountId,
} from '@lika/contract'

/** Most that WeChat lets a merchant share of a payment, in basis points, unless it agreed to more. */
export const mostSharedBp = 3_000
/** What has to pass after a payment before it can be shared. */
export const shareAfterMs = 61_000
/** WeChat lets go of what was not shared thirty days after the payment; a share that it never took ends a day before. */
export const shareWithinMs = 29 * dayMs
/** So long a refund waits for a share that WeChat does not take back for now; then the merchant bears it. */
export const returnWithinMs = dayMs
/** Between two questions of what a payee had not enough for when the refund went out: a quarter of an hour, then up to a day. */
export const followPausesMs = [900_000, 900_000, 3_600_000, 14_400_000, dayMs]
/** After so long WeChat lets go by itself. */
export const keptForMs = 30 * dayMs
/** Calls in a second: in all, of one merchant number, and for one payee. */
export const mostPerSecond = { all: 300, account: 30, payee: 30 } as const

/** Who gets a share: a merchant by its number, or a person who is a member. */
export type Payee =
  | { readonly mchid: string; readonly memberId?: undefined }
  | { readonly mchid?: undefined; readonly memberId: MemberId }

export type SharingReceiver = Payee & {
  /** As the merchant is registered at WeChat. A person's goes to WeChat and is kept nowhere. */
  readonly name?: string | undefined
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
  'STAFF',
  'STORE_OWNER',
  'PARTNER',
  'HEADQUARTER',
  'BRAND',
  'DISTRIBUTOR',
  'USER',
  'SUPPLIER',
] as const

export type SharePart = Payee & {
  readonly amount: Fen
  /** WeChat closed this part: its payee never had it, and the merchant keeps it. */
  readonly isClosed?: boolean
}

/**
 * `waiting`: WeChat has nothing of it and no call is under way, so it may be cancelled. `asked`: it may have it, whatever it
 * says a moment after the call.
 */
export const shareStates = [
  'waiting',
  'asked',
  'processing',
  'finished',
  'failed',
  'cancelled',
] as const
export type ShareState = (typeof shareStates)[number]

/**
 * What became of the part that nobody got. `held`: it goes with the share that is under way; `waiting`, `asked`: to be let
 * go; `free`: the merchant's; `refunded`: nothing is left; `refused`: a person has to look.
 */
export const restStates = ['held', 'waiting', 'asked', 'free', 'refunded', 'refused'] as const
export type RestState = (typeof restStates)[number]

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
  readonly rest: RestState
  readonly restReason: string | null
  readonly returned: Fen
  readonly nextAt: Instant
  /** Of the share; of letting go of the rest, once that is what is left to do. Not set back while a call may be under way. */
  readonly tries: number
  /** It is refused again and again, or for good: a person has to look. */
  readonly attention: boolean
  readonly createdAt: Instant
}

/** What each gets of a sale, rounded down; whoever would get nothing is left out. */
export function partsOf(receivers: readonly SharingReceiver[], total: Fen): SharePart[] {
  return receivers
    .map(({ shareBp, ...payee }) => {
      const amount = (total * BigInt(shareBp)) / 10_000n
      return payee.mchid === undefined
        ? { memberId: payee.memberId, amount }
        : { mchid: payee.mchid, amount }
    })
    .filter(({ amount }) => amount > 0n)
}

/** What of a share comes back when so much of the sale is refunded: its part of it, rounded down; of all of it, all. */
export function returnOf(part: Fen, refunded: Fen, total: Fen): Fen {
  return refunded >= total ? part : (part * refunded) / total
}

const pausesMs = [5_000, 10_000, 30_000, 60_000, 300_000]
const longestPauseMs = 4 * 3_600_000
/** From so many calls on a refusal is for a person to see. */
export const triesBeforeAttention = 6

/** Until WeChat is asked about what it has: soon, then every five minutes. `tries`: from 1. */
export function askAgainMs(tries: number): number {
  return pausesMs[Math.min(tries, pausesMs.length) - 1] ?? 5_000
}

/** Until what WeChat refused is sent again: as above, then twice as long each time, up to four hours. */
export function sendAgainMs(tries: number): number {
  const doublings = Math.min(Math.max(tries - pausesMs.length, 0), 10)
  return Math.min(askAgainMs(tries) * 2 ** doublings, longestPauseMs)
}

/** How long a call of which no answer came may still arrive at WeChat. */
export const callInFlightMs = 75_000

/** Whether the call before this one may still arrive: it was not long ago. A retry leaves as long a pause. `tries`: from 2. */
export function mayArriveYet(tries: number): boolean {
  return askAgainMs(tries - 1) < callInFlightMs
}

function digitsOf(id: string): string {
  return BigInt(`0x${id.replaceAll('-', '')}`)
    .toString(36)
    .padStart(25, '0')
}

export function outShareNo(id: string): string {
  return `ls${digitsOf(id)}`
}

/** Under which what is left of a sale is let go: WeChat wants another number than the share's. */
export function outUnfreezeNo(id: string): string {
  return `lu${digitsOf(id)}`
}

/** Of the number under which the refund was asked for first; `index`: of the receiver. */
export function outReturnNo(id: string, firstRefundNo: string, index: number): string {
  return `lt${digitsOf(id)}${firstRefundNo}${index.toString(36)}`
}
