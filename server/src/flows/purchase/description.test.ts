/** What WeChat takes as the description of an order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { descriptionOf, reasonOf } from './description.ts'

const names: [string, number, string][] = [
  ['茶礼卡 Tea gift card', 1, '茶礼卡 Tea gift card'],
  ['茶礼卡', 3, '茶礼卡 × 3'],
  ['🍵 茶 🎁', 1, '茶'],
  ['🎁', 1, '礼品卡'],
  ['\u0007🎁\n', 1, '礼品卡'],
  ['茶'.repeat(200), 1, '茶'.repeat(127)],
  ['茶'.repeat(200), 12, `${'茶'.repeat(122)} × 12`],
]
for (const [name, quantity, described] of names)
  test(`${name.slice(0, 12)} × ${quantity} is described in at most 127 characters`, () => {
    assert.equal(descriptionOf(name, quantity), described)
  })

test('a reason is cut to 80 characters after what WeChat does not take, and left out where nothing stays', () => {
  assert.equal(reasonOf('changed my mind 🍵'), 'changed my mind')
  assert.equal(reasonOf(`${'😭'.repeat(50)}too late`), 'too late')
  assert.equal(reasonOf('不'.repeat(100)), '不'.repeat(80))
  for (const nothing of [null, '', ' ', '😭😭', '\u0007'])
    assert.equal(reasonOf(nothing), undefined)
})
