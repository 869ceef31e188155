/** What packs and products say of an order beside what binds every sale. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EffectiveRule, Policy, RuleId } from '../../modules/policy/index.ts'
import type { Terms } from '../../modules/programs/index.ts'
import type { Law } from '../cards/law.ts'
import { coolingOffHoursOf, mayUseCreditCards, needsReview } from './law-of-order.ts'

const policyOf = (rules: Partial<Record<RuleId, number | boolean>>): Policy =>
  new Map(
    Object.entries(rules).map(([id, value]) => [
      id as RuleId,
      { id, value } as unknown as EffectiveRule,
    ]),
  )
const terms = (coolingOffHours: number | null) => ({ coolingOffHours }) as unknown as Terms

const seals: [number | null, number, number][] = [
  [null, 0, 3],
  [0, 0, 0],
  [5, 0, 5],
  [0, 24, 24],
  [null, 24, 24],
  [48, 24, 48],
]
for (const [product, pack, hours] of seals)
  test(`a product that says ${product} hours and a pack that says ${pack}: ${hours}`, () => {
    const policy = policyOf({ sale_seal_min_hours: pack })
    assert.equal(coolingOffHoursOf('purchase', terms(product), policy), hours)
    assert.equal(coolingOffHoursOf('top_up', terms(product), policy), 0)
  })

test('a second person is asked above the number of the pack, for top-ups alone', () => {
  const policy = policyOf({ top_up_review_above_fen: 500_000 })
  assert.equal(needsReview(policy, 'top_up', 500_000n), false)
  assert.equal(needsReview(policy, 'top_up', 500_001n), true)
  assert.equal(needsReview(policy, 'purchase', 9_000_000n), false)
})

test('credit cards pay unless a pack forbids it', () => {
  const law = (rules: Parameters<typeof policyOf>[0]) =>
    ({ at: () => policyOf(rules) }) as unknown as Law
  assert.equal(mayUseCreditCards(law({}), 0), true)
  assert.equal(mayUseCreditCards(law({ credit_card_may_pay: true }), 0), true)
  assert.equal(mayUseCreditCards(law({ credit_card_may_pay: false }), 0), false)
})
