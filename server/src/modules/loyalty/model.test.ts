/** The rules of campaigns at their edges, and what a refund leaves of a rebate. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOfDay } from '@lika/contract'
import fc from 'fast-check'
import { checkTerms, entitlement, excessOf, isRunning, mondayOf, type Rule } from './model.ts'

const ladder: Rule = { kind: 'ladder', on: 'load', step: 50_000n, rateBp: 500 }
const bonus: Rule = {
  kind: 'load_bonus',
  tiers: [
    { from: 10_000n, bonus: 1_000n },
    { from: 50_000n, rateBp: 1_250 },
  ],
}
const cashBack: Rule = { kind: 'cash_back', rateBp: 150, windowDays: 7 }
const voucher: Rule = {
  kind: 'voucher',
  threshold: 20_000n,
  face: 2_000n,
  minAmount: 0n,
  validDays: 30,
}
const monthly: Rule = { kind: 'monthly', step: 10_000n, back: 1_000n, most: 5_000n }
const random: Rule = { kind: 'random', min: 1n, max: 5_000n, minLoad: 10_000n }

for (const [what, rule, base, expected] of [
  ['5 % per 500: 499.99 gives nothing', ladder, 49_999n, 0n],
  ['5 % per 500: 500 gives 25.00', ladder, 50_000n, 2_500n],
  ['5 % per 500: 999.99 gives 25.00', ladder, 99_999n, 2_500n],
  ['5 % per 500: 1,000 gives 50.00', ladder, 100_000n, 5_000n],
  [
    'a step that does not divide is rounded once: 3 % of 0.50 is 0.02',
    { ...ladder, step: 50n, rateBp: 300 },
    100n,
    4n,
  ],
  ['a bonus below its first tier is nothing', bonus, 9_999n, 0n],
  ['a bonus at its tier is fixed', bonus, 10_000n, 1_000n],
  ['a bonus of a higher tier is a share', bonus, 50_000n, 6_250n],
  ['half a fen is rounded up', bonus, 50_004n, 6_251n],
  ['cash-back of 1.5 % of 0.33 is nothing', cashBack, 33n, 0n],
  ['cash-back of 1.5 % of 0.34 is 0.01', cashBack, 34n, 1n],
  ['a voucher below its threshold is none', voucher, 19_999n, 0n],
  ['a voucher at its threshold', voucher, 20_000n, 2_000n],
  ['满100减10: 99.99 gives nothing', monthly, 9_999n, 0n],
  ['满100减10: 100 gives 10', monthly, 10_000n, 1_000n],
  ['满100减10: 299.99 gives 20', monthly, 29_999n, 2_000n],
  ['满100减10 ends at its most', monthly, 900_000n, 5_000n],
] as const satisfies readonly (readonly [string, Rule, bigint, bigint])[]) {
  test(what, () => assert.equal(entitlement(rule, base), expected))
}

test('a refund takes back what the rule does not give for the rest', () => {
  const given = { amount: 5_000n, reversed: 0n }
  assert.equal(excessOf(ladder, given, 99_999n), 2_500n)
  assert.equal(excessOf(ladder, given, 49_999n), 5_000n)
  assert.equal(excessOf(ladder, { ...given, reversed: 2_500n }, 50_000n), 0n)
  const drawn = { amount: 321n, reversed: 0n }
  assert.equal(excessOf(random, drawn, 10_000n), 0n)
  assert.equal(excessOf(random, drawn, 9_999n), 321n)
})

const rules = fc.constantFrom<Rule>(ladder, bonus, cashBack, voucher, monthly)

test('in however many parts a ground goes back, the same is taken back, and never more than was given', () => {
  fc.assert(
    fc.property(
      rules,
      fc.bigInt(0n, 300_000n),
      fc.array(fc.bigInt(1n, 60_000n), { maxLength: 12 }),
      (rule, base, parts) => {
        const amount = entitlement(rule, base)
        let reversed = 0n
        let left = base
        for (const part of parts) {
          left = part < left ? left - part : 0n
          reversed += excessOf(rule, { amount, reversed }, left)
          assert.ok(reversed <= amount)
        }
        const atOnce = parts.length === 0 ? 0n : excessOf(rule, { amount, reversed: 0n }, left)
        assert.ok(reversed >= atOnce)
        // Where the rule gives more for more, which all but a fixed tier above a share do, it is the very same.
        if (rule !== bonus) assert.equal(reversed, atOnce)
      },
    ),
  )
})

test('weeks begin on Monday at 00:00 in Shanghai', () => {
  const monday = startOfDay('2026-11-23')
  assert.equal(mondayOf(monday), '2026-11-23')
  assert.equal(mondayOf(monday - 1), '2026-11-16')
  assert.equal(mondayOf(monday + 7 * 86_400_000 - 1), '2026-11-23')
  assert.equal(mondayOf(startOfDay('2027-01-01')), '2026-12-28')
})

test('a campaign runs from the first instant of its first day to the last of its last', () => {
  const dates = { startsOn: '2026-11-23', endsOn: '2026-11-24' }
  assert.equal(isRunning(dates, startOfDay('2026-11-23') - 1), false)
  assert.equal(isRunning(dates, startOfDay('2026-11-23')), true)
  assert.equal(isRunning(dates, startOfDay('2026-11-25') - 1), true)
  assert.equal(isRunning(dates, startOfDay('2026-11-25')), false)
})

const terms = {
  name: 'x',
  budget: 1n,
  startsOn: '2026-11-23',
  endsOn: '2026-11-23',
  products: [],
  merchants: [],
}
for (const [what, rule] of [
  [
    'tiers out of order',
    {
      kind: 'load_bonus',
      tiers: [
        { from: 2n, bonus: 1n },
        { from: 1n, bonus: 1n },
      ],
    },
  ],
  [
    'a tier with bonus and rate',
    { kind: 'load_bonus', tiers: [{ from: 1n, bonus: 1n, rateBp: 1 }] },
  ],
  ['a tier with neither', { kind: 'load_bonus', tiers: [{ from: 1n }] }],
  ['a ladder whose step gives less than a fen', { ...ladder, step: 9n, rateBp: 1 }],
  ['more back than the step', { ...monthly, step: 999n }],
  ['a least draw above the most', { ...random, min: 5_001n }],
  ['a pre-sale without discount', { kind: 'presale', price: 100n, face: 100n }],
] as const satisfies readonly (readonly [string, Rule])[]) {
  test(`refused: ${what}`, () => {
    const product = rule.kind === 'presale' ? ['p' as never] : []
    const result = checkTerms({ ...terms, products: product, rule })
    assert.equal(result.ok ? 'ok' : result.refusal.code, 'campaign.rule_invalid')
  })
}

test('refused: dates the wrong way round, tills of a load, a pre-sale of no one product', () => {
  for (const one of [
    { ...terms, rule: ladder, endsOn: '2026-11-22' },
    { ...terms, rule: ladder, merchants: ['m' as never] },
    { ...terms, rule: { kind: 'presale', price: 90n, face: 100n } as const },
  ]) {
    const result = checkTerms(one)
    assert.equal(result.ok ? 'ok' : result.refusal.code, 'campaign.rule_invalid')
  }
})
