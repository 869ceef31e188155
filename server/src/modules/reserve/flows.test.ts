/** Outflows of the reserve beside what is owed less. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AccountKindName } from '../ledger/index.ts'
import { carryOver, reserveFlow, unexplained } from './flows.ts'

const pair = (debit: AccountKindName, credit: AccountKindName, amount: bigint) => ({
  debit,
  credit,
  amount,
})

describe('what is owed less', () => {
  test('money that leaves for the bank, not what goes from holder to merchant', () => {
    const flow = reserveFlow([
      pair('card_principal', 'merchant_unsettled', 900n),
      pair('redemption_payable', 'custody', 70n),
      pair('card_principal', 'redemption_income', 5n),
    ])
    assert.deepEqual(flow, { outflow: 70n, decrease: 75n })
  })

  test('new sales take nothing back from it', () => {
    const flow = reserveFlow([
      pair('card_principal', 'redemption_income', 50n),
      pair('bank', 'card_principal', 10_000n),
    ])
    assert.equal(flow.decrease, 50n)
  })

  test('what is sent to merchants, until it comes back; its confirmation makes nothing less again', () => {
    const sent = pair('merchant_payable', 'merchant_in_flight', 100n)
    const returned = pair('merchant_in_flight', 'merchant_payable', 30n)
    const confirmed = pair('merchant_in_flight', 'bank', 70n)
    assert.equal(reserveFlow([sent]).decrease, 100n)
    assert.equal(reserveFlow([sent, returned, confirmed]).decrease, 70n)
    const late = pair('bank', 'merchant_payable', 70n)
    assert.equal(reserveFlow([sent, returned, confirmed, late]).decrease, 0n)
  })

  test('an adjustment and its opposite are none', () => {
    const loop = [
      pair('card_principal', 'adjustment', 1_000n),
      pair('adjustment', 'card_principal', 1_000n),
    ]
    assert.equal(reserveFlow(loop).decrease, 0n)
  })

  test('value that crosses between lanes counts where it comes out', () => {
    const crossed = [
      pair('card_principal', 'transit', 100n),
      pair('transit', 'merchant_unsettled', 100n),
    ]
    assert.equal(reserveFlow(crossed).decrease, 0n)
    const out = [pair('merchant_unsettled', 'transit', 100n), pair('transit', 'bank', 100n)]
    assert.equal(reserveFlow(out).decrease, 100n)
  })

  test('bonus that is spent and refunded in a circle makes nothing less', () => {
    const circle = [
      pair('card_bonus', 'merchant_unsettled', 500n),
      pair('merchant_unsettled', 'card_bonus', 500n),
    ]
    assert.equal(reserveFlow(circle).decrease, 0n)
    const presale = [
      pair('rebate_budget', 'deferred_revenue', 10n),
      pair('deferred_revenue', 'rebate_expense', 10n),
    ]
    assert.equal(reserveFlow(presale).decrease, 0n)
  })
})

describe('what is not explained', () => {
  const flow = (outflow: bigint, decrease: bigint) => ({ outflow, decrease })

  test('to the fen', () => {
    assert.equal(unexplained(0n, flow(100n, 100n)), 0n)
    assert.equal(unexplained(0n, flow(100n, 99n)), 1n)
    assert.equal(unexplained(1n, flow(100n, 99n)), 0n)
    assert.equal(unexplained(0n, flow(100n, -50n)), 100n)
  })

  test('what a day leaves over explains a later outflow, but never more than the reserve has too much', () => {
    assert.equal(carryOver(0n, flow(0n, 80n), 500n), 80n)
    assert.equal(carryOver(0n, flow(0n, 80n), 30n), 30n)
    assert.equal(carryOver(0n, flow(0n, 80n), -1n), 0n)
    assert.equal(carryOver(20n, flow(100n, 50n), 500n), 0n)
  })

  test('what a case of the bank’s line reported is no second outflow', () => {
    assert.equal(reserveFlow([pair('suspense', 'custody', 9n)]).outflow, 0n)
    assert.equal(reserveFlow([pair('adjustment', 'custody', 9n)]).outflow, 0n)
    assert.equal(reserveFlow([pair('bank', 'custody', 9n)]).outflow, 9n)
  })
})
