/** What a policy asks of a redemption of a card for money: pure checks, each answering nothing or the refusal. */
import {
  addMonths,
  businessDateOf,
  endOfDay,
  type Fen,
  fenToJson,
  formatYuan,
  type Instant,
  ok,
  type Result,
  startOfDay,
} from '@lika/contract'
import { type BuyerIdentity, missingIdentity } from './checks.ts'
import { countLimit, fenLimit, type Policy, requiredCount } from './model.ts'
import { refuse } from './refuse.ts'
import { addDays, lastDayOf, type Tables } from './tables.ts'

const passed: Result<void> = ok(undefined)

/**
 * A return without a reason. `policy` is that of the day of the sale: what the buyer was promised then stays.
 * Refusals: `policy.cooling_off_over` with the last day, `policy.card_already_used`.
 */
export function checkCoolingOff(
  policy: Policy,
  card: { soldAt: Instant; now: Instant; consumed: Fen },
  tables: Pick<Tables, 'restYears'>,
): Result<void> {
  const days = requiredCount(policy, 'cooling_off_days')
  const last = lastDayOf(tables, businessDateOf(card.soldAt), days)
  if (card.now >= endOfDay(last))
    return refuse(
      policy,
      'cooling_off_days',
      'policy.cooling_off_over',
      `A card is taken back without a reason within ${days} days: until ${last}.`,
      { allowed: { max: days }, last_day: last },
    )
  const mustBeUnused = policy.get('cooling_off_may_need_unused_card')?.value === true
  if (!mustBeUnused || card.consumed === 0n) return passed
  return refuse(
    policy,
    'cooling_off_may_need_unused_card',
    'policy.card_already_used',
    'Only an unused card is taken back without a reason.',
  )
}

/**
 * A redemption that the holder asks for, with or without a reason.
 * Refusals: `policy.redemption_not_allowed`, `policy.redemption_too_early` with the first day.
 */
export function checkOnDemand(
  policy: Policy,
  card: { registered: boolean; soldAt: Instant; now: Instant },
): Result<void> {
  if (!card.registered && policy.get('anonymous_card_may_be_redeemed')?.value === false)
    return refuse(
      policy,
      'anonymous_card_may_be_redeemed',
      'policy.redemption_not_allowed',
      'A card without a name is not redeemed on demand.',
    )
  const months = countLimit(policy, 'redemption_wait_months')
  if (months === undefined) return passed
  const first = addMonths(businessDateOf(card.soldAt), months)
  if (card.now >= startOfDay(first)) return passed
  return refuse(
    policy,
    'redemption_wait_months',
    'policy.redemption_too_early',
    `The card can be redeemed from ${first} on.`,
    { first_day: first },
  )
}

/** Refusals: `policy.withdrawal_not_allowed`. */
export function checkWithdrawal(policy: Policy): Result<void> {
  if (policy.get('withdrawal_may_be_made')?.value !== false) return passed
  return refuse(
    policy,
    'withdrawal_may_be_made',
    'policy.withdrawal_not_allowed',
    'A balance is not paid out against a fee.',
  )
}

export interface Payout {
  readonly amount: Fen
  /** The one to whom it is paid back: whoever redeems, else the buyer on record. */
  readonly holder: BuyerIdentity | undefined
  /** The name of the account; of the original route, the name of who paid. undefined: nobody knows. */
  readonly accountName: string | undefined
  /** What of it goes back in cash. */
  readonly cash: Fen
}

/**
 * Refusals: `policy.identity_required` with the missing members, `policy.account_name_differs`,
 * `policy.cash_not_allowed` with what is allowed.
 */
export function checkPayout(policy: Policy, payout: Payout): Result<void> {
  const { amount, holder, accountName, cash } = payout
  const from = fenLimit(policy, 'identity_from_redemption_fen')
  const missing = missingIdentity('holder', holder)
  if (from !== undefined && amount >= from && missing.length > 0)
    return refuse(
      policy,
      'identity_from_redemption_fen',
      'policy.identity_required',
      'The one to whom the money goes back must be identified.',
      { missing, from: fenToJson(from) },
    )
  const maySay = policy.get('redemption_account_name_may_differ')?.value !== false
  if (!maySay && !isSameName(accountName, holder?.name))
    return refuse(
      policy,
      'redemption_account_name_may_differ',
      'policy.account_name_differs',
      'The money goes to an account in the name of the one to whom it is paid back.',
    )
  const most = fenLimit(policy, 'redemption_cash_max_fen')
  if (most === undefined || cash <= most) return passed
  return refuse(
    policy,
    'redemption_cash_max_fen',
    'policy.cash_not_allowed',
    `At most ${formatYuan(most)} yuan go back in cash.`,
    { allowed: { min: 0, max: fenToJson(most) } },
  )
}

/** Forms of the same letters are the same name; where one is not known there is nothing to compare. */
function isSameName(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return true
  const plain = (name: string) =>
    name
      .normalize('NFKC')
      .replaceAll(/[\s·•・]/g, '')
      .toLowerCase()
  return plain(one) === plain(other)
}

/** The last day on which the money is to be paid; null: no rule says so. */
export function payBy(policy: Policy, isCoolingOff: boolean, demandedAt: Instant): string | null {
  const days = Math.min(
    countLimit(policy, 'redemption_pay_within_days') ?? Number.POSITIVE_INFINITY,
    (isCoolingOff ? countLimit(policy, 'cooling_off_pay_within_days') : undefined) ??
      Number.POSITIVE_INFINITY,
  )
  return Number.isFinite(days) ? addDays(businessDateOf(demandedAt), days) : null
}
