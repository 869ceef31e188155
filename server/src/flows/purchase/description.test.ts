/** What WeChat takes as the description of an order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { descriptionOf } from './description.ts'

const names: [string, number, string][] = [
  ['茶礼卡 Tea gift card', 1, '茶礼卡 Tea gift card'],
  ['茶礼卡', 3, '茶礼卡 × 3'],
  ['🍵 茶 🎁', 1, '茶'],
  ['🎁', 1, '礼品卡'],
  ['茶'.repeat(200), 1, '茶'.repeat(127)],
  ['茶'.repeat(200), 12, `${'茶'.repeat(122)} × 12`],
]
for (const [name, quantity, described] of names)
  test(`${name.slice(0, 12)} × ${quantity} is described in at most 127 characters`, () => {
    assert.equal(descriptionOf(name, quantity), described)
  })
