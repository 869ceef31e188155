/**
 * For tests: a twin in the test's own process on a folder of its own, merchants with keys, and calls signed as a merchant
 * signs them. Written on node:crypto and fetch, so that it shares no signing code with the twin.
 */
import {
  constants,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Merchant } from '../kernel/merchants.ts'
import { type Profile, Twin } from '../kernel/twin.ts'
import type { User } from '../kernel/users.ts'
import { registers } from '../routes.ts'

/** What is answered, looked at member by member. */
type Json = ReturnType<typeof JSON.parse>

export interface Answered {
  status: number
  headers: Headers
  text: string
  /** Undefined where there is no JSON. */
  body: Json
  /** `200`, or `400 PARAM_ERROR`. */
  outcome: string
}

export interface TestMerchant extends Merchant {
  private_key_pem: string
}

export const appid = 'wxd678efh567hg6787'
/** One pair serves all merchants of a test process: they differ by number and serial. */
const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
let made = 0

export type World = Awaited<ReturnType<typeof openWorld>>

export async function openWorld(options: { profile?: Profile; seed?: string } = {}) {
  const { profile = 'local', seed } = options
  const data = mkdtempSync(join(tmpdir(), 'twin-'))
  const twin = new Twin({ data, profile, seed })
  await twin.start(registers, 0)

  return {
    twin,
    data,
    url: twin.url,
    /** An ordinary merchant; give what should be otherwise. */
    async merchant(more: Partial<Merchant> = {}): Promise<TestMerchant> {
      made += 1
      const merchant = await twin.merchants.put({
        mchid: String(1_900_000_000 + made),
        name: '礼卡科技有限公司',
        appids: [appid],
        api_v3_key: randomBytes(16).toString('hex'),
        api_v2_key: randomBytes(16).toString('hex'),
        serial: `4${randomBytes(20).toString('hex').slice(1).toUpperCase()}`,
        public_key_pem: keys.publicKey,
        key_mode: 'certificate',
        sharing_max_bp: 3_000,
        h5_domains: [],
        suspended: false,
        closed: false,
        more: {},
        ...more,
      })
      return { ...merchant, private_key_pem: keys.privateKey }
    },
    user: (given: Partial<User> = {}): User => twin.users.add({ name: '张三', ...given }),
    openid: (user: User, app = appid): string => twin.users.openidOf(user.id, app),
    /** Turns the virtual clock on, and does what is due by then. */
    advance(seconds: number): void {
      twin.clock.setOffset(twin.clock.offset + seconds * 1000)
      twin.schedule.run()
    },
    /** What the control API answers; throws where it refuses. */
    async control(method: string, path: string, body?: unknown): Promise<Json> {
      const response = await fetch(`${twin.url}/_twin${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return text === '' ? undefined : JSON.parse(text)
    },
    /** A call of v3 by the merchant; the signature of the answer is verified where there is one. */
    async v3(
      merchant: TestMerchant,
      method: 'GET' | 'POST',
      target: string,
      body?: unknown,
      headers: Record<string, string> = {},
    ): Promise<Answered> {
      const text = body === undefined ? '' : JSON.stringify(body)
      const response = await fetch(`${twin.url}${target}`, {
        method,
        headers: {
          accept: 'application/json',
          'user-agent': 'test',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          authorization: authorization(merchant, method, target, text),
          ...headers,
        },
        ...(body !== undefined && { body: text }),
      })
      const bytes = Buffer.from(await response.arrayBuffer())
      checkSignature(merchant, response.headers, bytes)
      return answered(response, bytes)
    },
    /** What a file's URL answers, byte for byte. */
    async v3Bytes(
      merchant: TestMerchant,
      target: string,
      url = twin.url,
    ): Promise<{ status: number; bytes: Buffer }> {
      const response = await fetch(`${url}${target}`, {
        headers: {
          accept: '*/*',
          'user-agent': 'test',
          authorization: authorization(merchant, 'GET', target, ''),
        },
      })
      return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) }
    },
    /** Encrypts a sensitive member for the platform certificate, and names the key. */
    secret(merchant: TestMerchant, value: string) {
      const [certificate] = merchant.platform_certificates
      if (certificate === undefined) throw new Error('no platform certificate')
      const key = certificate.keys.public_pem
      const padding = constants.RSA_PKCS1_OAEP_PADDING
      const bytes = publicEncrypt({ key, padding, oaepHash: 'sha1' }, Buffer.from(value))
      const headers = { 'wechatpay-serial': certificate.serial_no }
      return { value: bytes.toString('base64'), headers }
    },
    async close(): Promise<void> {
      await twin.stop()
      rmSync(data, { recursive: true, force: true })
    },
  }
}

function answered(response: Response, bytes: Buffer): Answered {
  const text = bytes.toString('utf8')
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== ''
  const body: Json = isJson ? JSON.parse(text) : undefined
  const code: unknown = body?.code
  const outcome = typeof code === 'string' ? `${response.status} ${code}` : String(response.status)
  return { status: response.status, headers: response.headers, text, body, outcome }
}

function authorization(merchant: TestMerchant, method: string, target: string, body: string) {
  const timestamp = Math.floor(Date.now() / 1000)
  const nonce = randomBytes(16).toString('hex')
  const message = `${method}\n${target}\n${timestamp}\n${nonce}\n${body}\n`
  const signature = sign('sha256', Buffer.from(message), merchant.private_key_pem)
  return (
    `WECHATPAY2-SHA256-RSA2048 mchid="${merchant.mchid}",nonce_str="${nonce}",` +
    `timestamp="${timestamp}",serial_no="${merchant.serial}",signature="${signature.toString('base64')}"`
  )
}

/** Throws where an answer carries a signature that does not hold. */
function checkSignature(merchant: TestMerchant, headers: Headers, body: Buffer): void {
  const signature = headers.get('wechatpay-signature')
  if (signature === null) return
  const serial = headers.get('wechatpay-serial')
  const pem =
    merchant.platform_certificates.find(({ serial_no }) => serial_no === serial)?.keys.public_pem ??
    merchant.public_key?.keys.public_pem ??
    ''
  const head = `${headers.get('wechatpay-timestamp')}\n${headers.get('wechatpay-nonce')}\n`
  const message = Buffer.concat([Buffer.from(head), body, Buffer.from('\n')])
  if (!verify('sha256', message, pem, Buffer.from(signature, 'base64')))
    throw new Error('the signature of the answer does not hold')
}
