/** The platform's signature under answers and notifications: SHA256 with RSA over timestamp, nonce and body. */
import { sign } from 'node:crypto'
import type { SigningKey } from '../kernel/merchants.ts'

export interface ToSign {
  key: SigningKey
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
  const signature =
    broken === 'bad'
      ? sign('sha256', Buffer.concat([message, Buffer.from('x')]), key.key).toString('base64')
      : sign('sha256', message, key.key).toString('base64')
  return {
    'Wechatpay-Timestamp': String(timestamp),
    'Wechatpay-Nonce': nonce,
    'Wechatpay-Signature': broken === 'probe' ? probeOf(signature) : signature,
    'Wechatpay-Serial': key.serial,
    'Wechatpay-Signature-Type': 'WECHATPAY2-SHA256-RSA2048',
  }
}

/** As long as a real one, and wrong. */
function probeOf(signature: string): string {
  return `WECHATPAY/SIGNTEST/${signature.slice('WECHATPAY/SIGNTEST/'.length)}`
}
