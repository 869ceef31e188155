/** The three SHA-1 signatures of accounts: of a page (JS-SDK), of a card that a page offers, and of a callback's query. */
import { createHash, timingSafeEqual } from 'node:crypto'

export interface PageSigned {
  readonly ticket: string
  readonly nonceStr: string
  readonly timestamp: number
  /** As the browser shows it, not URL-encoded; what follows `#` does not count. */
  readonly url: string
}

/** What `wx.config` must be given; the client's member is `nonceStr`, the signed name `noncestr`. */
export function pageSignature({ ticket, nonceStr, timestamp, url }: PageSigned): string {
  const page = url.split('#', 1)[0]
  return sha1(`jsapi_ticket=${ticket}&noncestr=${nonceStr}&timestamp=${timestamp}&url=${page}`)
}

export interface CardSigned {
  /** Of type `wx_card`. */
  readonly ticket: string
  readonly timestamp: string
  readonly cardId: string
  readonly nonceStr: string
  readonly code?: string | undefined
  readonly openid?: string | undefined
}

/** What `cardExt.signature` must be: `fixed_begintimestamp` and `outer_str` are not part of it. */
export function cardSignature(card: CardSigned): string {
  const { ticket, timestamp, cardId, nonceStr, code, openid } = card
  return signatureOf([ticket, timestamp, cardId, nonceStr, code ?? '', openid ?? ''])
}

/** SHA-1 of the plain values one after the other, sorted as strings: callbacks are signed like this as well. */
export function signatureOf(values: readonly string[]): string {
  return sha1([...values].sort().join(''))
}

export function isSameSignature(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
