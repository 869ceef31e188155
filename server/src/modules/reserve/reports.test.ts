/** What a stretch of days was for prepaid money: every pair of kinds has its place, and the places add up. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountKindName } from '../ledger/index.ts'
import { netOf, prepaidFlow } from './reports.ts'

const pair = (debit: AccountKindName, credit: AccountKindName, amount: bigint) => ({
  debit,
  credit,
  amount,
})

test('each way in and out has its name', () => {
  const flow = prepaidFlow([
    pair('bank', 'card_principal', 1_000n),
    pair('cash', 'card_principal', 500n),
    pair('migration', 'card_principal', 70n),
    pair('card_principal', 'migration', 20n),
    pair('card_principal', 'merchant_unsettled', 300n),
    pair('card_principal', 'transit', 40n),
    pair('transit', 'card_principal', 5n),
    pair('merchant_unsettled', 'card_principal', 10n),
    pair('card_principal', 'redemption_payable', 80n),
    pair('card_principal', 'redemption_income', 2n),
    pair('card_principal', 'adjustment', 3n),
    pair('adjustment', 'card_principal', 1n),
    pair('card_principal', 'card_principal', 999n),
    pair('card_bonus', 'merchant_unsettled', 777n),
  ])
  assert.deepEqual(flow, {
    issued: 1_500n,
    migrated: 50n,
    spent: 340n,
    refunded: 15n,
    redeemed: 82n,
    other: -2n,
  })
  assert.equal(netOf(flow), 1_500n + 50n - 340n + 15n - 82n - 2n)
})

test('a pre-sale is issued when it is paid, and nothing when its card is delivered', () => {
  const sold = [
    pair('wechat', 'deferred_revenue', 90n),
    pair('rebate_budget', 'deferred_revenue', 10n),
  ]
  assert.deepEqual([prepaidFlow(sold).issued, prepaidFlow(sold).other], [90n, 10n])
  const delivered = [
    pair('deferred_revenue', 'card_principal', 90n),
    pair('deferred_revenue', 'card_bonus', 10n),
  ]
  assert.deepEqual([prepaidFlow(delivered).issued, prepaidFlow(delivered).other], [0n, -10n])
  const back = [
    pair('deferred_revenue', 'redemption_payable', 90n),
    pair('deferred_revenue', 'rebate_expense', 10n),
  ]
  assert.deepEqual([prepaidFlow(back).redeemed, prepaidFlow(back).other], [90n, -10n])
})
