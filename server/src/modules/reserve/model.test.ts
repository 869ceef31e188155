/** What must be set aside under the delivered packs, and under packs whose every number is moved. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { startOfDay } from '@lika/contract'
import {
  choosePacks,
  effectiveRules,
  loadPacks,
  type Policy,
  type RuleId,
} from '../policy/index.ts'
import {
  coverageOf,
  type GuaranteeFacts,
  issuerClasses,
  type ProfileFacts,
  type ReserveBases,
  requirementOf,
  shareUp,
} from './model.ts'

const delivered = await loadPacks(join(import.meta.dirname, '../../../../policies'))
const at = startOfDay('2026-11-24')

function policyOf(...names: string[]): Policy {
  const chosen = choosePacks(delivered, names)
  assert.ok(chosen.ok)
  return effectiveRules(chosen.value, at)
}

/** The policy with another number in place of that rule's. */
function withNumber(policy: Policy, rule: RuleId, value: number | boolean): Policy {
  const standing = policy.get(rule)
  assert.ok(standing, rule)
  return new Map([...policy, [rule, { ...standing, value }]])
}

const brand: ProfileFacts = { issuerClass: 'brand', lastYearRevenue: null, topUpDeposit: false }

function bases(given: { quarterEnd?: bigint; prepaid?: bigint; customers?: bigint }): ReserveBases {
  const { quarterEnd = 0n, prepaid = 0n, customers = prepaid } = given
  return {
    quarterEnd: { day: '2026-09-30', prepaid: quarterEnd },
    daily: { day: '2026-11-24', prepaid, customers },
  }
}

describe('under the national pack', () => {
  const national = policyOf('cn-national')
  const of = (issuerClass: ProfileFacts['issuerClass'], amount: bigint) =>
    requirementOf(national, { ...brand, issuerClass }, bases({ quarterEnd: amount })).required

  test('20, 30 and 40 percent of the quarter end by class, nothing of others', () => {
    assert.deepEqual(
      issuerClasses.map((name) => of(name, 1_000_000n)),
      [200_000n, 300_000n, 400_000n, 0n],
    )
  })

  test('a part of a fen is a whole one: at least means at least', () => {
    assert.equal(of('scale', 5n), 1n)
    assert.equal(of('scale', 4n), 1n)
    assert.equal(of('scale', 6n), 2n)
    assert.equal(shareUp(0n, 2_000), 0n)
    assert.equal(shareUp(-10n, 2_000), 0n)
  })

  test('what is sold since the end of the quarter changes nothing until the next one', () => {
    const { required, binding } = requirementOf(
      national,
      brand,
      bases({ quarterEnd: 1_000n, prepaid: 9_000_000n }),
    )
    assert.equal(required, 400n)
    assert.equal(binding?.rule.source.article, '26')
    assert.equal(binding?.baseDay, '2026-09-30')
  })

  test('an issuer of no known class keeps what the strictest class keeps', () => {
    assert.equal(requirementOf(national, undefined, bases({ quarterEnd: 1_000n })).required, 400n)
  })
})

test('a payment institution keeps all that it owes, day by day', () => {
  const policy = policyOf('multi-purpose')
  const { required, binding } = requirementOf(
    policy,
    brand,
    bases({ quarterEnd: 5n, prepaid: 700n, customers: 1_001n }),
  )
  assert.equal(required, 1_001n)
  assert.equal(binding?.rule.status, 'unconfirmed')
  assert.equal(binding?.rule.source.article, null)
})

test('who chose the deposit keeps 30 percent of what was topped up and not spent', () => {
  const policy = policyOf('open')
  const chosen = { ...brand, topUpDeposit: true }
  assert.equal(requirementOf(policy, chosen, bases({ prepaid: 100_000n })).required, 30_000n)
  assert.equal(requirementOf(policy, chosen, bases({ prepaid: 70_000n })).required, 21_000n)
  assert.equal(requirementOf(policy, brand, bases({ prepaid: 100_000n })).required, 0n)
})

describe('in Shanghai', () => {
  const shanghai = policyOf('cn-national', 'cn-shanghai')
  const other: ProfileFacts = { ...brand, issuerClass: 'other', lastYearRevenue: 500_000_000n }
  const of = (prepaid: bigint, profile = other) =>
    requirementOf(shanghai, profile, bases({ prepaid })).required

  test('nothing up to 200,000 yuan, 40 percent of all above', () => {
    assert.equal(of(20_000_000n), 0n)
    assert.equal(of(20_000_001n), 8_000_001n)
  })

  test('all of it above a fifth of the revenue, at least 200,000 and at most 50 million yuan', () => {
    assert.equal(of(100_000_000n), 40_000_000n)
    assert.equal(of(100_000_001n), 100_000_001n)
    assert.equal(of(20_000_001n, { ...other, lastYearRevenue: null }), 20_000_001n)
    const large = { ...other, lastYearRevenue: 10_000_000_000_000n }
    assert.equal(of(5_000_000_000n, large), 2_000_000_000n)
    assert.equal(of(5_000_000_001n, large), 5_000_000_001n)
  })
})

describe('no number stands in code: each one moves the requirement', () => {
  const every = policyOf('cn-national', 'cn-shanghai', 'multi-purpose')
  const given = bases({ quarterEnd: 1_000_000n, prepaid: 60_000_000n, customers: 70_000_000n })
  const claimOf = (policy: Policy, profile: ProfileFacts, rule: RuleId) =>
    requirementOf(policy, profile, given).claims.find((one) => one.rule.id === rule)?.amount

  for (const [rule, issuerClass] of [
    ['reserve_scale_bp', 'scale'],
    ['reserve_group_bp', 'group'],
    ['reserve_brand_bp', 'brand'],
    ['reserve_other_bp', 'other'],
    ['reserve_daily_bp', 'brand'],
    ['reserve_top_up_bp', 'brand'],
    ['reserve_local_bp', 'brand'],
    ['reserve_full_bp', 'brand'],
  ] as const) {
    test(rule, () => {
      const profile = { ...brand, issuerClass, topUpDeposit: true }
      for (const value of [1, 2_345, 10_000]) {
        const base =
          rule === 'reserve_daily_bp'
            ? 70_000_000n
            : rule.startsWith('reserve_local') ||
                rule === 'reserve_full_bp' ||
                rule === 'reserve_top_up_bp'
              ? 60_000_000n
              : 1_000_000n
        const moved = withNumber(every, rule, value)
        assert.equal(claimOf(moved, profile, rule), shareUp(base, value))
      }
    })
  }

  for (const [rule, value, met, unmet] of [
    ['reserve_local_free_fen', 60_000_000, 'reserve_local_bp', 59_999_999],
    ['reserve_full_floor_fen', 60_000_000, 'reserve_full_bp', 59_999_999],
  ] as const) {
    test(rule, () => {
      assert.equal(claimOf(withNumber(every, rule, value), brand, met), undefined)
      assert.ok(claimOf(withNumber(every, rule, unmet), brand, met))
    })
  }

  test('reserve_full_revenue_bp and reserve_full_ceiling_fen', () => {
    const earns = { ...brand, lastYearRevenue: 100_000_000n }
    const share = (bp: number) => withNumber(every, 'reserve_full_revenue_bp', bp)
    assert.equal(claimOf(share(6_000), earns, 'reserve_full_bp'), undefined)
    assert.equal(claimOf(share(5_999), earns, 'reserve_full_bp'), 60_000_000n)
    const capped = (fen: number) => withNumber(share(9_000), 'reserve_full_ceiling_fen', fen)
    assert.equal(claimOf(capped(60_000_000), earns, 'reserve_full_bp'), undefined)
    assert.equal(claimOf(capped(59_999_999), earns, 'reserve_full_bp'), 60_000_000n)
  })
})

describe('guarantees', () => {
  const national = policyOf('cn-national')
  const insurance: GuaranteeFacts = {
    kind: 'surety_insurance',
    amount: 300n,
    validFrom: '2026-01-01',
    validTo: '2026-12-31',
    endedOn: null,
    approvedAt: 1,
  }
  const letter: GuaranteeFacts = { ...insurance, kind: 'bank_guarantee', amount: 500n }
  const cover = (guarantees: GuaranteeFacts[], day = '2026-11-24', policy = national) =>
    coverageOf(policy, 1_000n, 600n, guarantees, day)

  test('stand for what is missing', () => {
    assert.deepEqual(cover([]), { guaranteed: 0n, surplus: -400n })
    assert.deepEqual(cover([insurance]), { guaranteed: 300n, surplus: -100n })
    assert.deepEqual(cover([letter]), { guaranteed: 500n, surplus: 100n })
  })

  test('of two forms only the one that covers more is counted, unless the policy lets them be mixed', () => {
    assert.equal(cover([insurance, letter]).guaranteed, 500n)
    const mixed = withNumber(national, 'reserve_guarantees_may_be_mixed', true)
    assert.equal(cover([insurance, letter], '2026-11-24', mixed).guaranteed, 800n)
    assert.equal(cover([insurance, insurance]).guaranteed, 600n)
  })

  test('count from their first day to their last, and no longer once they are given back', () => {
    const on = (day: string, more: Partial<GuaranteeFacts> = {}) =>
      cover([{ ...insurance, ...more }], day).guaranteed
    assert.deepEqual(
      ['2025-12-31', '2026-01-01', '2026-12-31', '2027-01-01'].map((day) => on(day)),
      [0n, 300n, 300n, 0n],
    )
    assert.equal(on('2026-06-01', { endedOn: '2026-06-01' }), 0n)
    assert.equal(on('2026-05-31', { endedOn: '2026-06-01' }), 300n)
    assert.equal(on('2026-06-01', { approvedAt: null }), 0n)
  })

  test('stand for no larger share than the policy lets them, and for nothing of a payment institution', () => {
    const half = withNumber(national, 'reserve_guarantees_bp', 2_500)
    assert.equal(cover([letter], '2026-11-24', half).guaranteed, 250n)
    assert.equal(cover([letter], '2026-11-24', policyOf('multi-purpose')).guaranteed, 0n)
    const huge = { ...letter, amount: 9_999n }
    assert.equal(cover([huge]).guaranteed, 1_000n)
  })
})
