import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOfDay } from '@lika/contract'
import { renewedExpiry } from './renew-validity.ts'

test('counts from the last valid day, to the end of a day in Shanghai', () => {
  const over = endOfDay('2027-03-31')
  assert.equal(renewedExpiry(over, 36, over), endOfDay('2030-03-31'))
  assert.equal(renewedExpiry(over, 1, over), endOfDay('2027-04-30'))
})

test('of a card that waited for long ends in the future, and in its old rhythm', () => {
  const over = endOfDay('2027-01-31')
  assert.equal(renewedExpiry(over, 1, endOfDay('2027-04-10')), endOfDay('2027-04-30'))
  assert.equal(renewedExpiry(over, 12, endOfDay('2029-01-31')), endOfDay('2030-01-31'))
})
