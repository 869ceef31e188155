/**
 * What is paid out when a card is redeemed, and what becomes of the rest: pure, from the card's money, its history and
 * the law.
 */
import {
  type BusinessDate,
  businessDateOf,
  type Fen,
  fenToJson,
  type Instant,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { CardBalance, PayoutRoute, RedemptionReason } from '../../modules/cards/index.ts'
import {
  checkCoolingOff,
  checkOnDemand,
  checkWithdrawal,
  feeOf,
  type Interest,
  interestOn,
  payBy,
  type RedemptionCause,
  type RefundDue,
  refundDue,
  requiredCount,
  type Tables,
  type Valuation,
} from '../../modules/policy/index.ts'
import type { Body } from './facts.ts'
import type { Law } from './law.ts'
import type { CardHistory } from './redemption-history.ts'

/** Why the card is redeemed, and what the caller knows of what was delivered. */
export interface RedemptionGrounds {
  readonly reason: RedemptionReason
  readonly valuation?: Valuation | undefined
  /** The day on which the contract ended, from which interest counts; today unless said. */
  readonly rescindedOn?: BusinessDate | undefined
}

export interface RedemptionCase extends RedemptionGrounds {
  readonly registered: boolean
  readonly balance: CardBalance
  readonly history: Pick<CardHistory, 'soldAt' | 'spent' | 'fundings'>
  readonly now: Instant
}

export interface Settlement {
  readonly due: RefundDue
  readonly paid: Fen
  readonly bonusGiven: Fen
  readonly consumed: Fen
  /** Leaves the principal for the holder; for the issuer as a fee; as spent bonus that is charged after all; the rest. */
  readonly returned: Fen
  readonly fee: Fen
  readonly bonusCharged: Fen
  readonly kept: Fen
  readonly interest: Interest | undefined
  readonly payBy: BusinessDate | null
}

/** A consumer who changes his mind, or wants his money without a reason, is the one whose reason it is. */
const causes = {
  cooling_off: 'consumer',
  consumer: 'consumer',
  operator: 'operator',
  withdrawal: 'consumer',
} as const satisfies Record<RedemptionReason, RedemptionCause>

/**
 * Whether the law lets the card be redeemed on these grounds. Refusals: `policy.cooling_off_over`,
 * `policy.card_already_used`, `policy.withdrawal_not_allowed`, `policy.redemption_not_allowed`,
 * `policy.redemption_too_early`.
 */
export function checkGrounds(law: Law, asked: RedemptionCase, tables: Tables): Result<void> {
  const { reason, registered, history, now } = asked
  const { soldAt, spent } = history
  const policy = law.at(now)
  if (reason === 'cooling_off') {
    const card = { soldAt, now, consumed: spent.principal + spent.bonus }
    const inTime = checkCoolingOff(law.at(soldAt), card, tables)
    if (!inTime.ok) return inTime
  }
  if (reason === 'withdrawal') {
    const allowed = checkWithdrawal(policy)
    if (!allowed.ok) return allowed
  }
  if (reason === 'operator') return ok(undefined)
  return checkOnDemand(policy, { registered, soldAt, now })
}

/**
 * Only principal is paid out, and never more than is on the card. Refusals: `date.out_of_range` for a rescission before
 * the sale or after today, `redemption.nothing_due` with the figures.
 */
export function settle(law: Law, asked: RedemptionCase, tables: Tables): Result<Settlement> {
  const { reason, balance, history, now } = asked
  const { spent, soldAt } = history
  const policy = law.at(now)
  const today = businessDateOf(now)
  const contract = businessDateOf(soldAt)
  const rescission = asked.rescindedOn ?? today
  if (rescission < contract || rescission > today)
    return refused(
      refusal('date.out_of_range', `rescinded_on lies between ${contract} and ${today}.`),
    )
  const paid = balance.principal + spent.principal
  const bonusGiven = balance.bonus + spent.bonus
  const consumed = spent.principal + spent.bonus
  const cause = causes[reason]
  const due = refundDue({ paid, bonus: bonusGiven, consumed }, cause, asked.valuation)
  const gross = due.due < balance.principal ? due.due : balance.principal
  const fee =
    reason === 'withdrawal' ? feeOf(gross, requiredCount(policy, 'withdrawal_fee_bp')) : 0n
  if (gross <= fee) return refused(nothingDue(paid, due))
  const rest = balance.principal - gross
  const bonusCharged = rest < spent.bonus ? rest : spent.bonus
  const bearsInterest = reason === 'operator' || reason === 'consumer'
  return ok({
    due,
    paid,
    bonusGiven,
    consumed,
    returned: gross - fee,
    fee,
    bonusCharged,
    kept: rest - bonusCharged,
    interest: bearsInterest
      ? interestOn(tables, due.due, cause, { contract, rescission, until: today })
      : undefined,
    payBy: payBy(policy, reason === 'cooling_off', now),
  })
}

function nothingDue(paid: Fen, { consumedValue }: RefundDue) {
  return refusal(
    'redemption.nothing_due',
    'What was delivered is worth as much as was paid; what is on the card can still be spent.',
    { data: { paid: fenToJson(paid), consumed_value: fenToJson(consumedValue) } },
  )
}

/** The figures as members of the entry's body. */
export function formulaBody(settlement: Settlement, { principal }: CardBalance): Body {
  const { due, paid, bonusGiven, consumed, bonusCharged, kept, interest } = settlement
  const beyond = due.due > principal ? due.due - principal : 0n
  return {
    articles: due.articles,
    paidFen: String(paid),
    bonusGivenFen: String(bonusGiven),
    consumedFen: String(consumed),
    consumedValueFen: String(due.consumedValue),
    dueFen: String(due.due),
    principalFen: String(principal),
    owedBeyondCardFen: String(beyond),
    bonusChargedFen: String(bonusCharged),
    keptFen: String(kept),
    interest: interest === undefined ? null : interestBody(interest),
  }
}

function interestBody({ rate, days, amount }: Interest): Body {
  const { table, bp, isConfirmed } = rate
  return {
    table: table.name,
    rateBp: bp,
    rateConfirmed: isConfirmed,
    days,
    amountFen: String(amount),
  }
}

/**
 * Money back the way it came, the last paid first.
 * Refusals: `redemption.no_original_route` where not all of it came in payments of this very card that have a way back.
 */
export function routesOf(
  amount: Fen,
  { fundings }: Pick<CardHistory, 'fundings'>,
): Result<PayoutRoute[]> {
  const routes: PayoutRoute[] = []
  let left = amount
  for (const { id, method, amount: came } of fundings) {
    if (left === 0n || method === 'none') continue
    const part = came < left ? came : left
    routes.push({ fundingId: id, method, amount: part })
    left -= part
  }
  if (left === 0n) return ok(routes)
  return refused(
    refusal(
      'redemption.no_original_route',
      'Not all of it was paid for this card alone: name an account of the holder.',
    ),
  )
}
