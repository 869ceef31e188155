/** Makes and finds issuers. They never change, so what was read once is kept. */
import { asId, type Instant, type IssuerId, ok, type Result } from '@lika/contract'
import type { Database } from '../../platform/db.ts'
import { codeOf } from '../../platform/db-faults.ts'
import { newId } from '../../platform/ids.ts'
import { choosePacks, effectiveRules, type Packs, type Policy } from '../policy/index.ts'
import type { Issuer, IssuerFilter, NewIssuer } from './model.ts'
import { insertIssuer, selectIssuer, selectIssuerByReference, selectIssuers } from './store.ts'

export interface Issuers {
  /** Refusals: `policy.unknown_pack`, then `existing` where the reference is taken. */
  make(issuer: NewIssuer): Promise<Result<Issuer | { existing: IssuerId }>>
  find(id: IssuerId): Promise<Issuer | undefined>
  /** The newest first. */
  list(filter: IssuerFilter): Promise<readonly Issuer[]>
  /** What binds the issuer at that time in its book. @throws for an issuer that does not exist. */
  policyOf(id: IssuerId, at: Instant): Promise<Policy>
}

/** How often a prefix that another issuer took meanwhile is given up for the next one. */
const attempts = 20

export function openIssuers(database: Database, packs: Packs): Issuers {
  const known = new Map<IssuerId, Issuer>()

  async function find(id: IssuerId): Promise<Issuer | undefined> {
    const issuer = known.get(id) ?? (await selectIssuer(database.sql, id))
    if (issuer !== undefined) known.set(id, issuer)
    return issuer
  }

  async function make(wanted: NewIssuer): Promise<Result<Issuer | { existing: IssuerId }>> {
    const chosen = choosePacks(packs, wanted.packs)
    if (!chosen.ok) return chosen
    const id = asId<'issuer'>(newId())
    for (let attempt = 1; ; attempt += 1) {
      try {
        const numberPrefix = await insertIssuer(database.sql, { ...wanted, id })
        if (numberPrefix !== undefined) return ok({ ...wanted, id, numberPrefix })
        const existing = await selectIssuerByReference(database.sql, wanted.reference)
        if (existing !== undefined) return ok({ existing })
      } catch (error) {
        const isTaken = codeOf(error) === '23505'
        if (!isTaken || attempt === attempts) throw error
      }
    }
  }

  return {
    find,
    make,
    list: (filter) => selectIssuers(database.sql, filter),
    policyOf: async (id, at) => {
      const issuer = await find(id)
      if (issuer === undefined) throw new Error(`issuer ${id} does not exist`)
      const chosen = choosePacks(packs, issuer.packs)
      // A pack that was there when the issuer was made must not be missing: better no answer than a laxer one.
      if (!chosen.ok) throw new Error(chosen.refusal.detail)
      return effectiveRules(chosen.value, at)
    },
  }
}
