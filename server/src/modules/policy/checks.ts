/**
 * The checks that flows make against a policy: pure, each answering nothing or the refusal of the
 * rule that stands in the way, with its pack and article.
 */
import {
  businessDateOf,
  dayMs,
  endOfDay,
  type Fen,
  fenToJson,
  formatYuan,
  type Instant,
  ok,
  type RefusalCode,
  type Result,
} from '@lika/contract'
import { type CountRuleId, countLimit, type FenRuleId, fenLimit, type Policy } from './model.ts'
import { refuse } from './refuse.ts'

export type FundingMethod = 'cash' | 'bank_transfer' | 'card' | 'wechat' | 'none'

/** What the law wants to know of a buyer: name, kind and number of a valid document, contact. */
export interface BuyerIdentity {
  readonly kind: 'person' | 'unit'
  readonly name?: string | undefined
  readonly idType?: string | undefined
  readonly idNumber?: string | undefined
  readonly phone?: string | undefined
}

const passed: Result<void> = ok(undefined)

/**
 * Value that is put on a card (issue, load, positive adjustment, child of a split) keeps its
 * balance within the cap. The balance is principal and bonus, held or available: art. 18 speaks of
 * the card's limit and its balance after a top-up and exempts nothing, and what the holder can
 * lose, or pass on unseen, is what the card buys. Value that a card already carries is never
 * refused: a replacement (`addedFen` 0) also succeeds above a cap that was lowered meanwhile, for
 * the rule must not shut a holder out from money paid in lawfully.
 * Refusals: `policy.card_limit`; `allowed` is what may be added, in fen (empty when max < min).
 */
export function checkCardBalance(
  policy: Policy,
  card: { registered: boolean; carriedFen: Fen; addedFen: Fen },
): Result<void> {
  const rule = card.registered ? 'card_limit_registered_fen' : 'card_limit_anonymous_fen'
  const cap = fenLimit(policy, rule)
  const balance = card.carriedFen + card.addedFen
  if (cap === undefined || card.addedFen <= 0n || balance <= cap) return passed
  const room = cap > card.carriedFen ? cap - card.carriedFen : 0n
  return refuse(
    policy,
    rule,
    'policy.card_limit',
    `The card would hold ${formatYuan(balance)} yuan; the limit is ${formatYuan(cap)}.`,
    { allowed: { min: 1, max: fenToJson(room) } },
  )
}

/**
 * Terms of a product at publish; `validityMonths` null means that its cards do not expire. The
 * product's faces are not compared with the cap here: the cap binds a card when value is put on it,
 * and what is too much today may be allowed, or less, on the day of the sale.
 * Refusals: `policy.expiry_not_allowed`, `policy.validity_too_short` (`allowed` in months).
 */
export function checkValidity(
  policy: Policy,
  terms: { registered: boolean; validityMonths: number | null },
): Result<void> {
  const { registered, validityMonths } = terms
  if (validityMonths === null) return passed
  if (registered) {
    if (policy.get('registered_card_may_expire')?.value !== false) return passed
    return refuse(
      policy,
      'registered_card_may_expire',
      'policy.expiry_not_allowed',
      'A registered card must not expire.',
    )
  }
  const min = countLimit(policy, 'validity_min_anonymous_months')
  if (min === undefined || validityMonths >= min) return passed
  return refuse(
    policy,
    'validity_min_anonymous_months',
    'policy.validity_too_short',
    `An anonymous card must be valid for at least ${min} months.`,
    { allowed: { min } },
  )
}

/**
 * The buyer of a purchase (issue, activation, load) is identified where the policy wants it, and who acts for the buyer
 * too. `purchaseFen` is the whole single purchase: for a batch that is sold, amount × count.
 * Refusals: `policy.identity_required` with the missing members and the amount it starts from.
 */
export function checkIdentity(
  policy: Policy,
  purchase: {
    registered: boolean
    purchaseFen: Fen
    buyer: BuyerIdentity | undefined
    agent?: BuyerIdentity | undefined
  },
): Result<void> {
  const rule = purchase.registered ? 'identity_from_registered_fen' : 'identity_from_anonymous_fen'
  const from = fenLimit(policy, rule)
  if (from === undefined || purchase.purchaseFen < from) return passed
  const { buyer, agent } = purchase
  const ofAgent = agent === undefined ? [] : missingIdentity('agent', agent)
  const missing = [...missingIdentity('buyer', buyer), ...ofAgent]
  if (missing.length === 0) return passed
  return refuse(
    policy,
    rule,
    'policy.identity_required',
    purchase.registered && from === 0n
      ? 'The buyer of a registered card must be identified.'
      : `The buyer must be identified from ${formatYuan(from)} yuan.`,
    { missing, from: fenToJson(from) },
  )
}

/** What is not said of a person: `buyer.name` … */
export function missingIdentity(part: string, person: BuyerIdentity | undefined): string[] {
  const members = {
    name: person?.name,
    id_type: person?.idType,
    id_number: person?.idNumber,
    phone: person?.phone,
  }
  return Object.entries(members)
    .filter(([, text]) => text === undefined || text.trim() === '')
    .map(([name]) => `${part}.${name}`)
}

/**
 * Cash is taken only below the thresholds. A buyer who does not say what it is gets the stricter of
 * person and unit, or leaving the member out would be the way around the rule. `remote`: not face
 * to face, like every sale over WeChat.
 * Refusals: `policy.cash_not_allowed`; `allowed` is what may be paid in cash, in fen.
 */
export function checkCash(
  policy: Policy,
  purchase: {
    purchaseFen: Fen
    method: FundingMethod
    buyerKind: 'person' | 'unit' | undefined
    remote?: boolean
  },
): Result<void> {
  if (purchase.method !== 'cash') return passed
  const [strictest] = cashRules(purchase)
    .flatMap((rule) => {
      const from = fenLimit(policy, rule)
      return from === undefined ? [] : { rule, from }
    })
    .sort((left, right) => Number(left.from - right.from))
  if (strictest === undefined || purchase.purchaseFen < strictest.from) return passed
  const { rule, from } = strictest
  return refuse(
    policy,
    rule,
    'policy.cash_not_allowed',
    from === 0n
      ? 'This purchase cannot be paid in cash.'
      : `From ${formatYuan(from)} yuan this purchase cannot be paid in cash.`,
    { allowed: { min: 1, max: Math.max(fenToJson(from) - 1, 0) } },
  )
}

function cashRules(purchase: {
  buyerKind: 'person' | 'unit' | undefined
  remote?: boolean
}): FenRuleId[] {
  const rules: FenRuleId[] = []
  if (purchase.buyerKind !== 'person') rules.push('no_cash_from_unit_fen')
  if (purchase.buyerKind !== 'unit') rules.push('no_cash_from_person_fen')
  if (purchase.remote === true) rules.push('no_cash_from_remote_fen')
  return rules
}

/**
 * Whether cards may be sold and loaded at all. `hasCharter`: one is published.
 * Refusals: `policy.sale_stopped`, `policy.charter_missing`.
 */
export function checkSale(
  policy: Policy,
  sale: { stopped: boolean; hasCharter: boolean },
): Result<void> {
  if (sale.stopped && policy.get('sale_may_go_on_when_stopped')?.value === false)
    return refuse(
      policy,
      'sale_may_go_on_when_stopped',
      'policy.sale_stopped',
      'The sale is stopped: cards that were sold still pay, new money is not taken.',
    )
  if (sale.hasCharter || policy.get('sale_may_precede_charter')?.value !== false) return passed
  return refuse(
    policy,
    'sale_may_precede_charter',
    'policy.charter_missing',
    'Publish the charter of the cards before the first of them is sold.',
  )
}

/**
 * `depth` is the generation of the new cards: 1 for children of a card that was not itself split
 * off. Refusals: `policy.split_depth`.
 */
export function checkSplitDepth(policy: Policy, depth: number): Result<void> {
  return checkAtMost(policy, 'split_depth_max', 'policy.split_depth', depth, 'generations of split')
}

/** Refusals: `policy.batch_too_large` (cards), then `policy.amount_limit` (total, in fen). */
export function checkBatch(policy: Policy, batch: { count: number; amountFen: Fen }): Result<void> {
  const { count, amountFen } = batch
  const size = checkAtMost(policy, 'batch_size_max', 'policy.batch_too_large', count, 'cards')
  if (!size.ok) return size
  const max = fenLimit(policy, 'batch_value_max_fen')
  if (max === undefined || amountFen * BigInt(count) <= max) return passed
  return refuse(
    policy,
    'batch_value_max_fen',
    'policy.amount_limit',
    `A batch may total at most ${formatYuan(max)} yuan.`,
    { allowed: { min: 1, max: fenToJson(max) } },
  )
}

/** Refusals: `policy.hold_too_long` with the allowed seconds. */
export function checkHoldLife(policy: Policy, lifeSeconds: number): Result<void> {
  const rule = 'hold_life_max_seconds'
  return checkAtMost(policy, rule, 'policy.hold_too_long', lifeSeconds, 'seconds')
}

/**
 * The day of the payment is not counted, and the window ends with its last day in Shanghai: the
 * reading that gives the holder most. Refusals: `policy.refund_too_late`.
 */
export function checkRefundWindow(
  policy: Policy,
  refund: { paidAt: Instant; now: Instant },
): Result<void> {
  const days = countLimit(policy, 'refund_window_days')
  if (days === undefined) return passed
  if (refund.now < endOfDay(businessDateOf(refund.paidAt)) + days * dayMs) return passed
  return refuse(
    policy,
    'refund_window_days',
    'policy.refund_too_late',
    `A payment can be refunded within ${days} days.`,
    { allowed: { max: days } },
  )
}

function checkAtMost(
  policy: Policy,
  rule: CountRuleId,
  code: RefusalCode,
  count: number,
  noun: string,
): Result<void> {
  const max = countLimit(policy, rule)
  if (max === undefined || count <= max) return passed
  return refuse(policy, rule, code, `At most ${max} ${noun} are allowed, not ${count}.`, {
    allowed: { min: 1, max },
  })
}
