/** Merchant numbers of WeChat Pay in a book, which nobody ever speaks for: one to change, and one to take out of use. */
import { generateKeyPairSync, randomInt } from 'node:crypto'
import type { Json } from './answer-check.ts'

export interface WorldWechatPay {
  wechatAccount: string
  /** Nothing else is done to it. */
  wechatAccountToDisable: string
}

/** One key serves them all: making one takes longer than everything else here. */
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

/** Under a merchant number of its own. */
export const payAccount = () => ({
  mchid: String(randomInt(1_000_000_000, 9_999_999_999)),
  appids: ['wxd678efh567hg6787'],
  api_v3_key: 'k'.repeat(32),
  private_key_pem: privateKey,
  certificate_serial: '5F9A1B2C3D4E5F60718293A4B5C6D7E8F9010203',
  key_mode: 'certificate',
})

export async function makeWechatPay({
  ask,
}: {
  ask: (method: string, path: string, body?: object) => Promise<Json>
}): Promise<WorldWechatPay> {
  const [one, other] = await Promise.all([
    ask('POST', '/v1/wechat/pay_accounts', payAccount()),
    ask('POST', '/v1/wechat/pay_accounts', payAccount()),
  ])
  return { wechatAccount: one.id, wechatAccountToDisable: other.id }
}
