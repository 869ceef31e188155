/**
 * What a contract with a merchant says, and what follows from it in money and days: the commission on what was taken,
 * how it is split, and which days are settled together. Pure; rates are basis points (1/10,000) as integers.
 */
import { type BusinessDate, type Fen, type MerchantId, parseBusinessDate } from '@lika/contract'
import { addDays } from '../policy/index.ts'

/** Under what conditions commission bands hold; `none` has no band. What they ask is data: see `contract-classes.ts`. */
export const contractClasses = ['ecommerce', 'chain', 'local', 'none'] as const
export type ContractClass = (typeof contractClasses)[number]

export interface Tier {
  /** The net amount of a cycle from which the rate holds; of the first tier 0, then ascending. */
  readonly fromAmount: Fen
  readonly rateBp: number
}

/** Tiers hold for the whole amount of the cycle, or each for the part that lies in it. */
export type Commission =
  | { readonly kind: 'flat'; readonly rateBp: number }
  | { readonly kind: 'tiered'; readonly by: 'whole' | 'marginal'; readonly tiers: readonly Tier[] }

/**
 * Which days are settled together: each day by itself (paid so many business days later), Monday to Sunday, the 1st to
 * the 15th and the 16th to the end, or the month.
 */
export type Cycle =
  | { readonly kind: 't_plus'; readonly days: number }
  | { readonly kind: 'weekly' }
  | { readonly kind: 'half_month' }
  | { readonly kind: 'month' }

export interface Margin {
  /** Of what is owed to the merchant after commission. */
  readonly rateBp: number
  /** Calendar days after the last day of the cycle. */
  readonly releaseAfterDays: number
}

export interface SplitShare {
  readonly merchantId: MerchantId
  readonly shareBp: number
}

/** What holds for one merchant on one day. */
export interface ContractTerms {
  /** 0: there is no contract on that day, and the defaults hold. */
  readonly version: number
  readonly class: ContractClass
  readonly commission: Commission
  readonly cycle: Cycle
  /** After the last day of a cycle; for `t_plus` the days of the cycle. */
  readonly payAfterBusinessDays: number
  /** undefined: none is withheld. */
  readonly margin: Margin | undefined
  /** Sums to 10,000 and is never empty: without a split everything is the merchant's own. */
  readonly split: readonly SplitShare[]
  /** How much of the bonus and of the vouchers that were spent here the merchant bears. */
  readonly bonusShareBp: number
  readonly voucherShareBp: number
  readonly validFrom: BusinessDate
  /** The last day, where a later contract is already agreed; undefined: open. */
  readonly validTo: BusinessDate | undefined
}

/** First and last day, both included. */
export interface CycleDays {
  readonly from: BusinessDate
  readonly to: BusinessDate
}

export const wholeBp = 10_000

/** What holds without a contract: no commission, each day paid on the next business day, nothing withheld. */
export function defaultTerms(
  merchantId: MerchantId,
  validTo: BusinessDate | undefined,
): ContractTerms {
  return {
    version: 0,
    class: 'none',
    commission: { kind: 'flat', rateBp: 0 },
    cycle: { kind: 't_plus', days: 1 },
    payAfterBusinessDays: 1,
    margin: undefined,
    split: [{ merchantId, shareBp: wholeBp }],
    bonusShareBp: 0,
    voucherShareBp: 0,
    validFrom: '1970-01-01',
    validTo,
  }
}

/** `bp` basis points of an amount, rounded half up; of a negative amount the mirror image, so that both cancel out. */
export function basisPointsOf(amount: Fen, bp: number): Fen {
  return rounded(amount * BigInt(bp))
}

/** An amount times basis points as fen: the one place that rounds. */
function rounded(product: bigint): Fen {
  const whole = BigInt(wholeBp)
  const half = whole / 2n
  return product < 0n ? -((-product + half) / whole) : (product + half) / whole
}

/**
 * The commission on the net amount of a cycle (taken − refunded), rounded once, at the end. Where more was refunded than
 * taken the net is negative and so is the commission: what the issuer earned on those sales goes back, at the rate of
 * the first tier.
 */
export function commissionOf({ commission }: Pick<ContractTerms, 'commission'>, netFen: Fen): Fen {
  if (commission.kind === 'flat') return basisPointsOf(netFen, commission.rateBp)
  const { tiers, by } = commission
  if (by === 'whole' || netFen < 0n) {
    const reached = tiers.findLast(({ fromAmount }) => fromAmount <= netFen) ?? tiers[0]
    return basisPointsOf(netFen, reached?.rateBp ?? 0)
  }
  const products = tiers.map(({ fromAmount, rateBp }, index) => {
    const end = tiers[index + 1]?.fromAmount
    const reached = end === undefined || netFen < end ? netFen : end
    return reached > fromAmount ? (reached - fromAmount) * BigInt(rateBp) : 0n
  })
  return rounded(products.reduce((sum, product) => sum + product, 0n))
}

export interface SplitPart {
  readonly merchantId: MerchantId
  readonly amount: Fen
}

/**
 * Whose is how much. Every share is floored and what remains goes to the first, so the parts always sum to the amount;
 * of a negative amount the mirror image.
 */
export function splitOf({ split }: Pick<ContractTerms, 'split'>, amount: Fen): SplitPart[] {
  const size = amount < 0n ? -amount : amount
  const parts = split.map(({ shareBp }) => (size * BigInt(shareBp)) / BigInt(wholeBp))
  const rest = size - parts.reduce((sum, part) => sum + part, 0n)
  return split.map(({ merchantId }, index) => {
    const part = (parts[index] ?? 0n) + (index === 0 ? rest : 0n)
    return { merchantId, amount: amount < 0n ? -part : part }
  })
}

/**
 * The cycle in which a day lies. It does not reach beyond the terms themselves: where a contract begins or ends within
 * a week or month, its cycle is the part that it rules, so that no day is settled under two contracts.
 */
export function cycleOf(
  terms: Pick<ContractTerms, 'cycle' | 'validFrom' | 'validTo'>,
  day: BusinessDate,
): CycleDays {
  const { from, to } = calendarCycle(terms.cycle, day)
  const { validFrom, validTo } = terms
  return {
    from: from < validFrom && validFrom <= day ? validFrom : from,
    to: validTo !== undefined && day <= validTo && validTo < to ? validTo : to,
  }
}

function calendarCycle({ kind }: Cycle, day: BusinessDate): CycleDays {
  switch (kind) {
    case 't_plus':
      return { from: day, to: day }
    case 'weekly': {
      const sinceMonday = (weekdayOf(day) + 6) % 7
      const from = addDays(day, -sinceMonday)
      return { from, to: addDays(from, 6) }
    }
    case 'half_month':
      return day.slice(8) <= '15'
        ? { from: `${day.slice(0, 8)}01`, to: `${day.slice(0, 8)}15` }
        : { from: `${day.slice(0, 8)}16`, to: lastOfMonth(day) }
    case 'month':
      return { from: `${day.slice(0, 8)}01`, to: lastOfMonth(day) }
  }
}

/** 0 is Sunday. */
function weekdayOf(day: BusinessDate): number {
  return new Date(`${day}T00:00:00.000Z`).getUTCDay()
}

function lastOfMonth(day: BusinessDate): BusinessDate {
  const month = day.slice(0, 8)
  const last = ['31', '30', '29'].find((date) => parseBusinessDate(month + date) !== undefined)
  return month + (last ?? '28')
}
