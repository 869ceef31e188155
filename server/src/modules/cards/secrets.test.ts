import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { isOwnCardNumber, laneOf } from '@lika/contract'
import fc from 'fast-check'
import { keyringOf } from '../../platform/crypto/keyring.ts'
import { crockford, randomBytes } from '../../platform/crypto/random.ts'
import { newId } from '../../platform/ids.ts'
import { mintWorker } from './mint-worker.ts'
import {
  isRightSecret,
  type MintedCard,
  mintCards,
  mintSecret,
  normalizeNumber,
  parseSecret,
} from './secrets.ts'

const keys = keyringOf(randomBytes(32))

describe('a presented secret', () => {
  const cases: [string, string | undefined][] = [
    ['0123456789ABCDEF', '0123456789ABCDEF'],
    ['0123-4567-89ab-cdef', '0123456789ABCDEF'],
    ['  0123 4567 89AB CDEF ', '0123456789ABCDEF'],
    ['OoIiLl0123456789', '0011110123456789'],
    ['０１２３４５６７８９ＡＢＣＤＥＦ', '0123456789ABCDEF'],
    ['0123456789ABCDE', undefined],
    ['0123456789ABCDEF0', undefined],
    ['0123456789ABCDEU', undefined],
    ['', undefined],
  ]
  for (const [typed, read] of cases) {
    test(`${JSON.stringify(typed)} is read as ${read ?? 'no secret of ours'}`, () => {
      assert.equal(parseSecret(typed), read)
    })
  }

  test('whatever gaps and cases it is typed with, a minted secret is read back', () => {
    const secret = fc.string({
      unit: fc.constantFrom(...Array.from(crockford)),
      minLength: 16,
      maxLength: 16,
    })
    const gap = fc.constantFrom('', ' ', '-', ' - ')
    fc.assert(
      fc.property(secret, gap, fc.boolean(), (plain, between, lower) => {
        const typed = Array.from(plain).join(between)
        return parseSecret(lower ? typed.toLowerCase() : typed) === plain
      }),
    )
  })
})

describe('a secret is right', () => {
  const id = newId(3)
  const minted = mintSecret(id, '9000100312345678903', keys)
  const card = { id, secretDigest: minted.secretDigest }

  test('in every way of typing it', () => {
    for (const typed of [minted.secret, minted.secret.toLowerCase(), ` ${minted.secret} `]) {
      assert.ok(isRightSecret(card, typed, keys))
    }
  })

  test('for no other card, and no other secret', () => {
    assert.ok(!isRightSecret({ ...card, id: newId(3) }, minted.secret, keys))
    assert.ok(!isRightSecret(card, `${minted.secret}0`, keys))
    assert.ok(!isRightSecret(card, '', keys))
  })

  test('to the letter, when it comes from another system', () => {
    const legacy = { id, secretDigest: keys.secretDigest(id, 'pass-Word-1') }
    assert.ok(isRightSecret(legacy, 'pass-Word-1', keys))
    assert.ok(!isRightSecret(legacy, 'PASSWORD1', keys))
  })

  test('never, where the card has none', () => {
    assert.ok(!isRightSecret({ id, secretDigest: null }, minted.secret, keys))
  })
})

test('a number is looked up without its gaps, in upper case', () => {
  assert.equal(normalizeNumber(' 9000-1003 1234 5678 903 '), '9000100312345678903')
  assert.equal(normalizeNumber('ａｂ１２'), 'AB12')
})

function assertMinted(cards: readonly MintedCard[], count: number): void {
  assert.equal(cards.length, count)
  assert.equal(new Set(cards.map(({ number }) => number)).size, count)
  assert.equal(new Set(cards.map(({ id }) => id)).size, count)
  for (const { id, number, secretDigest, sealed } of cards) {
    assert.ok(isOwnCardNumber(number) && number.startsWith('98642'))
    assert.equal(laneOf(number), 7)
    assert.equal(laneOf(id), 7)
    const face = keys.openCard(id, sealed)
    assert.equal(face.number, number)
    assert.ok(isRightSecret({ id, secretDigest }, face.secret, keys))
  }
}

describe('minting', () => {
  const worker = mintWorker(keys.cardKeyMaterial())
  after(() => worker.close())
  const request = { lane: 7, prefix: '8642', count: 2000 }

  test('makes cards of the lane and prefix whose seals hold their secrets', () => {
    assertMinted(mintCards(request, keys), 2000)
  })

  test('on its own thread makes the same, several requests at once in their order', async () => {
    const counts = [2000, 1, 0, 500]
    const batches = await Promise.all(counts.map((count) => worker.mint({ ...request, count })))
    for (const [index, cards] of batches.entries()) assertMinted(cards, counts[index] ?? -1)
  })

  test('the thread sees nothing of the environment and can be started again', async () => {
    await worker.close()
    assertMinted(await worker.mint(request), 2000)
  })

  test('what is under way when the thread ends is rejected', async () => {
    const minted = worker.mint({ ...request, count: 100_000 })
    const rejected = assert.rejects(minted, /thread has ended/)
    await worker.close()
    await rejected
  })
})
