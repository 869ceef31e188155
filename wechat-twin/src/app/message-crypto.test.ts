/** Callbacks sealed by us are opened by the official package and the other way round; what is damaged stays shut. */
import assert from 'node:assert/strict'
import { createCipheriv, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import * as wecom from '@wecom/crypto'
import { isEncodingAesKey, open, seal } from './message-crypto.ts'
import { signatureOf } from './signatures.ts'

const key = randomBytes(33).toString('base64').slice(0, 43)
const appid = 'wx0123456789abcdef'
const messages = ['', 'x', '<xml><Event><![CDATA[user_get_card]]></Event></xml>', '礼'.repeat(3000)]
for (let length = 0; length < 70; length++) messages.push('a'.repeat(length))

test('the official package opens what is sealed here', () => {
  for (const message of messages) {
    const opened = wecom.decrypt(key, seal(key, appid, message, randomBytes(16)))
    assert.equal(opened.message, message)
    assert.equal(opened.id, appid)
  }
})

test('what the official package seals is opened here', () => {
  for (const message of messages)
    assert.deepEqual(open(key, wecom.encrypt(key, message, appid)), { message, appid })
})

test('with the same random bytes both seal the same', () => {
  const random = randomBytes(16)
  for (const message of messages)
    assert.equal(seal(key, appid, message, random), wecom.encrypt(key, message, appid, random))
})

test('the official package signs a sealed callback the same way', () => {
  assert.equal(
    signatureOf(['token', '1714037059', 'nonce', 'sealed==']),
    wecom.getSignature('token', '1714037059', 'nonce', 'sealed=='),
  )
})

test('a damaged, cut or foreign callback stays shut', () => {
  const sealed = Buffer.from(seal(key, appid, 'a message', Buffer.alloc(16, 7)), 'base64')
  const last = Buffer.from(sealed)
  last.writeUInt8(last.readUInt8(last.length - 1) ^ 1, last.length - 1)
  assert.equal(open(key, last.toString('base64')), undefined)
  assert.equal(open(key, sealed.subarray(0, 30).toString('base64')), undefined)
  assert.equal(open(key, ''), undefined)
})

test('a message whose length lies beyond its end stays shut', () => {
  const plain = Buffer.concat([Buffer.alloc(16), Buffer.from([0, 0, 1, 0]), Buffer.from('short')])
  assert.equal(open(key, sealRaw(plain)), undefined)
  plain.writeUInt32BE(2, 16)
  assert.deepEqual(open(key, sealRaw(plain)), { message: 'sh', appid: 'ort' })
})

test('what is too short for random bytes and length stays shut', () => {
  assert.equal(open(key, sealRaw(Buffer.alloc(12))), undefined)
})

test('an encoding key has 43 letters and digits', () => {
  assert.equal(isEncodingAesKey(key), true)
  assert.equal(isEncodingAesKey(`${key}=`), false)
  assert.equal(isEncodingAesKey(key.slice(1)), false)
})

/** Pads and encrypts what need not be a whole message. */
function sealRaw(plain: Buffer): string {
  const secret = Buffer.from(`${key}=`, 'base64')
  const padding = 32 - (plain.length % 32)
  const cipher = createCipheriv('aes-256-cbc', secret, secret.subarray(0, 16)).setAutoPadding(false)
  const padded = Buffer.concat([plain, Buffer.alloc(padding, padding)])
  return Buffer.concat([cipher.update(padded), cipher.final()]).toString('base64')
}
