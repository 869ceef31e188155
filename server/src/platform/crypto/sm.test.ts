/** SM2, SM3 and SM4-GCM by OpenSSL and by the library: the same, and no other. */
import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { sm2, sm4 } from 'sm-crypto-v2'
import { openSm, sm3Key } from './sm.ts'
import { sm2Vector } from './sm-vectors.ts'

/** Through PEM, as every key that is given to us comes. */
function keyPair() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'SM2' })
  const own = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return { own, theirs: createPublicKey(own) }
}

const message = Buffer.from('GET\n/v3/certificates\n1\nx\n\n')

test('the published vectors are passed natively on the pinned Node', () => {
  assert.equal(openSm().signer, 'native')
})

test('a signature of either signer is verified by the other one, and not for another message', () => {
  const native = openSm()
  const library = openSm({ sign: () => Buffer.alloc(70), verify: () => true })
  assert.equal(library.signer, 'library')
  const { own, theirs } = keyPair()
  for (const [one, other] of [
    [native, library],
    [library, native],
  ] as const) {
    const signature = one.sign(own, message)
    assert.equal(other.verify(theirs, message, signature), true)
    assert.equal(other.verify(theirs, Buffer.from('another'), signature), false)
    assert.equal(other.verify(keyPair().theirs, message, signature), false)
  }
})

test('a signer that verifies with an empty user id is not believed', () => {
  const point = sm2Vector.publicKey
    .export({ type: 'spki', format: 'der' })
    .subarray(-65)
    .toString('hex')
  const withoutId = {
    sign: () => Buffer.alloc(70),
    verify: (_key: unknown, text: Uint8Array, signature: Uint8Array) =>
      sm2.doVerifySignature(text, Buffer.from(signature).toString('hex'), point, {
        hash: true,
        der: true,
        userId: '',
      }),
  }
  assert.equal(openSm(withoutId).signer, 'library')
})

test('a field that was encrypted comes out with the private key only', () => {
  const sm = openSm()
  const { own, theirs } = keyPair()
  const sealed = sm.encrypt(theirs, Buffer.from('张三'))
  assert.equal(sealed[0], 0x30, 'ASN.1')
  assert.equal(sm.decrypt(own, sealed).toString(), '张三')
  assert.throws(() => sm.decrypt(keyPair().own, sealed))
})

test('what was sealed by SM4-GCM opens with its own key, nonce and data only', () => {
  const sm = openSm()
  const key = sm3Key('0123456789abcdef0123456789abcdef')
  const [nonce, aad] = [Buffer.from('0123456789ab'), Buffer.from('certificate')]
  const made = sm4.encrypt(Buffer.from('{"mchid":"1"}'), key, {
    mode: 'gcm',
    padding: 'none',
    output: 'array',
    outputTag: true,
    iv: nonce,
    associatedData: aad,
  })
  const sealed = Buffer.concat([made.output, made.tag ?? Buffer.alloc(0)])
  assert.equal(sm.openGcm(key, nonce, aad, sealed).toString(), '{"mchid":"1"}')
  assert.throws(() => sm.openGcm(key, nonce, Buffer.from('else'), sealed))
  assert.throws(() => sm.openGcm(sm3Key('other'), nonce, aad, sealed))
  const changed = Buffer.from(sealed)
  changed[0] = (changed[0] ?? 0) ^ 1
  assert.throws(() => sm.openGcm(key, nonce, aad, changed))
})
