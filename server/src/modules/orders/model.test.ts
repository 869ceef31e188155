/** Which transition an order's status allows, and which payment is the one that was asked for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asId, type OrderAction, orderActions, orderStates } from '@lika/contract'
import {
  askedBefore,
  checkRefundFact,
  checkTrade,
  isSameInvitation,
  isSealed,
  judgeRefundTold,
  lastAsked,
  lookAgainMs,
  moved,
  orderMay,
  orderStatusOf,
} from './model.ts'
import { outRefundNo, outTradeNo, readOutRefundNo, readOutTradeNo } from './numbers.ts'
import type { OrderRefundRow } from './refund-store.ts'
import type { OrderRow } from './store.ts'
import type { TradeRow } from './trade-store.ts'

const orderId = asId<'order'>('019abcde-f012-7345-8678-9abcdef00259')

const order: OrderRow = {
  id: orderId,
  bookId: asId('019abcde-f012-7345-8678-9abcdef00400'),
  kind: 'purchase',
  channel: 'h5',
  status: 'created',
  productId: asId('019abcde-f012-7345-8678-9abcdef00000'),
  productVersion: 1,
  cardId: null,
  memberId: null,
  amount: 10_000n,
  bonus: 0n,
  quantity: 1,
  total: 10_000n,
  accountId: null,
  hasBuyer: false,
  review: null,
  askedBy: null,
  askedOwner: null,
  reviewedBy: null,
  reviewedOwner: null,
  coolingOffHours: 3,
  trades: 0,
  paidTrade: null,
  paidAt: null,
  refunds: 0,
  refunded: 0n,
  cardIds: [],
  deliveryId: null,
  sealedUntil: null,
  undeliverable: null,
  expiresAt: 1_000_000,
  reference: null,
  metadata: null,
  createdAt: 0,
}

const trade: TradeRow = {
  orderId,
  n: 1,
  bookId: order.bookId,
  accountId: asId('019abcde-f012-7345-8678-9abcdef00001'),
  mchid: '1900000001',
  scene: 'jsapi',
  appid: 'wx0000000000000001',
  payerDigest: new Uint8Array([1, 2, 3]),
  amount: 10_000n,
  expiresAt: 1_000_000,
  state: 'open',
  transactionId: null,
  paidAt: null,
  paidBy: null,
  askedAt: 0,
  invitation: null,
}

const allowed: Record<OrderAction, string> = {
  invite: 'created paying',
  pay: 'created paying',
  deliver: 'paid',
  complete: 'paid delivered',
  close: 'created paying',
  surrender: 'created paying paid closed',
  refund: 'delivered completed',
  settle: 'refunding',
}

for (const [name, states] of Object.entries(allowed)) {
  const action = name as OrderAction
  test(`an order may undergo ${action} when it is ${states}, and never goes back`, () => {
    assert.equal(orderStates.filter((state) => orderMay(action, state)).join(' '), states)
    for (const status of orderStates) {
      const after = moved({ ...order, status }, action)
      assert.equal(after.ok, states.split(' ').includes(status))
      if (!after.ok) {
        assert.equal(after.refusal.code, 'order.wrong_status')
        assert.deepEqual(after.refusal.data, { status })
      } else {
        const rank = ['created', 'paying', 'closed', 'paid', 'delivered', 'completed', 'refunding']
        assert.ok(
          rank.indexOf(status) <= rank.indexOf(orderActions[action].to) || action === 'settle',
        )
      }
    }
  })
}

const fact = {
  outTradeNo: outTradeNo(trade),
  mchid: trade.mchid,
  appid: trade.appid,
  amount: 10_000n,
  payerDigest: new Uint8Array([1, 2, 3]),
}

const payments: [string, object, string | undefined][] = [
  ['as it was asked for', {}, undefined],
  ['of 0.01 for an order of 100.00', { amount: 1n }, 'amount'],
  ['of a fen too much', { amount: 10_001n }, 'amount'],
  ['without an amount', { amount: undefined }, 'amount'],
  ['to another merchant', { mchid: '1900000002' }, 'mchid'],
  ['in another app', { appid: 'wx0000000000000002' }, 'appid'],
  ['by somebody else', { payerDigest: new Uint8Array([1, 2, 4]) }, 'openid'],
  ['by nobody', { payerDigest: undefined }, 'openid'],
  ['of another order', { outTradeNo: outTradeNo({ orderId, n: 2 }) }, 'out_trade_no'],
]
for (const [what, change, member] of payments) {
  test(`a payment ${what} ${member === undefined ? 'pays it' : 'does not pay it'}`, () => {
    const checked = checkTrade(trade, { ...fact, ...change })
    assert.deepEqual(checked.ok ? undefined : checked.refusal.data, member && { member })
    if (!checked.ok) assert.equal(checked.refusal.code, 'order.payment_differs')
  })
}

test('a code or a page outside WeChat is paid by whoever opens it', () => {
  const open = { ...trade, payerDigest: null, scene: 'native' as const }
  assert.ok(checkTrade(open, fact).ok)
  assert.ok(checkTrade(open, { ...fact, payerDigest: undefined }).ok)
})

test('an invitation is the same when app, scene, payer and account are', () => {
  assert.ok(isSameInvitation(trade, { ...trade }))
  assert.ok(isSameInvitation({ ...trade, payerDigest: null }, { ...trade, payerDigest: null }))
  for (const change of [
    { scene: 'native' as const },
    { appid: 'wx2' },
    { payerDigest: new Uint8Array([9]) },
    { payerDigest: null },
    { accountId: asId<'wechat_account'>('019abcde-f012-7345-8678-9abcdef00002') },
  ])
    assert.ok(!isSameInvitation(trade, { ...trade, ...change }))
})

test('the seal ends at its very instant, whether or not somebody tidied up', () => {
  const sealed = { status: 'delivered' as const, sealedUntil: 10_800_000 }
  assert.ok(isSealed(sealed, 10_799_999))
  assert.equal(orderStatusOf(sealed, 10_799_999), 'delivered')
  assert.ok(!isSealed(sealed, 10_800_000))
  assert.equal(orderStatusOf(sealed, 10_800_000), 'completed')
  assert.ok(!isSealed({ ...sealed, status: 'refunding' }, 0))
  assert.equal(orderStatusOf({ ...sealed, status: 'refunded' }, 10_800_000), 'refunded')
})

test('a refund is about its own payment and amount', () => {
  const row = { orderId, n: 1, trade: 2, amount: 500n } as OrderRefundRow
  const told = { outTradeNo: outTradeNo({ orderId, n: 2 }), amount: 500n }
  assert.ok(checkRefundFact(row, told).ok)
  assert.ok(!checkRefundFact(row, { ...told, amount: 499n }).ok)
  assert.ok(!checkRefundFact(row, { ...told, outTradeNo: outTradeNo({ orderId, n: 1 }) }).ok)
})

test('a refund that is asked for again leads to the first one that WeChat closed of it', () => {
  const row = (n: number, state: string, basis = 'cooling_off', trade = 1) =>
    ({ orderId, n, trade, basis, state }) as OrderRefundRow
  const all = [
    row(1, 'closed', 'surplus'),
    row(2, 'closed'),
    row(3, 'closed', 'surplus', 2),
    row(4, 'closed'),
    row(5, 'succeeded'),
    row(6, 'closed'),
    row(7, 'asked'),
  ]
  const before = all.map((one) => askedBefore(one, all).map(({ n }) => n))
  assert.deepEqual(before, [[], [], [], [2], [4, 2], [], [6]])
  const lasts = all.map((one) => lastAsked(one, all).n)
  assert.deepEqual(lasts, [1, 5, 3, 5, 5, 7, 7])
})

test('a number that WeChat had closed and paid is believed where no later one can pay it too', () => {
  const states = ['asked', 'processing', 'abnormal', 'closed', 'succeeded'] as const
  const row = (n: number, state: OrderRefundRow['state']): OrderRefundRow => ({
    orderId,
    n,
    bookId: order.bookId,
    trade: 1,
    total: 10_000n,
    amount: 10_000n,
    basis: 'cooling_off',
    state,
    refundId: `r${n}`,
    reason: null,
    askedAt: 0,
    endedAt: null,
    endedBy: null,
  })
  const of = (n: number, state: OrderRefundRow['state'], isUnsent = false) =>
    states.map((last) =>
      judgeRefundTold(row(n, 'closed'), row(2, last), { refundId: `r${n}`, state, isUnsent }),
    )
  const [n, k, d] = ['news', 'known', 'differs'] as const
  assert.deepEqual(of(1, 'succeeded'), [d, d, d, n, d])
  assert.deepEqual(of(1, 'succeeded', true), [n, d, d, n, d])
  assert.deepEqual(of(1, 'processing', true), [k, k, k, k, k])
  assert.deepEqual(of(2, 'succeeded'), [n, n, n, n, k])
  assert.deepEqual(of(2, 'closed'), [n, n, n, k, k])
  assert.deepEqual(of(2, 'processing'), [n, k, n, k, k])
})

test('numbers lead back to their order, are as WeChat wants them and never a payment code', () => {
  const ids = [
    orderId,
    asId<'order'>('00000000-0000-7000-8000-000000000001'),
    asId<'order'>('ffffffff-ffff-7fff-bfff-ffffffffffff'),
  ]
  for (const id of ids)
    for (const n of [1, 35, 36, 40]) {
      const number = { orderId: id, n }
      const trade = outTradeNo(number)
      const refund = outRefundNo(number)
      assert.match(trade, /^[0-9A-Za-z_\-|*]{6,32}$/)
      assert.match(refund, /^[0-9A-Za-z_\-|*@]{1,64}$/)
      assert.doesNotMatch(trade, /^1[0-5]\d{16}$/)
      assert.deepEqual(readOutTradeNo(trade), number)
      assert.deepEqual(readOutRefundNo(refund), number)
      assert.equal(readOutTradeNo(refund), undefined)
      assert.equal(readOutRefundNo(trade), undefined)
    }
  assert.throws(() => outTradeNo({ orderId, n: 0 }), RangeError)
  assert.throws(() => outTradeNo({ orderId, n: 36 ** 2 }), RangeError)
  for (const text of ['', 'lo', 'T-1', `lo${'z'.repeat(25)}01`, `lo${'0'.repeat(25)}00`])
    assert.equal(readOutTradeNo(text), undefined)
})

test('WeChat is asked ever less often, and never not at all', () => {
  const pauses = Array.from({ length: 20 }, (_, looks) => lookAgainMs(looks))
  assert.deepEqual(
    pauses,
    pauses.toSorted((a, b) => a - b),
  )
  assert.equal(pauses[0], 5_000)
  assert.equal(pauses.at(-1), 300_000)
})
