/** The HTTP side: one request to Lika with the repeats that are safe, and its answer, refusal or
 * absence. Knows nothing of commands and of printing. */
import { setTimeout as pause } from 'node:timers/promises'
import { RefusedByServer, Unreachable } from './failures.ts'
import { isObject, type Json, parseJson } from './json.ts'

export type Query = Readonly<Record<string, string | number | undefined>>

export interface Request {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Query | undefined
  readonly body?: Json | FormData | undefined
  readonly idempotencyKey?: string | undefined
  readonly accept?: string
  /** Statuses beside 2xx that are an answer here (`/readyz` says 503 and what is wrong). */
  readonly alsoAnswers?: readonly number[]
  /** Seconds until the whole answer must have come; long jobs name more. */
  readonly timeoutSeconds?: number
  /** Not repeated, for the question whether anybody is there. */
  readonly once?: boolean
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Undefined when the body is empty or not JSON. */
  readonly body: Json | undefined
}

export interface ClientOptions {
  readonly url: string
  readonly token: string | undefined
  /** Told before each repeat. */
  readonly onRepeat: (why: string, seconds: number) => void
}

const defaultTimeoutSeconds = 60
const repeats = 4
/** A server that wants more patience than this gets none: the refusal is shown instead. */
const longestPauseSeconds = 30

/** Sends and reads the whole answer. @throws RefusedByServer, Unreachable. */
export async function send(request: Request, options: ClientOptions): Promise<Answer> {
  const { response, text } = await exchange(request, options, (response) => response.text())
  return { status: response.status, headers: response.headers, text, body: parseJson(text) }
}

/** Sends and hands back the answer unread, for files of any size. @throws as `send`. */
export async function open(request: Request, options: ClientOptions): Promise<Response> {
  return (await exchange(request, options, () => Promise.resolve(''))).response
}

interface Exchanged {
  response: Response
  text: string
}

/**
 * Repeats on a network error and on 503, with the same Idempotency-Key, what has no second effect:
 * reads, and writes that carry a key. Everything else is sent once.
 */
async function exchange(
  request: Request,
  options: ClientOptions,
  read: (response: Response) => Promise<string>,
): Promise<Exchanged> {
  const isHarmless = request.method === 'GET' || request.idempotencyKey !== undefined
  const isRepeatable = isHarmless && request.once !== true
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await attemptOnce(request, options, read)
    if (outcome.kind === 'answered') return outcome
    const seconds = pauseBeforeRepeat(attempt, outcome.retryAfterSeconds)
    const wants = outcome.mayRepeat && isRepeatable && attempt < repeats
    if (!wants || seconds > longestPauseSeconds) throw outcome.failure
    options.onRepeat(outcome.why, seconds)
    await pause(seconds * 1000)
  }
}

type Outcome =
  | ({ kind: 'answered' } & Exchanged)
  | {
      kind: 'failed'
      failure: RefusedByServer | Unreachable
      mayRepeat: boolean
      why: string
      retryAfterSeconds: number | undefined
    }

async function attemptOnce(
  request: Request,
  options: ClientOptions,
  read: (response: Response) => Promise<string>,
): Promise<Outcome> {
  try {
    const response = await fetch(addressOf(request, options.url), requestInit(request, options))
    const isAnswer = response.ok || request.alsoAnswers?.includes(response.status) === true
    if (isAnswer) return { kind: 'answered', response, text: await read(response) }
    return failureOf(response, await response.text())
  } catch (fault) {
    const why = reasonOf(fault)
    const failure = new Unreachable(`${options.url}: ${why}`)
    return { kind: 'failed', failure, mayRepeat: true, why, retryAfterSeconds: undefined }
  }
}

/** An answer that is not 2xx: a problem of Lika's, or the words of something else on the way. */
function failureOf(response: Response, text: string): Outcome {
  const { status, headers } = response
  const body = parseJson(text)
  const retryAfterSeconds = retryAfter(headers.get('retry-after'))
  const common = {
    kind: 'failed' as const,
    mayRepeat: status === 503,
    why: String(status),
    retryAfterSeconds,
  }
  if (isObject(body) && typeof body['code'] === 'string') {
    const refused = { status, problem: body, bodyText: text, retryAfterSeconds }
    return { ...common, failure: new RefusedByServer(refused) }
  }
  return { ...common, failure: new Unreachable(`${response.url}: HTTP ${status}, ≠ Lika`) }
}

function addressOf(request: Request, url: string): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) query.append(name, String(value))
  }
  const text = query.toString()
  return `${url}${request.path}${text === '' ? '' : `?${text}`}`
}

function requestInit(request: Request, options: ClientOptions): RequestInit {
  const headers = new Headers({ accept: request.accept ?? 'application/json' })
  if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`)
  if (request.idempotencyKey !== undefined) headers.set('idempotency-key', request.idempotencyKey)
  const init: RequestInit = {
    method: request.method,
    headers,
    // A redirect would carry the key to a place that nobody named.
    redirect: 'manual',
    signal: AbortSignal.timeout((request.timeoutSeconds ?? defaultTimeoutSeconds) * 1000),
  }
  if (request.body === undefined) return init
  if (request.body instanceof FormData) return { ...init, body: request.body }
  headers.set('content-type', 'application/json')
  return { ...init, body: JSON.stringify(request.body) }
}

/** Seconds before repeat number `attempt` (from 0): what the server asked for, else 0.25 doubled. */
export function pauseBeforeRepeat(attempt: number, retryAfterSeconds: number | undefined): number {
  return retryAfterSeconds ?? 0.25 * 2 ** attempt
}

/** Retry-After in its form of seconds; a date is not used by Lika. */
export function retryAfter(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header.trim()) ? Number(header) : undefined
}

/** fetch says "fetch failed"; what went wrong is one or two causes below. */
function reasonOf(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault)
  if (fault.cause instanceof Error) return reasonOf(fault.cause)
  const code = 'code' in fault && typeof fault.code === 'string' ? fault.code : fault.name
  return fault.message === '' ? code : fault.message
}
