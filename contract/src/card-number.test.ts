/** Card numbers and pay codes: the check digit of the standard, and the lane that they name. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cardNumber, isOwnCardNumber, laneOf, luhnDigit } from './card-number.ts'
import { withKindAndLane } from './ids.ts'

describe('the check digit', () => {
  // Published examples of the Luhn algorithm.
  for (const [digits, check] of [
    ['7992739871', '3'],
    ['411111111111111', '1'],
    ['37828224631000', '5'],
    ['0', '0'],
  ] as const)
    test(`of ${digits}`, () => assert.equal(luhnDigit(digits), check))

  test('notices each wrong digit and each pair that changed places but 09', () => {
    const number = cardNumber('1234', 601, '0987654321')
    assert.ok(isOwnCardNumber(number))
    for (let at = 1; at < number.length; at += 1) {
      const wrong = String((Number(number[at]) + 3) % 10)
      assert.ok(!isOwnCardNumber(number.slice(0, at) + wrong + number.slice(at + 1)))
      const [left = '', right = ''] = number.slice(at, at + 2)
      if (right === '' || left === right || ['09', '90'].includes(left + right)) continue
      assert.ok(!isOwnCardNumber(number.slice(0, at) + right + left + number.slice(at + 2)))
    }
  })
})

describe('the lane', () => {
  const id = '01939f5e-7a00-7000-8000-123456789abc'
  const rows: [string, string, number | undefined][] = [
    ['our own number', cardNumber('1234', 601, '0987654321'), 601],
    ['a number with a wrong digit', '9123460109876543210', undefined],
    ['a number of somebody else', '6222020200112233445', undefined],
    ['a pay code', `9007${'1'.repeat(20)}`, 7],
    ['an id', withKindAndLane(id, 1, 999), 999],
    ['reference data', withKindAndLane(id, 0, 0), undefined],
  ]
  for (const [what, text, lane] of rows) test(`of ${what}`, () => assert.equal(laneOf(text), lane))
})
