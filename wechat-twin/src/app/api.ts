/**
 * The frame of every call to `api.weixin.qq.com`: method, access token, permissions, quotas, body, and the answer, which
 * is HTTP 200 whatever it says. A handler gets what is left and throws `Refused`.
 */
import { type Answer, type Call, json } from '../kernel/router.ts'
import type { Twin } from '../kernel/twin.ts'
import type { App } from '../kernel/users.ts'
import { particularsOf } from './app-record.ts'
import { knownApp } from './app-secret.ts'
import { Refused } from './errcodes.ts'
import { type Body, isBody } from './fields.ts'
import type { Tokens } from './tokens.ts'
import { day, minute, type Windows } from './windows.ts'

export interface Asked {
  readonly app: App
  readonly query: URLSearchParams
  readonly body: Body
  readonly call: Call
}

type Kinds = 'any' | App['kind']

export class Api {
  readonly #twin: Twin
  readonly #tokens: Tokens
  readonly #windows: Windows

  constructor(twin: Twin, tokens: Tokens, windows: Windows) {
    this.#twin = twin
    this.#tokens = tokens
    this.#windows = windows
  }

  /** A call by POST with an access token and a JSON body. */
  post(path: string, kinds: Kinds, work: (asked: Asked) => object): void {
    this.#add('POST', path, (call) => {
      const app = this.#appOf(call, kinds)
      return work({ app, query: call.query, body: readBody(call.body), call })
    })
  }

  /** A call by POST with an access token and a body that is not JSON. */
  upload(path: string, kinds: Kinds, work: (asked: Asked) => object): void {
    this.#add('POST', path, (call) =>
      work({ app: this.#appOf(call, kinds), query: call.query, body: {}, call }),
    )
  }

  /** A call by GET with an access token. */
  get(path: string, kinds: Kinds, work: (asked: Asked) => object): void {
    this.#add('GET', path, (call) =>
      work({ app: this.#appOf(call, kinds), query: call.query, body: {}, call }),
    )
  }

  /** A call that proves itself by other means than an access token. */
  open(method: 'GET' | 'POST', path: string, work: (call: Call) => object): void {
    this.#add(method, path, work)
  }

  #add(method: 'GET' | 'POST', path: string, work: (call: Call) => object): void {
    this.#twin.router.route(method, path, (call) => this.#answer(() => work(call)))
    const other = method === 'POST' ? 'GET' : 'POST'
    const refusal = method === 'POST' ? 43002 : 43001
    this.#twin.router.route(other, path, () =>
      this.#answer(() => {
        throw new Refused(refusal)
      }),
    )
  }

  #answer(work: () => object): Answer {
    try {
      return json(200, work())
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const rid = `${this.#twin.random.hex(8)}-${this.#twin.random.hex(8)}`
      return json(200, { errcode: error.errcode, errmsg: `${error.message} rid: ${rid}` })
    }
  }

  /** Refuses what the token does, then 48001, 48004, 45011, 45009. */
  #appOf(call: Call, kinds: Kinds): App {
    const appid = this.#tokens.appidOf(call.query.get('access_token'))
    const app = knownApp(this.#twin, appid)
    const { unauthorized_paths, banned_paths } = particularsOf(app)
    const isOfKind = kinds === 'any' || kinds === app.kind
    if (!isOfKind || unauthorized_paths.includes(call.path)) throw new Refused(48001)
    if (banned_paths.includes(call.path)) throw new Refused(48004)
    const { apiMinute, apiDay } = this.#twin.settings.now.app
    if (!this.#windows.take(call.path, appid, minute, apiMinute)) throw new Refused(45011)
    if (!this.#windows.take(call.path, appid, day, apiDay)) throw new Refused(45009)
    return app
  }
}

/** Where nothing else is to be said. */
export const done = { errcode: 0, errmsg: 'ok' } as const

/** Refuses 44002 and 47001. */
export function readBody(bytes: Buffer): Body {
  if (bytes.length === 0) throw new Refused(44002)
  const value = parsed(bytes)
  if (!isBody(value)) throw new Refused(47001)
  return value
}

/** undefined: no JSON, or not in UTF-8. */
function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
