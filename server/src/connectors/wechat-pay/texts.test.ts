import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filledText, plainText } from './texts.ts'

test('what WeChat cannot show is left out, and the rest is cut', () => {
  assert.equal(plainText('茶\u0007🎁卡', 80), '茶卡')
  assert.equal(plainText('一二三四', 3), '一二三')
})

test('a text that WeChat wants filled is never empty', () => {
  assert.equal(filledText(' 奶茶🧋卡 ', 127, '订单'), '奶茶卡')
  for (const nothing of ['', '  ', '🎁🎉', '🎁 🎉', '\u0000'])
    assert.equal(filledText(nothing, 127, '订单'), '订单')
})
