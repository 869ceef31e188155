/**
 * The gate of V2: XML in and out, signatures by the merchant's API key, and the client's certificate where a path demands
 * one. The twin speaks no TLS; what a TLS proxy in front of it would say about the certificate stands in two headers, which
 * are demanded under the strict profile: `X-Ssl-Client-Verify: SUCCESS` and `X-Ssl-Client-Serial` (the merchant's serial).
 */
import type { Merchant } from '../kernel/merchants.ts'
import { unseeded } from '../kernel/random.ts'
import { WechatRefusal } from '../kernel/refusal.ts'
import type { Answer, Call } from '../kernel/router.ts'
import type { Twin } from '../kernel/twin.ts'
import { type V2Code, v2Words } from './model.ts'
import { isSignType, type SignType, signV2, verifyV2 } from './sign.ts'
import { buildXml, parseXml } from './xml.ts'

type Members = Readonly<Record<string, string | number | undefined>>

/** A member: its longest length, and what it must look like. */
export interface V2Member {
  max: number
  pattern?: RegExp
  optional?: true
}

export interface V2Route {
  /** Of the rate, in settings. */
  kind: string
  members: Readonly<Record<string, V2Member>>
  certificate?: boolean
}

export interface V2Call {
  merchant: Merchant
  appid: string
  /** Undefined where it was not given or is empty. */
  get: (name: string) => string | undefined
}

/** How a handler says no. */
export class V2Refusal extends Error {
  readonly code: V2Code
  readonly more: Members
  constructor(code: V2Code, words?: string, more: Members = {}) {
    super(words ?? v2Words[code])
    this.code = code
    this.more = more
  }
}

const common: Readonly<Record<string, V2Member>> = {
  appid: { max: 32 },
  mch_id: { max: 32 },
  nonce_str: { max: 32 },
  sign: { max: 64 },
  sign_type: { max: 32, pattern: /^(MD5|HMAC-SHA256)$/, optional: true },
}

export function v2Route(
  twin: Twin,
  path: string,
  terms: V2Route,
  work: (call: V2Call) => Members,
): void {
  twin.router.route('POST', path, (call) => take(twin, call, terms, work))
}

function take(twin: Twin, call: Call, terms: V2Route, work: (call: V2Call) => Members): Answer {
  const members = parseXml(call.body.toString('utf8'))
  if (members === undefined) return unsigned('XML格式错误')
  const merchant = twin.merchants.find(members.get('mch_id') ?? '')
  if (merchant === undefined) return unsigned('商户号mch_id不存在')
  const given = members.get('sign_type') ?? 'MD5'
  const type: SignType = isSignType(given) ? given : 'MD5'
  const key = merchant.api_v2_key ?? ''
  if (key === '' || !verifyV2(members, type, key)) return unsigned('签名错误', 'SIGNERROR')
  if (terms.certificate === true && !hasCertificate(twin, call, merchant)) return noCertificate
  const answer = (more: Members) => signed(merchant, members, type, key, more)
  try {
    return answer({ result_code: 'SUCCESS', ...work(checked(twin, merchant, members, terms)) })
  } catch (error) {
    if (error instanceof V2Refusal) return answer(failure(error.code, error.message, error.more))
    if (error instanceof WechatRefusal)
      return answer(failure(olderCode(error.code), error.message, {}))
    throw error
  }
}

/** Throws in this order: members, appid, right, rate. */
function checked(
  twin: Twin,
  merchant: Merchant,
  members: ReadonlyMap<string, string>,
  terms: V2Route,
): V2Call {
  checkMembers(members, { ...common, ...terms.members })
  const appid = members.get('appid') ?? ''
  if (!merchant.appids.includes(appid)) throw new V2Refusal('APPID_MCHID_NOT_MATCH')
  if (merchant.suspended || merchant.closed) throw new V2Refusal('NOAUTH')
  if (!twin.rates.take(terms.kind, merchant.mchid)) throw new V2Refusal('FREQUENCY_LIMITED')
  return { merchant, appid, get: (name) => members.get(name) || undefined }
}

function checkMembers(
  members: ReadonlyMap<string, string>,
  known: Readonly<Record<string, V2Member>>,
) {
  for (const [name, value] of members) {
    const member = Object.hasOwn(known, name) ? known[name] : undefined
    if (member === undefined) throw new V2Refusal('PARAM_ERROR', `多余的参数 ${name}`)
    if (value === '') continue
    if (/[\u{10000}-\u{10FFFF}]/u.test(value))
      throw new V2Refusal('PARAM_ERROR', `${name} 含有 4 字节字符`)
    if (value.length > member.max)
      throw new V2Refusal('PARAM_ERROR', `${name} 长度大于 ${member.max}`)
    if (member.pattern?.test(value) === false)
      throw new V2Refusal('PARAM_ERROR', `${name} 格式不正确`)
  }
  for (const [name, { optional }] of Object.entries(known))
    if (optional !== true && !members.get(name))
      throw new V2Refusal('PARAM_ERROR', `缺少参数 ${name}`)
}

function hasCertificate(twin: Twin, { headers }: Call, merchant: Merchant): boolean {
  if (twin.profile !== 'strict') return true
  const serial = String(headers['x-ssl-client-serial'] ?? '')
  const isVerified = headers['x-ssl-client-verify'] === 'SUCCESS'
  return isVerified && serial.toLowerCase() === merchant.serial.toLowerCase()
}

/** As the server in front of WeChat answers it, before anything of WeChat's own is reached. */
const noCertificate: Answer = {
  status: 400,
  headers: { 'content-type': 'text/html' },
  body: '<html><head><title>400 No required SSL certificate was sent</title></head></html>',
}

/** What cannot be signed because it is not known who asks. */
function unsigned(words: string, code?: V2Code): Answer {
  return xml(
    buildXml({ return_code: 'FAIL', return_msg: words, ...(code && failure(code, words, {})) }),
  )
}

function failure(code: string, words: string, more: Members): Members {
  return { result_code: 'FAIL', err_code: code, err_code_des: words, ...more }
}

function signed(
  merchant: Merchant,
  members: ReadonlyMap<string, string>,
  type: SignType,
  key: string,
  more: Members,
): Answer {
  const answer: Members = {
    return_code: 'SUCCESS',
    return_msg: 'OK',
    appid: members.get('appid'),
    mch_id: merchant.mchid,
    nonce_str: unseeded.letters(16),
    ...more,
  }
  return xml(buildXml({ ...answer, sign: signV2(Object.entries(answer), type, key) }))
}

function xml(body: string): Answer {
  return { status: 200, headers: { 'content-type': 'text/xml; charset=utf-8' }, body }
}

/** What v3 calls otherwise. */
function olderCode(code: string): string {
  const older: Record<string, V2Code> = {
    NOT_ENOUGH: 'NOTENOUGH',
    RESOURCE_NOT_EXISTS: 'ORDERNOTEXIST',
    NO_AUTH: 'NOAUTH',
  }
  return older[code] ?? code
}
