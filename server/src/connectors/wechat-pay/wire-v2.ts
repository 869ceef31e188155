/**
 * The second protocol's wire: the library writes and signs the XML; the answer is read from its bytes and its signature
 * counted anew, for a failure in it too.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'
import { Agent } from 'node:https'
import plugin from 'wechatpay-axios-plugin'
import type { Answer, PayCredentials } from '../../modules/wechat/index.ts'
import { sameBytes } from '../../platform/crypto/compare.ts'
import type { Log } from '../../platform/log.ts'
import { refusedHere, unknown } from './answers.ts'
import { type PayHosts, sendTo } from './client.ts'
import { sent, type WireAnswer, wireOptions } from './wire.ts'

/** What an answer says, by the names of its elements. */
export type FieldsV2 = ReadonlyMap<string, string>

export interface AskedV2 {
  readonly path: string
  /** Without the members that every request has. */
  readonly fields: Readonly<Record<string, string>>
  readonly isRepeatable: boolean
  /** WeChat wants to be shown the merchant's certificate. */
  readonly needsCertificate?: boolean
}

/** `done`: the answer is WeChat's; whether it was successful stands in it. */
export type CallV2 = (asked: AskedV2) => Promise<Answer<FieldsV2>>

const signType = 'HMAC-SHA256'

export function openWireV2(
  { mchid, apiV2Key, clientCertificatePem, privateKeyPem }: PayCredentials,
  hosts: PayHosts,
  timeoutMs: number,
  log: Pick<Log, 'debug' | 'warn'>,
): CallV2 {
  if (apiV2Key === null)
    return async () => refusedHere('API_V2_KEY_MISSING', 'The account has no API v2 key.')
  const secret = createSecretKey(Buffer.from(apiV2Key))
  const client = plugin.Decorator.xmlBased({ mchid, secret: apiV2Key })
  const agent =
    clientCertificatePem === null
      ? undefined
      : new Agent({ keepAlive: true, cert: clientCertificatePem, key: privateKeyPem })
  return async ({ path, fields, isRepeatable, needsCertificate = false }) => {
    if (needsCertificate && agent === undefined && hosts.url.startsWith('https:'))
      return refusedHere('CLIENT_CERTIFICATE_MISSING', 'The account has no client certificate.')
    const send = (host: string) =>
      sent(() =>
        client.request<unknown>({
          ...wireOptions(timeoutMs),
          ...(needsCertificate && agent !== undefined && { httpsAgent: agent }),
          baseURL: host,
          url: path,
          method: 'POST',
          data: { ...withoutCdataEnds(fields), mch_id: mchid, sign_type: signType },
        }),
      )
    const result = await sendTo(hosts, send, isRepeatable)
    const read = result.kind === 'answer' ? readAnswer(result.answer, secret) : unknown(result.why)
    if (read.status === 'unknown') log.warn({ mchid, call: path, why: read.why }, noOutcome)
    else log.debug({ mchid, call: path }, 'WeChat Pay has answered')
    return read
  }
}

const noOutcome = 'what WeChat Pay has done is not known'

/** The library puts what needs it into CDATA, and does not look for its end within. */
function withoutCdataEnds(fields: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(fields).map(([name, value]) => [name, value.replaceAll(']]>', '')])
  return Object.fromEntries(entries)
}

function readAnswer({ status, body }: WireAnswer, secret: KeyObject): Answer<FieldsV2> {
  if (status !== 200) return unknown(`WeChat answered ${status}`)
  const fields = fieldsIn(body.toString())
  if (fields === undefined) return unknown('WeChat answered no XML')
  // Before a request is understood nothing is signed.
  if (fields.get('return_code') !== 'SUCCESS')
    return unknown(`WeChat did not take the request: ${fields.get('return_msg') ?? ''}`)
  return isSigned(fields, secret)
    ? { status: 'done', value: fields }
    : unknown('the answer is not signed by WeChat')
}

function fieldsIn(xml: string): FieldsV2 | undefined {
  try {
    const parsed: unknown = plugin.Transformer.toObject(xml)
    if (typeof parsed !== 'object' || parsed === null) return undefined
    const fields = new Map<string, string>()
    for (const [name, value] of Object.entries(parsed)) {
      if (typeof value === 'string') fields.set(name, value)
    }
    return fields
  } catch {
    return undefined
  }
}

/** By the length of the signature: WeChat answers with what it was asked with, or with MD5 where it is older. */
function isSigned(fields: FieldsV2, secret: KeyObject): boolean {
  const given = fields.get('sign') ?? ''
  const type = given.length === 32 ? 'MD5' : signType
  const own = plugin.Hash.sign(type, Object.fromEntries(fields), secret)
  return sameBytes(Buffer.from(own), Buffer.from(given))
}
