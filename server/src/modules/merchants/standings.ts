/**
 * Changes of the status of merchants, so that tills, which are kept in memory, never take a payment for a suspended one:
 * at once where it was suspended, on other servers when they ask next, several times a second. One small statement
 * for all merchants together; a payment only looks into a map.
 */
import type { Instant, MerchantId, MerchantState } from '@lika/contract'

export interface Standing {
  readonly status: MerchantState
  /** Grows with every change of the merchant. */
  readonly statusVersion: number
}

export interface StandingChange extends Standing {
  readonly merchantId: MerchantId
}

/**
 * What changed since then or shortly before (the database's clock; undefined: since now), and what time it is there.
 * Shortly before, because what is being changed is seen when it is done and bears the time at which it began.
 */
export type ReadChanges = (
  since: Instant | undefined,
) => Promise<{ readonly changes: readonly StandingChange[]; readonly at: Instant }>

export interface Standings {
  /** The later one of what is given and what is known of the merchant. */
  latest<T extends Standing & { readonly merchantId: MerchantId }>(till: T): T
  note(change: StandingChange): void
  /** Reads what others changed. Rejects where the database cannot be asked: the next call makes up for it. */
  refresh(): Promise<void>
}

export function makeStandings(readChanges: ReadChanges): Standings {
  /** Only merchants that changed since the start: few, beside all of them. */
  const known = new Map<MerchantId, Standing>()
  let lastAsked: Instant | undefined

  function note({ merchantId, status, statusVersion }: StandingChange): void {
    const before = known.get(merchantId)
    if (before === undefined || before.statusVersion < statusVersion)
      known.set(merchantId, { status, statusVersion })
  }

  return {
    note,
    latest: (till) => {
      const changed = known.get(till.merchantId)
      return changed === undefined || changed.statusVersion <= till.statusVersion
        ? till
        : { ...till, ...changed }
    },
    refresh: async () => {
      const { changes, at } = await readChanges(lastAsked)
      for (const change of changes) note(change)
      lastAsked = at
    },
  }
}
