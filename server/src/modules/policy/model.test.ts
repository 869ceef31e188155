import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOfDay } from '@lika/contract'
import {
  choosePacks,
  effectiveRules,
  fenLimit,
  type Pack,
  type Rule,
  requiredCount,
} from './model.ts'

const rule = (change: Partial<Rule> = {}): Rule => ({
  id: 'card_limit_registered_fen',
  value: 500_000,
  effectiveFrom: '2012-11-01',
  effectiveTo: null,
  source: { document: 'A law', article: '18' },
  status: 'confirmed',
  ...change,
})

const pack = (name: string, rules: Rule[], standing: Pack['standing'] = 'by_name'): Pack => ({
  name,
  title: { zh: name, en: name },
  standing,
  rules,
})

const limitAt = (packs: Pack[], at: number) =>
  fenLimit(effectiveRules(packs, at), 'card_limit_registered_fen')

const today = startOfDay('2026-11-24')

test('a rule binds from the first instant of its first day in Shanghai', () => {
  const packs = [pack('law', [rule({ effectiveFrom: '2026-11-25' })])]
  assert.equal(limitAt(packs, today), undefined)
  assert.equal(limitAt(packs, Date.parse('2026-11-24T15:59:59.999Z')), undefined)
  assert.equal(limitAt(packs, Date.parse('2026-11-24T16:00:00.000Z')), 500_000n)
})

test('a rule no longer binds on the day that ends it, and its successor takes over', () => {
  const packs = [
    pack('law', [
      rule({ effectiveTo: '2026-11-25' }),
      rule({ value: 600_000, effectiveFrom: '2026-11-25' }),
    ]),
  ]
  assert.equal(limitAt(packs, startOfDay('2026-11-25') - 1), 500_000n)
  assert.equal(limitAt(packs, startOfDay('2026-11-25')), 600_000n)
})

test('the lower cap wins in whatever order the packs are named', () => {
  const high = pack('high', [rule({ value: 900_000 })])
  const low = pack('low', [rule({ value: 400_000 })])
  for (const packs of [
    [high, low],
    [low, high],
  ]) {
    const binding = effectiveRules(packs, today).get('card_limit_registered_fen')
    assert.equal(binding?.pack, 'low')
    assert.deepEqual(binding.outweighs, [{ pack: 'high', value: 900_000 }])
  }
})

test('a favourable rule of tomorrow does not displace the one of today', () => {
  const packs = [
    pack('now', [rule({ value: 500_000 })]),
    pack('soon', [rule({ value: 100_000, effectiveFrom: '2026-11-25' })]),
  ]
  assert.equal(limitAt(packs, today), 500_000n)
  assert.equal(limitAt(packs, startOfDay('2026-11-25')), 100_000n)
})

test('the longer validity, the longer refund window and the longer retention win', () => {
  for (const id of [
    'validity_min_anonymous_months',
    'refund_window_days',
    'retention_buyer_years',
    'retention_transactions_years',
  ] as const) {
    const policy = effectiveRules(
      [pack('short', [rule({ id, value: 3 })]), pack('long', [rule({ id, value: 5 })])],
      today,
    )
    assert.equal(requiredCount(policy, id), 5, id)
  }
})

test('a registered card that may not expire under one pack may not expire', () => {
  const id = 'registered_card_may_expire'
  const policy = effectiveRules(
    [pack('may', [rule({ id, value: true })]), pack('not', [rule({ id, value: false })])],
    today,
  )
  assert.equal(policy.get(id)?.value, false)
})

test('on equal values the pack that was named first is cited', () => {
  const policy = effectiveRules([pack('first', [rule()]), pack('second', [rule()])], today)
  assert.equal(policy.get('card_limit_registered_fen')?.pack, 'first')
})

const packs = new Map(
  [pack('law', [rule()], 'default'), pack('local', [rule()]), pack('own', [rule()], 'always')].map(
    (each) => [each.name, each],
  ),
)

const chosen = (names: string[]) => {
  const result = choosePacks(packs, names)
  return result.ok ? result.value.map((each) => each.name) : result.refusal
}

test('the product’s own limits lie under whatever is named, and are not counted twice', () => {
  assert.deepEqual(chosen(['local']), ['local', 'own'])
  assert.deepEqual(chosen(['own']), ['own'])
  assert.deepEqual(chosen(['law', 'local', 'own']), ['law', 'local', 'own'])
})

test('an issuer that names no pack is under the default one', () => {
  assert.deepEqual(chosen([]), ['law', 'own'])
})

test('an unknown pack is refused with the known ones', () => {
  assert.deepEqual(chosen(['law', 'cn-mars']), {
    code: 'policy.unknown_pack',
    detail: 'There is no pack cn-mars.',
    data: { unknown: ['cn-mars'], known: ['law', 'local', 'own'] },
  })
})

test('a required number that no pack sets is a fault, not a guess', () => {
  assert.throws(() => requiredCount(new Map(), 'pay_code_life_seconds'), /pay_code_life_seconds/)
})
