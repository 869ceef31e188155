/** The bank's word about a payout, in every state in which it can come. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PayoutState } from '@lika/contract'
import type { BankAnswer, BankState } from './channel.ts'
import { type Judgement, judge } from './model.ts'

const answer: BankAnswer = {
  batch: 'b',
  reference: 'r',
  state: 'success',
  amount: 100n,
  serial: 'B1',
  reason: undefined,
  question: undefined,
}

function judged(
  status: PayoutState,
  more: Partial<BankAnswer>,
  bankSerial: string | null = null,
): Judgement {
  return judge({ status, amount: 100n, bankSerial }, { ...answer, ...more })
}

const applied = (end: 'confirmed' | 'failed' | 'returned') => ({ verdict: 'applied', end })
const only = (verdict: string) => ({ verdict })
const wrong = only('contradiction')

/** What follows, by the state of the payout: rows are what the bank says. */
const table: Record<BankState, Record<PayoutState, object>> = {
  success: {
    created: wrong,
    sent: applied('confirmed'),
    confirmed: only('repeated'),
    failed: wrong,
    returned: only('repeated'),
    cancelled: wrong,
  },
  failed: {
    created: wrong,
    sent: applied('failed'),
    confirmed: wrong,
    failed: only('repeated'),
    returned: wrong,
    cancelled: wrong,
  },
  returned: {
    created: wrong,
    sent: applied('returned'),
    confirmed: applied('returned'),
    failed: wrong,
    returned: only('repeated'),
    cancelled: wrong,
  },
  processing: {
    created: only('noted'),
    sent: only('noted'),
    confirmed: only('noted'),
    failed: only('noted'),
    returned: only('noted'),
    cancelled: only('noted'),
  },
  not_found: {
    created: wrong,
    sent: only('missing'),
    confirmed: wrong,
    failed: wrong,
    returned: wrong,
    cancelled: wrong,
  },
}

describe('the bank’s word', () => {
  for (const state of Object.keys(table) as BankState[])
    for (const status of Object.keys(table[state]) as PayoutState[])
      test(`"${state}" about a payout that is ${status}`, () =>
        assert.deepEqual(judged(status, { state }, 'B1'), table[state][status]))

  test('about something that is not ours is unknown', () =>
    assert.deepEqual(judge(undefined, answer), only('unknown')))

  for (const state of ['success', 'failed', 'returned'] as const)
    test(`with another amount is not acted upon: "${state}"`, () =>
      assert.deepEqual(judged('sent', { state, amount: 99n }), only('amount')))

  test('without an amount is believed', () =>
    assert.deepEqual(judged('sent', { amount: undefined }), applied('confirmed')))

  test('under a second number of the bank’s means that it paid twice', () => {
    assert.deepEqual(judged('confirmed', { serial: 'B2' }, 'B1'), only('paid_twice'))
    assert.deepEqual(judged('confirmed', { serial: undefined }, 'B1'), only('repeated'))
  })
})
