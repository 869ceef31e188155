import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crockford, randomDigits, randomFraction, randomSecret } from './random.ts'
import { apiToken, digestToken, newWebhookSecret } from './tokens.ts'

/** χ² of the observed characters against a uniform distribution over `alphabet`. */
function chiSquare(text: string, alphabet: string): number {
  const counts = new Map<string, number>(
    Array.from(alphabet, (character) => [character, 0] as const),
  )
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  assert.equal(counts.size, alphabet.length, 'a character outside the alphabet')
  const expected = text.length / alphabet.length
  return [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

test('digits are uniform and independent of their neighbours', () => {
  const digits = randomDigits(200_000)
  assert.equal(digits.length, 200_000)
  // Beyond these a fair source comes once in a million runs.
  assert.ok(chiSquare(digits, '0123456789') < 46)
  const pairs = digits.match(/../g) ?? []
  const alphabet = Array.from({ length: 100 }, (_, index) => String.fromCodePoint(0x4e00 + index))
  const asOne = pairs.map((pair) => alphabet[Number(pair)]).join('')
  assert.ok(chiSquare(asOne, alphabet.join('')) < 177)
})

test('a secret has 16 Crockford characters, uniform in each place, and never comes twice', () => {
  const secrets = Array.from({ length: 20_000 }, randomSecret)
  assert.equal(new Set(secrets).size, secrets.length)
  for (let place = 0; place < 16; place += 1) {
    assert.ok(chiSquare(secrets.map((secret) => secret.charAt(place)).join(''), crockford) < 92)
  }
  for (const secret of secrets) assert.equal(secret.length, 16)
})

test('a fraction lies in [0, 1)', () => {
  for (let round = 0; round < 1000; round += 1) {
    const fraction = randomFraction()
    assert.ok(fraction >= 0 && fraction < 1)
  }
})

test('a token says its mode, shows its end, and is stored as a digest', () => {
  for (const kind of ['test', 'live', 'operator'] as const) {
    const { token, digest, last4 } = apiToken(kind)
    assert.match(token, new RegExp(`^lika_${kind}_[\\w-]{32}$`))
    assert.ok(token.endsWith(last4) && last4.length === 4)
    assert.deepEqual(digest, digestToken(token))
    assert.notEqual(apiToken(kind).token, token)
  }
})

test('a webhook secret has the form of Standard Webhooks', () => {
  assert.match(newWebhookSecret(), /^whsec_[A-Za-z0-9+/]{43}=$/)
})
