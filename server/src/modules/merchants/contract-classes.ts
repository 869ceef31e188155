/**
 * The classes of contracts: what a merchant must have, within which band its commission lies, and in which cycle it is
 * settled. The figures are data (`policies/tables/merchant-classes.json`), dated like every other.
 */
import {
  type BusinessDate,
  fenToJson,
  formatYuan,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { MerchantClass } from '../policy/index.ts'
import type { Commission, ContractClass, Cycle } from './contract-terms.ts'

/** What can be said of a merchant for its class: stores are counted, the rest is stated by who proposes the contract. */
export interface ClassFacts {
  /** In fen. */
  readonly monthlyVolume: bigint | undefined
  readonly stores: number
  /** Tenths of a star, 0 to 50. */
  readonly ratingTenths: number | undefined
}

interface Classed {
  readonly class: ContractClass
  readonly commission: Commission
  readonly cycle: Cycle
  readonly validFrom: BusinessDate
}

/**
 * Whether a contract keeps to its class, as the class is on its first day; without a class everything does.
 * Refusals: `contract.class_not_met`, `contract.rate_out_of_band`, `contract.cycle_out_of_class`, each with what is
 * allowed.
 */
export function checkClass(
  classes: readonly MerchantClass[],
  contract: Classed,
  facts: ClassFacts,
): Result<void> {
  const { class: name, validFrom } = contract
  const rules = classes.filter((one) => one.class === name && one.from <= validFrom).at(-1)
  if (rules === undefined) return ok(undefined)
  const met = checkNeeds(rules, facts)
  if (!met.ok) return met
  const priced = checkBand(rules, contract.commission)
  return priced.ok ? checkCycle(rules, contract.cycle) : priced
}

function checkNeeds({ class: name, needs }: MerchantClass, facts: ClassFacts): Result<void> {
  const { monthlyVolumeFen: volume, stores, ratingTenths: rating } = needs
  if (volume !== undefined && (facts.monthlyVolume ?? 0n) < BigInt(volume))
    return notMet(
      `${name} takes merchants with ${formatYuan(BigInt(volume))} yuan a month or more.`,
      {
        member: 'monthly_volume',
        min: volume,
        given: facts.monthlyVolume === undefined ? null : fenToJson(facts.monthlyVolume),
      },
    )
  if (stores !== undefined && facts.stores < stores)
    return notMet(
      `${name} takes merchants with ${stores} stores or more; this one has ${facts.stores}.`,
      {
        member: 'stores',
        min: stores,
        given: facts.stores,
      },
    )
  if (rating !== undefined && (facts.ratingTenths ?? 0) < rating)
    return notMet(`${name} takes merchants with ${rating / 10} stars or more.`, {
      member: 'rating_tenths',
      min: rating,
      given: facts.ratingTenths ?? null,
    })
  return ok(undefined)
}

function notMet(
  detail: string,
  { member, min, given }: { member: string; min: number; given: number | null },
): Result<void> {
  const data = { member, allowed: { min }, given }
  return refused(refusal('contract.class_not_met', detail, { data }))
}

function checkBand({ class: name, commissionBp: band }: MerchantClass, commission: Commission) {
  const rates =
    commission.kind === 'flat' ? [commission.rateBp] : commission.tiers.map(({ rateBp }) => rateBp)
  const outside = rates.find((rate) => rate < band.min || rate > band.max)
  if (outside === undefined) return ok(undefined)
  return refused(
    refusal(
      'contract.rate_out_of_band',
      `The commission of ${name} is ${percent(band.min)} to ${percent(band.max)}, not ${percent(outside)}.`,
      { data: { allowed: { min: band.min, max: band.max }, given: outside } },
    ),
  )
}

/** `1250` → `12.5 %`. */
function percent(bp: number): string {
  const digits = String(bp).padStart(3, '0')
  const rest = digits.slice(-2).replace(/0+$/, '')
  return `${digits.slice(0, -2)}${rest === '' ? '' : `.${rest}`} %`
}

function checkCycle({ class: name, cycle: asked }: MerchantClass, cycle: Cycle): Result<void> {
  const days = cycle.kind === 't_plus' ? cycle.days : undefined
  if (cycle.kind === asked.kind && days === asked.days) return ok(undefined)
  return refused(
    refusal('contract.cycle_out_of_class', `${name} is settled ${cycleText(asked)}.`, {
      data: { allowed: { ...asked } },
    }),
  )
}

function cycleText({ kind, days }: MerchantClass['cycle']): string {
  switch (kind) {
    case 't_plus':
      return `day by day, T+${days}`
    case 'weekly':
      return 'weekly'
    case 'half_month':
      return 'by half months'
    case 'month':
      return 'monthly'
  }
}
