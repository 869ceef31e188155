/** For tests: a signed call of v3 of which any part can be made wrong. */
import { randomBytes, sign } from 'node:crypto'
import type { TestMerchant } from './world.ts'

export interface RawCall {
  method?: string
  target?: string
  body?: string | Buffer
  timestamp?: number | string
  /** Seconds that the clock of the caller is ahead. */
  skew?: number
  nonce?: string
  serial?: string
  mchid?: string
  scheme?: string
  /** What is signed where it is not what is sent. */
  signed?: { method?: string; target?: string; body?: string | Buffer; key?: string }
  /** Instead of the Authorization header that all this makes. */
  authorization?: string | undefined
  /** Changes the list of items. */
  items?: (items: string[]) => string[]
  headers?: Record<string, string>
}

export async function rawCall(url: string, merchant: TestMerchant, call: RawCall = {}) {
  const { method = 'GET', body = '', nonce = randomBytes(16).toString('hex') } = call
  const target = call.target ?? `/v3/pay/transactions/out-trade-no/T1?mchid=${merchant.mchid}`
  const timestamp = call.timestamp ?? Math.floor(Date.now() / 1000) + (call.skew ?? 0)
  const signed = { method, target, body, key: merchant.private_key_pem, ...call.signed }
  const head = `${signed.method}\n${signed.target}\n${timestamp}\n${nonce}\n`
  const message = Buffer.concat([Buffer.from(head), Buffer.from(signed.body), Buffer.from('\n')])
  const signature = sign('sha256', message, signed.key).toString('base64')
  const items = [
    `mchid="${call.mchid ?? merchant.mchid}"`,
    `nonce_str="${nonce}"`,
    `timestamp="${timestamp}"`,
    `serial_no="${call.serial ?? merchant.serial}"`,
    `signature="${signature}"`,
  ]
  const made = `${call.scheme ?? 'WECHATPAY2-SHA256-RSA2048'} ${(call.items?.(items) ?? items).join(',')}`
  const authorization = 'authorization' in call ? call.authorization : made
  const response = await fetch(`${url}${target}`, {
    method,
    headers: {
      accept: 'application/json',
      'user-agent': 'test',
      ...(body !== '' && { 'content-type': 'application/json' }),
      ...(authorization !== undefined && { authorization }),
      ...call.headers,
    },
    ...(body !== '' && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  })
  const text = await response.text()
  const code = text === '' ? '' : String(JSON.parse(text).code ?? '')
  return {
    status: response.status,
    outcome: `${response.status} ${code}`.trim(),
    isSigned: response.headers.has('wechatpay-signature'),
    headers: response.headers,
    text,
  }
}
