/**
 * What Lika asks of WeChat Pay, in Lika's own words: the port that `connectors/wechat-pay` fills and that flows call. An
 * outside call has three ends, not two: done, certainly not done, and not known.
 */
import type { Fen, Instant, WechatAccountId } from '@lika/contract'

/**
 * What a call came to. `refused`: certainly not done, with WeChat's code in its current spelling (`NOT_ENOUGH`).
 * `unknown`: it may have been done; only asking by the same number tells, and only the same number may be sent again.
 */
export type Answer<T> =
  | { readonly status: 'done'; readonly value: T }
  | { readonly status: 'refused'; readonly code: string; readonly detail: string }
  | { readonly status: 'unknown'; readonly why: string }

/** Where the buyer pays: a page in WeChat, a mini-program, a code to scan, a browser outside WeChat. */
export type PayScene = 'jsapi' | 'mini_program' | 'native' | 'h5'

export interface Prepay {
  readonly scene: PayScene
  /** 6–32 of `0-9A-Za-z_-|*`, one per order and for ever. */
  readonly outTradeNo: string
  readonly amount: Fen
  /** At most 127 characters, none outside the basic plane. */
  readonly description: string
  /** Fixed by the first order of a number; whole seconds. */
  readonly expiresAt: Instant
  readonly appid: string
  /** Needed for `jsapi` and `mini_program`; never from a client. */
  readonly openid?: string | undefined
  /** The buyer's own address; needed for `h5`. */
  readonly clientIp?: string | undefined
  readonly attach?: string | undefined
  readonly profitSharing?: boolean | undefined
  /** False where the law forbids credit cards for it (`limit_pay: no_credit`). */
  readonly creditCards: boolean
}

/** How the buyer is asked to pay. */
export type Invitation =
  | {
      readonly scene: 'jsapi' | 'mini_program'
      /** Handed to `getBrandWCPayRequest` or `wx.requestPayment` as it stands. */
      readonly parameters: Readonly<Record<string, string>>
    }
  | { readonly scene: 'native'; readonly codeUrl: string }
  | { readonly scene: 'h5'; readonly url: string }

export type TradeState =
  | 'not_paid'
  | 'paying'
  | 'paid'
  /** Paid, and refunded at least in part. */
  | 'refunded'
  | 'closed'
  | 'revoked'
  | 'failed'

/** One payment as WeChat tells it: by callback, by query, or as a micropay's answer, in the same words. */
export interface Trade {
  readonly outTradeNo: string
  readonly state: TradeState
  readonly mchid: string
  readonly appid: string
  /** From here on absent while unpaid. */
  readonly transactionId?: string | undefined
  readonly openid?: string | undefined
  /** What the order was for, never what the payer was left to pay after WeChat's own promotions. */
  readonly amount?: Fen | undefined
  readonly paidAt?: Instant | undefined
}

export interface RefundAsked {
  readonly outTradeNo: string
  /** 1–64 of `0-9A-Za-z_-|*@`; the same number refunds once. */
  readonly outRefundNo: string
  readonly amount: Fen
  /** Of the whole order. */
  readonly total: Fen
  readonly reason?: string | undefined
}

/** `abnormal`: the payer's account cannot take it back; it needs a person (`apply-abnormal-refund`). */
export type RefundState = 'processing' | 'succeeded' | 'closed' | 'abnormal'

export interface Refund {
  readonly outRefundNo: string
  readonly outTradeNo: string
  readonly refundId: string
  readonly state: RefundState
  readonly amount: Fen
  readonly succeededAt?: Instant | undefined
}

/** An abnormal refund goes to a bank card of the payer instead. */
export interface AbnormalRefundAsked {
  readonly outRefundNo: string
  /** WeChat's own number of it. */
  readonly refundId: string
  /** WeChat's word for the bank and the kind of card, such as `ICBC_DEBIT`. */
  readonly bankType: string
  /** Digits; like the name encrypted for WeChat on the way. */
  readonly bankAccount: string
  readonly realName: string
}

/** A payment code shown to a till. */
export interface Micropay {
  readonly outTradeNo: string
  readonly amount: Fen
  readonly description: string
  readonly appid: string
  /** `^1[0-5]\d{16}$` */
  readonly authCode: string
  /** Of the till. */
  readonly clientIp: string
  readonly attach?: string | undefined
  readonly creditCards: boolean
  readonly profitSharing?: boolean | undefined
}

export interface CombinedPart {
  readonly mchid: string
  readonly outTradeNo: string
  readonly amount: Fen
  readonly description: string
  readonly attach: string
  readonly profitSharing?: boolean | undefined
}

/** Several orders paid as one: all or none. */
export interface CombinedPrepay extends Omit<Prepay, 'amount' | 'description' | 'attach'> {
  readonly parts: readonly CombinedPart[]
}

export interface ShareReceiver {
  readonly type: 'MERCHANT_ID' | 'PERSONAL_OPENID'
  readonly account: string
  /** Encrypted for WeChat on the way; needed for merchants. */
  readonly name?: string | undefined
}

export interface ShareAsked {
  readonly appid: string
  readonly transactionId: string
  readonly outOrderNo: string
  readonly receivers: readonly (ShareReceiver & {
    readonly amount: Fen
    readonly description: string
  })[]
  /** What is left goes to the merchant's free balance, and no more can be shared. */
  readonly unfreezeRest: boolean
}

export interface Share {
  readonly outOrderNo: string
  readonly orderId: string
  readonly transactionId: string
  readonly state: 'processing' | 'finished'
  readonly receivers: readonly {
    readonly account: string
    readonly amount: Fen
    readonly result: 'pending' | 'success' | 'closed'
    readonly failReason?: string | undefined
  }[]
}

export interface ShareReturn {
  readonly outReturnNo: string
  readonly state: 'processing' | 'succeeded' | 'failed'
  readonly failReason?: string | undefined
}

/** Money to a person (商家转账), also as a red packet. */
export interface Transfer {
  /** At most 32 letters and digits; never another one after an unclear error. */
  readonly outBillNo: string
  readonly appid: string
  readonly openid: string
  readonly amount: Fen
  readonly sceneId: string
  readonly sceneReport: readonly { readonly type: string; readonly content: string }[]
  readonly remark: string
  /** Needed from 2,000 yuan; encrypted for WeChat on the way. */
  readonly userName?: string | undefined
}

export type TransferState =
  | 'accepted'
  | 'processing'
  | 'waiting_for_user'
  | 'transferring'
  | 'succeeded'
  | 'failed'
  | 'cancelling'
  | 'cancelled'

export interface TransferBill {
  readonly outBillNo: string
  readonly transferBillNo: string
  readonly state: TransferState
  /** For `wx.requestMerchantTransfer`, while the user has yet to confirm. */
  readonly packageInfo?: string | undefined
  readonly failReason?: string | undefined
}

export type BillAsked =
  | {
      readonly kind: 'trade'
      readonly date: string
      readonly type: 'ALL' | 'SUCCESS' | 'REFUND'
    }
  | { readonly kind: 'fund'; readonly date: string; readonly account: 'BASIC' }
  | { readonly kind: 'sharing'; readonly date: string }

/** A bill as rows under their header's names; back-ticks gone, amounts still in yuan as text. The hash was checked. */
export interface Bill {
  readonly rows: readonly Readonly<Record<string, string>>[]
  readonly summary: Readonly<Record<string, string>>
}

/** What a callback says once its signature was verified and its resource decrypted. */
export type PayNotice =
  | { readonly kind: 'trade'; readonly id: string; readonly trade: Trade }
  | { readonly kind: 'combined'; readonly id: string; readonly trades: readonly Trade[] }
  | { readonly kind: 'refund'; readonly id: string; readonly refund: Refund }
  | { readonly kind: 'transfer'; readonly id: string; readonly bill: TransferBill }
  | { readonly kind: 'other'; readonly id: string; readonly eventType: string }

export interface RawNotice {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** As it came, before any parsing. */
  readonly body: Uint8Array
}

/** One thing that was looked at in a live configuration, in the order in which they were. */
export interface CheckStep {
  /** A word that stays the same, such as `private_key` or `clock`. */
  readonly step: string
  readonly ok: boolean
  /** What is wrong, in one sentence; on a step that could not be taken: why not. */
  readonly problem?: string | undefined
  /** What to do about it. */
  readonly advice?: string | undefined
}

/**
 * WeChat Pay for one account of an issuer at a time. No method throws for anything that WeChat or the network does: that
 * is an `Answer`; what throws is a fault of ours.
 */
export interface WechatPay {
  prepay(account: WechatAccountId, order: Prepay): Promise<Answer<Invitation>>
  prepayCombined(
    account: WechatAccountId,
    combinedNo: string,
    order: CombinedPrepay,
  ): Promise<Answer<Invitation>>
  query(account: WechatAccountId, outTradeNo: string): Promise<Answer<Trade>>
  queryCombined(account: WechatAccountId, combinedNo: string): Promise<Answer<readonly Trade[]>>
  /** `done`: it will never be paid. `refused` with `ORDER_PAID`: it was. */
  close(account: WechatAccountId, outTradeNo: string): Promise<Answer<'closed'>>
  closeCombined(
    account: WechatAccountId,
    combinedNo: string,
    parts: readonly Pick<CombinedPart, 'mchid' | 'outTradeNo'>[],
    appid: string,
  ): Promise<Answer<'closed'>>
  refund(account: WechatAccountId, refund: RefundAsked): Promise<Answer<Refund>>
  queryRefund(account: WechatAccountId, outRefundNo: string): Promise<Answer<Refund>>
  /** `refused` also where it is not abnormal any more: ask what it is, an earlier call may have been taken. */
  applyAbnormalRefund(account: WechatAccountId, asked: AbnormalRefundAsked): Promise<Answer<Refund>>
  /** `done` may say `paying`: the payer types a password; ask again, then `reverse`. */
  micropay(account: WechatAccountId, order: Micropay): Promise<Answer<Trade>>
  /** By the protocol that micropay uses. */
  queryMicropay(account: WechatAccountId, outTradeNo: string): Promise<Answer<Trade>>
  /** `done`: it is not paid, or the payer has it back. */
  reverse(account: WechatAccountId, outTradeNo: string): Promise<Answer<'reversed'>>
  addReceiver(
    account: WechatAccountId,
    appid: string,
    receiver: ShareReceiver & { readonly relation: string },
  ): Promise<Answer<'added'>>
  share(account: WechatAccountId, share: ShareAsked): Promise<Answer<Share>>
  queryShare(
    account: WechatAccountId,
    outOrderNo: string,
    transactionId: string,
  ): Promise<Answer<Share>>
  returnShare(
    account: WechatAccountId,
    asked: {
      readonly outOrderNo: string
      readonly outReturnNo: string
      readonly returnMchid: string
      readonly amount: Fen
      readonly description: string
    },
  ): Promise<Answer<ShareReturn>>
  queryShareReturn(
    account: WechatAccountId,
    outReturnNo: string,
    outOrderNo: string,
  ): Promise<Answer<ShareReturn>>
  /** Of a payment whose shares have all ended; `outOrderNo`: none that a share has. */
  unfreeze(
    account: WechatAccountId,
    asked: {
      readonly transactionId: string
      readonly outOrderNo: string
      readonly description: string
    },
  ): Promise<Answer<Share>>
  transfer(account: WechatAccountId, transfer: Transfer): Promise<Answer<TransferBill>>
  queryTransfer(account: WechatAccountId, outBillNo: string): Promise<Answer<TransferBill>>
  cancelTransfer(account: WechatAccountId, outBillNo: string): Promise<Answer<TransferBill>>
  /** `refused` with `NO_STATEMENT_EXIST`: nothing happened that day; `STATEMENT_CREATING`: later. */
  bill(account: WechatAccountId, asked: BillAsked): Promise<Answer<Bill>>
  /** Undefined: not WeChat's, or a probe; the caller answers 4xx and does nothing. */
  readNotice(account: WechatAccountId, notice: RawNotice): Promise<PayNotice | undefined>
  /** Looks at the account's keys and asks WeChat whether they serve; moves no money. For each app an order of one fen is made and closed. */
  check(account: WechatAccountId): Promise<readonly CheckStep[]>
}
