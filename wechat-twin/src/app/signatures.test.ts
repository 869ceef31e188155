/** The vectors of the fact sheet for pages and callbacks, and what a card's signature covers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as wecom from '@wecom/crypto'
import { cardSignature, isSameSignature, pageSignature, signatureOf } from './signatures.ts'

const page = {
  ticket: 'sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg',
  nonceStr: 'Wm3WZYTPz0wzccnW',
  timestamp: 1414587457,
  url: 'http://mp.weixin.qq.com',
}

test('a page without query has the signature of the sheet', () => {
  assert.equal(pageSignature(page), 'f4d90daf4b3bca3078ab155816175ba34c443a7b')
})

test('a page with query has the signature of the sheet, whatever follows the hash', () => {
  const url = 'http://mp.weixin.qq.com?params=value'
  const expected = '0f9de62fce790f9a083d5c99e95740ceb90c27ed'
  assert.equal(pageSignature({ ...page, url }), expected)
  assert.equal(pageSignature({ ...page, url: `${url}#/pay/now` }), expected)
})

test('the official package for pages gives the same signature', () => {
  const theirs = wecom.getJsApiSignature({
    url: 'https://shop.example.cn/卡?a=1',
    ticket: page.ticket,
    nonceStr: 'n1',
    timestamp: 7,
  })
  const ours = pageSignature({
    ...page,
    url: 'https://shop.example.cn/卡?a=1',
    nonceStr: 'n1',
    timestamp: 7,
  })
  assert.equal(ours, theirs.signature)
})

test('a callback has the signature of the sheet, in whatever order its values come', () => {
  const expected = '899cf89e464efb63f54ddac96b0a0a235f53aa78'
  assert.equal(signatureOf(['AAAAA', '1714037059', '486452656']), expected)
  assert.equal(signatureOf(['486452656', 'AAAAA', '1714037059']), expected)
})

const card = { ticket: 'ticket', timestamp: '1414587457', cardId: 'pcard', nonceStr: 'nonce' }

test('a card is signed by its values in the order of strings', () => {
  assert.equal(cardSignature(card), signatureOf(['1414587457', 'nonce', 'pcard', 'ticket']))
})

test('code and openid are part of a card when they are used, and only then', () => {
  const plain = cardSignature(card)
  assert.notEqual(cardSignature({ ...card, code: '11' }), plain)
  assert.notEqual(cardSignature({ ...card, openid: 'o1' }), plain)
  assert.equal(cardSignature({ ...card, code: '', openid: '' }), plain)
})

test('signatures are the same only in every letter', () => {
  assert.equal(isSameSignature('ab12', 'ab12'), true)
  assert.equal(isSameSignature('ab12', 'ab13'), false)
  assert.equal(isSameSignature('ab12', 'ab1'), false)
})
