/** Profit sharing over v3: what is refused and how, what is worked off later, what comes back, and how fast it may go. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { isSigned, opened, openReceiver } from '../testing/receiver.ts'
import { appid, openWorld, type TestMerchant } from '../testing/world.ts'

const world = await openWorld()
after(() => world.close())
const { twin } = world
// Calls of one payment come faster here than one a second; what the rates do has a test of its own.
twin.settings.change({
  rates: { 'sharing.order': 1e6, 'sharing.payee': 1e6, 'sharing.provider': 1e6 },
})

const payer = await world.merchant()
const shop = await world.merchant({ name: '第二商户' })
const stranger = await world.merchant()
const user = world.user()
let count = 0
function fresh(prefix: string): string {
  count += 1
  return `${prefix}${String(count).padStart(9, '0')}`
}

/** A payment that may be shared, a minute old. */
async function paid(more: { total?: number; sharing?: boolean; merchant?: TestMerchant } = {}) {
  const { total = 10_000, sharing = true, merchant = payer } = more
  const out_trade_no = fresh('T')
  const order = {
    appid,
    mchid: merchant.mchid,
    description: '礼卡',
    out_trade_no,
    notify_url: 'http://127.0.0.1:9/notify',
    amount: { total },
    settle_info: { profit_sharing: sharing },
    payer: { openid: world.openid(user) },
  }
  const placed = await world.v3(merchant, 'POST', '/v3/pay/transactions/jsapi', order)
  const done = twin.prepays.pay(placed.body.prepay_id, user)
  assert.ok(done.paid, JSON.stringify(placed.body))
  world.advance(60)
  return { out_trade_no, transaction_id: done.transaction_id }
}

function addReceiver(account = shop.mchid, name = shop.name) {
  const { value, headers } = world.secret(payer, name)
  const body = { appid, type: 'MERCHANT_ID', account, name: value, relation_type: 'STORE' }
  return world.v3(payer, 'POST', '/v3/profitsharing/receivers/add', body, headers)
}
await addReceiver()

const to = (amount: number, more: object = {}) => ({
  type: 'MERCHANT_ID',
  account: shop.mchid,
  amount,
  description: '分给门店',
  ...more,
})

function share(transaction_id: string, receivers: object[], more: Record<string, unknown> = {}) {
  const { as = payer, ...rest } = more
  return world.v3(as as TestMerchant, 'POST', '/v3/profitsharing/orders', {
    appid,
    transaction_id,
    out_order_no: fresh('S'),
    receivers,
    unfreeze_unsplit: false,
    ...rest,
  })
}

const unsplit = async (transaction: string) =>
  (await world.v3(payer, 'GET', `/v3/profitsharing/transactions/${transaction}/amounts`)).body
    .unsplit_amount

test('a share is PROCESSING first and later done: the receiver has it, the payer has it less', async () => {
  const { transaction_id } = await paid()
  assert.equal(await unsplit(transaction_id), 9_940)
  const [mine, theirs] = [twin.trades.balanceOf(payer.mchid), twin.trades.balanceOf(shop.mchid)]
  const asked = await share(transaction_id, [to(3_000)])
  assert.equal(asked.outcome, '200')
  assert.equal(asked.body.state, 'PROCESSING')
  assert.equal(asked.body.receivers[0].result, 'PENDING')
  assert.equal(twin.trades.balanceOf(shop.mchid), theirs)
  world.advance(4)
  const query = `/v3/profitsharing/orders/${asked.body.out_order_no}?transaction_id=${transaction_id}`
  assert.equal((await world.v3(payer, 'GET', query)).body.state, 'PROCESSING')
  world.advance(1)
  const done = (await world.v3(payer, 'GET', query)).body
  assert.equal(done.state, 'FINISHED')
  assert.equal(done.receivers[0].result, 'SUCCESS')
  assert.equal(done.receivers[0].amount, 3_000)
  assert.match(done.receivers[0].detail_id, /^36/)
  assert.equal(twin.trades.balanceOf(shop.mchid), theirs + 3_000)
  assert.equal(twin.trades.balanceOf(payer.mchid), mine - 3_000)
  assert.equal(await unsplit(transaction_id), 6_940)
})

test('the same number shares once; with other terms it is refused', async () => {
  const { transaction_id } = await paid()
  const out_order_no = fresh('S')
  const first = await share(transaction_id, [to(100)], { out_order_no })
  const again = await share(transaction_id, [to(100)], { out_order_no })
  assert.equal(again.body.order_id, first.body.order_id)
  assert.equal(await unsplit(transaction_id), 9_840)
  const other = await share(transaction_id, [to(101)], { out_order_no })
  assert.equal(other.outcome, '400 INVALID_REQUEST')
  const unfreezing = { transaction_id, out_order_no, description: '完结' }
  const used = await world.v3(payer, 'POST', '/v3/profitsharing/orders/unfreeze', unfreezing)
  assert.equal(used.outcome, '400 INVALID_REQUEST')
})

test('a name that is encrypted anew each time is the same name', async () => {
  const { transaction_id } = await paid()
  const out_order_no = fresh('S')
  const body = (name: string) => ({
    appid,
    transaction_id,
    out_order_no,
    receivers: [to(100, { name })],
    unfreeze_unsplit: false,
  })
  for (const _ of [1, 2]) {
    const { value, headers } = world.secret(payer, shop.name)
    const { outcome } = await world.v3(
      payer,
      'POST',
      '/v3/profitsharing/orders',
      body(value),
      headers,
    )
    assert.equal(outcome, '200')
  }
  const { value, headers } = world.secret(payer, '别的名字')
  const { outcome } = await world.v3(
    payer,
    'POST',
    '/v3/profitsharing/orders',
    body(value),
    headers,
  )
  assert.equal(outcome, '400 INVALID_REQUEST')
})

for (const [what, expected, ask] of [
  [
    'an appid that is not bound',
    '400 APPID_MCHID_NOT_MATCH',
    (id) => share(id, [to(1)], { appid: 'wx0000000000000000' }),
  ],
  [
    'a payment that is not there',
    '404 RESOURCE_NOT_EXISTS',
    () => share('4200002999202611250000000000', [to(1)]),
  ],
  [
    "another merchant's payment",
    '404 RESOURCE_NOT_EXISTS',
    (id) => share(id, [to(1)], { as: stranger }),
  ],
  ['nobody and not unfreezing', '400 PARAM_ERROR', (id) => share(id, [])],
  ['a receiver twice', '400 INVALID_REQUEST', (id) => share(id, [to(1), to(2)])],
  [
    'a receiver who was not added',
    '400 INVALID_REQUEST',
    (id) => share(id, [to(1, { account: stranger.mchid })]),
  ],
  [
    'itself while unfreezing',
    '400 INVALID_REQUEST',
    (id) => share(id, [to(1, { account: payer.mchid })], { unfreeze_unsplit: true }),
  ],
  ['nothing', '400 PARAM_ERROR', (id) => share(id, [to(0)])],
  [
    '51 receivers',
    '400 PARAM_ERROR',
    (id) =>
      share(
        id,
        Array.from({ length: 51 }, () => to(1)),
      ),
  ],
  ['a number with a blank', '400 PARAM_ERROR', (id) => share(id, [to(1)], { out_order_no: 'a b' })],
  [
    'a member that nobody knows',
    '400 PARAM_ERROR',
    (id) => share(id, [to(1)], { notify_url: 'https://a.cn' }),
  ],
  [
    'without a description',
    '400 PARAM_ERROR',
    (id) => share(id, [to(1, { description: undefined })]),
  ],
  [
    'for a merchant whom it does not serve',
    '403 NO_AUTH',
    (id) => share(id, [to(1)], { sub_mchid: shop.mchid }),
  ],
  ['above the ratio', '400 INVALID_REQUEST', (id) => share(id, [to(3_001)])],
  [
    'more to itself than there is',
    '403 NOT_ENOUGH',
    (id) => share(id, [to(9_941, { account: payer.mchid })]),
  ],
] as [string, string, (id: string) => ReturnType<typeof share>][]) {
  test(`sharing ${what} is refused with ${expected}`, async () => {
    const { transaction_id } = await paid()
    assert.equal((await ask(transaction_id)).outcome, expected)
    assert.equal(await unsplit(transaction_id), 9_940)
  })
}

test('a payment that is not for sharing, or 59 seconds old, is not shared', async () => {
  const plain = await paid({ sharing: false })
  assert.equal((await share(plain.transaction_id, [to(1)])).outcome, '400 INVALID_REQUEST')
  const young = await paid()
  world.advance(-1)
  const early = await share(young.transaction_id, [to(1)])
  assert.equal(early.outcome, '400 INVALID_REQUEST')
  assert.match(early.body.message, /稍后再试/)
})

test('the merchant whose right was taken back can neither share nor unfreeze, and what was on its way fails', async () => {
  const { transaction_id } = await paid()
  const out_order_no = fresh('S')
  await share(transaction_id, [to(100)], { out_order_no })
  const say = (conditions: string[]) =>
    world.control('POST', '/sharing/conditions', { account: payer.mchid, conditions })
  await say(['NO_AUTH'])
  assert.equal((await share(transaction_id, [to(100)])).outcome, '403 NO_AUTH')
  const plain = await paid()
  const unfreezing = { transaction_id: plain.transaction_id, description: '完结' }
  const unfreeze = () =>
    world.v3(payer, 'POST', '/v3/profitsharing/orders/unfreeze', {
      ...unfreezing,
      out_order_no: fresh('S'),
    })
  assert.equal((await unfreeze()).outcome, '403 NO_AUTH')
  assert.equal(await unsplit(plain.transaction_id), 9_940)
  world.advance(5)
  await say([])
  const query = `/v3/profitsharing/orders/${out_order_no}?transaction_id=${transaction_id}`
  const { receivers } = (await world.v3(payer, 'GET', query)).body
  assert.equal(receivers[0].result, 'CLOSED')
  assert.equal(receivers[0].fail_reason, 'NO_AUTH')
})

for (const [condition, who] of [
  ['ACCOUNT_ABNORMAL', shop.mchid],
  ['RECEIVER_HIGH_RISK', shop.mchid],
  ['RECEIVER_REAL_NAME_NOT_VERIFIED', shop.mchid],
  ['INVALID_REQUEST', shop.mchid],
  ['PAYER_ACCOUNT_ABNORMAL', payer.mchid],
] as const) {
  test(`a share ends CLOSED with ${condition}, and what was not given is the payer's, free`, async () => {
    const { transaction_id } = await paid()
    const before = twin.trades.balanceOf(payer.mchid)
    const asked = await share(transaction_id, [to(100)])
    await world.control('POST', '/sharing/conditions', { account: who, conditions: [condition] })
    world.advance(5)
    await world.control('POST', '/sharing/conditions', { account: who, conditions: [] })
    const query = `/v3/profitsharing/orders/${asked.body.out_order_no}?transaction_id=${transaction_id}`
    const { receivers, state } = (await world.v3(payer, 'GET', query)).body
    assert.deepEqual(
      [state, receivers[0].result, receivers[0].fail_reason],
      ['FINISHED', 'CLOSED', condition],
    )
    assert.equal(twin.trades.balanceOf(payer.mchid), before)
    assert.equal(await unsplit(transaction_id), 9_840)
  })
}

test('a receiver who was deleted meanwhile gets nothing: NO_RELATION', async () => {
  const { transaction_id } = await paid()
  const asked = await share(transaction_id, [to(100)])
  const body = { appid, type: 'MERCHANT_ID', account: shop.mchid }
  const deleted = await world.v3(payer, 'POST', '/v3/profitsharing/receivers/delete', body)
  assert.deepEqual(deleted.body, { type: 'MERCHANT_ID', account: shop.mchid })
  world.advance(5)
  const query = `/v3/profitsharing/orders/${asked.body.out_order_no}?transaction_id=${transaction_id}`
  assert.equal((await world.v3(payer, 'GET', query)).body.receivers[0].fail_reason, 'NO_RELATION')
  assert.equal((await share(transaction_id, [to(1)])).outcome, '400 INVALID_REQUEST')
  assert.equal((await addReceiver()).outcome, '200')
})

test('a person gets up to 200,000 yuan a month: RECEIVER_RECEIPT_LIMIT', async () => {
  const rich = await world.merchant({ sharing_max_bp: 10_000 })
  const person = world.user({ name: '李四', balance_fen: 0 })
  const account = world.openid(person)
  const added = await world.v3(rich, 'POST', '/v3/profitsharing/receivers/add', {
    appid,
    type: 'PERSONAL_OPENID',
    account,
    relation_type: 'STAFF',
  })
  assert.equal(added.outcome, '200')
  const give = async (amount: number) => {
    const { transaction_id } = await paid({ total: 30_000_000, merchant: rich })
    const to = { type: 'PERSONAL_OPENID', account, amount, description: '奖金' }
    const asked = await share(transaction_id, [to], { as: rich })
    assert.equal(asked.outcome, '200')
    world.advance(5)
    const query = `/v3/profitsharing/orders/${asked.body.out_order_no}?transaction_id=${transaction_id}`
    return (await world.v3(rich, 'GET', query)).body.receivers[0]
  }
  assert.equal((await give(20_000_000)).result, 'SUCCESS')
  assert.equal(twin.users.table.get(person.id)?.balance_fen, 20_000_000)
  assert.equal((await give(1)).fail_reason, 'RECEIVER_RECEIPT_LIMIT')
  world.advance(31 * 86_400)
  assert.equal((await give(1)).result, 'SUCCESS')
})

test('unfreezing gives the rest to the payer, once, and nothing can be shared after it', async () => {
  const { transaction_id } = await paid()
  await share(transaction_id, [to(1_000)])
  const out_order_no = fresh('S')
  const body = { transaction_id, out_order_no, description: '解冻全部剩余资金' }
  const unfreeze = (more = {}) =>
    world.v3(payer, 'POST', '/v3/profitsharing/orders/unfreeze', { ...body, ...more })
  const done = await unfreeze()
  assert.equal(done.body.state, 'FINISHED')
  assert.equal(done.body.receivers[0].amount, 8_940)
  assert.equal(done.body.receivers[0].account, payer.mchid)
  assert.equal((await unfreeze()).body.order_id, done.body.order_id)
  assert.equal(await unsplit(transaction_id), 0)
  assert.equal((await unfreeze({ out_order_no: fresh('S') })).outcome, '403 NOT_ENOUGH')
  assert.equal((await share(transaction_id, [to(1)])).outcome, '403 NOT_ENOUGH')
})

test('a share that unfreezes shows what the payer got beside the receivers', async () => {
  const { transaction_id } = await paid()
  const { body } = await share(transaction_id, [to(3_000)], { unfreeze_unsplit: true })
  assert.deepEqual(
    body.receivers.map(({ account, amount, result }: Record<string, unknown>) => [
      account,
      amount,
      result,
    ]),
    [
      [shop.mchid, 3_000, 'PENDING'],
      [payer.mchid, 6_940, 'SUCCESS'],
    ],
  )
})

test('thirty days after the payment the rest is free, and nothing can be shared', async () => {
  const { transaction_id } = await paid()
  world.advance(30 * 86_400 - 120)
  assert.equal(await unsplit(transaction_id), 9_940)
  world.advance(61)
  assert.equal(await unsplit(transaction_id), 0)
  assert.equal((await share(transaction_id, [to(1)])).outcome, '403 NOT_ENOUGH')
})

test('a payment refunded in full cannot be shared; a part leaves the rest less its fee', async () => {
  const { transaction_id, out_trade_no } = await paid()
  const refund = (amount: number) =>
    world.v3(payer, 'POST', '/v3/refund/domestic/refunds', {
      out_trade_no,
      out_refund_no: fresh('R'),
      amount: { refund: amount, total: 10_000, currency: 'CNY' },
    })
  assert.equal((await refund(5_000)).outcome, '200')
  assert.equal(await unsplit(transaction_id), 4_970)
  world.advance(60)
  assert.equal((await refund(5_000)).outcome, '200')
  assert.equal((await share(transaction_id, [to(1)])).outcome, '400 INVALID_REQUEST')
})

test('queries of what is not there: RESOURCE_NOT_EXISTS', async () => {
  const { transaction_id } = await paid()
  const { body } = await share(transaction_id, [to(1)])
  const get = async (path: string, as = payer) =>
    (await world.v3(as, 'GET', `/v3/profitsharing/${path}`)).outcome
  assert.equal(await get(`orders/${body.out_order_no}?transaction_id=${transaction_id}`), '200')
  const absent = '404 RESOURCE_NOT_EXISTS'
  assert.equal(await get(`orders/${body.out_order_no}?transaction_id=4200002`), absent)
  assert.equal(await get(`orders/S?transaction_id=${transaction_id}`), absent)
  assert.equal(
    await get(`orders/${body.out_order_no}?transaction_id=${transaction_id}`, shop),
    absent,
  )
  assert.equal(await get(`orders/${body.out_order_no}`), '400 PARAM_ERROR')
  assert.equal(await get('transactions/4200002/amounts'), absent)
  assert.equal(await get(`transactions/${transaction_id}/amounts`, shop), absent)
  assert.equal(await get('return-orders/R?out_order_no=S'), absent)
})

test('receivers: whom one may add', async () => {
  const { headers } = world.secret(payer, '')
  const seal = (name: string) => world.secret(payer, name).value
  const add = async (more: object) =>
    (
      await world.v3(
        payer,
        'POST',
        '/v3/profitsharing/receivers/add',
        {
          appid,
          type: 'MERCHANT_ID',
          account: shop.mchid,
          name: seal(shop.name),
          relation_type: 'STORE',
          ...more,
        },
        headers,
      )
    ).outcome
  const person = { type: 'PERSONAL_OPENID', account: world.openid(user), name: undefined }
  assert.equal(await add({}), '200')
  assert.equal(await add({ name: undefined }), '400 PARAM_ERROR')
  assert.equal(await add({ name: 'not encrypted' }), '400 PARAM_ERROR')
  assert.equal(await add({ name: seal('别的名字') }), '400 INVALID_REQUEST')
  assert.equal(await add({ account: '1999999999' }), '400 INVALID_REQUEST')
  assert.equal(await add({ relation_type: 'FRIEND' }), '400 PARAM_ERROR')
  assert.equal(await add({ relation_type: 'CUSTOM' }), '400 PARAM_ERROR')
  assert.equal(await add({ relation_type: 'CUSTOM', custom_relation: '代理商' }), '200')
  assert.equal(await add({ custom_relation: '代理商' }), '400 PARAM_ERROR')
  assert.equal(
    await add({ relation_type: 'CUSTOM', custom_relation: '十一个字的自定义关系名' }),
    '400 PARAM_ERROR',
  )
  assert.equal(await add(person), '200')
  assert.equal(await add({ ...person, account: 'oUnknown' }), '400 INVALID_REQUEST')
  assert.equal(await add({ ...person, name: seal('王五') }), '400 INVALID_REQUEST')
  assert.equal(await add({ ...person, name: seal(user.name) }), '200')
  const elsewhere = twin.users.openidOf(user.id, 'wx9999999999999999')
  assert.equal(await add({ ...person, account: elsewhere }), '400 INVALID_REQUEST')
  assert.equal(await add({ appid: 'wx9999999999999999' }), '400 APPID_MCHID_NOT_MATCH')
})

test('a merchant has so many receivers and no more', async () => {
  const busy = await world.merchant()
  twin.settings.change({ shareReceivers: 1 })
  const add = async (account: string) =>
    (
      await world.v3(busy, 'POST', '/v3/profitsharing/receivers/add', {
        appid,
        type: 'PERSONAL_OPENID',
        account,
        relation_type: 'USER',
      })
    ).outcome
  assert.equal(await add(world.openid(user)), '200')
  assert.equal(await add(world.openid(user)), '200')
  assert.equal(await add(world.openid(world.user())), '400 INVALID_REQUEST')
  twin.settings.change({ shareReceivers: 20_000 })
})

test('the ratio is told in ten-thousandths, of those whom one serves', async () => {
  const provider = await world.merchant({ more: { sub_mchids: [shop.mchid] } })
  const ask = (who: TestMerchant, sub: string) =>
    world.v3(who, 'GET', `/v3/profitsharing/merchant-configs/${sub}`)
  assert.deepEqual((await ask(provider, shop.mchid)).body, {
    sub_mchid: shop.mchid,
    max_ratio: 3_000,
  })
  assert.equal((await ask(provider, payer.mchid)).outcome, '403 NO_AUTH')
})

async function shared(amount = 1_000) {
  const { transaction_id } = await paid()
  const { body } = await share(transaction_id, [to(amount)])
  world.advance(5)
  return {
    transaction_id,
    out_order_no: body.out_order_no as string,
    order_id: body.order_id as string,
  }
}

function giveBack(more: Record<string, unknown>) {
  return world.v3(payer, 'POST', '/v3/profitsharing/return-orders', {
    out_return_no: fresh('B'),
    return_mchid: shop.mchid,
    amount: 100,
    description: '退款',
    ...more,
  })
}

test('a receiver gives back at once, in parts, never more than it got, and it is not shared again', async () => {
  const { transaction_id, out_order_no, order_id } = await shared()
  const left = await unsplit(transaction_id)
  const before = twin.trades.balanceOf(payer.mchid)
  const out_return_no = fresh('B')
  const first = await giveBack({ out_order_no, out_return_no, amount: 600 })
  assert.equal(first.body.result, 'SUCCESS')
  assert.equal(twin.trades.balanceOf(payer.mchid), before + 600)
  const again = await giveBack({ out_order_no, out_return_no, amount: 600 })
  assert.equal(again.body.return_id, first.body.return_id)
  assert.equal(
    (await giveBack({ out_order_no, out_return_no, amount: 500 })).outcome,
    '400 INVALID_REQUEST',
  )
  assert.equal((await giveBack({ order_id, amount: 401 })).outcome, '400 INVALID_REQUEST')
  assert.equal((await giveBack({ order_id, amount: 400 })).body.result, 'SUCCESS')
  assert.equal(await unsplit(transaction_id), left)
  const query = `/v3/profitsharing/return-orders/${out_return_no}?out_order_no=${out_order_no}`
  assert.deepEqual((await world.v3(payer, 'GET', query)).body, first.body)
})

test('returns still work after unfreezing', async () => {
  const { transaction_id, out_order_no } = await shared()
  const body = { transaction_id, out_order_no: fresh('S'), description: '完结' }
  assert.equal(
    (await world.v3(payer, 'POST', '/v3/profitsharing/orders/unfreeze', body)).outcome,
    '200',
  )
  assert.equal((await giveBack({ out_order_no })).body.result, 'SUCCESS')
})

test('what a return is refused for', async () => {
  const { out_order_no, order_id } = await shared()
  const outcome = async (more: Record<string, unknown>) => (await giveBack(more)).outcome
  assert.equal(await outcome({}), '400 PARAM_ERROR')
  assert.equal(await outcome({ out_order_no, order_id }), '400 PARAM_ERROR')
  assert.equal(await outcome({ out_order_no: 'S' }), '404 RESOURCE_NOT_EXISTS')
  assert.equal(await outcome({ order_id: '3000' }), '404 RESOURCE_NOT_EXISTS')
  const own = await giveBack({ out_order_no, return_mchid: payer.mchid })
  assert.equal(own.body.message, '分账回退出资商户不允许和接收商户相同')
  assert.equal(await outcome({ out_order_no, return_mchid: stranger.mchid }), '400 INVALID_REQUEST')
  await world.control('POST', '/sharing/conditions', {
    account: shop.mchid,
    conditions: ['RETURN_NOT_AGREED'],
  })
  assert.equal(await outcome({ out_order_no }), '403 NO_AUTH')
  await world.control('POST', '/sharing/conditions', { account: shop.mchid, conditions: [] })
  twin.settings.change({ returnsPerOrder: 1 })
  assert.equal(await outcome({ out_order_no }), '200')
  assert.equal(await outcome({ out_order_no }), '400 INVALID_REQUEST')
  twin.settings.change({ returnsPerOrder: 50 })
  world.advance(180 * 86_400)
  assert.equal(await outcome({ out_order_no }), '400 INVALID_REQUEST')
})

test('an empty account: NOT_ENOUGH and PROCESSING, done once it was filled, else TIME_OUT_CLOSED', async () => {
  const { out_order_no } = await shared()
  const refs = { mchid: shop.mchid, kind: 'other', serial: 'x', out_no: 'x' } as const
  const all = twin.trades.balanceOf(shop.mchid)
  twin.trades.move({ ...refs, amount: -all })
  const [filled, never] = [fresh('B'), fresh('B')]
  const result = async (no: string) =>
    (
      await world.v3(
        payer,
        'GET',
        `/v3/profitsharing/return-orders/${no}?out_order_no=${out_order_no}`,
      )
    ).body
  assert.equal((await giveBack({ out_order_no, out_return_no: filled })).outcome, '403 NOT_ENOUGH')
  assert.equal((await giveBack({ out_order_no, out_return_no: never })).outcome, '403 NOT_ENOUGH')
  assert.equal((await result(filled)).result, 'PROCESSING')
  twin.trades.move({ ...refs, amount: all })
  assert.equal((await giveBack({ out_order_no, out_return_no: filled })).body.result, 'SUCCESS')
  world.advance(2 * 86_400)
  assert.deepEqual(
    [(await result(never)).result, (await result(never)).fail_reason],
    ['FAILED', 'TIME_OUT_CLOSED'],
  )
  assert.equal((await result(filled)).result, 'SUCCESS')
})

for (const [reason, prepare] of [
  [
    'ACCOUNT_ABNORMAL',
    () =>
      world.control('POST', '/sharing/conditions', {
        account: shop.mchid,
        conditions: ['ACCOUNT_ABNORMAL'],
      }),
  ],
  [
    'PAYER_ACCOUNT_ABNORMAL',
    () =>
      world.control('POST', '/sharing/conditions', {
        account: payer.mchid,
        conditions: ['PAYER_ACCOUNT_ABNORMAL'],
      }),
  ],
  [
    'BALANCE_NOT_ENOUGH',
    () => {
      twin.settings.change({ returnWaitSeconds: 0 })
      twin.trades.move({
        mchid: shop.mchid,
        kind: 'other',
        serial: 'x',
        out_no: 'x',
        amount: -twin.trades.balanceOf(shop.mchid),
      })
    },
  ],
] as const) {
  test(`a return ends FAILED with ${reason}`, async () => {
    const { out_order_no } = await shared()
    await prepare()
    const { body } = await giveBack({ out_order_no })
    for (const account of [shop.mchid, payer.mchid])
      await world.control('POST', '/sharing/conditions', { account, conditions: [] })
    twin.settings.change({ returnWaitSeconds: 172_800 })
    assert.deepEqual([body.result, body.fail_reason], ['FAILED', reason])
  })
}

test('returns may take their time', async () => {
  const { out_order_no } = await shared()
  twin.settings.change({ returnSeconds: 60 })
  const out_return_no = fresh('B')
  assert.equal((await giveBack({ out_order_no, out_return_no })).body.result, 'PROCESSING')
  world.advance(60)
  twin.settings.change({ returnSeconds: 0 })
  const query = `/v3/profitsharing/return-orders/${out_return_no}?out_order_no=${out_order_no}`
  assert.equal((await world.v3(payer, 'GET', query)).body.result, 'SUCCESS')
})

test('the receiver is told, and nobody else', async () => {
  const receiver = await openReceiver()
  const told = await world.merchant({
    name: '会听的门店',
    more: { sharing_notify_url: receiver.url },
  })
  await addReceiver(told.mchid, told.name)
  const { transaction_id } = await paid()
  const before = twin.notifier.ofMerchant.all(payer.mchid).length
  const asked = await share(transaction_id, [to(100, { account: told.mchid }), to(200)])
  world.advance(5)
  await world.control('POST', '/settle', {})
  await receiver.close()
  assert.equal(receiver.received.length, 1)
  const [notice] = receiver.received
  assert.ok(notice !== undefined && isSigned(told, notice))
  const { event_type, resource } = JSON.parse(notice.body)
  assert.deepEqual([event_type, resource.original_type], ['PROFITSHARING', 'profitsharing'])
  const plain = opened(told, notice)
  const { success_time, ...rest } = plain
  assert.match(success_time, /\+08:00$/)
  assert.deepEqual(rest, {
    mchid: payer.mchid,
    transaction_id,
    order_id: asked.body.order_id,
    out_order_no: asked.body.out_order_no,
    receiver: { type: 'MERCHANT_ID', account: told.mchid, amount: 100, description: '分给门店' },
  })
  assert.equal(twin.notifier.ofMerchant.all(payer.mchid).length, before)
})

test('a provider shares what those whom it serves were paid', async () => {
  const provider = await world.merchant({ more: { sub_mchids: [payer.mchid] } })
  const { transaction_id } = await paid()
  const { value, headers } = world.secret(provider, shop.name)
  const receiver = {
    appid,
    type: 'MERCHANT_ID',
    account: shop.mchid,
    name: value,
    relation_type: 'STORE',
  }
  const sub = { sub_mchid: payer.mchid }
  const add = { ...receiver, ...sub }
  const added = await world.v3(provider, 'POST', '/v3/profitsharing/receivers/add', add, headers)
  assert.equal(added.body.sub_mchid, payer.mchid, added.text)
  const shared = await share(transaction_id, [to(100)], { as: provider, ...sub })
  assert.equal(shared.body.sub_mchid, payer.mchid, shared.text)
  world.advance(5)
  const query = `transaction_id=${transaction_id}&sub_mchid=${payer.mchid}`
  const path = `/v3/profitsharing/orders/${shared.body.out_order_no}?${query}`
  assert.equal((await world.v3(provider, 'GET', path)).body.receivers[0].result, 'SUCCESS')
  const left = await world.v3(
    provider,
    'GET',
    `/v3/profitsharing/transactions/${transaction_id}/amounts`,
  )
  assert.equal(left.body.unsplit_amount, 9_840)
  const foreign = await share(transaction_id, [to(100)], { as: provider })
  assert.equal(foreign.outcome, '404 RESOURCE_NOT_EXISTS')
})

for (const [what, kind, limit, least] of [
  ['300 a second by one caller', 'sharing.provider', 300, 0],
  ['30 a second of one payee', 'sharing.payee', 30, 0],
  ['1 a second on one payment', 'sharing.order', 1, 1],
  ['100 returns a second', 'sharing.return', 100, 0],
] as const) {
  test(`more than ${what} is refused with 429 FREQUENCY_LIMITED`, async () => {
    const hasty = await world.merchant()
    const { defaults } = await import('../kernel/settings.ts')
    assert.equal(defaults.rates[kind], limit)
    const quick = least === 0 ? 2 : limit
    twin.settings.change({ rates: { [kind]: quick } })
    const body = {
      appid,
      transaction_id: fresh('4200'),
      receivers: [to(1)],
      unfreeze_unsplit: false,
    }
    const call = () =>
      kind === 'sharing.return'
        ? world.v3(hasty, 'POST', '/v3/profitsharing/return-orders', {
            out_order_no: 'S',
            out_return_no: fresh('B'),
            return_mchid: shop.mchid,
            amount: 1,
            description: 'd',
          })
        : world.v3(hasty, 'POST', '/v3/profitsharing/orders', { ...body, out_order_no: fresh('S') })
    const outcomes = await Promise.all(Array.from({ length: quick + 2 }, call))
    twin.settings.change({ rates: { [kind]: 1e6 } })
    const refused = outcomes.filter(({ outcome }) => outcome === '429 FREQUENCY_LIMITED')
    assert.ok(refused.length >= 1 && refused.length <= 2, String(refused.length))
    assert.ok(outcomes.some(({ outcome }) => outcome === '404 RESOURCE_NOT_EXISTS'))
  })
}

test('what waits to be shared pays neither a transfer nor a refund of another order', async () => {
  const careful = await world.merchant()
  const spendable = () => twin.trades.spendable(careful.mchid)
  const waiting = await paid({ merchant: careful })
  assert.equal(twin.trades.balanceOf(careful.mchid), 9_940)
  assert.equal(spendable(), 0)
  const transfer = {
    appid,
    out_bill_no: fresh('B'),
    transfer_scene_id: '1002',
    openid: world.openid(user),
    transfer_amount: 100,
    transfer_remark: '补贴',
    transfer_scene_report_infos: [{ info_type: '补贴类型', info_content: '餐补' }],
  }
  const path = '/v3/fund-app/mch-transfer/transfer-bills'
  assert.equal((await world.v3(careful, 'POST', path, transfer)).outcome, '403 NOT_ENOUGH')
  const { value, headers } = world.secret(careful, shop.name)
  const receiver = {
    appid,
    type: 'MERCHANT_ID',
    account: shop.mchid,
    name: value,
    relation_type: 'STORE',
  }
  await world.v3(careful, 'POST', '/v3/profitsharing/receivers/add', receiver, headers)
  const shared = await paid({ merchant: careful })
  const { body } = await share(shared.transaction_id, [to(3_000)], { as: careful })
  // Promised, and still in the balance.
  assert.equal(twin.trades.balanceOf(careful.mchid), 19_880)
  assert.equal(spendable(), 0)
  world.advance(5)
  assert.equal(spendable(), 0)
  const refund = (order: { out_trade_no: string }) =>
    world.v3(careful, 'POST', '/v3/refund/domestic/refunds', {
      out_trade_no: order.out_trade_no,
      out_refund_no: fresh('R'),
      amount: { refund: 10_000, total: 10_000, currency: 'CNY' },
    })
  // The shared order has 6,940 of its own left; the other one's money is not for it.
  assert.equal((await refund(shared)).outcome, '403 NOT_ENOUGH')
  const back = { out_order_no: body.out_order_no, return_mchid: shop.mchid, amount: 3_000 }
  const asked = { ...back, out_return_no: fresh('B'), description: '退款' }
  await world.v3(careful, 'POST', '/v3/profitsharing/return-orders', asked)
  assert.equal(spendable(), 3_000)
  assert.equal((await refund(shared)).outcome, '200')
  assert.equal(spendable(), 0)
  world.advance(60)
  assert.equal((await refund(waiting)).outcome, '200')
  assert.equal(twin.trades.balanceOf(careful.mchid), 0)
})

test('unfreezing, or thirty days, makes it the merchant’s to spend', async () => {
  const careful = await world.merchant()
  const one = await paid({ merchant: careful })
  await paid({ merchant: careful })
  const body = { transaction_id: one.transaction_id, out_order_no: fresh('S'), description: '完结' }
  await world.v3(careful, 'POST', '/v3/profitsharing/orders/unfreeze', body)
  assert.equal(twin.trades.spendable(careful.mchid), 9_940)
  world.advance(30 * 86_400)
  assert.equal(twin.trades.spendable(careful.mchid), 19_880)
})
