/** Who calls: the bearer token of a request, looked up, and held against what the route asks for. */
import { type Refusal, refusal, type Scope, scopes } from '@lika/contract'
import type { Access, Caller } from '../../modules/access/index.ts'
import type { AccessRule } from './spec.ts'
import { makeThrottle } from './throttle.ts'

/** From one address in a minute, before unknown keys are not even looked up any more. */
const failuresPerMinute = 300

export interface Doorkeeper {
  /**
   * Calls `done` with the caller or the refusal, at once where the key is known.
   * Refusals: `auth.missing`, `throttled`, `auth.not_recognised`, `auth.not_operator`, `auth.scope_missing`.
   */
  admit(
    header: string | undefined,
    address: string,
    rule: AccessRule,
    done: (error: unknown, caller?: Caller, refusal?: Refusal) => void,
  ): void
}

export function makeDoorkeeper(access: Access): Doorkeeper {
  const failures = makeThrottle(failuresPerMinute, 60)

  function admit(
    header: string | undefined,
    address: string,
    rule: AccessRule,
    done: (error: unknown, caller?: Caller, refusal?: Refusal) => void,
  ): void {
    if (rule === 'anyone') return done(undefined)
    const token = bearerToken(header)
    if (token === undefined) return done(undefined, undefined, missing)
    const known = access.known(token)
    if (known !== undefined) return done(undefined, known, lacking(known, rule))
    const standing = failures.look(address)
    if (standing.remaining <= 0) return done(undefined, undefined, tooMany(standing.resetSeconds))
    access.authenticate(token).then((caller) => {
      if (caller !== undefined) return done(undefined, caller, lacking(caller, rule))
      failures.count(address)
      return done(undefined, undefined, notRecognised)
    }, done)
  }

  return { admit }
}

const missing = refusal('auth.missing', 'Send the header Authorization: Bearer lika_….')
const notRecognised = refusal('auth.not_recognised', 'The key is unknown, expired or revoked.')
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
