/** The published vectors of WeChat's app-side signatures, and what a signature does not cover. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getJsApiSignature, getSignature } from '@wecom/crypto'
import { callbackSignature, cardSignature, jsSdkSignature } from './signatures.ts'

const page = {
  ticket: 'sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg',
  nonceStr: 'Wm3WZYTPz0wzccnW',
  timestamp: 1414587457,
}

for (const [url, signature] of [
  ['http://mp.weixin.qq.com', 'f4d90daf4b3bca3078ab155816175ba34c443a7b'],
  ['http://mp.weixin.qq.com?params=value', '0f9de62fce790f9a083d5c99e95740ceb90c27ed'],
] as const) {
  test(`a page at ${url} is signed as published`, () => {
    assert.equal(jsSdkSignature({ ...page, url }), signature)
    assert.equal(getJsApiSignature({ ...page, url }).signature, signature)
  })
}

test('what follows # is not signed, everything before it is', () => {
  const url = 'http://mp.weixin.qq.com?params=value'
  const whole = jsSdkSignature({ ...page, url })
  assert.equal(jsSdkSignature({ ...page, url: `${url}#top` }), whole)
  assert.notEqual(jsSdkSignature({ ...page, url: `${url}s` }), whole)
})

test('the check of a callback address is signed as published, in whatever order its parts come', () => {
  const signature = '899cf89e464efb63f54ddac96b0a0a235f53aa78'
  assert.equal(callbackSignature(['AAAAA', '1714037059', '486452656']), signature)
  assert.equal(callbackSignature(['486452656', 'AAAAA', '1714037059']), signature)
})

test('an encrypted message is signed as by another implementation', () => {
  const parts = ['QDG6eK', '1409659813', '1372623149', 'zZ+aB/9=='] as const
  assert.equal(callbackSignature(parts), getSignature(...parts))
})

test('a card is signed over its values in the order of their characters, without those that it lacks', () => {
  const values = ['ticket', '1404896688', 'pjZ8Yt1XGILfi-FUsewpnnolGgZk', 'nonce']
  const signature = cardSignature(values)
  assert.equal(cardSignature(values.toReversed()), signature)
  assert.equal(cardSignature([...values, undefined, '']), signature)
  assert.notEqual(cardSignature([...values, '110201201245']), signature)
})
