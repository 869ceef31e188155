/**
 * What an answer of WeChat Pay means for the caller, by the class of its status first. Codes are told in one spelling,
 * because documents of different years write them differently.
 */
import type { Answer } from '../../modules/wechat/index.ts'
import { textIn } from './json.ts'

/** Whether the bytes are WeChat's: `absent` where nothing was signed at all. */
export type Verified = 'good' | 'absent' | 'bad'

export interface Said {
  readonly status: number
  /** Parsed; undefined: no JSON. */
  readonly body: unknown
  /** `{id}-{numeric error}` */
  readonly requestId: string | undefined
  readonly verified: Verified
}

const currentSpellings = [
  'ACCOUNT_ERROR',
  'ALREADY_EXISTS',
  'APPID_MCHID_NOT_MATCH',
  'AUTH_CODE_ERROR',
  'AUTH_CODE_EXPIRED',
  'AUTH_CODE_INVALID',
  'BANK_ERROR',
  'BUYER_MISMATCH',
  'FREQUENCY_LIMITED',
  'INVALID_REQUEST',
  'INVALID_TRANSACTION_ID',
  'MCH_NOT_EXISTS',
  'NO_AUTH',
  'NO_STATEMENT_EXIST',
  'NOT_ENOUGH',
  'NOT_SUPPORT_CARD',
  'OPENID_MISMATCH',
  'ORDER_CLOSED',
  'ORDER_NOT_EXIST',
  'ORDER_PAID',
  'ORDER_REVERSED',
  'OUT_TRADE_NO_USED',
  'PARAM_ERROR',
  'RESOURCE_NOT_EXISTS',
  'RULE_LIMIT',
  'SERVICE_UNAVAILABLE',
  'SIGN_ERROR',
  'STATEMENT_CREATING',
  'SYSTEM_ERROR',
  'TRADE_ERROR',
  'USER_ACCOUNT_ABNORMAL',
  'USERPAYING',
]

const bare = (code: string) => code.replaceAll('_', '').toUpperCase()

const spellings = new Map([
  ...currentSpellings.map((code) => [bare(code), code] as const),
  // Other words for the same thing.
  ['AUTHCODEEXPIRE', 'AUTH_CODE_EXPIRED'],
  ['NOTSUPORTCARD', 'NOT_SUPPORT_CARD'],
  ['ORDERNOTEXISTS', 'ORDER_NOT_EXIST'],
  ['RESOURCENOTEXIST', 'RESOURCE_NOT_EXISTS'],
  ['RATELIMITED', 'FREQUENCY_LIMITED'],
  ['RATELIMITEXCEEDED', 'FREQUENCY_LIMITED'],
  ['FREQUENCYLIMITEXCEED', 'FREQUENCY_LIMITED'],
])

/** `ORDERNOTEXIST` and `ORDER_NOT_EXIST` alike → `ORDER_NOT_EXIST`; what is not known stays, in capitals. */
export function currentCode(code: string): string {
  return spellings.get(bare(code)) ?? code.toUpperCase()
}

/** Some numbers behind the Request-ID say more than the code beside them. */
const byNumber = new Map([
  ['268447840', 'FREQUENCY_LIMITED'],
  ['268447914', 'ORDER_CLOSED'],
  ['268449538', 'ORDER_PAID'],
  ['268498688', 'OUT_TRADE_NO_USED'],
  ['268498689', 'ORDER_PAID'],
  ['268512771', 'ORDER_NOT_EXIST'],
])
const vague = ['INVALID_REQUEST', 'PARAM_ERROR', 'TRADE_ERROR']

/**
 * - 2xx that is signed: `done`, if `read` finds what the document promises; 202 is not yet an answer.
 * - 4xx that is signed, and 401 and 429 without a signature (their request was never looked into): `refused`.
 * - All else, 5xx and everything that cannot be shown to be WeChat's: `unknown`.
 */
export function answerOf<T>(said: Said, read: (body: unknown) => T | undefined): Answer<T> {
  const { status, verified } = said
  if (verified === 'bad') return unknown('the answer is not signed by WeChat')
  if (status >= 200 && status < 300) return doneBy(said, read)
  const code = codeOf(said)
  if (status >= 500 || status < 400) return unknown(`WeChat answered ${status} ${code}`)
  const needsNoSignature = status === 401 || status === 429
  if (verified === 'absent' && !needsNoSignature)
    return unknown(`somebody answered ${status} without a signature`)
  return { status: 'refused', code, detail: detailOf(said) }
}

function doneBy<T>(said: Said, read: (body: unknown) => T | undefined): Answer<T> {
  if (said.verified !== 'good') return unknown('the answer is not signed')
  if (said.status === 202) return unknown(`WeChat has not decided yet: ${codeOf(said)}`)
  const value = read(said.body)
  return value === undefined
    ? unknown('WeChat answered something else than is documented')
    : { status: 'done', value }
}

function codeOf(said: Said): string {
  const given = textIn(said.body, 'code')
  const code = given === undefined ? codeOfStatus(said.status) : currentCode(given)
  if (!vague.includes(code)) return code
  const number = /-(\d+)$/.exec(said.requestId ?? '')?.[1]
  return byNumber.get(number ?? '') ?? code
}

function codeOfStatus(status: number): string {
  if (status === 401) return 'SIGN_ERROR'
  return status === 429 ? 'FREQUENCY_LIMITED' : 'NO_CODE'
}

function detailOf({ body }: Said): string {
  const message = textIn(body, 'message') ?? ''
  const field = textIn(body, 'detail', 'field')
  return field === undefined ? message : `${message} (${field})`
}

export function unknown(why: string): { readonly status: 'unknown'; readonly why: string } {
  return { status: 'unknown', why }
}

/** Refused by ourselves, before anything was sent. */
export function refusedHere(
  code: string,
  detail: string,
): { readonly status: 'refused'; readonly code: string; readonly detail: string } {
  return { status: 'refused', code, detail }
}
