/**
 * The gate of v3: authentication, rate, shape and merchant of every call, and the signature under every answer. Route
 * files hang their handlers in here and see only checked input.
 */
import { constants, privateDecrypt, publicEncrypt } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'
import type { Merchant, Merchants } from '../kernel/merchants.ts'
import { unseeded } from '../kernel/random.ts'
import type { Rates } from '../kernel/rates.ts'
import { refuse, suffixes, WechatRefusal } from '../kernel/refusal.ts'
import type { Answer, Call, Router } from '../kernel/router.ts'
import type { SettingsBox } from '../kernel/settings.ts'
import { fault, object, readQuery, type Shape } from '../kernel/shape.ts'
import { smOpen, smSeal } from '../sm/algorithms.ts'
import { signedHeaders } from './answers.ts'
import type { RequestAuth } from './request-auth.ts'

export interface V3Call<B, Q> {
  merchant: Merchant
  body: B
  query: Q
  params: Readonly<Record<string, string>>
  raw: Call
  /** Opens a member that was encrypted for the key named in `Wechatpay-Serial`; `path` is its JSON pointer. */
  open: (value: string, path: string) => string
  /** Encrypts what only the merchant may read. */
  seal: (value: string) => string
}

export interface V3Route<B, Q> {
  /** Of the rate, in settings. */
  kind: string
  body?: Shape<B>
  query?: Shape<Q>
}

/** An object is answered as 200, undefined as 204, a `V3File` as it is. */
export type V3Handler<B, Q> = (
  call: V3Call<B, Q>,
) => object | undefined | Promise<object | undefined>

export interface GateParts {
  router: Router
  clock: Clock
  rates: Rates
  merchants: Merchants
  auth: RequestAuth
  settings: SettingsBox
}

/** Bytes instead of JSON; not signed, as WeChat does not sign files. */
export class V3File {
  readonly type: string
  readonly bytes: Buffer
  constructor(type: string, bytes: Buffer) {
    this.type = type
    this.bytes = bytes
  }
}

const nothing = object({})

export class V3Gate {
  readonly #parts: GateParts

  constructor(parts: GateParts) {
    this.#parts = parts
  }

  route<B = Record<never, never>, Q = Record<never, never>>(
    method: 'GET' | 'POST',
    path: string,
    terms: V3Route<B, Q>,
    handler: V3Handler<B, Q>,
  ): void {
    this.#parts.router.route(method, path, (call) => this.#take(call, terms, handler))
  }

  async #take<B, Q>(call: Call, terms: V3Route<B, Q>, handler: V3Handler<B, Q>): Promise<Answer> {
    let merchant: Merchant | undefined
    try {
      merchant = this.#parts.auth.check(call)
      if (call.forced !== undefined) refuse(call.forced.status, call.forced.code, '系统错误')
      const checked = this.#check(call, merchant, terms)
      const done = await handler({
        ...checked,
        merchant,
        params: call.params,
        raw: call,
        open: (value, path) => this.#open(call, checked.merchant, value, path),
        seal: (value) => this.#seal(call, checked.merchant, value),
      })
      return this.#answer(call, merchant, done)
    } catch (error) {
      if (!(error instanceof WechatRefusal)) throw error
      return this.#refusal(call, merchant, error)
    }
  }

  #check<B, Q>(call: Call, merchant: Merchant, terms: V3Route<B, Q>) {
    if (merchant.suspended)
      refuse(403, 'NO_AUTH', '商户号该产品权限未开通或已被冻结', { suffix: suffixes.merchant })
    if (!this.#parts.rates.take(terms.kind, merchant.mchid))
      refuse(429, 'FREQUENCY_LIMITED', '频率超限，请降低请求频率', { suffix: suffixes.frequency })
    const query = readQuery((terms.query ?? nothing) as Shape<Q>, call.query)
    const body = (terms.body === undefined ? {} : terms.body.read(readJson(call), '')) as B
    const named = mchidIn(body) ?? mchidIn(query)
    if (named !== undefined && named !== merchant.mchid)
      refuse(400, 'INVALID_REQUEST', '商户号与签名商户号不一致', { suffix: suffixes.otherMerchant })
    return { merchant, body, query }
  }

  #open(call: Call, merchant: Merchant, value: string, path: string): string {
    const serial = call.headers['wechatpay-serial']
    const sm = this.#parts.merchants.sm.named(merchant, serial?.toString())
    if (sm !== undefined)
      return smOpen(value, sm.keys) ?? fault(path, undefined, '敏感字段解密失败')
    const key = this.#parts.merchants.keyForSecrets(merchant, serial?.toString())
    if (key === undefined)
      return refuse(400, 'PARAM_ERROR', 'Wechatpay-Serial 缺失或不是微信支付的证书或公钥', {
        detail: { field: 'Wechatpay-Serial', issue: '无法解密敏感字段', location: 'header' },
      })
    try {
      const padding = constants.RSA_PKCS1_OAEP_PADDING
      const bytes = Buffer.from(value, 'base64')
      return privateDecrypt({ key, padding, oaepHash: 'sha1' }, bytes).toString('utf8')
    } catch {
      return fault(path, undefined, '敏感字段解密失败')
    }
  }

  /** In the manner in which the caller has signed. */
  #seal(call: Call, merchant: Merchant, value: string): string {
    const isSm = call.headers.authorization?.startsWith('WECHATPAY2-SM2') === true
    if (isSm && merchant.sm !== undefined) return smSeal(value, merchant.sm.public_key_hex)
    const key = this.#parts.merchants.merchantKey(merchant)
    const padding = constants.RSA_PKCS1_OAEP_PADDING
    return publicEncrypt({ key, padding, oaepHash: 'sha1' }, Buffer.from(value)).toString('base64')
  }

  #answer(call: Call, merchant: Merchant, done: object | undefined): Answer {
    const requestId = this.#requestId(suffixes.ok)
    if (done instanceof V3File)
      return {
        status: 200,
        headers: { 'content-type': done.type, 'Request-ID': requestId },
        body: done.bytes,
      }
    const sign = this.#signer(call, merchant)
    if (done === undefined) return { status: 204, headers: { 'Request-ID': requestId }, sign }
    return { status: 200, headers: jsonHeaders(requestId), body: JSON.stringify(done), sign }
  }

  #refusal(call: Call, merchant: Merchant | undefined, refusal: WechatRefusal): Answer {
    const { message, detail } = refusal
    const code = spelled(refusal.code, this.#parts.settings.now.spelling)
    const body = JSON.stringify({ code, message, ...(detail !== undefined && { detail }) })
    const headers = jsonHeaders(this.#requestId(refusal.suffix))
    if (refusal.unsigned || merchant === undefined) return { status: refusal.status, headers, body }
    return { status: refusal.status, headers, body, sign: this.#signer(call, merchant) }
  }

  /** By the key that the call asked for; undefined where the merchant has no key of ours at all. */
  #signer(call: Call, merchant: Merchant): Answer['sign'] {
    const { clock, merchants } = this.#parts
    const key = merchants.keyForAnswer(merchant, call.headers['wechatpay-serial']?.toString())
    if (key === undefined) return undefined
    return (body, broken) =>
      signedHeaders({
        key,
        timestamp: clock.realSeconds(),
        nonce: unseeded.letters(32),
        body,
        broken,
      })
  }

  #requestId(suffix: number): string {
    return `08${unseeded.hex(30).toUpperCase()}-${suffix}`
  }
}

function jsonHeaders(requestId: string): Record<string, string> {
  return { 'content-type': 'application/json; charset=utf-8', 'Request-ID': requestId }
}

function readJson(call: Call): unknown {
  const type = call.headers['content-type'] ?? ''
  if (!/^application\/json\b/i.test(type))
    return refuse(400, 'PARAM_ERROR', 'Content-Type 应为 application/json', {
      detail: { field: 'Content-Type', value: type, issue: '格式不正确', location: 'header' },
    })
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(call.body))
  } catch {
    return refuse(400, 'PARAM_ERROR', '请求报文不是合法的 UTF-8 JSON')
  }
}

/** The merchant that a call names for itself, which must be the one that signed it. */
function mchidIn(given: unknown): string | undefined {
  if (typeof given !== 'object' || given === null) return undefined
  const { sp_mchid, combine_mchid, mchid } = given as Record<string, unknown>
  const named = sp_mchid ?? combine_mchid ?? mchid
  return typeof named === 'string' ? named : undefined
}

/** As pages of earlier years spell the codes that have changed. */
const olderCodes: Record<string, string> = {
  FREQUENCY_LIMITED: 'RATELIMIT_EXCEEDED',
  NO_AUTH: 'NOAUTH',
  NOT_ENOUGH: 'NOTENOUGH',
  ORDER_CLOSED: 'ORDERCLOSED',
  ORDER_NOT_EXIST: 'ORDERNOTEXIST',
  ORDER_PAID: 'ORDERPAID',
  SYSTEM_ERROR: 'SYSTEMERROR',
}

function spelled(code: string, spelling: string): string {
  return spelling === 'older' ? (olderCodes[code] ?? code) : code
}
