/** Commission, split and cycles to the fen and to the day. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asId, type Fen, type MerchantId } from '@lika/contract'
import fc from 'fast-check'
import {
  basisPointsOf,
  type Commission,
  type Cycle,
  commissionOf,
  cycleOf,
  defaultTerms,
  splitOf,
} from './contract-terms.ts'

const flat = (rateBp: number): Commission => ({ kind: 'flat', rateBp })

/** 3 % up to 1,000 yuan, 2 % up to 5,000, then 1 %. */
const tiers = [
  { fromAmount: 0n, rateBp: 300 },
  { fromAmount: 100_000n, rateBp: 200 },
  { fromAmount: 500_000n, rateBp: 100 },
]
const whole: Commission = { kind: 'tiered', by: 'whole', tiers }
const marginal: Commission = { kind: 'tiered', by: 'marginal', tiers }

const commissions: readonly [string, Commission, Fen, Fen][] = [
  ['nothing of nothing', flat(1_200), 0n, 0n],
  ['12 % of 500,000 yuan', flat(1_200), 50_000_000n, 6_000_000n],
  ['half a fen is rounded up', flat(5_000), 1n, 1n],
  ['just below half a fen is nothing', flat(4_999), 1n, 0n],
  ['1.5 fen is 2', flat(1_500), 10n, 2n],
  ['2.5 fen is 3, not the even 2', flat(2_500), 10n, 3n],
  ['what is refunded gives its commission back', flat(1_500), -10n, -2n],
  ['a whole tier one fen before the next', whole, 99_999n, 3_000n],
  ['a whole tier on its first fen', whole, 100_000n, 2_000n],
  ['the last whole tier', whole, 500_000n, 5_000n],
  ['a marginal tier one fen before the next', marginal, 99_999n, 3_000n],
  ['a marginal tier on its first fen', marginal, 100_000n, 3_000n],
  // 100,000 × 3 % + 400,000 × 2 % + 100,000 × 1 %
  ['three marginal tiers', marginal, 600_000n, 3_000n + 8_000n + 1_000n],
  // 3,000 + 8,000 + 0.5, rounded once
  ['marginal parts are added before they are rounded', marginal, 500_050n, 11_001n],
  ['refunds beyond sales at the first whole tier', whole, -1_000n, -30n],
  ['refunds beyond sales at the first marginal tier', marginal, -600_000n, -18_000n],
]
for (const [what, commission, net, expected] of commissions) {
  test(`commission: ${what}`, () => assert.equal(commissionOf({ commission }, net), expected))
}

test('a marginal commission never falls when more is taken, a whole one may', () => {
  assert.ok(commissionOf({ commission: whole }, 100_000n) < 3_000n)
  fc.assert(
    fc.property(fc.bigInt(0n, 10_000_000n), fc.bigInt(0n, 10_000n), (net, more) => {
      const before = commissionOf({ commission: marginal }, net)
      assert.ok(commissionOf({ commission: marginal }, net + more) >= before)
    }),
  )
})

test('a sale and its refund leave no commission behind', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 15n), fc.integer({ min: 0, max: 10_000 }), (amount, bp) =>
      assert.equal(basisPointsOf(amount, bp) + basisPointsOf(-amount, bp), 0n),
    ),
  )
})

const merchant = (digit: string): MerchantId => asId(`0192f0c1-0000-7000-8000-0000000${digit}0000`)
const [first, second, third] = [merchant('1'), merchant('2'), merchant('3')]
const thirds = [
  { merchantId: first, shareBp: 3_334 },
  { merchantId: second, shareBp: 3_333 },
  { merchantId: third, shareBp: 3_333 },
]

const splits: readonly [Fen, readonly Fen[]][] = [
  [0n, [0n, 0n, 0n]],
  [1n, [1n, 0n, 0n]],
  [100n, [34n, 33n, 33n]],
  // 33.34 + 33.33 + 33.33 of 101 fen: 33, 33, 33 and two left over
  [101n, [35n, 33n, 33n]],
  [-101n, [-35n, -33n, -33n]],
]
for (const [amount, expected] of splits) {
  test(`a split of ${amount} fen gives its remainder to the first`, () => {
    const parts = splitOf({ split: thirds }, amount)
    assert.deepEqual(
      parts.map((part) => part.amount),
      expected,
    )
    assert.deepEqual(
      parts.map((part) => part.merchantId),
      [first, second, third],
    )
  })
}

test('parts of a split sum to the amount', () => {
  fc.assert(
    fc.property(
      fc.bigInt(-(10n ** 15n), 10n ** 15n),
      fc.integer({ min: 1, max: 9_999 }),
      (amount, bp) => {
        const split = [
          { merchantId: first, shareBp: bp },
          { merchantId: second, shareBp: 10_000 - bp },
        ]
        const sum = splitOf({ split }, amount).reduce((total, part) => total + part.amount, 0n)
        assert.equal(sum, amount)
      },
    ),
  )
})

test('without a contract everything is the merchant’s own, each day by itself', () => {
  const terms = defaultTerms(first, undefined)
  assert.equal(commissionOf(terms, 12_345n), 0n)
  assert.deepEqual(splitOf(terms, 12_345n), [{ merchantId: first, amount: 12_345n }])
  assert.deepEqual(cycleOf(terms, '2026-03-09'), { from: '2026-03-09', to: '2026-03-09' })
})

const open = { validFrom: '2020-01-01', validTo: undefined }
const cycles: readonly [Cycle['kind'], string, string, string][] = [
  ['t_plus', '2026-03-09', '2026-03-09', '2026-03-09'],
  // 9 March 2026 is a Monday.
  ['weekly', '2026-03-09', '2026-03-09', '2026-03-15'],
  ['weekly', '2026-03-15', '2026-03-09', '2026-03-15'],
  ['weekly', '2026-03-16', '2026-03-16', '2026-03-22'],
  ['weekly', '2026-01-01', '2025-12-29', '2026-01-04'],
  ['half_month', '2026-02-15', '2026-02-01', '2026-02-15'],
  ['half_month', '2026-02-16', '2026-02-16', '2026-02-28'],
  ['half_month', '2028-02-29', '2028-02-16', '2028-02-29'],
  ['half_month', '2026-04-30', '2026-04-16', '2026-04-30'],
  ['month', '2026-12-31', '2026-12-01', '2026-12-31'],
  ['month', '2026-02-01', '2026-02-01', '2026-02-28'],
]
for (const [kind, day, from, to] of cycles) {
  test(`the ${kind} cycle of ${day} is ${from} to ${to}`, () => {
    const cycle: Cycle = kind === 't_plus' ? { kind, days: 7 } : { kind }
    assert.deepEqual(cycleOf({ cycle, ...open }, day), { from, to })
  })
}

test('a contract that begins or ends within a week cuts the week', () => {
  const weekly = { cycle: { kind: 'weekly' } as const }
  const until = { ...weekly, validFrom: '2020-01-01', validTo: '2026-03-11' }
  const since = { ...weekly, validFrom: '2026-03-12', validTo: undefined }
  assert.deepEqual(cycleOf(until, '2026-03-10'), { from: '2026-03-09', to: '2026-03-11' })
  assert.deepEqual(cycleOf(since, '2026-03-13'), { from: '2026-03-12', to: '2026-03-15' })
  assert.deepEqual(cycleOf(since, '2026-03-16'), { from: '2026-03-16', to: '2026-03-22' })
})

test('every day lies in one cycle, and the cycles of a year leave no day out', () => {
  for (const kind of ['weekly', 'half_month', 'month'] as const) {
    let day = '2027-01-01'
    while (day < '2028-03-01') {
      const { from, to } = cycleOf({ cycle: { kind }, ...open }, day)
      assert.ok(from <= day && day <= to)
      const next = new Date(Date.parse(`${to}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)
      assert.deepEqual(cycleOf({ cycle: { kind }, ...open }, next).from, next)
      day = next
    }
  }
})
