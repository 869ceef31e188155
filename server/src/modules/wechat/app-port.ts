/**
 * What Lika asks of a WeChat official account or mini-program, in Lika's own words: the port that
 * `connectors/wechat-app` fills.
 */
import type { Instant, WechatAppId } from '@lika/contract'
import type { Answer, CheckStep } from './pay-port.ts'

/** Who stands at the door, told by WeChat in exchange for a one-time code. */
export interface Login {
  readonly appid: string
  readonly openid: string
  /** Where the app belongs to an open-platform account. */
  readonly unionid?: string | undefined
  /** A page seen as a snapshot: not a real user, nothing may be bound to it. */
  readonly isSnapshot: boolean
}

/** For `wx.config`. */
export interface JsSdkSignature {
  readonly appId: string
  readonly timestamp: number
  readonly nonceStr: string
  readonly signature: string
}

export interface AddCardAsked {
  readonly cardId: string
  readonly code?: string | undefined
  readonly openid?: string | undefined
  readonly outerStr?: string | undefined
}

/** An element of `cardList` for `wx.addCard`. */
export interface AddCard {
  readonly cardId: string
  /** A JSON string, as the client wants it. */
  readonly cardExt: string
}

/** What became of parameters that came back. `forged`: not given out by us, or changed since. */
export type AddCardReturn = 'accepted' | 'forged' | 'expired' | 'replayed'

export interface SubscribeMessage {
  readonly openid: string
  readonly templateId: string
  readonly page?: string | undefined
  readonly data: Readonly<Record<string, string>>
}

/** What was paid in a mini-program and can be used from then on: nothing is sent by post. */
export interface DeliveredAsked {
  readonly mchid: string
  readonly outTradeNo: string
  /** At most 120 characters. */
  readonly item: string
  /** `virtual`: it has no parcel; `picked_up`: taken along at a till. */
  readonly goods: 'virtual' | 'picked_up'
  readonly openid: string
  readonly at: Instant
}

export type UserCardStatus =
  | 'NORMAL'
  | 'CONSUMED'
  | 'EXPIRE'
  | 'GIFTING'
  | 'GIFT_TIMEOUT'
  | 'DELETE'
  | 'UNAVAILABLE'

export interface CardCode {
  readonly cardId: string
  readonly openid: string
  readonly canConsume: boolean
  readonly status: UserCardStatus
}

/** An event or a message that WeChat posted to us, decrypted. */
export interface AppEvent {
  /** The same for every delivery of one event. */
  readonly dedupeKey: string
  readonly openid: string
  readonly createdAt: Instant
  /** `event` messages only; lower case. */
  readonly event?: string | undefined
  /** Every other member as it came. */
  readonly fields: Readonly<Record<string, string>>
}

/**
 * One official account or mini-program at a time. No method throws for anything that WeChat or the network does: that is an
 * `Answer`; what throws is a fault of ours. `refused` has WeChat's errcode as text, or a word of ours for a call that was not
 * made: `breaker_open`, `rate_limited`, `too_many_open`.
 */
export interface WechatApp {
  /** Where a browser inside WeChat goes to log in; `state` at most 128 bytes. */
  authorizeUrl(
    app: WechatAppId,
    asked: {
      readonly redirectUri: string
      readonly scope: 'snsapi_base' | 'snsapi_userinfo'
      readonly state: string
    },
  ): Promise<string>
  /** An official account's OAuth code. Tried again where WeChat did not answer, never where the code was used. */
  exchangeCode(app: WechatAppId, code: string): Promise<Answer<Login>>
  /** A mini-program's `wx.login` code. */
  loginMiniProgram(app: WechatAppId, jsCode: string): Promise<Answer<Login>>
  phoneOf(app: WechatAppId, code: string): Promise<Answer<{ readonly phone: string }>>
  jsSdk(app: WechatAppId, url: string): Promise<Answer<JsSdkSignature>>
  addCards(app: WechatAppId, cards: readonly AddCardAsked[]): Promise<Answer<readonly AddCard[]>>
  /** Takes parameters of `addCards` that came back: once, in time, unchanged to the letter. */
  takeAddCard(app: WechatAppId, card: AddCard): Promise<AddCardReturn>
  /** `refused` with 47003 before it is sent where a value does not fit its kind. */
  sendSubscribe(app: WechatAppId, message: SubscribeMessage): Promise<Answer<'sent'>>
  /** A mini-program's. `refused` with 10060002, 10060003 or 10060023: it was reported before. */
  reportDelivered(app: WechatAppId, asked: DeliveredAsked): Promise<Answer<'reported'>>
  createCard(
    app: WechatAppId,
    card: Readonly<Record<string, unknown>>,
  ): Promise<Answer<{ readonly cardId: string }>>
  cardCode(
    app: WechatAppId,
    asked: { readonly code: string; readonly cardId?: string | undefined },
  ): Promise<Answer<CardCode>>
  /** `refused` with 40099: it was consumed before. */
  consumeCode(
    app: WechatAppId,
    asked: { readonly code: string; readonly cardId?: string | undefined },
  ): Promise<Answer<{ readonly cardId: string; readonly openid: string }>>
  decryptCode(app: WechatAppId, encrypted: string): Promise<Answer<string>>
  activateMember(
    app: WechatAppId,
    asked: {
      readonly cardId: string
      readonly code: string
      readonly membershipNumber: string
      readonly initBalance?: number | undefined
      readonly initBonus?: number | undefined
    },
  ): Promise<Answer<'activated'>>
  updateMember(
    app: WechatAppId,
    asked: {
      readonly cardId: string
      readonly code: string
      readonly balance?: number | undefined
      readonly recordBalance?: string | undefined
      readonly bonus?: number | undefined
      readonly recordBonus?: string | undefined
    },
  ): Promise<Answer<'updated'>>
  /** What to answer to WeChat's check of the callback's address; undefined: not WeChat's. */
  echo(
    app: WechatAppId,
    query: Readonly<Record<string, string | undefined>>,
  ): Promise<string | undefined>
  /** Undefined: not WeChat's, or not for this app. */
  readEvent(
    app: WechatAppId,
    query: Readonly<Record<string, string | undefined>>,
    body: Uint8Array,
  ): Promise<AppEvent | undefined>
  /**
   * The body by which a callback of an official account is answered with a text for its user, encrypted where its messages
   * are. `account`: the event's `ToUserName`. Undefined: there is no such app.
   */
  writeReply(
    app: WechatAppId,
    reply: { readonly openid: string; readonly account: string; readonly text: string },
  ): Promise<string | undefined>
  /** Looks at the app and asks WeChat whether its secrets serve; changes nothing, writes to nobody. */
  check(app: WechatAppId, asked: { readonly callbackUrl: string }): Promise<readonly CheckStep[]>
}
