/**
 * What of a prepayment is given back when a card is redeemed: the formulas of 法释〔2025〕4号 articles 15 to 22, pure and in
 * fen. Where the text is silent on rounding, what was consumed is rounded down, in favour of the consumer.
 */
import { type BusinessDate, dayMs, type Fen, startOfDay } from '@lika/contract'
import { type DatedRate, type RateTableName, rateOn, type Tables } from './tables.ts'

/** Whose reason it is that the money goes back; it decides how what was consumed is valued, and the interest. */
export type RedemptionCause = 'operator' | 'consumer'

/** How what was delivered is valued, where it is not by what the card paid at tills. */
export type Valuation =
  /** Article 18 (2) and 19: value was given on top of what was paid. */
  | { readonly kind: 'bonus' }
  /** Articles 18 (1), 19: what the card paid was a discounted price; `listFen` is what it would have cost without. */
  | { readonly kind: 'discount'; readonly listFen: Fen }
  /** Article 22: any number of services in a term; it counts how much of the term is over. */
  | { readonly kind: 'term'; readonly days: number; readonly usedDays: number }

export interface Prepayment {
  /** Paid in, over the life of the card. */
  readonly paid: Fen
  /** Given on top of it. */
  readonly bonus: Fen
  /** Spent at merchants and not refunded, principal and bonus together. */
  readonly consumed: Fen
}

export interface RefundDue {
  /** Price of what was delivered, as the articles value it. */
  readonly consumedValue: Fen
  /** paid − consumedValue, never below 0: an operator cannot claim the excess (article 20). */
  readonly due: Fen
  readonly articles: string
}

export function refundDue(
  { paid, bonus, consumed }: Prepayment,
  cause: RedemptionCause,
  valuation: Valuation = { kind: 'bonus' },
): RefundDue {
  const [consumedValue, articles] = valued()
  return { consumedValue, due: paid > consumedValue ? paid - consumedValue : 0n, articles }

  function valued(): [Fen, string] {
    if (valuation.kind === 'term') {
      const { days, usedDays } = valuation
      return [(paid * BigInt(usedDays)) / BigInt(days), '15, 22']
    }
    if (cause === 'operator') {
      const given = paid + bonus
      return [given === 0n ? 0n : (consumed * paid) / given, '15, 18']
    }
    return [valuation.kind === 'discount' ? valuation.listFen : consumed, '15, 19, 20']
  }
}

const rateOfCause = { operator: 'lpr-1y', consumer: 'deposit-1y' } as const satisfies Record<
  RedemptionCause,
  RateTableName
>

export interface Interest {
  readonly rate: DatedRate
  /** From the rescission to the day on which it is counted. */
  readonly days: number
  readonly amount: Fen
}

/**
 * Articles 16 and 17: the rate of the day on which the contract was made, by whose reason it is; counted from the day of
 * the rescission. Half a fen is rounded up.
 */
export function interestOn(
  tables: Pick<Tables, 'rates'>,
  due: Fen,
  cause: RedemptionCause,
  days: { contract: BusinessDate; rescission: BusinessDate; until: BusinessDate },
): Interest {
  const rate = rateOn(tables.rates[rateOfCause[cause]], days.contract)
  const count = Math.max(
    Math.round((startOfDay(days.until) - startOfDay(days.rescission)) / dayMs),
    0,
  )
  const divisor = 10_000n * BigInt(rate.table.daysOfYear)
  const amount = halfUp(due * BigInt(rate.bp) * BigInt(count), divisor)
  return { rate, days: count, amount }
}

/** `bp` hundredths of a percent, half a fen rounded up. */
export function feeOf(amount: Fen, bp: number): Fen {
  return halfUp(amount * BigInt(bp), 10_000n)
}

function halfUp(dividend: bigint, divisor: bigint): bigint {
  return (2n * dividend + divisor) / (2n * divisor)
}
