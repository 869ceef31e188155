import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newId } from '../ids.ts'
import { cardKeysOf } from './card-keys.ts'
import { sameBytes } from './compare.ts'
import { keyringOf } from './keyring.ts'
import { randomBytes } from './random.ts'

const master = randomBytes(32)
const keyring = keyringOf(master)
const other = keyringOf(randomBytes(32))
const card = newId(1)

describe('digests', () => {
  test('the same secret has another digest on another card and under another key', () => {
    const digest = keyring.secretDigest(card, 'SECRET')
    assert.equal(digest.length, 32)
    assert.ok(sameBytes(digest, keyringOf(master).secretDigest(card, 'SECRET')))
    assert.ok(!sameBytes(digest, keyring.secretDigest(newId(1), 'SECRET')))
    assert.ok(!sameBytes(digest, other.secretDigest(card, 'SECRET')))
  })

  test('a name is told apart by book, kind and key', () => {
    const book = newId(0, 1)
    const digest = keyring.nameDigest(book, 1, 'A-1')
    assert.equal(digest.length, 16)
    assert.deepEqual(digest, keyringOf(master).nameDigest(book, 1, 'A-1'))
    assert.notDeepEqual(digest, keyring.nameDigest(newId(0, 2), 1, 'A-1'))
    assert.notDeepEqual(digest, keyring.nameDigest(book, 2, 'A-1'))
    assert.notDeepEqual(digest, other.nameDigest(book, 1, 'A-1'))
  })

  test('a digest for one purpose is none for another', () => {
    assert.notDeepEqual(keyring.guessDigest('a:1:b'), keyring.nameDigest('a', 1, 'b'))
  })

  test('the MAC of a pay code has six digits that depend on lane, handle, step and key', () => {
    const macs = [
      keyring.payCodeMac(1, 12_345_678, 17_640_000_000),
      keyring.payCodeMac(2, 12_345_678, 17_640_000_000),
      keyring.payCodeMac(1, 12_345_679, 17_640_000_000),
      keyring.payCodeMac(1, 12_345_678, 17_640_000_001),
      other.payCodeMac(1, 12_345_678, 17_640_000_000),
    ]
    for (const mac of macs) assert.match(mac, /^\d{6}$/)
    assert.ok(new Set(macs).size >= 4)
  })
})

describe('sealing', () => {
  test('what was sealed opens under the same purpose and context only', () => {
    const plain = Buffer.from('the secret')
    const sealed = keyring.seal('webhook-secret', 'endpoint 1', plain)
    assert.ok(!sealed.includes(plain))
    assert.deepEqual(keyring.open('webhook-secret', 'endpoint 1', sealed), plain)
    assert.throws(() => keyring.open('webhook-secret', 'endpoint 2', sealed))
    assert.throws(() => keyring.open('job-input', 'endpoint 1', sealed))
    assert.throws(() => other.open('webhook-secret', 'endpoint 1', sealed))
  })

  test('a change of any byte is noticed', () => {
    const sealed = keyring.seal('job-input', 'x', Buffer.from('abc'))
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.throws(() => keyring.open('job-input', 'x', changed), `byte ${at}`)
    }
    assert.throws(() => keyring.open('job-input', 'x', sealed.subarray(0, 20)))
  })

  test('the same value is never sealed to the same bytes', () => {
    const once = keyring.seal('job-input', 'x', Buffer.from('abc'))
    assert.notDeepEqual(keyring.seal('job-input', 'x', Buffer.from('abc')), once)
  })

  test('a card opens for itself, also with what a worker made', () => {
    const face = { number: '9000100112345678903', secret: '0123456789ABCDEF' }
    const sealed = cardKeysOf(keyring.cardKeyMaterial()).sealCard(card, face)
    assert.deepEqual(keyring.openCard(card, sealed), face)
    assert.throws(() => keyring.openCard(newId(1), sealed))
    assert.throws(() => other.openCard(card, sealed))
  })

  test('each person has a key of their own, bound to their id', () => {
    const [one, two] = [newId(), newId()]
    const data = Buffer.from('{"name":"王芳"}')
    const first = keyring.sealPerson(one, data)
    const second = keyring.sealPerson(two, data)
    assert.deepEqual(keyring.openPerson(one, first), data)
    assert.throws(() => keyring.openPerson(two, first))
    assert.throws(() => keyring.openPerson(one, { ...first, sealedKey: second.sealedKey }))
  })
})
