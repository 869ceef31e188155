/** Who calls: the bearer token of a request, a key's or a session's, looked up and held against what the route asks for. */
import { type Refusal, refusal, type Scope, scopes } from '@lika/contract'
import type { Access, Caller } from '../../modules/access/index.ts'
import type { MemberCaller, Sessions } from '../../modules/members/index.ts'
import type { AccessRule } from './spec.ts'
import { makeThrottle } from './throttle.ts'

/** From one address in a minute, before unknown keys are not even looked up any more. */
const failuresPerMinute = 300

export type Admission =
  | { readonly caller: Caller | MemberCaller | undefined }
  | { readonly refusal: Refusal }

export interface Doorkeeper {
  /**
   * Who calls, at once where the key was looked up a moment ago.
   * Refusals: `auth.missing`, `throttled`, `auth.not_recognised`, `auth.not_operator`, `route.not_found`
   * (a live key on a route of test mode), `auth.scope_missing`; of the wallet `session.missing`, `throttled`,
   * `session.not_recognised`.
   */
  admit(
    header: string | undefined,
    address: string,
    rule: AccessRule,
  ): Admission | Promise<Admission>
}

export function makeDoorkeeper(
  access: Access,
  sessions: () => Pick<Sessions, 'memberOf'> | undefined,
): Doorkeeper {
  const failures = makeThrottle(failuresPerMinute, 60)

  async function lookUp(token: string, address: string, rule: AccessRule): Promise<Admission> {
    const standing = failures.look(address)
    if (standing.remaining <= 0) return { refusal: tooMany(standing.resetSeconds) }
    const caller = await access.authenticate(token)
    if (caller !== undefined) return judge(caller, rule)
    failures.count(address)
    return { refusal: notRecognised }
  }

  async function lookUpMember(token: string, address: string): Promise<Admission> {
    const standing = failures.look(address)
    if (standing.remaining <= 0) return { refusal: tooMany(standing.resetSeconds) }
    const caller = await sessions()?.memberOf(token)
    if (caller !== undefined) return { caller }
    failures.count(address)
    return { refusal: sessionNotRecognised }
  }

  return {
    admit: (header, address, rule) => {
      if (rule === 'anyone') return { caller: undefined }
      const token = bearerToken(header)
      if (rule === 'member')
        return token === undefined ? { refusal: sessionMissing } : lookUpMember(token, address)
      if (token === undefined) return { refusal: missing }
      const known = access.known(token)
      return known === undefined ? lookUp(token, address, rule) : judge(known, rule)
    },
  }
}

/** What the rule says about a caller who is known. */
export function judge(caller: Caller, rule: AccessRule): Admission {
  const refused = lacking(caller, rule)
  return refused === undefined ? { caller } : { refusal: refused }
}

const missing = refusal('auth.missing', 'Send the header Authorization: Bearer lika_….')
const notRecognised = refusal('auth.not_recognised', 'The key is unknown, expired or revoked.')
const sessionMissing = refusal(
  'session.missing',
  'Log in, and send Authorization: Bearer lika_wallet_….',
)
const sessionNotRecognised = refusal(
  'session.not_recognised',
  'The session is unknown, over or ended: log in again.',
)
const noSuchRoute = refusal('route.not_found', 'The routes are listed at /docs and /openapi.json.')
const notOperator = refusal('auth.not_operator', 'This needs the operator key.')

function tooMany(seconds: number): Refusal {
  return refusal('throttled', 'Too many unknown keys came from this address.', {
    retryAfterSeconds: seconds,
  })
}

function bearerToken(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 300) return undefined
  return /^Bearer +(\S+)$/i.exec(header)?.[1]
}

/** The refusal for a caller who may not do this; undefined: it may. */
function lacking(caller: Caller, rule: AccessRule): Refusal | undefined {
  if (rule === 'anyone') return undefined
  // Keys have no way into the wallet.
  if (rule === 'member') return noSuchRoute
  if (rule === 'operator') return caller.kind === 'operator' ? undefined : notOperator
  if (typeof rule === 'object') {
    return caller.kind === 'operator' ? undefined : lackingScope(caller.scopes, rule.operatorOr)
  }
  if (caller.kind === 'operator') {
    return refusal(
      'auth.scope_missing',
      "The operator key belongs to no issuer: use an issuer's key.",
    )
  }
  // For live keys these routes do not exist, whatever their scopes.
  if (rule === 'test:write' && caller.mode === 'live') return noSuchRoute
  return rule === 'key' ? undefined : lackingScope(caller.scopes, rule)
}

const scopeRefusals = new Map(
  scopes.map((scope) => [
    scope,
    refusal('auth.scope_missing', `The key lacks the scope ${scope}.`, { data: { scope } }),
  ]),
)

function lackingScope(held: ReadonlySet<Scope>, scope: Scope): Refusal | undefined {
  return held.has(scope) ? undefined : scopeRefusals.get(scope)
}
