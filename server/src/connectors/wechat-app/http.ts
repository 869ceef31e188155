/**
 * One request to WeChat's API host and what came of it, told apart by what it means for a repeat: answered, certainly not
 * sent, or perhaps done. Nothing here throws for the network, and nothing keeps an address: it holds secrets.
 */
import type { Instant } from '@lika/contract'
import { integerAt, textAt } from './json.ts'

export interface Asked {
  readonly method: 'GET' | 'POST'
  /** Scheme, host and port; then the path. */
  readonly base: string
  readonly path: string
  readonly query: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  readonly timeoutMs: number
}

export type Reply =
  | {
      readonly kind: 'answered'
      readonly body: unknown
      /** 0: done. */
      readonly errcode: number
      readonly errmsg: string
      /** WeChat's clock, where its answer says it. */
      readonly date: Instant | undefined
    }
  /** 3xx or 4xx: nothing was done. */
  | { readonly kind: 'refused'; readonly status: number }
  /** It may have been done. */
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'not_sent'; readonly why: string }
  /** We did not even try: too many calls wait. */
  | { readonly kind: 'no_turn' }

export async function send(asked: Asked): Promise<Reply> {
  const { method, base, path, query, body, timeoutMs } = asked
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.append(name, value)
  const text = parameters.toString()
  try {
    const response = await fetch(`${base}${path}${text === '' ? '' : `?${text}`}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    return await read(response)
  } catch (error) {
    const why = causeOf(error)
    return beforeSending.has(why) ? { kind: 'not_sent', why } : { kind: 'lost', why }
  }
}

async function read(response: Response): Promise<Reply> {
  const { status } = response
  const text = await response.text()
  if (status >= 500) return { kind: 'lost', why: `HTTP ${status}` }
  if (status >= 300) return { kind: 'refused', status }
  const body = parsed(text)
  if (body === undefined) return { kind: 'lost', why: 'an answer that is no JSON' }
  const date = Date.parse(response.headers.get('date') ?? '')
  return {
    kind: 'answered',
    body,
    errcode: integerAt(body, 'errcode') ?? 0,
    errmsg: textAt(body, 'errmsg') ?? '',
    date: Number.isNaN(date) ? undefined : date,
  }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** Faults of a connection that came before anything was said on it. */
const beforeSending: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/** A code of Node, or the name of the error: never its message, which may quote the address. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const nested: unknown = cause instanceof AggregateError ? cause.errors[0] : cause
  const code = textAt(nested, 'code')
  if (code !== undefined) return code
  return nested instanceof Error ? nested.name : 'no connection'
}
