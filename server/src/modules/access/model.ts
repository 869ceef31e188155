/** Keys and callers, and what a key may hand on to another. */
import {
  type BookId,
  formatInstant,
  type Id,
  type Instant,
  type IssuerId,
  type Mode,
  ok,
  type Result,
  refusal,
  refused,
  type Scope,
} from '@lika/contract'

export interface KeyCaller {
  readonly kind: 'key'
  readonly keyId: Id<'key'>
  readonly issuerId: IssuerId
  readonly mode: Mode
  readonly book: BookId
  readonly scopes: ReadonlySet<Scope>
  readonly owner: string
}

export interface OperatorCaller {
  readonly kind: 'operator'
}

export type Caller = KeyCaller | OperatorCaller

/** A key without its token. Times are real in both modes. */
export interface StoredKey {
  readonly id: Id<'key'>
  readonly book: BookId
  readonly last4: string
  readonly name: string
  readonly owner: string
  readonly scopes: readonly Scope[]
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Instant
  readonly expiresAt: Instant | null
  readonly revokedAt: Instant | null
}

export interface NewKey {
  readonly book: BookId
  readonly name: string
  readonly owner: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: Instant | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Whether `caller` may make that key. An issuer's key stays within its own issuer, its mode and its scopes.
 * Refusals: `auth.scope_not_held` (mode, then scopes), `date.out_of_range` for an expiry that is past.
 */
export function mayMakeKey(
  caller: Caller,
  wanted: { mode: Mode; scopes: readonly Scope[]; expiresAt: Instant | null },
  now: Instant,
): Result<void> {
  if (caller.kind === 'key') {
    if (wanted.mode !== caller.mode)
      return refused(
        refusal('auth.scope_not_held', `A ${caller.mode} key makes only ${caller.mode} keys.`),
      )
    const missing = wanted.scopes.filter((scope) => !caller.scopes.has(scope))
    if (missing.length > 0)
      return refused(
        refusal('auth.scope_not_held', `This key does not hold ${missing.join(', ')} itself.`, {
          data: { missing },
        }),
      )
  }
  if (wanted.expiresAt !== null && wanted.expiresAt <= now)
    return refused(
      refusal('date.out_of_range', 'expires_at must lie in the future.', {
        data: { allowed: { min: formatInstant(now) } },
      }),
    )
  return ok(undefined)
}

/** Whether the key opens anything at that real time. */
export function isUsable(key: Pick<StoredKey, 'expiresAt' | 'revokedAt'>, now: Instant): boolean {
  return key.revokedAt === null && (key.expiresAt === null || now < key.expiresAt)
}
