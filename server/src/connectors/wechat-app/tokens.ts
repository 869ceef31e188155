/**
 * The access token of an app and its tickets. One process fetches a new one while the others wait for it: within a process
 * by a shared promise, across processes by a lease in the database, where the token lies sealed for all.
 */
import type { Answer, AppCredentials, AppDesk, TokenKind } from '../../modules/wechat/index.ts'
import { elapsedMs } from '../../platform/clock.ts'
import { newId } from '../../platform/ids.ts'
import type { AccessToken, AccessTokens, Call, Calls } from './calls.ts'
import { integerAt, textAt } from './json.ts'

export interface TokenTuning {
  /** As long as one fetch may take before another process may try. */
  readonly leaseMs: number
  /** As long as a caller waits for others. */
  readonly patienceMs: number
  readonly pollMs: number
}

export const tokenTuning: TokenTuning = { leaseMs: 10_000, patienceMs: 15_000, pollMs: 50 }

/** A token is replaced so long before it runs out: WeChat makes the next one five minutes before. */
const aheadMs = 240_000
/** WeChat's rule for asking for a new token while the old one holds. */
const forcedAtMostEveryMs = 30_000

export interface Tokens extends AccessTokens {
  ticket(app: AppCredentials, kind: 'jsapi' | 'wx_card'): Promise<Answer<AccessToken>>
}

interface Fetched {
  readonly value: string
  readonly expiresInMs: number
  readonly forced: boolean
}

export function makeTokens(
  desk: AppDesk,
  calls: Calls,
  sleep: (ms: number) => Promise<void>,
  { leaseMs, patienceMs, pollMs }: TokenTuning = tokenTuning,
): Tokens {
  const known = new Map<string, AccessToken & { readonly until: number }>()
  const flights = new Map<string, Promise<Answer<AccessToken>>>()

  /** `refused`: the version that WeChat does not take any more. */
  function current(
    app: AppCredentials,
    kind: TokenKind,
    refused: number,
  ): Promise<Answer<AccessToken>> {
    const key = `${app.app}:${kind}`
    const kept = known.get(key)
    if (kept !== undefined && kept.version > refused && kept.until > elapsedMs())
      return Promise.resolve({ status: 'done', value: kept })
    const flightKey = `${key}:${refused}`
    const under = flights.get(flightKey)
    if (under !== undefined) return under
    const flight = obtain(app, kind, refused).finally(() => flights.delete(flightKey))
    flights.set(flightKey, flight)
    return flight
  }

  async function obtain(
    app: AppCredentials,
    kind: TokenKind,
    refused: number,
  ): Promise<Answer<AccessToken>> {
    const patience = elapsedMs() + patienceMs
    do {
      const asked = elapsedMs()
      const shared = await desk.token(app.app, kind)
      const { value, version } = shared
      if (value !== undefined && version > refused)
        return remember(app, kind, { value, version }, asked + shared.remainingMs)
      const holder = newId()
      if (await desk.holdToken(app.app, kind, { version, holder, leaseMs }))
        return fetchAs(holder, app, kind, shared)
      await sleep(pollMs)
    } while (elapsedMs() < patience)
    return { status: 'unknown', why: 'another server did not get a token from WeChat in time' }
  }

  async function fetchAs(
    holder: string,
    app: AppCredentials,
    kind: TokenKind,
    old: { readonly value: string | undefined; readonly forcedAgoMs: number | undefined },
  ): Promise<Answer<AccessToken>> {
    const asked = elapsedMs()
    const fetched = kind === 'access' ? await fetchToken(app, old) : await fetchTicket(app, kind)
    if (fetched.status !== 'done') {
      await desk.letTokenGo(app.app, kind, holder)
      return fetched
    }
    const { value, expiresInMs, forced } = fetched.value
    const lifetimeMs = expiresInMs - Math.min(aheadMs, expiresInMs / 10)
    const version = await desk.keepToken(app.app, kind, holder, { value, lifetimeMs, forced })
    // Too late: somebody else has fetched one since, which is as good.
    if (version === undefined) return obtain(app, kind, -1)
    return remember(app, kind, { value, version }, asked + lifetimeMs)
  }

  function remember(
    app: AppCredentials,
    kind: TokenKind,
    token: AccessToken,
    until: number,
  ): Answer<AccessToken> {
    known.set(`${app.app}:${kind}`, { ...token, until })
    return { status: 'done', value: token }
  }

  /** The same one again where WeChat still holds it for good, unless it was just refused: then a new one, forced. */
  async function fetchToken(
    app: AppCredentials,
    old: { readonly value: string | undefined; readonly forcedAgoMs: number | undefined },
  ): Promise<Answer<Fetched>> {
    const given = await calls.open(app, stableToken(app, false))
    if (given.status !== 'done' || given.value.value !== old.value) return given
    if (old.forcedAgoMs !== undefined && old.forcedAgoMs < forcedAtMostEveryMs) {
      const detail =
        'WeChat refuses a token that it gives out, and a new one was asked for just now'
      return { status: 'refused', code: '40001', detail }
    }
    return calls.open(app, stableToken(app, true))
  }

  function fetchTicket(app: AppCredentials, kind: 'jsapi' | 'wx_card'): Promise<Answer<Fetched>> {
    return calls.authorised(app, tokens, {
      method: 'GET',
      path: '/cgi-bin/ticket/getticket',
      query: { type: kind },
      repeat: 'always',
      read: (body) => fetchedAt(body, 'ticket', false),
    })
  }

  const tokens: Tokens = {
    get: (app) => current(app, 'access', -1),
    renew: (app, version) => current(app, 'access', version),
    ticket: (app, kind) => current(app, kind, -1),
  }
  return tokens
}

function stableToken({ appid, secret }: AppCredentials, forced: boolean): Call<Fetched> {
  return {
    method: 'POST',
    path: '/cgi-bin/stable_token',
    body: { grant_type: 'client_credential', appid, secret, force_refresh: forced },
    repeat: forced ? 'unsent' : 'always',
    read: (body) => fetchedAt(body, 'access_token', forced),
  }
}

function fetchedAt(body: unknown, name: string, forced: boolean): Fetched | undefined {
  const value = textAt(body, name)
  const seconds = integerAt(body, 'expires_in')
  return value === undefined || seconds === undefined || seconds <= 0
    ? undefined
    : { value, expiresInMs: seconds * 1000, forced }
}
