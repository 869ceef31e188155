import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newNumber, paidOrder, refundBody } from '../testing/orders.ts'
import { openWorld } from '../testing/world.ts'

const world = await openWorld()
after(() => world.close())
// Refusals come faster than six a second here.
await world.control('POST', '/settings', { rates: { 'refund.failing': 1_000 } })
const merchant = await world.merchant()
const stranger = await world.merchant()
const user = world.user()
const base = '/v3/refund/domestic/refunds'

const refund = (body: object, by = merchant) => world.v3(by, 'POST', base, body)
const ask = (no: string, by = merchant) => world.v3(by, 'GET', `${base}/${no}`)
const order = (more: Record<string, unknown> = {}) => paidOrder(world, merchant, user, more)
const stateOf = (no: string) => world.twin.trades.find(merchant.mchid, no)?.state
const balance = () => world.twin.trades.balanceOf(merchant.mchid)
// What is refunded must be there: fees are taken from each payment.
await order({ amount: { total: 1_000_000 } })

test('a refund is accepted first and done half a minute later', async () => {
  const holder = world.user({ balance_fen: 10_000, pays_with: 'balance' })
  const paid = await paidOrder(world, merchant, holder)
  const before = balance()
  const body = refundBody(paid, 4_000, { reason: '冷静期退款' })
  const made = await refund(body)
  const { create_time, refund_id, ...rest } = made.body
  assert.match(create_time, /\+08:00$/)
  assert.match(refund_id, /^50\d{27}$/)
  assert.deepEqual(rest, {
    out_refund_no: body.out_refund_no,
    transaction_id: paid.transaction_id,
    out_trade_no: paid.out_trade_no,
    channel: 'ORIGINAL',
    user_received_account: '支付用户零钱',
    status: 'PROCESSING',
    funds_account: 'AVAILABLE',
    amount: {
      total: 10_000,
      refund: 4_000,
      from: [],
      payer_total: 10_000,
      payer_refund: 4_000,
      settlement_refund: 4_000,
      settlement_total: 10_000,
      discount_refund: 0,
      currency: 'CNY',
      refund_fee: 24,
    },
    promotion_detail: [],
  })
  assert.equal(stateOf(paid.out_trade_no), 'REFUND')
  assert.equal(balance(), before - 4_000 + 24)
  assert.equal(world.twin.users.table.get(holder.id)?.balance_fen, 0)
  assert.equal((await ask(body.out_refund_no)).body.status, 'PROCESSING')
  world.advance(31)
  const done = await ask(body.out_refund_no)
  assert.equal(done.body.status, 'SUCCESS')
  assert.match(done.body.success_time, /\+08:00$/)
  assert.equal(world.twin.users.table.get(holder.id)?.balance_fen, 4_000)
})

test('the same number refunds once, and answers the same refund', async () => {
  const paid = await order()
  const body = refundBody(paid, 1_000)
  const [first, second] = [await refund(body), await refund(body)]
  assert.deepEqual(second.body, first.body)
  assert.equal(world.twin.trades.find(merchant.mchid, paid.out_trade_no)?.refunded, 1_000)
})

test('the same number for something else is refused', async () => {
  const paid = await order()
  const body = refundBody(paid, 1_000)
  await refund(body)
  const other = { ...body, amount: { ...body.amount, refund: 999 } }
  assert.equal((await refund(other)).outcome, '400 INVALID_REQUEST')
  const theirs = await order()
  const elsewhere = { ...body, out_trade_no: theirs.out_trade_no }
  assert.equal((await refund(elsewhere)).outcome, '400 INVALID_REQUEST')
})

test('an order is named by exactly one of its numbers', async () => {
  const paid = await order()
  const byId = refundBody(paid, 1, { out_trade_no: undefined, transaction_id: paid.transaction_id })
  assert.equal((await refund(byId)).outcome, '200')
  const both = refundBody(paid, 1, { transaction_id: paid.transaction_id })
  assert.equal((await refund(both)).outcome, '400 PARAM_ERROR')
  const none = refundBody(paid, 1, { out_trade_no: undefined })
  assert.equal((await refund(none)).outcome, '400 PARAM_ERROR')
})

test('the total must be the order’s, and the sum of refunds may not exceed it', async () => {
  const paid = await order()
  const wrong = refundBody({ ...paid, amount: { total: 9_999 } }, 1)
  assert.equal((await refund(wrong)).outcome, '400 INVALID_REQUEST')
  assert.equal((await refund(refundBody(paid, 10_001))).outcome, '400 INVALID_REQUEST')
  assert.equal((await refund(refundBody(paid, 6_000))).outcome, '200')
  world.advance(61)
  assert.equal((await refund(refundBody(paid, 4_001))).outcome, '400 INVALID_REQUEST')
  assert.equal((await refund(refundBody(paid, 4_000))).outcome, '200')
  world.advance(61)
  assert.equal((await refund(refundBody(paid, 1))).outcome, '400 INVALID_REQUEST')
})

test('two refunds of an order are a minute apart', async () => {
  const paid = await order()
  assert.equal((await refund(refundBody(paid, 1))).outcome, '200')
  world.advance(40)
  assert.equal((await refund(refundBody(paid, 1))).outcome, '429 FREQUENCY_LIMITED')
  world.advance(21)
  assert.equal((await refund(refundBody(paid, 1))).outcome, '200')
})

test('an order is refunded in at most fifty parts', async () => {
  const paid = await order()
  for (let part = 0; part < 50; part += 1) {
    assert.equal((await refund(refundBody(paid, 1))).outcome, '200')
    world.advance(61)
  }
  assert.equal((await refund(refundBody(paid, 1))).outcome, '400 INVALID_REQUEST')
})

test('an order is refunded within a year of its payment', async () => {
  const [early, late] = [await order(), await order()]
  world.advance(365 * 86_400 - 60)
  assert.equal((await refund(refundBody(early, 1))).outcome, '200')
  world.advance(61)
  const answer = await refund(refundBody(late, 1))
  world.advance(-365 * 86_400)
  assert.equal(answer.outcome, '400 INVALID_REQUEST')
})

test('refunds of old orders have a rate of their own', async () => {
  await world.control('POST', '/settings', { rates: { 'refund.old': 1 } })
  const [one, other] = [await order(), await order()]
  world.advance(31 * 86_400)
  const answers = [await refund(refundBody(one, 1)), await refund(refundBody(other, 1))]
  world.advance(-31 * 86_400)
  assert.deepEqual(
    answers.map(({ outcome }) => outcome),
    ['200', '429 FREQUENCY_LIMITED'],
  )
})

test('what is unpaid, unknown or another’s is not refunded', async () => {
  const paid = await order()
  assert.equal((await refund(refundBody(paid, 1), stranger)).outcome, '404 RESOURCE_NOT_EXISTS')
  const unknown = refundBody({ ...paid, out_trade_no: 'T_UNKNOWN' }, 1)
  assert.equal((await refund(unknown)).outcome, '404 RESOURCE_NOT_EXISTS')
  const theirs = refundBody(paid, 1, {
    out_trade_no: undefined,
    transaction_id: paid.transaction_id,
  })
  assert.equal((await refund(theirs, stranger)).outcome, '404 RESOURCE_NOT_EXISTS')
  const open = newNumber()
  await world.v3(merchant, 'POST', '/v3/pay/transactions/native', {
    appid: merchant.appids[0],
    mchid: merchant.mchid,
    description: '礼品卡',
    out_trade_no: open,
    notify_url: 'https://example.com/n',
    amount: { total: 10_000 },
  })
  const unpaid = refundBody({ ...paid, out_trade_no: open }, 1)
  assert.equal((await refund(unpaid)).outcome, '400 INVALID_REQUEST')
})

test('a merchant that has too little at WeChat cannot refund', async () => {
  const poor = await world.merchant()
  const paid = await paidOrder(world, poor, user)
  world.twin.trades.move({ mchid: poor.mchid, kind: 'other', amount: -1, serial: '', out_no: '' })
  assert.equal((await refund(refundBody(paid, 10_000), poor)).outcome, '403 NOT_ENOUGH')
  assert.equal((await refund(refundBody(paid, 9_998), poor)).outcome, '200')
})

test('an account that is closed is refused, one that is blocked ends as ABNORMAL', async () => {
  const [gone, blocked] = [world.user({ account: 'closed' }), world.user({ account: 'blocked' })]
  const lost = await paidOrder(world, merchant, gone)
  assert.equal((await refund(refundBody(lost, 1))).outcome, '403 USER_ACCOUNT_ABNORMAL')
  const stuck = refundBody(await paidOrder(world, merchant, blocked), 1)
  assert.equal((await refund(stuck)).body.status, 'PROCESSING')
  world.advance(31)
  assert.equal((await ask(stuck.out_refund_no)).body.status, 'ABNORMAL')
})

const fault = (effect: string) =>
  world.control('POST', '/faults', {
    rule: { match: { path: base, mchid: merchant.mchid }, effect },
  })

test('a refund that is closed gives the money back to the merchant, and may be made again', async () => {
  const paid = await order()
  await fault('refund_closed')
  const before = balance()
  const body = refundBody(paid, 10_000)
  await refund(body)
  world.advance(61)
  assert.equal((await ask(body.out_refund_no)).body.status, 'CLOSED')
  assert.equal(balance(), before)
  assert.equal((await refund(refundBody(paid, 10_000))).outcome, '200')
})

test('an ABNORMAL refund goes to a bank card that is named under encryption', async () => {
  const paid = await order()
  await fault('refund_abnormal')
  const body = refundBody(paid, 500)
  const { refund_id } = (await refund(body)).body
  const path = `${base}/${refund_id}/apply-abnormal-refund`
  const [account, name] = ['6222020200012345678', '张三'].map((text) =>
    world.secret(merchant, text),
  )
  const wanted = {
    out_refund_no: body.out_refund_no,
    type: 'USER_BANK_CARD',
    bank_type: 'ICBC_DEBIT',
    bank_account: account?.value,
    real_name: name?.value,
  }
  const apply = (more: object = {}, at = path) =>
    world.v3(merchant, 'POST', at, { ...wanted, ...more }, account?.headers)
  assert.equal((await apply()).outcome, '400 INVALID_REQUEST', 'not abnormal yet')
  world.advance(31)
  for (const name of ['bank_type', 'bank_account', 'real_name'])
    assert.deepEqual((await apply({ [name]: undefined })).body.detail, {
      field: `/${name}`,
      issue: '必填，未传入',
      location: 'body',
    })
  const short = world.secret(merchant, '12345').value
  assert.equal((await apply({ bank_account: short })).body.detail?.field, '/bank_account')
  assert.equal((await apply({ real_name: '张三' })).body.detail?.field, '/real_name')
  const elsewhere = `${base}/50123/apply-abnormal-refund`
  assert.equal((await apply({}, elsewhere)).outcome, '404 RESOURCE_NOT_EXISTS')
  assert.equal((await apply({ out_refund_no: 'none' })).outcome, '404 RESOURCE_NOT_EXISTS')
  const sent = await apply()
  assert.equal(sent.body.status, 'PROCESSING')
  world.advance(31)
  const done = (await ask(body.out_refund_no)).body
  assert.deepEqual(
    [done.status, done.channel, done.user_received_account],
    ['SUCCESS', 'OTHER_BANKCARD', 'ICBC_DEBIT5678'],
  )
})

test('an ABNORMAL refund may go to the merchant, and then the payer gets nothing', async () => {
  const holder = world.user({ balance_fen: 10_000 })
  const paid = await paidOrder(world, merchant, holder)
  await fault('refund_abnormal')
  const body = refundBody(paid, 500)
  const { refund_id } = (await refund(body)).body
  world.advance(31)
  const { outcome } = await world.v3(
    merchant,
    'POST',
    `${base}/${refund_id}/apply-abnormal-refund`,
    {
      out_refund_no: body.out_refund_no,
      type: 'MERCHANT_BANK_CARD',
    },
  )
  assert.equal(outcome, '200')
  world.advance(31)
  assert.equal((await ask(body.out_refund_no)).body.status, 'SUCCESS')
  assert.equal(world.twin.users.table.get(holder.id)?.balance_fen, 0)
})

test('nobody asks for the refund of another merchant, and one that is not there is not found', async () => {
  const body = refundBody(await order(), 1)
  await refund(body)
  assert.equal((await ask(body.out_refund_no, stranger)).outcome, '404 RESOURCE_NOT_EXISTS')
  assert.equal((await ask('R_UNKNOWN')).outcome, '404 RESOURCE_NOT_EXISTS')
})

const wrong = [
  { name: 'a member that nobody knows', more: { currency: 'CNY' }, field: '/currency' },
  { name: 'no number', more: { out_refund_no: undefined }, field: '/out_refund_no' },
  { name: 'a number of 65', more: { out_refund_no: 'R'.repeat(65) }, field: '/out_refund_no' },
  { name: 'a number with a space', more: { out_refund_no: 'R 1' }, field: '/out_refund_no' },
  { name: 'a reason of 81', more: { reason: '因'.repeat(81) }, field: '/reason' },
  {
    name: 'a notify_url of 257',
    more: { notify_url: `https://a.cn/${'x'.repeat(244)}` },
    field: '/notify_url',
  },
  {
    name: 'a notify_url with a query',
    more: { notify_url: 'https://a.cn/?x' },
    field: '/notify_url',
  },
  {
    name: 'another account for the funds',
    more: { funds_account: 'BASIC' },
    field: '/funds_account',
  },
  {
    name: 'no currency',
    more: { amount: { refund: 1, total: 10_000 } },
    field: '/amount/currency',
  },
  {
    name: 'nothing',
    more: { amount: { refund: 0, total: 10_000, currency: 'CNY' } },
    field: '/amount/refund',
  },
]

for (const { name, more, field } of wrong) {
  test(`a refund with ${name} is refused at ${field}`, async () => {
    const body = refundBody({ out_trade_no: 'T_UNKNOWN', amount: { total: 10_000 } }, 1, more)
    const answer = await refund(body)
    assert.equal(answer.outcome, '400 PARAM_ERROR')
    assert.equal(answer.body.detail.field, field)
  })
}

test('the accounts that pay for a refund must add up to it', async () => {
  const paid = await order()
  const from = (amount: number) => ({
    amount: {
      refund: 100,
      total: 10_000,
      currency: 'CNY',
      from: [{ account: 'AVAILABLE', amount }],
    },
  })
  assert.equal((await refund(refundBody(paid, 100, from(99)))).outcome, '400 INVALID_REQUEST')
  assert.equal((await refund(refundBody(paid, 100, from(100)))).outcome, '200')
})

test('more than six failing refunds a second are told to slow down', async () => {
  const hasty = await world.merchant()
  await world.control('POST', '/settings', { rates: { 'refund.failing': 6 } })
  const body = () => refundBody({ out_trade_no: 'T_UNKNOWN', amount: { total: 1 } }, 1)
  const answers = await Promise.all(Array.from({ length: 12 }, () => refund(body(), hasty)))
  await world.control('POST', '/settings', { rates: { 'refund.failing': 1_000 } })
  const outcomes = answers.map(({ outcome }) => outcome)
  const slowed = outcomes.filter((outcome) => outcome === '429 FREQUENCY_LIMITED').length
  assert.ok(slowed >= 5 && slowed <= 6, outcomes.join())
})
