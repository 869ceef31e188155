/** Payments, holds and refunds at tills, over HTTP. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startTills, type Tills } from './harness/tills.ts'

let tills: Tills
before(async () => {
  tills = await startTills()
})
after(() => tills.stop())

describe('a payment', () => {
  test('takes money from a card', async () => {
    const card = await tills.card(10_000)
    const paid = await tills.pay(card, 2_500)
    assert.equal(paid.status, 201, JSON.stringify(paid.body))
    console.log(paid.body)
  })
})
