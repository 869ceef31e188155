import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asId } from '@lika/contract'
import { newId } from '../../platform/ids.ts'
import { receiptNumberOf } from './receipt.ts'

test('a receipt number is the day and fourteen characters that nobody misreads', () => {
  const id = '019ab7c5-8f00-7123-8abc-0123456789ab'
  assert.equal(receiptNumberOf(asId(id)), receiptNumberOf(asId(id)))
  assert.match(receiptNumberOf(asId(id)), /^251125-[0-9A-HJKMNP-TV-Z]{7}-[0-9A-HJKMNP-TV-Z]{7}$/)
})

test('receipt numbers differ as their payments do, in whatever lane', () => {
  const numbers = Array.from({ length: 100_000 }, (_, index) =>
    receiptNumberOf(asId(newId(1 + (index % 4)))),
  )
  assert.equal(new Set(numbers).size, numbers.length)
})
