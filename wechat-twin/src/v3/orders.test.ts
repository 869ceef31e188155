import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { formatTime } from '../kernel/time.ts'
import { jsapiBody, newNumber, orderBody, paidOrder } from '../testing/orders.ts'
import { appid, openWorld, type TestMerchant } from '../testing/world.ts'

const world = await openWorld()
after(() => world.close())
const merchant = await world.merchant()
const stranger = await world.merchant()
const [user, somebodyElse] = [world.user(), world.user({ name: '李四' })]
const prefix = '/v3/pay/transactions'

const place = (body: object, kind = 'jsapi', by = merchant) =>
  world.v3(by, 'POST', `${prefix}/${kind}`, body)
const ask = (no: string, by: TestMerchant = merchant) =>
  world.v3(by, 'GET', `${prefix}/out-trade-no/${encodeURIComponent(no)}?mchid=${by.mchid}`)
const close = (no: string, by = merchant) =>
  world.v3(by, 'POST', `${prefix}/out-trade-no/${no}/close`, { mchid: by.mchid })
const jsapi = (more: Record<string, unknown> = {}) => jsapiBody(world, merchant, user, more)
const h5Scene = { payer_client_ip: '203.0.113.9', h5_info: { type: 'Wap' } }
const suffix = (answer: { headers: Headers }) => answer.headers.get('request-id')?.split('-').at(-1)

test('a JSAPI order has a prepay_id, is unpaid, and is paid by the user that it names', async () => {
  const body = jsapi({ attach: '门店 7' })
  const made = await place(body)
  assert.match(made.body.prepay_id, /^wx[0-9a-z]{30,62}$/)
  const unpaid = await ask(body.out_trade_no)
  assert.deepEqual(unpaid.body, {
    amount: { total: 10_000, currency: 'CNY' },
    mchid: merchant.mchid,
    appid,
    out_trade_no: body.out_trade_no,
    trade_type: 'JSAPI',
    trade_state: 'NOTPAY',
    trade_state_desc: '订单未支付',
    attach: '门店 7',
  })
  const paid = world.twin.prepays.pay(made.body.prepay_id, user)
  assert.ok(paid.paid)
  const { body: trade } = await ask(body.out_trade_no)
  const { success_time, ...rest } = trade
  assert.match(success_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/)
  assert.deepEqual(rest, {
    transaction_id: paid.transaction_id,
    amount: { total: 10_000, currency: 'CNY', payer_total: 10_000, payer_currency: 'CNY' },
    mchid: merchant.mchid,
    appid,
    out_trade_no: body.out_trade_no,
    trade_type: 'JSAPI',
    trade_state: 'SUCCESS',
    trade_state_desc: '支付成功',
    attach: '门店 7',
    bank_type: 'CMB_DEBIT',
    payer: { openid: world.openid(user) },
    promotion_detail: [],
  })
  const byId = await world.v3(
    merchant,
    'GET',
    `${prefix}/id/${paid.transaction_id}?mchid=${merchant.mchid}`,
  )
  assert.deepEqual(byId.body, trade)
  assert.equal(world.twin.users.table.get(user.id)?.balance_fen, undefined, 'as much as it takes')
})

test('Native, H5 and app orders have their own invitations and trade types', async () => {
  const kinds = [
    {
      kind: 'native',
      body: orderBody(merchant),
      name: 'code_url',
      form: /^weixin:\/\/wxpay\//,
      type: 'NATIVE',
    },
    {
      kind: 'h5',
      body: orderBody(merchant, { scene_info: h5Scene }),
      name: 'h5_url',
      form: /^http.*\?prepay_id=wx/,
      type: 'MWEB',
    },
    { kind: 'app', body: orderBody(merchant), name: 'prepay_id', form: /^wx/, type: 'APP' },
  ]
  for (const { kind, body, name, form, type } of kinds) {
    const made = await place(body, kind)
    assert.match(made.body[name], form)
    assert.ok(world.twin.prepays.pay(made.body[name], user).paid)
    assert.equal((await ask(body.out_trade_no)).body.trade_type, type)
  }
})

// Each member of the body at and beyond its limit, and what the fault is called.
const wrong: { name: string; more: Record<string, unknown>; field: string; kind?: string }[] = [
  { name: 'a member that nobody knows', more: { currency: 'CNY' }, field: '/currency' },
  {
    name: 'a member of a member that nobody knows',
    more: { amount: { total: 1, refund: 1 } },
    field: '/amount/refund',
  },
  { name: 'a null', more: { attach: null }, field: '/attach' },
  { name: 'no description', more: { description: undefined }, field: '/description' },
  { name: 'an empty description', more: { description: '' }, field: '/description' },
  { name: 'a description of 128', more: { description: 'x'.repeat(128) }, field: '/description' },
  { name: 'a description with an emoji', more: { description: '礼品🎁' }, field: '/description' },
  { name: 'an attach of 129', more: { attach: 'x'.repeat(129) }, field: '/attach' },
  { name: 'a number of five', more: { out_trade_no: 'T1234' }, field: '/out_trade_no' },
  { name: 'a number of 33', more: { out_trade_no: 'T'.repeat(33) }, field: '/out_trade_no' },
  { name: 'a number with a dot', more: { out_trade_no: 'T.123456' }, field: '/out_trade_no' },
  { name: 'an amount of nothing', more: { amount: { total: 0 } }, field: '/amount/total' },
  { name: 'an amount below nothing', more: { amount: { total: -1 } }, field: '/amount/total' },
  { name: 'an amount as text', more: { amount: { total: '100' } }, field: '/amount/total' },
  { name: 'an amount of half a fen', more: { amount: { total: 0.5 } }, field: '/amount/total' },
  { name: 'dollars', more: { amount: { total: 1, currency: 'USD' } }, field: '/amount/currency' },
  { name: 'no amount', more: { amount: undefined }, field: '/amount' },
  { name: 'no payer', more: { payer: undefined }, field: '/payer' },
  {
    name: 'an openid that nobody has',
    more: { payer: { openid: 'oNobody' } },
    field: '/payer/openid',
  },
  { name: 'a notify_url that is none', more: { notify_url: 'not a url' }, field: '/notify_url' },
  {
    name: 'a notify_url by http to elsewhere',
    more: { notify_url: 'http://example.com/n' },
    field: '/notify_url',
  },
  {
    name: 'a notify_url with a query',
    more: { notify_url: 'https://example.com/n?a=1' },
    field: '/notify_url',
  },
  {
    name: 'a notify_url with a fragment',
    more: { notify_url: 'https://example.com/n#a' },
    field: '/notify_url',
  },
  {
    name: 'a notify_url with a password',
    more: { notify_url: 'https://a:b@example.com/n' },
    field: '/notify_url',
  },
  {
    name: 'a notify_url of 256',
    more: { notify_url: `https://example.com/${'x'.repeat(236)}` },
    field: '/notify_url',
  },
  { name: 'a time_expire in seconds', more: { time_expire: 1_900_000_000 }, field: '/time_expire' },
  {
    name: 'a time_expire without an offset',
    more: { time_expire: '2030-01-01T00:00:00' },
    field: '/time_expire',
  },
  {
    name: 'a time_expire on the 30th of February',
    more: { time_expire: '2030-02-30T00:00:00+08:00' },
    field: '/time_expire',
  },
  { name: 'limit_pay as text', more: { limit_pay: 'no_credit' }, field: '/limit_pay' },
  {
    name: 'profit_sharing as text',
    more: { settle_info: { profit_sharing: 'Y' } },
    field: '/settle_info/profit_sharing',
  },
  {
    name: 'a scene_info without the address',
    more: { scene_info: { device_id: '1' } },
    field: '/scene_info/payer_client_ip',
  },
  {
    name: 'goods without a quantity',
    more: { detail: { goods_detail: [{ merchant_goods_id: '1', unit_price: 1 }] } },
    field: '/detail/goods_detail/0/quantity',
  },
  { name: 'a Native order with a payer', kind: 'native', more: {}, field: '/payer' },
  {
    name: 'an H5 order without scene_info',
    kind: 'h5',
    more: { payer: undefined },
    field: '/scene_info',
  },
  {
    name: 'an H5 order without h5_info',
    kind: 'h5',
    more: { payer: undefined, scene_info: { payer_client_ip: '203.0.113.9' } },
    field: '/scene_info/h5_info',
  },
  {
    name: 'an H5 order of another type',
    kind: 'h5',
    more: { payer: undefined, scene_info: { ...h5Scene, h5_info: { type: 'Web' } } },
    field: '/scene_info/h5_info/type',
  },
  {
    name: 'an H5 order from no address',
    kind: 'h5',
    more: { payer: undefined, scene_info: { ...h5Scene, payer_client_ip: 'localhost' } },
    field: '/scene_info/payer_client_ip',
  },
]

for (const { name, more, field, kind } of wrong) {
  test(`${name} is refused with PARAM_ERROR at ${field}`, async () => {
    const { outcome, body } = await place(jsapi(more), kind)
    assert.equal(outcome, '400 PARAM_ERROR')
    assert.equal(body.detail.field, field)
    assert.equal(body.detail.location, 'body')
  })
}

test('what is at its limit is taken', async () => {
  const body = jsapi({
    description: '卡'.repeat(127),
    attach: 'x'.repeat(128),
    out_trade_no: `a_-|*${newNumber()}`.padEnd(32, 'Z'),
    amount: { total: 1 },
    notify_url: `https://example.com/${'x'.repeat(235)}`,
    limit_pay: ['no_credit'],
    goods_tag: 'x'.repeat(32),
    support_fapiao: false,
    detail: {
      cost_price: 1,
      goods_detail: [{ merchant_goods_id: '1', quantity: 1, unit_price: 1 }],
    },
    scene_info: { payer_client_ip: '2001:db8::1', device_id: '013467007045764' },
    settle_info: { profit_sharing: true },
  })
  assert.equal((await place(body)).outcome, '200')
  assert.equal((await ask(body.out_trade_no)).outcome, '200')
})

test('unknown members and ranges are named in the Request-ID too', async () => {
  assert.equal(suffix(await place(jsapi({ more: 1 }))), '270924358')
  assert.equal(suffix(await place(jsapi({ amount: { total: 0 } }))), '268435464')
  assert.equal(suffix(await place(jsapi({ description: '' }))), '268435461')
})

test('an identity is decrypted, and refused where it cannot be', async () => {
  const openid = world.openid(user)
  const [name, number] = ['张三', '11010519491231002X'].map((text) => world.secret(merchant, text))
  const identity = { type: 'IDCARD', name: name?.value, number: number?.value }
  const send = (payer: object) =>
    world.v3(merchant, 'POST', `${prefix}/jsapi`, jsapi({ payer }), name?.headers)
  assert.equal((await send({ openid, identity })).outcome, '200')
  const plain = await send({ openid, identity: { ...identity, name: '张三' } })
  assert.equal(plain.outcome, '400 PARAM_ERROR')
  const unnamed = await place(jsapi({ payer: { openid, identity } }))
  assert.equal(unnamed.body.detail.field, 'Wechatpay-Serial')
})

test('an appid that is not bound to the merchant is refused', async () => {
  const answer = await place(jsapi({ appid: 'wx0000000000000000' }))
  assert.equal(answer.outcome, '400 APPID_MCHID_NOT_MATCH')
  assert.equal(suffix(answer), '268445527')
})

test('an openid of another app is refused', async () => {
  const openid = world.openid(user, 'wx1111111111111111')
  const answer = await place(jsapi({ payer: { openid } }))
  assert.equal(answer.outcome, '400 PARAM_ERROR')
  assert.match(answer.body.message, /不匹配/)
})

test('the mchid of the body or the query must be the one that signed', async () => {
  const answer = await place(jsapi({ mchid: stranger.mchid }))
  assert.equal(answer.outcome, '400 INVALID_REQUEST')
  assert.equal(suffix(answer), '268447843')
  const query = `${prefix}/out-trade-no/T000001?mchid=${stranger.mchid}`
  assert.equal((await world.v3(merchant, 'GET', query)).outcome, '400 INVALID_REQUEST')
})

test('a query without mchid, with more, or with it twice is refused', async () => {
  const of = (query: string) => world.v3(merchant, 'GET', `${prefix}/out-trade-no/T000001${query}`)
  const faults = [
    { query: '', field: 'mchid' },
    { query: `?mchid=${merchant.mchid}&more=1`, field: 'more' },
    { query: `?mchid=${merchant.mchid}&mchid=${merchant.mchid}`, field: 'mchid' },
  ]
  for (const { query, field } of faults) {
    const { outcome, body } = await of(query)
    assert.equal(outcome, '400 PARAM_ERROR')
    assert.deepEqual([body.detail.field, body.detail.location], [field, 'query'])
  }
})

test('the same order again has another prepay_id, and either pays it once', async () => {
  const body = jsapi()
  const [first, second] = [await place(body), await place(body)]
  assert.notEqual(first.body.prepay_id, second.body.prepay_id)
  assert.ok(world.twin.prepays.pay(first.body.prepay_id, user).paid)
  assert.deepEqual(world.twin.prepays.pay(second.body.prepay_id, user), {
    paid: false,
    why: 'order_paid',
  })
})

test('the order of members does not make another order, nor does another time_expire', async () => {
  const body = jsapi()
  await place(body)
  const turned = Object.fromEntries(Object.entries(body).reverse())
  assert.equal((await place(turned)).outcome, '200')
  const later = { ...body, time_expire: formatTime(world.twin.clock.now() + 600_000) }
  assert.equal((await place(later)).outcome, '200')
})

for (const [name, more, kind] of [
  ['another amount', { amount: { total: 9_999, currency: 'CNY' } }, 'jsapi'],
  ['another description', { description: '别的' }, 'jsapi'],
  ['another kind of order', { payer: undefined }, 'native'],
] as const) {
  test(`${name} under a number that is open is refused`, async () => {
    const body = jsapi()
    await place(body)
    const answer = await place({ ...body, ...more }, kind)
    assert.equal(answer.outcome, '400 INVALID_REQUEST')
    assert.equal(suffix(answer), '268498688')
  })
}

test('a number is one order for each merchant', async () => {
  const body = jsapi()
  await place(body)
  const theirs = { ...body, mchid: stranger.mchid, amount: { total: 1, currency: 'CNY' } }
  assert.equal((await place(theirs, 'jsapi', stranger)).outcome, '200')
})

test('a number that was paid or closed is refused for ever', async () => {
  const paid = await paidOrder(world, merchant, user)
  const { transaction_id: _, ...body } = paid
  assert.equal((await place(body)).outcome, '400 ORDER_PAID')
  const closed = jsapi()
  await place(closed)
  await close(closed.out_trade_no)
  assert.equal((await place(closed)).outcome, '400 ORDER_CLOSED')
})

test('a new Native order of a number takes the earlier code away', async () => {
  const body = orderBody(merchant)
  const [first, second] = [await place(body, 'native'), await place(body, 'native')]
  assert.deepEqual(world.twin.prepays.pay(first.body.code_url, user), {
    paid: false,
    why: 'invitation_replaced',
  })
  assert.ok(world.twin.prepays.pay(second.body.code_url, user).paid)
})

test('nobody but the named user pays a JSAPI order', async () => {
  const made = await place(jsapi())
  assert.deepEqual(world.twin.prepays.pay(made.body.prepay_id, somebodyElse), {
    paid: false,
    why: 'another_user',
  })
})

test('who has too little does not pay', async () => {
  const poor = world.user({ balance_fen: 9_999 })
  const made = await place(jsapiBody(world, merchant, poor))
  assert.deepEqual(world.twin.prepays.pay(made.body.prepay_id, poor), {
    paid: false,
    why: 'not_enough',
  })
  assert.equal(world.twin.users.table.get(poor.id)?.balance_fen, 9_999)
})

test('limit_pay no_credit keeps credit cards out', async () => {
  const indebted = world.user({ pays_with: 'credit' })
  const made = await place(jsapiBody(world, merchant, indebted, { limit_pay: ['no_credit'] }))
  const why = 'no_credit_cards'
  assert.deepEqual(world.twin.prepays.pay(made.body.prepay_id, indebted), { paid: false, why })
  const free = await place(jsapiBody(world, merchant, indebted))
  assert.ok(world.twin.prepays.pay(free.body.prepay_id, indebted).paid)
})

test('a closed order is closed, closing it again is no harm, and it cannot be paid', async () => {
  const body = jsapi()
  const made = await place(body)
  assert.equal((await close(body.out_trade_no)).outcome, '204')
  assert.equal((await close(body.out_trade_no)).outcome, '204')
  assert.equal((await ask(body.out_trade_no)).body.trade_state, 'CLOSED')
  const late = world.twin.prepays.pay(made.body.prepay_id, user)
  assert.deepEqual(late, { paid: false, why: 'order_closed' })
})

test('a paid order cannot be closed', async () => {
  const { out_trade_no } = await paidOrder(world, merchant, user)
  const answer = await close(out_trade_no)
  assert.equal(answer.outcome, '400 ORDER_PAID')
  assert.equal((await ask(out_trade_no)).body.trade_state, 'SUCCESS')
})

test('neither a code payment nor a part of a combined order is closed alone', async () => {
  const trade = {
    mchid: merchant.mchid,
    appid,
    description: '礼品卡',
    total: 1,
    state: 'NOTPAY',
    expires_at: world.twin.clock.now() + 60_000,
    profit_sharing: false,
    no_credit: false,
    terms: '',
  } as const
  const [code, part] = [newNumber(), newNumber()]
  world.twin.trades.add({ ...trade, out_trade_no: code, trade_type: 'MICROPAY' })
  const combine_out_trade_no = newNumber('C')
  world.twin.trades.add({ ...trade, out_trade_no: part, trade_type: 'JSAPI', combine_out_trade_no })
  const [byCode, alone] = [await close(code), await close(part)]
  assert.deepEqual([byCode.outcome, suffix(byCode)], ['400 INVALID_REQUEST', '268449641'])
  assert.equal(alone.outcome, '400 INVALID_REQUEST')
  for (const no of [code, part])
    assert.equal(world.twin.trades.find(merchant.mchid, no)?.state, 'NOTPAY')
  for (const out_trade_no of [code, part])
    assert.equal((await place(jsapi({ out_trade_no }))).outcome, '403 OUT_TRADE_NO_USED')
})

test('nobody sees or closes the order of another merchant', async () => {
  const paid = await paidOrder(world, merchant, user)
  assert.equal((await ask(paid.out_trade_no, stranger)).outcome, '404 ORDER_NOT_EXIST')
  assert.equal((await close(paid.out_trade_no, stranger)).outcome, '404 ORDER_NOT_EXIST')
  const byId = `${prefix}/id/${paid.transaction_id}?mchid=${stranger.mchid}`
  assert.equal((await world.v3(stranger, 'GET', byId)).outcome, '404 ORDER_NOT_EXIST')
})

test('a transaction_id that cannot be one is refused', async () => {
  const answer = await world.v3(merchant, 'GET', `${prefix}/id/abc?mchid=${merchant.mchid}`)
  assert.equal(answer.outcome, '400 PARAM_ERROR')
})

test('a prepay_id is good for 2 hours, an H5 page for 5 minutes, and the order for 7 days', async () => {
  const [inside, page] = [jsapi(), orderBody(merchant, { scene_info: h5Scene })]
  const [prepay, h5] = [await place(inside), await place(page, 'h5')]
  world.advance(301)
  const late = (token: string) => world.twin.prepays.pay(token, user)
  assert.deepEqual(late(h5.body.h5_url), { paid: false, why: 'invitation_expired' })
  world.advance(7200 - 301)
  assert.deepEqual(late(prepay.body.prepay_id), { paid: false, why: 'invitation_expired' })
  assert.equal((await ask(inside.out_trade_no)).body.trade_state, 'NOTPAY')
  const again = await place(inside)
  assert.ok(late(again.body.prepay_id).paid)
  world.advance(7 * 86_400 - 7200 - 60)
  assert.equal((await ask(page.out_trade_no)).body.trade_state, 'NOTPAY')
  world.advance(61)
  assert.equal((await ask(page.out_trade_no)).body.trade_state, 'CLOSED')
})

test('time_expire closes the order, is raised to a minute, and is fixed by the first order', async () => {
  const now = world.twin.clock.now()
  const body = jsapi({ time_expire: formatTime(now + 600_000) })
  const soon = jsapi({ time_expire: formatTime(now + 5_000) })
  const [made] = [await place(body), await place(soon)]
  await place({ ...body, time_expire: formatTime(now + 3_600_000) })
  world.advance(35)
  assert.equal((await ask(soon.out_trade_no)).body.trade_state, 'NOTPAY')
  world.advance(30)
  assert.equal((await ask(soon.out_trade_no)).body.trade_state, 'CLOSED')
  world.advance(536)
  assert.equal((await ask(body.out_trade_no)).body.trade_state, 'CLOSED')
  const late = world.twin.prepays.pay(made.body.prepay_id, user)
  assert.equal(late.paid, false)
})

test('expire_now lets an order run out as it is placed, or as it is asked for', async () => {
  const fault = (path: string) =>
    world.control('POST', '/faults', {
      rule: { match: { path, mchid: merchant.mchid }, effect: 'expire_now' },
    })
  await fault(`${prefix}/jsapi`)
  const body = jsapi()
  await place(body)
  assert.equal((await ask(body.out_trade_no)).body.trade_state, 'CLOSED')
  await fault(`${prefix}/h5`)
  const page = orderBody(merchant, { scene_info: h5Scene })
  await place(page, 'h5')
  assert.equal((await ask(page.out_trade_no)).body.trade_state, 'CLOSED')
  const other = jsapi()
  await place(other)
  assert.equal((await ask(other.out_trade_no)).body.trade_state, 'NOTPAY')
  await fault(`${prefix}/out-trade-no/*`)
  assert.equal((await ask(other.out_trade_no)).body.trade_state, 'CLOSED')
})
