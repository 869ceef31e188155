/** Whether bytes that claim to come from WeChat do: answers and callbacks are signed alike. */
import type { Instant } from '@lika/contract'
import type { Sm } from '../../platform/crypto/sm.ts'
import type { Verified } from './answers.ts'
import { type PlatformKey, verifiesBy } from './suites.ts'

export interface SignedBytes {
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

export interface Verdict {
  readonly verified: Verified
  /** What does not hold, for the log; none of it is secret. */
  readonly why: string
}

/** Undefined: no such key, also after asking for the keys anew. */
export type FindKey = (serial: string) => Promise<PlatformKey | undefined>

const mostSkewMs = 300_000
/** WeChat tries now and then whether signatures are looked at. */
const probe = 'WECHATPAY/SIGNTEST/'
/** What an answer may say of its own signature; RSA where it says nothing. */
const types = { rsa: 'WECHATPAY2-SHA256-RSA2048', sm2: 'WECHATPAY2-SM2-WITH-SM3' }
const good: Verdict = { verified: 'good', why: '' }
const bad = (why: string): Verdict => ({ verified: 'bad', why })

/** In this order: headers, probe, time, key, kind of key, signature. */
export async function verify(
  { headers, body }: SignedBytes,
  find: FindKey,
  now: Instant,
  sm: Sm | undefined,
): Promise<Verdict> {
  const timestamp = headers['wechatpay-timestamp']
  const nonce = headers['wechatpay-nonce']
  const signature = headers['wechatpay-signature']
  const serial = headers['wechatpay-serial']
  if (signature === undefined && serial === undefined)
    return { verified: 'absent', why: 'no signature' }
  if (!timestamp || !nonce || !signature || !serial)
    return bad('headers of the signature are missing')
  if (signature.startsWith(probe)) return bad('a probe')
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now - Number(timestamp) * 1000) > mostSkewMs)
    return bad('signed at another time')
  const key = await find(serial)
  if (key === undefined) return bad(`signed with a key that is not known: ${serial.slice(0, 80)}`)
  const type = headers['wechatpay-signature-type']
  if (type !== undefined && type !== types[key.kind]) return bad('signed by another kind of key')
  const message = signedMessage(timestamp, nonce, body)
  return verifiesBy(key, message, signature, sm) ? good : bad('the signature does not hold')
}

/** Time, nonce and the bytes of the body, a line feed behind each. */
export function signedMessage(timestamp: string, nonce: string, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${timestamp}\n${nonce}\n`), body, Buffer.from('\n')])
}
