/**
 * Calls of WeChat's API host: repeated where WeChat did not answer and a repeat is safe, with a token that is renewed once
 * where WeChat refuses it, and what comes of them as the `Answer` of the port.
 */
import type { Mode } from '@lika/contract'
import { modeOfBook } from '@lika/contract'
import type { Answer, AppCredentials } from '../../modules/wechat/index.ts'
import { elapsedMs } from '../../platform/clock.ts'
import { busy, tokenRefusals, wordsOf } from './errcodes.ts'
import { type Asked, type Reply, send } from './http.ts'

export interface Call<T> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  /** `always`: doing it twice is no harm. `unsent`: only where it certainly was not sent. */
  readonly repeat: 'always' | 'unsent'
  /** Undefined: the answer lacks what it should have. */
  readonly read: (body: unknown) => T | undefined
}

/** What tokens are to calls; `renew`: the one of that version was refused. */
export interface AccessTokens {
  get(app: AppCredentials): Promise<Answer<AccessToken>>
  renew(app: AppCredentials, version: number): Promise<Answer<AccessToken>>
}

export interface AccessToken {
  readonly value: string
  readonly version: number
}

/** What came of a call, by method and path alone: queries and bodies hold secrets. */
export interface CallLog {
  debug(details: object, sentence: string): void
  warn(details: object, sentence: string): void
}

export interface CallOptions {
  readonly urlsOf: (mode: Mode) => { readonly api: string }
  readonly timeoutMs: number
  /** How often a call is made at most. */
  readonly tries: number
  /** Before the second try, the third …, in milliseconds; resolves when it is over. */
  readonly pause: (tried: number) => Promise<void>
  readonly log: CallLog
}

export interface Calls {
  /** Without a token. */
  open<T>(app: AppCredentials, call: Call<T>): Promise<Answer<T>>
  /** As it came, for those who look closer. */
  ask(app: AppCredentials, call: Omit<Call<unknown>, 'read'>): Promise<Reply>
  authorised<T>(
    app: AppCredentials,
    tokens: AccessTokens,
    call: Call<T>,
    turn?: Turn,
  ): Promise<Answer<T>>
}

/** Waits until the very next thing may be a call; false: it may not be made. Asked before each repeat too. */
export type Turn = () => Promise<boolean>

export function makeCalls(options: CallOptions): Calls {
  const { urlsOf, timeoutMs, tries, pause, log } = options

  async function ask(
    app: AppCredentials,
    call: Omit<Call<unknown>, 'read'>,
    turn?: Turn,
  ): Promise<Reply> {
    const { method, path, query = {}, body, repeat } = call
    const base = urlsOf(modeOfBook(app.book)).api
    const asked: Asked = { method, base, path, query, body, timeoutMs }
    let last: Reply = { kind: 'no_turn' }
    for (let tried = 1; ; tried += 1) {
      // Without a turn nothing more is sent, and what is known is what came before.
      if (turn !== undefined && !(await turn())) return last
      const begun = elapsedMs()
      last = await send(asked)
      tell(log, app, asked, last, Math.round(elapsedMs() - begun))
      if (tried >= tries || !isWorthRepeating(last, repeat)) return last
      await pause(tried)
    }
  }

  return {
    ask,
    open: async (app, call) => answerOf(await ask(app, call), call.read, [app.secret]),
    authorised: async (app, tokens, call, turn) => {
      const asWith = ({ value }: AccessToken) =>
        ask(app, { ...call, query: { access_token: value, ...call.query } }, turn)
      const first = await tokens.get(app)
      if (first.status !== 'done') return first
      const reply = await asWith(first.value)
      if (!isTokenRefused(reply)) return answerOf(reply, call.read, [first.value.value])
      const second = await tokens.renew(app, first.value.version)
      if (second.status !== 'done') return second
      return answerOf(await asWith(second.value), call.read, [second.value.value])
    },
  }
}

function tell(log: CallLog, app: AppCredentials, asked: Asked, reply: Reply, ms: number): void {
  const call = `${asked.method} ${asked.path}`
  const common = { appid: app.appid, call, ms }
  if (reply.kind === 'answered')
    log.debug({ ...common, errcode: reply.errcode }, 'WeChat has answered an app')
  else log.warn({ ...common, ...reply }, 'WeChat has not answered an app')
}

function isWorthRepeating(reply: Reply, repeat: 'always' | 'unsent'): boolean {
  if (reply.kind === 'not_sent') return true
  if (repeat === 'unsent') return false
  return reply.kind === 'lost' || (reply.kind === 'answered' && reply.errcode === busy)
}

function isTokenRefused(reply: Reply): boolean {
  return reply.kind === 'answered' && tokenRefusals.has(reply.errcode)
}

/** `secrets`: what must not be told, should WeChat quote it. */
export function answerOf<T>(
  reply: Reply,
  read: (body: unknown) => T | undefined,
  secrets: readonly string[],
): Answer<T> {
  switch (reply.kind) {
    case 'lost':
      return { status: 'unknown', why: `WeChat did not answer: ${reply.why}` }
    case 'not_sent':
      return { status: 'unknown', why: `WeChat cannot be reached: ${reply.why}` }
    case 'no_turn':
      return { status: 'refused', code: 'rate_limited', detail: 'too many calls wait' }
    case 'refused':
      return { status: 'refused', code: `HTTP_${reply.status}`, detail: `HTTP ${reply.status}` }
    case 'answered': {
      const { errcode, errmsg, body } = reply
      if (errcode === busy) return { status: 'unknown', why: 'WeChat is busy' }
      if (errcode !== 0)
        return {
          status: 'refused',
          code: String(errcode),
          detail: detail(errcode, errmsg, secrets),
        }
      const value = read(body)
      if (value !== undefined) return { status: 'done', value }
      return { status: 'unknown', why: 'the answer of WeChat lacks what it should have' }
    }
  }
}

const longestDetail = 300

function detail(errcode: number, errmsg: string, secrets: readonly string[]): string {
  const told = secrets.reduce((text, secret) => text.replaceAll(secret, '[hidden]'), errmsg)
  return [wordsOf(errcode), told].filter(Boolean).join(': ').slice(0, longestDetail)
}
