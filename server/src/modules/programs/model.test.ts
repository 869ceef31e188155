/** When terms of products contradict each other, and what they say at a sale and at a till. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asId, type Result } from '@lika/contract'
import {
  type Asked,
  acceptedEverywhere,
  checkAcceptance,
  checkFace,
  checkTerms,
  type Terms,
} from './model.ts'

const sound: Terms = {
  name: 'Tea card',
  kind: 'gift',
  registered: false,
  carrier: 'virtual',
  faces: { values: [10_000n, 50_000n] },
  validityMonths: 36,
  reloadable: false,
  model: 'mixed',
  acceptance: acceptedEverywhere,
  consumeOrder: ['bonus', 'principal'],
}

/** ok, or the code and what the refusal says is allowed or in the way. */
function verdict(result: Result<void>): unknown {
  if (result.ok) return 'ok'
  const { code, data, errors } = result.refusal
  return [code, data?.['allowed'] ?? errors?.[0]?.path].filter((one) => one !== undefined)
}

test('terms agree with each other', () => {
  const range = (min: bigint, max: bigint) => ({ ...sound, faces: { min, max } })
  const open = (hours: Terms['acceptance']['hours'][number]) => ({
    ...sound,
    acceptance: { ...acceptedEverywhere, hours: [hours] },
  })
  const rows: [Terms, unknown][] = [
    [sound, 'ok'],
    [range(1n, 1n), 'ok'],
    [range(2n, 1n), ['product.terms_invalid', 'face_range']],
    [{ ...sound, faces: { values: [5n, 5n] } }, ['product.terms_invalid', 'faces']],
    [{ ...sound, consumeOrder: ['principal', 'bonus'] }, 'ok'],
    [{ ...sound, consumeOrder: ['principal'] }, ['product.terms_invalid', 'consume_order']],
    [
      { ...sound, acceptance: { ...acceptedEverywhere, categories: ['a', 'a'] } },
      ['product.terms_invalid', 'acceptance.categories'],
    ],
    [
      { ...sound, acceptance: { ...acceptedEverywhere, channels: ['online', 'online'] } },
      ['product.terms_invalid', 'acceptance.channels'],
    ],
    [open({ days: [1], from: '10:00', to: '10:01' }), 'ok'],
    [open({ days: [7], from: '00:00', to: '24:00' }), 'ok'],
    [
      open({ days: [1], from: '10:00', to: '10:00' }),
      ['product.terms_invalid', 'acceptance.hours.0.to'],
    ],
    [
      open({ days: [5], from: '22:00', to: '02:00' }),
      ['product.terms_invalid', 'acceptance.hours.0.to'],
    ],
    [
      open({ days: [5, 5], from: '10:00', to: '11:00' }),
      ['product.terms_invalid', 'acceptance.hours.0.days'],
    ],
  ]
  for (const [terms, expected] of rows) assert.deepEqual(verdict(checkTerms(terms)), expected)
})

test('faces are what a card may be sold with', () => {
  const between = { faces: { min: 100n, max: 200n } }
  const allowed = { min: 100, max: 200 }
  const rows: [Pick<Terms, 'faces'>, bigint, unknown][] = [
    [sound, 10_000n, 'ok'],
    [sound, 10_001n, ['amount.out_of_range', { values: [10_000, 50_000] }]],
    [between, 100n, 'ok'],
    [between, 200n, 'ok'],
    [between, 99n, ['amount.out_of_range', allowed]],
    [between, 201n, ['amount.out_of_range', allowed]],
  ]
  for (const [terms, amount, expected] of rows)
    assert.deepEqual(verdict(checkFace(terms, amount)), expected)
})

const [merchantId, storeId] = [asId<'merchant'>('m'), asId<'store'>('s')]
const asked: Asked = {
  till: { merchantId, storeId, category: 'food', ownership: 'partner' },
  channel: undefined,
  amount: 100n,
}
/** Monday, 9 March 2026, 12:00 in Shanghai. */
const noon = Date.parse('2026-03-09T04:00:00Z')

/** Of a product with that acceptance and the rest as it restricts nothing. */
function accepted(
  acceptance: Partial<Terms['acceptance']>,
  {
    model = 'mixed',
    now = noon,
    ...more
  }: Partial<Asked> & { model?: Terms['model']; now?: number } = {},
): unknown {
  const terms = { model, acceptance: { ...acceptedEverywhere, ...acceptance } }
  return verdict(checkAcceptance(terms, { ...asked, ...more }, now))
}

test('any list that names the till serves, and none restricts when all are empty', () => {
  const lists = { merchants: [asId<'merchant'>('x')], stores: [asId<'store'>('y')] }
  const rows: [Partial<Terms['acceptance']>, unknown][] = [
    [{ merchants: [], stores: [] }, 'ok'],
    [{}, ['merchant.not_in_scope']],
    [{ merchants: [merchantId] }, 'ok'],
    [{ stores: [storeId] }, 'ok'],
    [{ categories: ['food'] }, 'ok'],
    [{ categories: ['Food'] }, ['merchant.not_in_scope']],
  ]
  for (const [change, expected] of rows)
    assert.deepEqual(accepted({ ...lists, ...change }), expected)
})

test('closed products are for own merchants, alliances for partners, mixed ones for both', () => {
  const own = { ...asked.till, ownership: 'own' } as const
  const refused = ['merchant.not_in_scope']
  const rows: [Terms['model'], Asked['till'], unknown][] = [
    ['closed', own, 'ok'],
    ['closed', asked.till, refused],
    ['alliance', own, refused],
    ['alliance', asked.till, 'ok'],
    ['mixed', own, 'ok'],
    ['mixed', asked.till, 'ok'],
  ]
  for (const [model, till, expected] of rows)
    assert.deepEqual(accepted({}, { model, till }), expected)
})

test('a closed product that names a partner is not taken there all the same', () => {
  assert.deepEqual(accepted({ merchants: [merchantId] }, { model: 'closed' }), [
    'merchant.not_in_scope',
  ])
})

test('where channels are named the payment comes over one of them, and says so', () => {
  const online = { channels: ['online', 'mini_program'] as const }
  assert.equal(accepted(online, { channel: 'mini_program' }), 'ok')
  assert.deepEqual(accepted(online, { channel: 'in_store' }), ['channel.not_in_scope'])
  assert.deepEqual(accepted(online), ['channel.not_in_scope'])
  assert.equal(accepted({}, { channel: 'in_store' }), 'ok')
})

test('hours begin with their first minute and end before their last, in Shanghai', () => {
  const lunch = { hours: [{ days: [1], from: '11:30', to: '14:00' }] }
  const at = (time: string, date = '2026-03-09') => Date.parse(`${date}T${time}+08:00`)
  const rows: [number, unknown][] = [
    [at('11:29:59.999'), ['time.not_in_scope']],
    [at('11:30:00'), 'ok'],
    [at('13:59:59.999'), 'ok'],
    [at('14:00:00'), ['time.not_in_scope']],
    // Tuesday
    [at('12:00:00', '2026-03-10'), ['time.not_in_scope']],
  ]
  for (const [now, expected] of rows) assert.deepEqual(accepted(lunch, { now }), expected)
})

test('a night is two entries, and every day of the week is the one it is in Shanghai', () => {
  const night = {
    hours: [
      { days: [7], from: '22:00', to: '24:00' },
      { days: [1], from: '00:00', to: '02:00' },
    ],
  }
  // Sunday 23:59:59 and Monday 00:00 in Shanghai are both Sunday in UTC.
  for (const time of ['2026-03-08T15:59:59Z', '2026-03-08T16:00:00Z', '2026-03-08T17:59:59Z'])
    assert.equal(accepted(night, { now: Date.parse(time) }), 'ok', time)
  for (const time of ['2026-03-08T13:59:59Z', '2026-03-08T18:00:00Z'])
    assert.deepEqual(accepted(night, { now: Date.parse(time) }), ['time.not_in_scope'], time)
})

test('the least amount is that of the payment', () => {
  const least = { minAmount: 10_000n }
  assert.deepEqual(accepted(least, { amount: 9_999n }), ['amount.out_of_range', { min: 10_000 }])
  assert.equal(accepted(least, { amount: 10_000n }), 'ok')
})
