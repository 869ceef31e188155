/**
 * What the law and the product ask of a sale by order, as in flows/cards/issue.ts and load.ts: asked when the order is
 * made, before any money is, and again when it was paid, for the world may have changed between.
 */
import {
  type Fen,
  type Instant,
  type OrderKind,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { Buyer } from '../../modules/cards/index.ts'
import {
  checkCardBalance,
  checkIdentity,
  countLimit,
  fenLimit,
  type Policy,
} from '../../modules/policy/index.ts'
import { checkFace, type Terms } from '../../modules/programs/index.ts'
import type { Law } from '../cards/law.ts'
import { maySell, type Sale } from '../cards/sale.ts'

export interface Ordered {
  readonly kind: OrderKind
  readonly terms: Terms
  /** Of each card. */
  readonly amount: Fen
  readonly bonus: Fen
  readonly quantity: number
  /** Of a top-up: what is on the card before. */
  readonly carried: Fen
  readonly buyer: Buyer | undefined
}

/** Hours for which a card is sealed where neither product nor pack says more. */
const usualHours = 3

/** As of the sale; what is topped up is in use already. */
export function coolingOffHoursOf(kind: OrderKind, terms: Terms, policy: Policy): number {
  if (kind === 'top_up') return 0
  const least = countLimit(policy, 'sale_seal_min_hours') ?? 0
  return Math.max(terms.coolingOffHours ?? usualHours, least)
}

/**
 * Refusals: `product.not_reloadable` for a top-up, `amount.out_of_range` for a face that the product lacks,
 * `policy.sale_stopped`, `policy.charter_missing`, `policy.card_limit`, `policy.identity_required` for the whole order.
 */
export function checkOrdered(policy: Policy, ordered: Ordered, sale: Sale): Result<void> {
  const { kind, terms, amount, bonus, quantity, carried, buyer } = ordered
  const { registered } = terms
  const checks = [
    () => (kind === 'top_up' ? checkReloadable(terms) : checkFace(terms, amount)),
    () => maySell(policy, sale),
    () => checkCardBalance(policy, { registered, carriedFen: carried, addedFen: amount + bonus }),
    () => checkIdentity(policy, { registered, purchaseFen: amount * BigInt(quantity), buyer }),
  ]
  for (const check of checks) {
    const checked = check()
    if (!checked.ok) return checked
  }
  return ok(undefined)
}

function checkReloadable({ reloadable }: Terms): Result<void> {
  if (reloadable) return ok(undefined)
  return refused(refusal('product.not_reloadable', 'Cards of this product take no loads.'))
}

/** Whether a second person has to agree before it is paid. */
export function needsReview(policy: Policy, kind: OrderKind, total: Fen): boolean {
  const above = fenLimit(policy, 'top_up_review_above_fen')
  return kind === 'top_up' && above !== undefined && total > above
}

/** Whether the payer may use a credit card. */
export function mayUseCreditCards(law: Law, now: Instant): boolean {
  return law.at(now).get('credit_card_may_pay')?.value !== false
}
