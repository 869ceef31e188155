import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pauseBeforeRepeat, retryAfter } from './client.ts'
import { UsageError } from './failures.ts'
import { parseSource } from './sources.ts'
import { at } from './verbs.ts'

test('pauses between repeats double, unless the server says how long to wait', () => {
  const none = [0, 1, 2, 3].map((attempt) => pauseBeforeRepeat(attempt, undefined))
  assert.deepEqual(none, [0.25, 0.5, 1, 2])
  assert.equal(pauseBeforeRepeat(3, 1), 1)
})

test('Retry-After is understood in seconds', () => {
  assert.deepEqual(['0', '12', 'Fri, 31 Dec 2027 23:59:59 GMT', '', null].map(retryAfter), [
    0,
    12,
    undefined,
    undefined,
    undefined,
  ])
})

test('what cannot be an id never becomes part of a path', () => {
  assert.equal(at`/v1/cards/${'card_1'}/loads`, '/v1/cards/card_1/loads')
  for (const wrong of ['..', 'a/b', '', 'a?b', '卡']) {
    assert.throws(() => at`/v1/cards/${wrong}`, UsageError, wrong)
  }
})

test('a source is an id, or an id with an amount', () => {
  assert.deepEqual(parseSource('card', 'card_1'), {
    kind: 'card',
    value: 'card_1',
    amount: undefined,
  })
  assert.equal(parseSource('number', '9000=12.50').amount, 1250)
  assert.throws(() => parseSource('card', '=5'), UsageError)
})
