/**
 * Law as data: what a rule says (the packs, see `policies/`), and which rules bind an issuer at an instant. Numbers
 * stand in packs only; what each rule means stands in the catalogue, `rule-kinds.ts`.
 */
import {
  type BusinessDate,
  type Fen,
  type Instant,
  ok,
  type Result,
  refusal,
  refused,
  startOfDay,
} from '@lika/contract'
import type { Unit } from './rule-kind.ts'
import { ruleKinds } from './rule-kinds.ts'

export { ruleKinds } from './rule-kinds.ts'

export type RuleId = keyof typeof ruleKinds

type RuleWithUnit<U extends Unit> = {
  [R in RuleId]: (typeof ruleKinds)[R]['unit'] extends U ? R : never
}[RuleId]

export type FenRuleId = RuleWithUnit<'fen'>
type SwitchRuleId = RuleWithUnit<'switch'>
export type CountRuleId = Exclude<RuleId, FenRuleId | SwitchRuleId>

/** One dated rule of a pack, as in its file. Days are those of Asia/Shanghai. */
export interface Rule {
  readonly id: RuleId
  readonly value: number | boolean
  /** First day in force. */
  readonly effectiveFrom: BusinessDate
  /** First day no longer in force; null while no end is known. */
  readonly effectiveTo: BusinessDate | null
  /** `article` is null exactly where `status` is `unconfirmed`: an article is never invented. */
  readonly source: { readonly document: string; readonly article: string | null }
  readonly status: 'confirmed' | 'unconfirmed'
  readonly note?: string
}

export interface Pack {
  readonly name: string
  readonly title: { readonly zh: string; readonly en: string }
  /** `always`: under every issuer; `default`: for one that names none; `by_name`: when named. */
  readonly standing: 'always' | 'default' | 'by_name'
  readonly rules: readonly Rule[]
}

/** All packs of an installation by name. */
export type Packs = ReadonlyMap<string, Pack>

/** The rule that binds, with the pack that it comes from and what it was preferred to. */
export interface EffectiveRule extends Rule {
  readonly pack: string
  readonly outweighs: readonly { readonly pack: string; readonly value: number | boolean }[]
}

/** What binds an issuer at one instant. A rule that no pack sets is absent: it limits nothing. */
export type Policy = ReadonlyMap<RuleId, EffectiveRule>

/** The rule identifiers of the catalogue. */
export function isRuleId(id: string): id is RuleId {
  return Object.hasOwn(ruleKinds, id)
}

/**
 * The packs that bind an issuer that names `names`: those, or the default pack where it names none
 * (an issuer that does not choose is under the law, not outside it), and below them the product's
 * own limits, which hold under every law.
 * Refusals: `policy.unknown_pack` with the known names.
 */
export function choosePacks(packs: Packs, names: readonly string[]): Result<readonly Pack[]> {
  const unknown = names.filter((name) => !packs.has(name))
  if (unknown.length > 0) {
    const known = [...packs.keys()]
    return refused(
      refusal('policy.unknown_pack', `There is no pack ${unknown.join(', ')}.`, {
        data: { unknown, known },
      }),
    )
  }
  const all = [...packs.values()]
  const named = all.filter((pack) =>
    names.length > 0 ? names.includes(pack.name) : pack.standing === 'default',
  )
  // Last, so that on equal values the law is the one that is cited.
  const always = all.filter((pack) => pack.standing === 'always' && !named.includes(pack))
  return ok([...named, ...always])
}

/** Whether the rule is in force at that instant: from its first day on, before its last. */
function isInForce(rule: Rule, at: Instant): boolean {
  return (
    startOfDay(rule.effectiveFrom) <= at &&
    (rule.effectiveTo === null || at < startOfDay(rule.effectiveTo))
  )
}

/**
 * What binds at `at` under all these packs together: per rule the value that `ruleKinds` lets win,
 * on equal values the one of the earlier pack.
 */
export function effectiveRules(packs: readonly Pack[], at: Instant): Policy {
  const policy = new Map<RuleId, EffectiveRule>()
  for (const pack of packs) {
    for (const rule of pack.rules) {
      if (!isInForce(rule, at)) continue
      policy.set(rule.id, prefer(policy.get(rule.id), { ...rule, pack: pack.name, outweighs: [] }))
    }
  }
  return policy
}

function prefer(standing: EffectiveRule | undefined, other: EffectiveRule): EffectiveRule {
  if (standing === undefined) return other
  const [winner, loser] = wins(other, standing) ? [other, standing] : [standing, other]
  const outweighs = [...standing.outweighs, { pack: loser.pack, value: loser.value }]
  return { ...winner, outweighs }
}

function wins(challenger: Rule, standing: Rule): boolean {
  const difference = Number(challenger.value) - Number(standing.value)
  return ruleKinds[challenger.id].wins === 'lower' ? difference < 0 : difference > 0
}

/** An amount that the policy sets; undefined where no pack does. */
export function fenLimit(policy: Policy, rule: FenRuleId): Fen | undefined {
  const value = policy.get(rule)?.value
  return typeof value === 'number' ? BigInt(value) : undefined
}

/** A count or a duration in the unit that ends the rule's id; undefined where no pack sets it. */
export function countLimit(policy: Policy, rule: CountRuleId): number | undefined {
  const value = policy.get(rule)?.value
  return typeof value === 'number' ? value : undefined
}

/** The same for a rule that is always set. @throws where it is not (a fault of the packs). */
export function requiredCount(policy: Policy, rule: CountRuleId): number {
  const value = countLimit(policy, rule)
  if (value === undefined) throw new Error(`no policy pack in force sets ${rule}`)
  return value
}
