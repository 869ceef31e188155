/** F160: one point more commission, 4.2 % more volume, 1.8 points less margin. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadTables } from '../policy/index.ts'
import { type WhatIf, whatIf } from './what-if.ts'

const { merchantClasses } = await loadTables(
  join(import.meta.dirname, '../../../../policies/tables'),
)
const { elasticity } = merchantClasses

/** 1,000,000 yuan at 10 %, of which the merchant keeps 22 %. */
const asked: WhatIf = {
  volume: 100_000_000n,
  rateBp: 1_000,
  changeBp: 100,
  marginBp: 2_200,
  elasticity,
}

test('a point more brings 4.2 % more volume and takes 1.8 points of margin', () => {
  const { before, after, ...changes } = whatIf(asked)
  assert.deepEqual(changes, { volumeChangeBp: 420, marginChangeBp: -180 })
  assert.deepEqual(before, {
    volume: 100_000_000n,
    rateBp: 1_000,
    commission: 10_000_000n,
    marginBp: 2_200,
    margin: 22_000_000n,
  })
  assert.deepEqual(after, {
    volume: 104_200_000n,
    rateBp: 1_100,
    commission: 11_462_000n,
    marginBp: 2_020,
    // 1,042,000.00 × 20.2 %
    margin: 21_048_400n,
  })
})

test('a point less is the mirror image', () => {
  const { volumeChangeBp, marginChangeBp, after } = whatIf({ ...asked, changeBp: -100 })
  assert.deepEqual([volumeChangeBp, marginChangeBp], [-420, 180])
  assert.equal(after.volume, 95_800_000n)
})

test('no change changes nothing', () => {
  const { before, after } = whatIf({ ...asked, changeBp: 0 })
  assert.deepEqual(after, before)
})

test('half a basis point is rounded up, away from zero', () => {
  const { volumeChangeBp } = whatIf({
    ...asked,
    changeBp: 5,
    elasticity: { volumeBpPerPoint: 410, marginBpPerPoint: -410 },
  })
  // 410 × 5 / 100 = 20.5
  assert.equal(volumeChangeBp, 21)
})

test('the figures follow from the elasticity that is given, not from ours', () => {
  const { volumeChangeBp, marginChangeBp } = whatIf({
    ...asked,
    changeBp: 250,
    elasticity: { volumeBpPerPoint: 100, marginBpPerPoint: -20 },
  })
  assert.deepEqual([volumeChangeBp, marginChangeBp], [250, -50])
})
