/** The signatures of the app side: SHA-1 over joined values, as WeChat lays them down. Not ours to choose. */
import { createHash } from 'node:crypto'

/** The URL as the page has it, without what follows `#`. */
export function jsSdkSignature(signed: {
  readonly ticket: string
  readonly nonceStr: string
  readonly timestamp: number
  readonly url: string
}): string {
  const { ticket, nonceStr, timestamp, url } = signed
  const [page = ''] = url.split('#')
  return sha1(`jsapi_ticket=${ticket}&noncestr=${nonceStr}&timestamp=${timestamp}&url=${page}`)
}

/** Of `wx.addCard`: the values that are there, in the order of their characters. */
export function cardSignature(values: readonly (string | undefined)[]): string {
  return sha1(sortedText(values.filter((value) => value !== undefined && value !== '')))
}

/** Of message callbacks: token, timestamp, nonce, and where it is encrypted the text. */
export function callbackSignature(values: readonly string[]): string {
  return sha1(sortedText(values))
}

function sortedText(values: readonly (string | undefined)[]): string {
  // By code unit, which for ASCII is by byte.
  return values.toSorted((a = '', b = '') => (a < b ? -1 : Number(a > b))).join('')
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
