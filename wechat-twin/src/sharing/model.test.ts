/** The rules of sharing as tables: each documented refusal and fail reason once, and what is left after what was done. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WechatRefusal } from '../kernel/refusal.ts'
import {
  afterShare,
  checkShare,
  checkUnfreeze,
  emptyPot,
  failReasonOf,
  type Pot,
  type ReceiverFacts,
  returnableAmount,
  type SharedPayment,
  unsplitAmount,
} from './model.ts'

const day = 86_400_000
const minute = 60_000
const payment: SharedPayment = {
  transaction_id: '4200002',
  mchid: '1900000109',
  total: 10_000,
  fee: 60,
  refunded: 0,
  paid_at: 0,
  profit_sharing: true,
}
const rules = { maxBp: 3_000, firstSeconds: 60, days: 30, requestsPerOrder: 50 }
const pot = (given: Partial<Pot> = {}): Pot => ({ ...emptyPot(payment), ...given })

function codeOf(work: () => void): string {
  try {
    work()
    return 'accepted'
  } catch (error) {
    if (!(error instanceof WechatRefusal)) throw error
    return `${error.status} ${error.code} ${error.message}`
  }
}

for (const [what, given, expected] of [
  ['3,000 of 10,000 a minute after', {}, 'accepted'],
  ['one fen above the ratio', { amount: 3_001 }, '400 INVALID_REQUEST 分账金额超出最大分账比例'],
  [
    'one fen above the ratio together with earlier ones',
    { pot: pot({ taken: 2_000, counted: 2_000 }), amount: 1_001 },
    '400 INVALID_REQUEST 分账金额超出最大分账比例',
  ],
  ['all but the fee, to the payer itself', { amount: 9_940, counted: 0 }, 'accepted'],
  ['a fen of the fee as well', { amount: 9_941, counted: 0 }, '403 NOT_ENOUGH 分账金额不足'],
  [
    'more than a refund has left',
    { payment: { ...payment, refunded: 8_000 }, amount: 2_000, counted: 2_000 },
    '403 NOT_ENOUGH 分账金额不足',
  ],
  [
    'a payment not for sharing',
    { payment: { ...payment, profit_sharing: false } },
    '400 INVALID_REQUEST 非分账订单不支持分账',
  ],
  [
    '59.999 seconds after',
    { now: minute - 1 },
    '400 INVALID_REQUEST 订单处理中，暂时无法分账，请稍后再试',
  ],
  ['the last instant of thirty days', { now: 30 * day }, 'accepted'],
  ['an instant later', { now: 30 * day + 1 }, '403 NOT_ENOUGH 分账金额不足'],
  ['after unfreezing', { pot: pot({ unfrozen: true }) }, '403 NOT_ENOUGH 分账金额不足'],
  [
    'a payment refunded in full',
    { payment: { ...payment, refunded: 10_000 } },
    '400 INVALID_REQUEST 订单已全额退款，不支持分账',
  ],
  ['the fiftieth request', { pot: pot({ requests: 49 }) }, 'accepted'],
  [
    'the fifty-first',
    { pot: pot({ requests: 50 }) },
    '400 INVALID_REQUEST 同一订单最多可发起50次分账请求',
  ],
] as const) {
  test(`sharing ${what}: ${expected}`, () => {
    const asked = { payment, pot: pot(), now: minute, amount: 3_000, ...given }
    const counted = 'counted' in given ? given.counted : asked.amount
    const work = () =>
      checkShare(asked.payment, asked.pot, { amount: asked.amount, counted }, rules, asked.now)
    assert.equal(codeOf(work), expected)
  })
}

for (const [what, given, expected] of [
  ['what is left', {}, 'accepted'],
  ['nothing', { pot: pot({ taken: 9_940 }) }, '403 NOT_ENOUGH 分账金额不足'],
  ['twice', { pot: pot({ unfrozen: true }) }, '403 NOT_ENOUGH 分账金额不足'],
  ['too early', { now: 0 }, '400 INVALID_REQUEST 订单处理中，暂时无法分账，请稍后再试'],
  [
    'after fifty requests',
    { pot: pot({ requests: 50 }) },
    '400 INVALID_REQUEST 同一订单最多可发起50次分账请求',
  ],
] as const) {
  test(`unfreezing ${what}: ${expected}`, () => {
    const asked = { pot: pot(), now: minute, ...given }
    assert.equal(
      codeOf(() => checkUnfreeze(payment, asked.pot, rules, asked.now)),
      expected,
    )
  })
}

test('what is unsplit falls by fee, refunds less their fee, and shares, and ends with unfreezing', () => {
  const left = (given: Partial<SharedPayment>, so: Pot, now = minute) =>
    unsplitAmount({ ...payment, ...given }, so, now, 30)
  assert.equal(left({}, pot()), 9_940)
  assert.equal(left({ refunded: 5_000 }, pot()), 4_970)
  const shared = afterShare(pot(), { amount: 3_000, counted: 3_000, unfreeze: false })
  assert.equal(left({}, shared), 6_940)
  assert.equal(left({ refunded: 9_000 }, shared), 0)
  assert.equal(left({}, afterShare(shared, { amount: 0, counted: 0, unfreeze: true })), 0)
  assert.equal(left({ profit_sharing: false }, pot()), 0)
  assert.equal(left({}, pot(), 30 * day + 1), 0)
})

const sound: ReceiverFacts = {
  payerAuthorised: true,
  payerAbnormal: false,
  related: true,
  accountAbnormal: false,
  highRisk: false,
  realNameVerified: true,
  descriptionRefused: false,
  receivedThisMonth: 0,
  monthlyLimit: 20_000_000,
}

for (const [given, expected] of [
  [{}, undefined],
  [{ payerAuthorised: false }, 'NO_AUTH'],
  [{ payerAbnormal: true }, 'PAYER_ACCOUNT_ABNORMAL'],
  [{ related: false }, 'NO_RELATION'],
  [{ accountAbnormal: true }, 'ACCOUNT_ABNORMAL'],
  [{ highRisk: true }, 'RECEIVER_HIGH_RISK'],
  [{ realNameVerified: false }, 'RECEIVER_REAL_NAME_NOT_VERIFIED'],
  [{ descriptionRefused: true }, 'INVALID_REQUEST'],
  [{ receivedThisMonth: 19_999_900 }, undefined],
  [{ receivedThisMonth: 19_999_901 }, 'RECEIVER_RECEIPT_LIMIT'],
  [{ receivedThisMonth: undefined }, undefined],
] as const) {
  test(`a receiver of 100 with ${JSON.stringify(given)} ends with ${expected ?? 'success'}`, () => {
    assert.equal(failReasonOf({ ...sound, ...given }, 100), expected)
  })
}

test('a receiver can be asked back what it got and not gave back, and persons nothing', () => {
  const detail = { description: 'd', detail_id: '36', create_time: 0 } as const
  const details = [
    { ...detail, type: 'MERCHANT_ID', account: '1900000111', amount: 500, result: 'SUCCESS' },
    { ...detail, type: 'MERCHANT_ID', account: '1900000112', amount: 300, result: 'CLOSED' },
    { ...detail, type: 'PERSONAL_OPENID', account: 'oABC', amount: 200, result: 'SUCCESS' },
  ] as const
  const returned = [{ return_mchid: '1900000111', amount: 120 }]
  assert.equal(returnableAmount(details, returned, '1900000111'), 380)
  assert.equal(returnableAmount(details, [], '1900000112'), 0)
  assert.equal(returnableAmount(details, [], 'oABC'), 0)
})
