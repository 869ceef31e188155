/**
 * The platform's signature under answers and notifications over timestamp, nonce and body: SHA256 with RSA, or SM2 with SM3
 * where an SM key signs.
 */
import { sign } from 'node:crypto'
import type { SigningKey, SmSigningKey } from '../kernel/merchants.ts'
import { smSign } from '../sm/algorithms.ts'

export interface ToSign {
  key: SigningKey | SmSigningKey
  /** Unix seconds. */
  timestamp: number
  nonce: string
  body: string | Buffer
  /** `bad`: over something else; `probe`: a probe, which begins with WECHATPAY/SIGNTEST/. */
  broken: false | 'bad' | 'probe'
}

export function signedHeaders({ key, timestamp, nonce, body, broken }: ToSign) {
  const head = `${timestamp}\n${nonce}\n`
  const message = Buffer.concat([Buffer.from(head), Buffer.from(body), Buffer.from('\n')])
  const signed = broken === 'bad' ? Buffer.concat([message, Buffer.from('x')]) : message
  const isSm = 'sm' in key
  const bytes = isSm ? smSign(signed, key.sm) : sign('sha256', signed, key.key)
  const signature = bytes.toString('base64')
  return {
    'Wechatpay-Timestamp': String(timestamp),
    'Wechatpay-Nonce': nonce,
    'Wechatpay-Signature': broken === 'probe' ? probeOf(signature) : signature,
    'Wechatpay-Serial': key.serial,
    'Wechatpay-Signature-Type': isSm ? 'WECHATPAY2-SM2-WITH-SM3' : 'WECHATPAY2-SHA256-RSA2048',
  }
}

/** As long as a real one, and wrong. */
function probeOf(signature: string): string {
  return `WECHATPAY/SIGNTEST/${signature.slice('WECHATPAY/SIGNTEST/'.length)}`
}
