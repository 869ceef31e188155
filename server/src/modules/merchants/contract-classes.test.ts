/** The three classes at their bounds, and that the bounds are data: where a figure moves the refusal moves with it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadTables, type MerchantClass } from '../policy/index.ts'
import { type ClassFacts, checkClass } from './contract-classes.ts'
import type { Commission, ContractClass, Cycle } from './contract-terms.ts'

const { merchantClasses } = await loadTables(
  join(import.meta.dirname, '../../../../policies/tables'),
)
const { classes } = merchantClasses

const cycles: Record<ContractClass, Cycle> = {
  ecommerce: { kind: 't_plus', days: 7 },
  chain: { kind: 'weekly' },
  local: { kind: 'half_month' },
  none: { kind: 'month' },
}
/** What just suffices for every class. */
const enough: ClassFacts = { monthlyVolume: 50_000_000n, stores: 3, ratingTenths: 40 }

type Change = { facts?: Partial<ClassFacts>; cycle?: Cycle; commission?: Commission; from?: string }

function verdict(
  name: ContractClass,
  rateBp: number,
  change: Change = {},
  rules: readonly MerchantClass[] = classes,
): unknown {
  const contract = {
    class: name,
    commission: change.commission ?? ({ kind: 'flat', rateBp } as const),
    cycle: change.cycle ?? cycles[name],
    validFrom: change.from ?? '2026-03-09',
  }
  const checked = checkClass(rules, contract, { ...enough, ...change.facts })
  return checked.ok ? 'ok' : [checked.refusal.code, checked.refusal.data?.['allowed']]
}

const outOfBand = (min: number, max: number) => ['contract.rate_out_of_band', { min, max }]
const notMet = (min: number) => ['contract.class_not_met', { min }]
const otherCycle = (cycle: Cycle) => ['contract.cycle_out_of_class', cycle]

const rows: readonly [ContractClass, number, Change, unknown][] = [
  ['ecommerce', 1_199, {}, outOfBand(1_200, 1_500)],
  ['ecommerce', 1_200, {}, 'ok'],
  ['ecommerce', 1_500, {}, 'ok'],
  ['ecommerce', 1_501, {}, outOfBand(1_200, 1_500)],
  ['chain', 799, {}, outOfBand(800, 1_000)],
  ['chain', 800, {}, 'ok'],
  ['chain', 1_000, {}, 'ok'],
  ['chain', 1_001, {}, outOfBand(800, 1_000)],
  ['local', 1_499, {}, outOfBand(1_500, 1_800)],
  ['local', 1_500, {}, 'ok'],
  ['local', 1_800, {}, 'ok'],
  ['local', 1_801, {}, outOfBand(1_500, 1_800)],
  ['none', 0, {}, 'ok'],
  [
    'none',
    10_000,
    { facts: { monthlyVolume: undefined, stores: 0, ratingTenths: undefined } },
    'ok',
  ],
  ['ecommerce', 1_200, { facts: { monthlyVolume: 49_999_999n } }, notMet(50_000_000)],
  ['ecommerce', 1_200, { facts: { monthlyVolume: undefined } }, notMet(50_000_000)],
  ['chain', 800, { facts: { stores: 2 } }, notMet(3)],
  ['local', 1_500, { facts: { ratingTenths: 39 } }, notMet(40)],
  ['local', 1_500, { facts: { ratingTenths: undefined } }, notMet(40)],
  ['ecommerce', 1_200, { facts: { stores: 0, ratingTenths: undefined } }, 'ok'],
  ['ecommerce', 1_200, { cycle: { kind: 't_plus', days: 6 } }, otherCycle(cycles.ecommerce)],
  ['chain', 800, { cycle: { kind: 'month' } }, otherCycle(cycles.chain)],
  ['local', 1_500, { cycle: { kind: 't_plus', days: 1 } }, otherCycle(cycles.local)],
]
for (const [name, rateBp, change, expected] of rows) {
  const what = JSON.stringify(change, (_, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  )
  test(`${name} at ${rateBp} basis points ${what}: ${JSON.stringify(expected)}`, () =>
    assert.deepEqual(verdict(name, rateBp, change), expected))
}

test('of tiers each one lies in the band', () => {
  const tiered = (last: number): Commission => ({
    kind: 'tiered',
    by: 'whole',
    tiers: [
      { fromAmount: 0n, rateBp: 1_000 },
      { fromAmount: 1n, rateBp: last },
    ],
  })
  assert.equal(verdict('chain', 0, { commission: tiered(800) }), 'ok')
  assert.deepEqual(verdict('chain', 0, { commission: tiered(799) }), outOfBand(800, 1_000))
})

test('every figure of the table is one that a refusal moves with', () => {
  const moved = classes.map(
    (one): MerchantClass => ({
      ...one,
      needs: Object.fromEntries(
        Object.entries(one.needs).map(([name, least]) => [name, Number(least) + 1]),
      ),
    }),
  )
  assert.deepEqual(verdict('ecommerce', 1_200, {}, moved), notMet(50_000_001))
  assert.deepEqual(verdict('chain', 800, {}, moved), notMet(4))
  assert.deepEqual(verdict('local', 1_500, {}, moved), notMet(41))
  for (const { class: name, commissionBp, ...rest } of classes) {
    const lower = { min: commissionBp.min - 1, max: commissionBp.max - 1 }
    const rules = [{ class: name, ...rest, commissionBp: lower }]
    assert.equal(verdict(name as ContractClass, lower.min, {}, rules), 'ok')
    const refused = verdict(name as ContractClass, commissionBp.max, {}, rules)
    assert.deepEqual(refused, outOfBand(lower.min, lower.max))
  }
})

test('a later figure holds for contracts that begin from its day on', () => {
  const [first] = classes.filter((one) => one.class === 'chain')
  assert.ok(first)
  const later = { ...first, from: '2027-01-01', commissionBp: { min: 500, max: 600 } }
  const rules = [first, later]
  assert.equal(verdict('chain', 800, { from: '2026-12-31' }, rules), 'ok')
  assert.deepEqual(verdict('chain', 800, { from: '2027-01-01' }, rules), outOfBand(500, 600))
  assert.equal(verdict('chain', 600, { from: '2027-01-01' }, rules), 'ok')
})
