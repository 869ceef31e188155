/** Instants, business days and months: what is one, what is not, and where they end. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  addMonths,
  businessDateOf,
  endOfDay,
  formatInstant,
  parseBusinessDate,
  parseInstant,
  startOfDay,
} from './time.ts'

describe('an instant', () => {
  const noon = Date.UTC(2026, 10, 24, 12)
  const taken: [string, number][] = [
    ['2026-11-24T12:00:00Z', noon],
    ['2026-11-24t12:00:00z', noon],
    ['2026-11-24T20:00:00+08:00', noon],
    ['2026-11-24T00:00:00-12:00', noon],
    ['2026-11-24T12:00:00.25Z', noon + 250],
    ['2026-11-24T23:59:59Z', Date.UTC(2026, 10, 24, 23, 59, 59)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ]
  for (const [text, at] of taken) test(text, () => assert.equal(parseInstant(text), at))

  const refused = [
    '2026-11-24T24:00:00Z',
    '2026-11-24T23:59:60Z',
    '2026-11-24T12:60:00Z',
    '2026-11-24T12:00:00+24:00',
    '2026-11-24T12:00:00',
    '2026-11-24 12:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-11-24T12:00:00.Z',
    '2026-11-24',
    '',
  ]
  for (const text of refused) test(`not ${text}`, () => assert.equal(parseInstant(text), undefined))

  test('is written with milliseconds only where there are any', () => {
    assert.equal(formatInstant(noon), '2026-11-24T12:00:00Z')
    assert.equal(formatInstant(noon + 7), '2026-11-24T12:00:00.007Z')
  })
})

describe('a business day', () => {
  test('begins and ends at midnight in Shanghai', () => {
    assert.equal(startOfDay('2026-11-24'), Date.UTC(2026, 10, 23, 16))
    assert.equal(endOfDay('2026-11-24'), Date.UTC(2026, 10, 24, 16))
    assert.equal(businessDateOf(Date.UTC(2026, 10, 24, 16) - 1), '2026-11-24')
    assert.equal(businessDateOf(Date.UTC(2026, 10, 24, 16)), '2026-11-25')
  })

  for (const text of ['2026-02-30', '2026-13-01', '26-01-01', '2026-1-1', '2026-01-01T'])
    test(`is not ${text}`, () => assert.equal(parseBusinessDate(text), undefined))
})

describe('months later', () => {
  const rows: [string, number, string][] = [
    ['2026-01-31', 1, '2026-02-28'],
    ['2024-01-31', 1, '2024-02-29'],
    ['2026-11-30', 3, '2027-02-28'],
    ['2026-12-31', 36, '2029-12-31'],
    ['2026-03-31', -1, '2026-02-28'],
  ]
  for (const [from, months, to] of rows)
    test(`${from} and ${months}`, () => assert.equal(addMonths(from, months), to))
})
