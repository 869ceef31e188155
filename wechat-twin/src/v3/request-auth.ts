/**
 * Who is calling v3: the `Authorization` header, checked as WeChat checks it. Syntax, merchant, serial, skew of five
 * minutes, a nonce that was not used before (stricter than WeChat is known to be), and the signature, in this order.
 */
import { verify } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'
import type { Merchant, Merchants } from '../kernel/merchants.ts'
import { type Detail, refuse, suffixes } from '../kernel/refusal.ts'
import type { Call } from '../kernel/router.ts'
import type { SettingsBox } from '../kernel/settings.ts'
import { smVerify } from '../sm/algorithms.ts'

const scheme = 'WECHATPAY2-SHA256-RSA2048'
/** For merchants for whom it was opened. */
const smScheme = 'WECHATPAY2-SM2-WITH-SM3'
const items = ['mchid', 'nonce_str', 'timestamp', 'serial_no', 'signature'] as const
type Item = (typeof items)[number]

export class RequestAuth {
  readonly #clock: Clock
  readonly #settings: SettingsBox
  readonly #merchants: Merchants
  /** Nonce → real seconds at which it may be forgotten, oldest first. Not kept over a restart. */
  readonly #nonces = new Map<string, number>()

  constructor(clock: Clock, settings: SettingsBox, merchants: Merchants) {
    this.#clock = clock
    this.#settings = settings
    this.#merchants = merchants
  }

  /** The merchant, or a refusal: 400 for missing headers, 401 `SIGN_ERROR` without a signature for all else. */
  check(call: Call, signedBody: Buffer = call.body): Merchant {
    if (this.#settings.now.demandUserAgent && !isGiven(call.headers['user-agent']))
      return missing('User-Agent')
    if (!isGiven(call.headers.accept)) return missing('Accept')
    const given = readAuthorization(call.headers.authorization)
    const merchant = this.#merchants.find(given.mchid)
    if (merchant === undefined) return wrong('mchid', given.mchid, '商户号不存在')
    const isSm = given.scheme === smScheme
    if (isSm && merchant.sm === undefined) return wrong('Authorization', smScheme, '商户未开通国密')
    const serial = isSm ? merchant.sm?.serial : merchant.serial
    if (serial?.toLowerCase() !== given.serial_no.toLowerCase())
      return wrong('serial_no', given.serial_no, '证书序列号有误')
    const now = this.#clock.realSeconds()
    const seconds = Number(given.timestamp)
    if (Math.abs(now - seconds) > this.#settings.now.clockSkewSeconds)
      return wrong('timestamp', given.timestamp, '时间戳与当前时间相差过大')
    const nonce = `${given.mchid}|${given.nonce_str}`
    if (this.#nonces.has(nonce)) return wrong('nonce_str', given.nonce_str, '随机串已使用过')
    const lines = `${call.method}\n${call.target}\n${given.timestamp}\n${given.nonce_str}\n`
    const message = Buffer.concat([Buffer.from(lines), signedBody, Buffer.from('\n')])
    const signature = Buffer.from(given.signature, 'base64')
    const isGood = isSm
      ? smVerify(message, signature, merchant.sm?.public_key_hex ?? '')
      : verify('sha256', message, this.#merchants.merchantKey(merchant), signature)
    if (!isGood) return wrong('signature', given.signature, '签名错误')
    this.#remember(nonce, now)
    return merchant
  }

  #remember(nonce: string, now: number): void {
    for (const [old, until] of this.#nonces) {
      if (until > now) break
      this.#nonces.delete(old)
    }
    this.#nonces.set(nonce, now + this.#settings.now.nonceSeconds)
  }
}

function isGiven(header: string | undefined): boolean {
  return header !== undefined && header.trim() !== ''
}

/** The five items in any order, each once, quoted, and nothing else. */
function readAuthorization(header: string | undefined): Record<Item | 'scheme', string> {
  if (header === undefined) return wrong('Authorization', undefined, '未传入')
  const space = header.indexOf(' ')
  const named = header.slice(0, Math.max(space, 0))
  if (named !== scheme && named !== smScheme)
    return wrong('Authorization', named, `认证类型应为 ${scheme}`)
  const read: Partial<Record<Item, string>> = {}
  for (const part of header.slice(space + 1).split(',')) {
    const found = /^\s*(\w+)="([^"]*)"\s*$/.exec(part)
    const name = items.find((item) => item === found?.[1])
    const value = found?.[2]
    if (name === undefined || value === undefined || value === '' || read[name] !== undefined)
      return wrong('Authorization', part.slice(0, 40), '格式不正确')
    read[name] = value
  }
  const { mchid, nonce_str, timestamp, serial_no, signature } = read
  if (
    mchid === undefined ||
    nonce_str === undefined ||
    timestamp === undefined ||
    serial_no === undefined ||
    signature === undefined
  )
    return wrong(
      'Authorization',
      undefined,
      '缺少 mchid、nonce_str、timestamp、serial_no 或 signature',
    )
  if (!/^\d{1,12}$/.test(timestamp)) return wrong('timestamp', timestamp, '格式不正确')
  if (!/^[\w+/=-]{8,128}$/.test(nonce_str)) return wrong('nonce_str', nonce_str, '格式不正确')
  return { scheme: named, mchid, nonce_str, timestamp, serial_no, signature }
}

function wrong(field: string, value: string | undefined, issue: string): never {
  const detail: Detail = { field, issue, location: 'header' }
  if (value !== undefined) detail.value = value
  const more = { suffix: suffixes.signature, detail, unsigned: true }
  return refuse(401, 'SIGN_ERROR', `错误的签名，验签失败: ${issue}`, more)
}

function missing(name: string): never {
  const detail: Detail = { field: name, issue: '必填，未传入', location: 'header' }
  return refuse(400, 'PARAM_ERROR', `Http头缺少 ${name}`, { detail, unsigned: true })
}
