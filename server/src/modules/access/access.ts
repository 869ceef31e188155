/**
 * The keys in use: looked up by digest, kept for a moment so that a busy key costs no statement per request.
 * A revocation holds at once in this process and within a second in every other.
 */
import { asId, type Id, modeOfBook } from '@lika/contract'
import { elapsedMs, realNow } from '../../platform/clock.ts'
import { apiToken, digestToken } from '../../platform/crypto/tokens.ts'
import type { Database } from '../../platform/db.ts'
import { newId } from '../../platform/ids.ts'
import { type Caller, isUsable, type NewKey, type StoredKey } from './model.ts'
import { insertKey, type KeyFilter, revokeKey, selectCaller, selectKeys } from './store.ts'

export interface Access {
  /** The caller of a key that was looked up a moment ago, without waiting; undefined: ask `authenticate`. */
  known(token: string): Caller | undefined
  /** undefined: unknown, expired or revoked. */
  authenticate(token: string): Promise<Caller | undefined>
  /** The token is in the answer, and nowhere afterwards. */
  makeKey(key: NewKey): Promise<{ key: StoredKey; token: string } | { existing: Id<'key'> }>
  keys(filter: KeyFilter): Promise<readonly StoredKey[]>
  /** False: there is no such key in the book. An already revoked one stays revoked. */
  revoke(filter: KeyFilter): Promise<boolean>
}

type Entry = { caller: Caller; expiresAt: number | null; checkedAt: number; refreshing: boolean }

/** Older than this it is looked up again, older than that it is not believed meanwhile. */
const refreshAfterMs = 500
const believeForMs = 950
const mostEntries = 100_000

export function openAccess(database: Database): Access {
  const entries = new Map<string, Entry>()
  /** So that an answer that was under way at the revocation does not bring the key back. */
  const revoked = new Set<string>()

  async function lookUp(digest: Buffer): Promise<Caller | undefined> {
    const name = digest.toString('latin1')
    const askedAt = elapsedMs()
    const found = await selectCaller(database.sql, digest)
    if (found === undefined || revoked.has(name) || !isUsable(found, realNow())) {
      entries.delete(name)
      return undefined
    }
    if (entries.size >= mostEntries) entries.clear()
    const { caller, expiresAt } = found
    // The age counts from the question: what changed while it was under way is not seen in the answer.
    entries.set(name, { caller, expiresAt, checkedAt: askedAt, refreshing: false })
    return caller
  }

  return {
    known: (token) => {
      const digest = digestToken(token)
      const entry = entries.get(digest.toString('latin1'))
      if (entry === undefined) return undefined
      if (entry.expiresAt !== null && realNow() >= entry.expiresAt) return undefined
      const age = elapsedMs() - entry.checkedAt
      if (age >= believeForMs) return undefined
      if (age >= refreshAfterMs && !entry.refreshing) {
        entry.refreshing = true
        // Whether it failed is seen by the request that finds the entry too old.
        lookUp(digest).catch(() => undefined)
      }
      return entry.caller
    },
    authenticate: async (token) =>
      tokenPattern.test(token) ? lookUp(digestToken(token)) : undefined,
    makeKey: async (wanted) => {
      const { token, digest, last4 } = apiToken(modeOfBook(wanted.book))
      const id = asId<'key'>(newId())
      const key = { ...wanted, id, last4, createdAt: realNow(), revokedAt: null }
      const existing = await insertKey(database.sql, key, digest)
      return existing === undefined ? { key, token } : { existing }
    },
    keys: (filter) => selectKeys(database.sql, filter),
    revoke: async (filter) => {
      const digest = await revokeKey(database.sql, filter, realNow())
      if (digest === undefined) return false
      revoked.add(digest.toString('latin1'))
      entries.delete(digest.toString('latin1'))
      return true
    },
  }
}

const tokenPattern = /^lika_(test|live|operator)_[\w-]{16,100}$/
