/** When terms of products contradict each other, and what they say at a sale and at a till. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asId, type Result } from '@lika/contract'
import { checkAcceptance, checkFace, checkTerms, type Terms } from './model.ts'

const sound: Terms = {
  name: 'Tea card',
  kind: 'gift',
  registered: false,
  carrier: 'virtual',
  faces: { values: [10_000n, 50_000n] },
  validityMonths: 36,
  reloadable: false,
  acceptance: { merchants: [], stores: [], categories: [] },
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
  const rows: [Terms, unknown][] = [
    [sound, 'ok'],
    [range(1n, 1n), 'ok'],
    [range(2n, 1n), ['product.terms_invalid', 'face_range']],
    [{ ...sound, faces: { values: [5n, 5n] } }, ['product.terms_invalid', 'faces']],
    [{ ...sound, consumeOrder: ['principal', 'bonus'] }, 'ok'],
    [{ ...sound, consumeOrder: ['principal'] }, ['product.terms_invalid', 'consume_order']],
    [
      { ...sound, acceptance: { merchants: [], stores: [], categories: ['a', 'a'] } },
      ['product.terms_invalid', 'acceptance.categories'],
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

test('any list that names the till serves, and none restricts when all are empty', () => {
  const [merchantId, storeId] = [asId<'merchant'>('m'), asId<'store'>('s')]
  const till = { merchantId, storeId, category: 'food' }
  const lists = { merchants: [asId<'merchant'>('x')], stores: [asId<'store'>('y')], categories: [] }
  const rows: [Partial<Terms['acceptance']>, unknown][] = [
    [{ merchants: [], stores: [] }, 'ok'],
    [{}, ['merchant.not_in_scope']],
    [{ merchants: [merchantId] }, 'ok'],
    [{ stores: [storeId] }, 'ok'],
    [{ categories: ['food'] }, 'ok'],
    [{ categories: ['Food'] }, ['merchant.not_in_scope']],
  ]
  for (const [change, expected] of rows)
    assert.deepEqual(
      verdict(checkAcceptance({ acceptance: { ...lists, ...change } }, till)),
      expected,
    )
})
