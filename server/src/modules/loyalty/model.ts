/**
 * What campaigns promise: rules by which an amount that counts (a load, what a payment took of principal, a month of
 * payments) becomes a rebate. Pure, exact to the fen; the rounding stands beside each rule. docs/rebates.md publishes it.
 */
import {
  type BookId,
  type BusinessDate,
  businessDateOf,
  type CampaignId,
  dayMs,
  type Fen,
  type Instant,
  type Lane,
  type MerchantId,
  ok,
  type ProductId,
  type Result,
  refusal,
  refused,
  startOfDay,
} from '@lika/contract'

export const campaignKinds = [
  'load_bonus',
  'ladder',
  'cash_back',
  'voucher',
  'monthly',
  'random',
  'presale',
] as const

/** Of a load bonus: from that load on, a fixed amount or a share of the load. */
export interface Tier {
  readonly from: Fen
  readonly bonus?: Fen | undefined
  readonly rateBp?: number | undefined
}

export type Rule =
  | { readonly kind: 'load_bonus'; readonly tiers: readonly Tier[] }
  | {
      readonly kind: 'ladder'
      readonly on: 'load' | 'payment'
      readonly step: Fen
      readonly rateBp: number
    }
  | { readonly kind: 'cash_back'; readonly rateBp: number; readonly windowDays: number }
  | {
      readonly kind: 'voucher'
      readonly threshold: Fen
      readonly face: Fen
      readonly minAmount: Fen
      readonly validDays: number
    }
  | {
      readonly kind: 'monthly'
      readonly step: Fen
      readonly back: Fen
      readonly most?: Fen | undefined
    }
  | { readonly kind: 'random'; readonly min: Fen; readonly max: Fen; readonly minLoad: Fen }
  | { readonly kind: 'presale'; readonly price: Fen; readonly face: Fen }

/** One version of a campaign as its two people agreed to it. */
export interface Terms {
  readonly name: string
  readonly rule: Rule
  readonly budget: Fen
  readonly startsOn: BusinessDate
  /** The last day. */
  readonly endsOn: BusinessDate
  readonly products: readonly ProductId[]
  readonly merchants: readonly MerchantId[]
}

/** A version that was published, with where its money lies. */
export interface Promised {
  readonly campaignId: CampaignId
  readonly version: number
  readonly book: BookId
  readonly homeLane: Lane
  readonly terms: Terms
}

/** Half a fen is rounded up. */
function shareOf(amount: Fen, rateBp: number): Fen {
  return (amount * BigInt(rateBp) + 5_000n) / 10_000n
}

/**
 * What the rule gives for an amount that counts. Of the random rebate, whose amount was drawn, it is `drawn` or nothing.
 * The same function says after a refund what is left of it, for the amount that is left.
 */
export function entitlement(rule: Rule, base: Fen, drawn: Fen = 0n): Fen {
  switch (rule.kind) {
    case 'load_bonus':
      return bonusOf(rule.tiers, base)
    case 'ladder':
      return (base / rule.step) * shareOf(rule.step, rule.rateBp)
    case 'cash_back':
      return shareOf(base, rule.rateBp)
    case 'voucher':
      return base >= rule.threshold ? rule.face : 0n
    case 'monthly': {
      const back = (base / rule.step) * rule.back
      return rule.most !== undefined && back > rule.most ? rule.most : back
    }
    case 'random':
      return base > 0n && base >= rule.minLoad ? drawn : 0n
    case 'presale':
      return rule.face - rule.price
  }
}

/** The highest tier that the load reaches is the one that counts. */
function bonusOf(tiers: readonly Tier[], load: Fen): Fen {
  const tier = tiers.findLast(({ from }) => load >= from)
  if (tier === undefined) return 0n
  return tier.bonus ?? shareOf(load, tier.rateBp ?? 0)
}

/**
 * What is taken back of a rebate when less of its ground is left: the difference between what still stands of it and
 * what the rule gives for the rest.
 */
export function excessOf(
  rule: Rule,
  rebate: { readonly amount: Fen; readonly reversed: Fen },
  baseLeft: Fen,
): Fen {
  const standing = rebate.amount - rebate.reversed
  const due = entitlement(rule, baseLeft, rebate.amount)
  return standing > due ? standing - due : 0n
}

/**
 * Whether the terms make sense; what the law says of them is asked elsewhere.
 * Refusals: `campaign.rule_invalid` with the member.
 */
export function checkTerms({ rule, startsOn, endsOn, merchants, products }: Terms): Result<void> {
  if (endsOn < startsOn) return invalid('ends_on', 'lies before starts_on')
  const onLoad = triggerOf(rule) === 'load'
  if (onLoad && merchants.length > 0) return invalid('merchants', 'say nothing about a load')
  if (rule.kind === 'presale' && products.length !== 1)
    return invalid('products', 'name the one product that is sold')
  return checkRule(rule)
}

function checkRule(rule: Rule): Result<void> {
  switch (rule.kind) {
    case 'load_bonus':
      return checkTiers(rule.tiers)
    case 'ladder':
      return shareOf(rule.step, rule.rateBp) > 0n
        ? ok(undefined)
        : invalid('rule.rate_bp', 'gives less than a fen a step')
    case 'monthly':
      return rule.back <= rule.step ? ok(undefined) : invalid('rule.back', 'is more than the step')
    case 'random':
      return rule.min <= rule.max ? ok(undefined) : invalid('rule.min', 'is more than max')
    case 'presale':
      return rule.price < rule.face ? ok(undefined) : invalid('rule.price', 'is not below face')
    case 'voucher':
    case 'cash_back':
      return ok(undefined)
  }
}

function checkTiers(tiers: readonly Tier[]): Result<void> {
  if (tiers.some(({ bonus, rateBp }) => (bonus === undefined) === (rateBp === undefined)))
    return invalid('rule.tiers', 'give either bonus or rate_bp each')
  const isRising = tiers.every(({ from }, index) => from > (tiers[index - 1]?.from ?? 0n))
  return isRising ? ok(undefined) : invalid('rule.tiers', 'are not in the order of from')
}

function invalid(path: string, message: string): Result<void> {
  const detail = `${path} ${message}.`
  return refused(refusal('campaign.rule_invalid', detail, { errors: [{ path, message }] }))
}

export type Trigger = 'load' | 'payment' | 'window' | 'month' | 'claim' | 'presale'

/** When a rebate of this rule is posted. */
export function triggerOf(rule: Rule): Trigger {
  switch (rule.kind) {
    case 'load_bonus':
      return 'load'
    case 'ladder':
      return rule.on
    case 'cash_back':
      return 'window'
    case 'voucher':
      return 'payment'
    case 'monthly':
      return 'month'
    case 'random':
      return 'claim'
    case 'presale':
      return 'presale'
  }
}

/** From the first instant of its first day to the last of its last one, in Shanghai. */
export function isRunning({ startsOn, endsOn }: Pick<Terms, 'startsOn' | 'endsOn'>, at: Instant) {
  return at >= startOfDay(startsOn) && at < startOfDay(endsOn) + dayMs
}

/** Whether the campaign is about cards of that product. */
export function isAboutProduct({ products }: Pick<Terms, 'products'>, product: ProductId): boolean {
  return products.length === 0 || products.includes(product)
}

export function isAboutMerchant(
  { merchants }: Pick<Terms, 'merchants'>,
  merchant: MerchantId,
): boolean {
  return merchants.length === 0 || merchants.includes(merchant)
}

/** Of the one budget line of a campaign that does not give by the week. */
export const wholeRun: BusinessDate = '1970-01-01'

/** The Monday of the week in which an instant lies, in Shanghai: weeks are cut on Mondays at 00:00. */
export function mondayOf(at: Instant): BusinessDate {
  const firstMonday = startOfDay('1970-01-05')
  const week = 7 * dayMs
  const monday = firstMonday + Math.floor((at - firstMonday) / week) * week
  return businessDateOf(monday)
}
