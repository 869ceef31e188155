/**
 * What an issuer must set aside: the requirements of every rule in force on their bases, what guarantees may stand for,
 * and how much may be taken off the custody accounts. Pure; the numbers come from the policy packs.
 */
import type { BusinessDate, Fen, Instant } from '@lika/contract'
import { type AccountKindName, accountKinds } from '../ledger/index.ts'
import {
  countLimit,
  type EffectiveRule,
  fenLimit,
  type Policy,
  type RuleId,
} from '../policy/index.ts'

/**
 * The most that the custody accounts of a book hold, and that a bank's statement says of one: ten trillion yuan. No rule,
 * but room for every sum of the books in the numbers that JSON carries exactly.
 */
export const mostCustody = 1_000_000_000_000_000n

/** Of 单用途商业预付卡管理办法 art. 3. */
export const issuerClasses = ['scale', 'group', 'brand', 'other'] as const
export type IssuerClass = (typeof issuerClasses)[number]

/** What the issuer says of itself. */
export interface ProfileFacts {
  readonly issuerClass: IssuerClass
  /** Fen of the last financial year. */
  readonly lastYearRevenue: Fen | null
  readonly topUpDeposit: boolean
}

export const guaranteeKinds = ['surety_insurance', 'bank_guarantee'] as const
export type GuaranteeKind = (typeof guaranteeKinds)[number]

export interface GuaranteeFacts {
  readonly kind: GuaranteeKind
  readonly amount: Fen
  readonly validFrom: BusinessDate
  /** The last day. */
  readonly validTo: BusinessDate
  /** The first day on which it no longer counts. */
  readonly endedOn: BusinessDate | null
  /** Null: no second person has agreed yet, and it does not count. */
  readonly approvedAt: Instant | null
}

/** What is owed, at two moments. */
export interface ReserveBases {
  /** Prepaid money at the end of the last day of the quarter before. */
  readonly quarterEnd: { readonly day: BusinessDate; readonly prepaid: Fen }
  /** At the end of `day`, or now. */
  readonly daily: { readonly day: BusinessDate; readonly prepaid: Fen; readonly customers: Fen }
}

/** One requirement: a rule's ratio of a base. */
export interface Claim {
  readonly rule: EffectiveRule
  readonly baseDay: BusinessDate
  readonly base: Fen
  readonly ratioBp: number
  readonly amount: Fen
}

export interface Requirement {
  readonly required: Fen
  /** The one that holds; undefined: nothing is required. */
  readonly binding: Claim | undefined
  /** Every one that was counted, in the order of the rules. */
  readonly claims: readonly Claim[]
}

/** Given, not paid in: nobody's money lies behind it. */
const given: readonly string[] = ['card_bonus', 'voucher', 'rebate_budget']
/** On its way to those it belongs to: it has left the reserve, or is about to. */
const onItsWay: readonly string[] = ['merchant_in_flight']
/** Paid for cards, by holders who have not spent it. */
const prepaid: readonly string[] = ['card_principal', 'deferred_revenue']

/** Whether value of that kind was given to holders and never paid in. */
export function isGiven(kind: AccountKindName): boolean {
  return given.includes(kind)
}

/** 预收资金: what buyers have paid for cards and was not spent. */
export function isPrepaid(kind: AccountKindName): boolean {
  return prepaid.includes(kind)
}

/** 客户备付金: every liability but what was given and what is on its way. A kind that is new counts. */
export function isCustomerMoney(kind: AccountKindName): boolean {
  const isLiability = accountKinds[kind].type === 'liability'
  return isLiability && !isGiven(kind) && !onItsWay.includes(kind)
}

const classRules = {
  scale: 'reserve_scale_bp',
  group: 'reserve_group_bp',
  brand: 'reserve_brand_bp',
  other: 'reserve_other_bp',
} as const satisfies Record<IssuerClass, RuleId>

/**
 * The highest of all requirements in force. An issuer that has not said of which class it is keeps what the strictest
 * class keeps; one whose revenue is not known is measured by the floor of the local rule.
 */
export function requirementOf(
  policy: Policy,
  profile: ProfileFacts | undefined,
  { quarterEnd, daily }: ReserveBases,
): Requirement {
  const claims: Claim[] = []
  const claim = (id: RuleId, baseDay: BusinessDate, base: Fen) => {
    const rule = policy.get(id)
    if (rule === undefined || typeof rule.value !== 'number') return
    const amount = shareUp(base, rule.value)
    claims.push({ rule, baseDay, base, ratioBp: rule.value, amount })
  }
  const byClass = profile === undefined ? issuerClasses : [profile.issuerClass]
  for (const one of byClass) claim(classRules[one], quarterEnd.day, quarterEnd.prepaid)
  claim('reserve_daily_bp', daily.day, daily.customers)
  if (profile?.topUpDeposit === true) claim('reserve_top_up_bp', daily.day, daily.prepaid)
  const free = fenLimit(policy, 'reserve_local_free_fen')
  if (free !== undefined && daily.prepaid > free)
    claim('reserve_local_bp', daily.day, daily.prepaid)
  const full = fullFrom(policy, profile?.lastYearRevenue ?? null)
  if (full !== undefined && daily.prepaid > full) claim('reserve_full_bp', daily.day, daily.prepaid)
  const binding = claims.reduce<Claim | undefined>(
    (most, one) => (most === undefined || one.amount > most.amount ? one : most),
    undefined,
  )
  return { required: binding?.amount ?? 0n, binding, claims }
}

/** Above which amount the higher local reserve holds; undefined: no rule says so. */
function fullFrom(policy: Policy, revenue: Fen | null): Fen | undefined {
  const bp = countLimit(policy, 'reserve_full_revenue_bp')
  const floor = fenLimit(policy, 'reserve_full_floor_fen')
  const ceiling = fenLimit(policy, 'reserve_full_ceiling_fen')
  if (bp === undefined || floor === undefined || ceiling === undefined) return undefined
  const share = revenue === null ? floor : (revenue * BigInt(bp)) / 10_000n
  if (share < floor) return floor
  return share > ceiling ? ceiling : share
}

/** A ratio that must not be fallen below: a part of a fen is a whole one. */
export function shareUp(base: Fen, bp: number): Fen {
  return base <= 0n ? 0n : (base * BigInt(bp) + 9_999n) / 10_000n
}

export interface Coverage {
  /** What guarantees stand for, as far as they count. */
  readonly guaranteed: Fen
  /** What lies at the bank and what is guaranteed, less what is required; below zero: it is short by that. */
  readonly surplus: Fen
}

/** How far custody and the guarantees of that day cover what is required. */
export function coverageOf(
  policy: Policy,
  required: Fen,
  custody: Fen,
  guarantees: readonly GuaranteeFacts[],
  day: BusinessDate,
): Coverage {
  const valid = guarantees.filter((one) => isValidOn(one, day))
  const sums = guaranteeKinds.map((kind) =>
    valid.filter((one) => one.kind === kind).reduce((sum, { amount }) => sum + amount, 0n),
  )
  const mayMix = policy.get('reserve_guarantees_may_be_mixed')?.value !== false
  const together = mayMix ? sums.reduce((all, sum) => all + sum, 0n) : largest(sums)
  const most = (required * BigInt(countLimit(policy, 'reserve_guarantees_bp') ?? 0)) / 10_000n
  const guaranteed = together < most ? together : most
  return { guaranteed, surplus: custody + guaranteed - required }
}

function isValidOn(guarantee: GuaranteeFacts, day: BusinessDate): boolean {
  const { validFrom, validTo, endedOn, approvedAt } = guarantee
  if (approvedAt === null) return false
  return validFrom <= day && day <= validTo && (endedOn === null || day < endedOn)
}

function largest(sums: readonly Fen[]): Fen {
  return sums.reduce((most, sum) => (sum > most ? sum : most), 0n)
}
