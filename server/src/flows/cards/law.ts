/** The law that binds an issuer, by instant: asked in decisions, which cannot wait, so it is computed once a day. */
import { type BusinessDate, businessDateOf, type Instant, type IssuerId } from '@lika/contract'
import type { Issuer } from '../../modules/issuers/index.ts'
import { choosePacks, effectiveRules, type Policy } from '../../modules/policy/index.ts'
import type { FlowContext } from '../context.ts'

export interface Law {
  readonly issuer: Issuer
  /** What binds at that instant. Rules begin and end with days in Shanghai. */
  at(now: Instant): Policy
}

const kept = new WeakMap<Issuer, { day: BusinessDate; policy: Policy }>()

/** @throws for an issuer that does not exist, or whose packs are gone: better no answer than a laxer one. */
export async function lawOf(
  { issuers, packs }: Pick<FlowContext, 'issuers' | 'packs'>,
  issuerId: IssuerId,
): Promise<Law> {
  const issuer = await issuers.find(issuerId)
  if (issuer === undefined) throw new Error(`issuer ${issuerId} does not exist`)
  const chosen = choosePacks(packs, issuer.packs)
  if (!chosen.ok) throw new Error(chosen.refusal.detail)
  return {
    issuer,
    at: (now) => {
      const day = businessDateOf(now)
      const known = kept.get(issuer)
      if (known?.day === day) return known.policy
      const policy = effectiveRules(chosen.value, now)
      kept.set(issuer, { day, policy })
      return policy
    },
  }
}
