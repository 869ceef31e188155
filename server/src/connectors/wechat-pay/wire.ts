/**
 * The wire to WeChat Pay: the library's client sends what we sign; what came back is handed on as bytes, whatever its status,
 * because only the bytes can be verified. Nothing of a failed call but a word on why leaves this file: the errors
 * of the client carry headers, bodies and keys.
 */
import type { KeyObject } from 'node:crypto'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import plugin from 'wechatpay-axios-plugin'
import type { PaySuite } from './suites.ts'

export interface WireRequest {
  readonly method: 'GET' | 'POST'
  /** With the query, percent codes and all, as it is signed. */
  readonly path: string
  readonly body?: object | undefined
  /** Of the key that fields are encrypted for, and by which the answer is to be signed. */
  readonly serial?: string | undefined
  /** For files: longer than a call may take. */
  readonly timeoutMs?: number
}

export interface WireAnswer {
  readonly status: number
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
}

/**
 * `unsent`: nobody was reached, so nothing was done. `lost`: it may have arrived. `slow`: as lost, after the whole of
 * the time that it is given.
 */
export type WireResult =
  | { readonly kind: 'answer'; readonly answer: WireAnswer }
  | { readonly kind: 'unsent' | 'lost' | 'slow'; readonly why: string }

export type Wire = (host: string, request: WireRequest) => Promise<WireResult>

export interface Signer {
  readonly mchid: string
  readonly serial: string
  readonly key: KeyObject
  readonly suite: PaySuite
}

/** Connections stay open, as each new one costs a handshake; shared by all accounts, since they are not the accounts'. */
const httpAgent = new HttpAgent({ keepAlive: true, maxSockets: 200 })
const httpsAgent = new HttpsAgent({ keepAlive: true, maxSockets: 200 })
const mostBytes = 256 * 1024 * 1024

/** Of axios, for everything that is sent: what came back comes as bytes, no status is an error, and the time is that of the whole. */
export function wireOptions(timeoutMs: number) {
  return {
    signal: AbortSignal.timeout(timeoutMs),
    responseType: 'arraybuffer' as const,
    transformResponse: [(data: unknown) => data],
    validateStatus: () => true,
    maxRedirects: 0,
    proxy: false as const,
    maxContentLength: mostBytes,
    httpAgent,
    httpsAgent,
  }
}

export function openWire(signer: Signer, timeoutMs: number): Wire {
  const { mchid, serial, key } = signer
  // It wants keys to verify with; ours are found for each answer, by the name that it gives.
  const client = plugin.Decorator.jsonBased({
    mchid,
    serial,
    privateKey: key,
    certs: { none: key },
  })
  // Its own signer knows RSA only, and signs on the thread that lanes wait on.
  client.interceptors.request.clear()
  client.interceptors.request.use(async (config) => {
    const { pathname, search } = new URL(config.url ?? '', config.baseURL)
    const body = config.data === undefined ? '' : JSON.stringify(config.data)
    const method = (config.method ?? 'get').toUpperCase()
    const header = await authorization(signer, method, pathname + search, body)
    config.headers.set('Authorization', header)
    return config
  })
  return async (host, { method, path, body, serial: named, timeoutMs: own }) =>
    sent(() =>
      client.request<unknown>({
        ...wireOptions(own ?? timeoutMs),
        baseURL: host,
        url: path,
        method,
        ...(body === undefined ? {} : { data: body }),
        headers: named === undefined ? {} : { 'Wechatpay-Serial': named },
      }),
    )
}

/** Signs method, path with query, time, nonce and body: the merchant's certificate is named by its serial. */
async function authorization(
  { mchid, serial, key, suite }: Signer,
  method: string,
  path: string,
  body: string,
): Promise<string> {
  const timestamp = plugin.Formatter.timestamp()
  const nonce = plugin.Formatter.nonce()
  const message = plugin.Formatter.request(method, path, timestamp, nonce, body)
  const signature = await suite.sign(key, message)
  return `${suite.scheme} mchid="${mchid}",nonce_str="${nonce}",timestamp="${timestamp}",serial_no="${serial}",signature="${signature}"`
}

type Raw = { readonly status: number; readonly headers: object; readonly data: unknown }

/** Never rejects. */
export async function sent(send: () => Promise<Raw>): Promise<WireResult> {
  try {
    const { status, headers, data } = await send()
    const body = Buffer.isBuffer(data) ? data : Buffer.from(typeof data === 'string' ? data : '')
    return { kind: 'answer', answer: { status, headers: lowerCase(headers), body } }
  } catch (error) {
    return faultOf(error)
  }
}

function lowerCase(headers: object): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]: [string, unknown]) => [
    name.toLowerCase(),
    String(value),
  ])
  return Object.fromEntries(entries)
}

/** Before any byte of the request left: no address, no connection, no handshake. */
const unsentCodes =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ERR_TLS_\w+|CERT_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+)$/

function faultOf(error: unknown): WireResult {
  const code =
    typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
      ? error.code
      : 'no code'
  if (unsentCodes.test(code)) return { kind: 'unsent', why: `WeChat is not reached (${code})` }
  if (code === 'ERR_CANCELED') return { kind: 'slow', why: 'no answer in time' }
  return { kind: 'lost', why: `the connection broke (${code})` }
}
