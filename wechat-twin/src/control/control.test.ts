import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, test } from 'node:test'
import { jsapiBody, orderBody } from '../testing/orders.ts'
import { openWorld } from '../testing/world.ts'

const world = await openWorld()
after(() => world.close())
const merchant = await world.merchant()
const user = world.user()
const { publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const given = {
  mchid: '1900009999',
  appids: ['wxd678efh567hg6787'],
  api_v3_key: 'k'.repeat(32),
  serial: '4A'.repeat(20),
  public_key_pem: publicKey,
}
const rule = (match: object, effect: unknown = 'drop_notification') => ({ rule: { match, effect } })
const path = '/v3/*'

// Each by the words with which it is refused.
const mistakes: { name: string; path: string; body: unknown; said: RegExp }[] = [
  { name: 'a body that is no JSON', path: '/clock', body: 'no json', said: /no|JSON|object/ },
  {
    name: 'a merchant without a key',
    path: '/merchants',
    body: { ...given, public_key_pem: undefined },
    said: /public_key_pem or certificate_pem/,
  },
  {
    name: 'a key that is none',
    path: '/merchants',
    body: { ...given, public_key_pem: 'key' },
    said: /public_key_pem or certificate_pem/,
  },
  {
    name: 'an APIv3 key of 31',
    path: '/merchants',
    body: { ...given, api_v3_key: 'k'.repeat(31) },
    said: /api_v3_key/,
  },
  {
    name: '51 appids',
    path: '/merchants',
    body: { ...given, appids: Array.from({ length: 51 }, () => 'wx') },
    said: /appids/,
  },
  {
    name: 'a member of a merchant that nobody knows',
    path: '/merchants',
    body: { ...given, appid: 'wx' },
    said: /appid/,
  },
  {
    name: 'more than all notifications',
    path: '/merchants',
    body: { ...given, share_percent: 101 },
    said: /between 0 and 100/,
  },
  {
    name: 'a merchant that is not there',
    path: '/merchants/1/rotate',
    body: { what: 'certificate' },
    said: /no merchant 1/,
  },
  { name: 'a user without a name', path: '/users', body: {}, said: /name/ },
  {
    name: 'a user that is not there',
    path: '/users/none/do',
    body: { action: 'pay' },
    said: /no user none/,
  },
  {
    name: 'an action that is not there',
    path: `/users/${user.id}/do`,
    body: { action: 'fly' },
    said: /no action fly; there are .*pay/,
  },
  {
    name: 'paying nothing',
    path: `/users/${user.id}/do`,
    body: { action: 'pay' },
    said: /prepay_id, code_url, h5_url or parameters/,
  },
  {
    name: 'cancelling nothing',
    path: `/users/${user.id}/do`,
    body: { action: 'cancel', prepay_id: 'x' },
    said: /no invitation x/,
  },
  {
    name: 'paying what is not there',
    path: `/users/${user.id}/do`,
    body: { action: 'pay', prepay_id: 'x' },
    said: /NO_SUCH_INVITATION/,
  },
  {
    name: 'a clock of two minds',
    path: '/clock',
    body: { offset_seconds: 1, advance_seconds: 1 },
    said: /either/,
  },
  { name: 'a clock of no mind', path: '/clock', body: {}, said: /either/ },
  {
    name: 'seconds as text',
    path: '/clock',
    body: { offset_seconds: '1' },
    said: /seconds are a number/,
  },
  {
    name: 'an effect that nobody knows',
    path: '/faults',
    body: rule({ path }, 'explode'),
    said: /effect/,
  },
  {
    name: 'an effect of two',
    path: '/faults',
    body: rule({ path }, { status: {}, hang_after: {} }),
    said: /effect is a name/,
  },
  { name: 'a match without a path', path: '/faults', body: rule({}), said: /path/ },
  { name: 'the zeroth call', path: '/faults', body: rule({ path, nth: 0 }), said: /nth/ },
  {
    name: 'a setting that nobody knows',
    path: '/settings',
    body: { probes: 1 },
    said: /unknown setting probes/,
  },
  {
    name: 'a setting of another type',
    path: '/settings',
    body: { probeEvery: '1' },
    said: /another type/,
  },
]

for (const { name, path, body, said } of mistakes) {
  test(`${name} is refused in words`, async () => {
    await assert.rejects(world.control('POST', path, body), said)
  })
}

test('a merchant may be made again, and keeps the platform’s keys', async () => {
  const first = await world.control('POST', '/merchants', given)
  const again = await world.control('POST', '/merchants', { ...given, suspended: true })
  assert.deepEqual(again.platform_certificates, first.platform_certificates)
  assert.equal(again.suspended, true)
  assert.doesNotMatch(JSON.stringify(again), /PRIVATE|api_v3_key/)
})

test('a user has a name of its own at each app, the same whenever asked, and one UnionID', async () => {
  await world.merchant({ appids: ['wx1111111111111111', 'wx2222222222222222'] })
  const made = await world.control('POST', '/users', { name: '王五', phone: '13800138000' })
  const names = Object.values(made.openids)
  assert.equal(new Set(names).size, names.length)
  for (const openid of names) assert.match(String(openid), /^o[\w-]{27}$/)
  assert.match(made.unionid, /^o6_[\w-]{25}$/)
  assert.deepEqual(await world.control('GET', `/users/${made.id}`), made)
  const { data } = await world.control('GET', '/users')
  assert.ok(data.some(({ id }: { id: string }) => id === made.id))
})

test('a user pays, and reads of it', async () => {
  const body = jsapiBody(world, merchant, user, { description: '一张礼品卡' })
  const made = await world.v3(merchant, 'POST', '/v3/pay/transactions/jsapi', body)
  const { prepay_id } = made.body
  const act = (action: string, more: object = {}) =>
    world.control('POST', `/users/${user.id}/do`, { action, ...more })
  assert.deepEqual(await act('cancel', { prepay_id }), { cancelled: true })
  const { transaction_id } = await act('pay', { prepay_id: `prepay_id=${prepay_id}` })
  await assert.rejects(act('pay', { prepay_id }), /ORDER_PAID/)
  const { data } = await act('messages')
  assert.match(data.at(-1).text, /一张礼品卡/)
  const orders = (await world.control('GET', `/orders?mchid=${merchant.mchid}`)).data
  const order = orders.find(
    ({ out_trade_no }: { out_trade_no: string }) => out_trade_no === body.out_trade_no,
  )
  assert.deepEqual([order.state, order.transaction_id], ['SUCCESS', transaction_id])
})

test('an h5_url is paid with a redirect_url behind it', async () => {
  const scene_info = { payer_client_ip: '203.0.113.9', h5_info: { type: 'Wap' } }
  const body = orderBody(merchant, { scene_info })
  const { h5_url } = (await world.v3(merchant, 'POST', '/v3/pay/transactions/h5', body)).body
  const paid = await world.control('POST', `/users/${user.id}/do`, {
    action: 'pay',
    h5_url: `${h5_url}&redirect_url=https%3A%2F%2Fexample.com`,
  })
  assert.match(paid.transaction_id, /^\d{28}$/)
})

test('an order can be made to run out', async () => {
  const body = orderBody(merchant)
  await world.v3(merchant, 'POST', '/v3/pay/transactions/native', body)
  await world.control('POST', `/orders/${merchant.mchid}/${body.out_trade_no}/expire`)
  const query = `/v3/pay/transactions/out-trade-no/${body.out_trade_no}?mchid=${merchant.mchid}`
  assert.equal((await world.v3(merchant, 'GET', query)).body.trade_state, 'CLOSED')
})

test('an account that was blocked may be normal again', async () => {
  const change = (account: string) =>
    world.control('POST', `/users/${user.id}/do`, { action: 'change', account })
  assert.equal((await change('blocked')).account, 'blocked')
  assert.equal((await change('normal')).account, undefined)
})

test('settings are merged group by group, and kept', async () => {
  const changed = await world.control('POST', '/settings', { rates: { 'order.jsapi': 7 } })
  assert.equal(changed.rates['order.jsapi'], 7)
  assert.equal(changed.rates['order.native'], 600)
  await world.control('POST', '/settings', { rates: { 'order.jsapi': 500 }, refundSeconds: 5 })
  const now = await world.control('GET', '/settings')
  assert.deepEqual([now.rates['order.jsapi'], now.refundSeconds], [500, 5])
})

test('effects may be written in three ways', async () => {
  for (const effect of [
    'duplicate_notification',
    { name: 'duplicate_notification', count: 3 },
    { duplicate_notification: { count: 3 } },
  ])
    await world.control('POST', '/faults', rule({ path }, effect))
  const { data } = await world.control('GET', '/faults')
  assert.deepEqual(
    data.map(({ effect, with: more }: { effect: string; with: object }) => [effect, more]),
    [
      ['duplicate_notification', {}],
      ['duplicate_notification', { count: 3 }],
      ['duplicate_notification', { count: 3 }],
    ],
  )
  await world.control('DELETE', '/faults')
  await world.control('POST', '/faults', rule({ path }).rule)
  assert.equal((await world.control('GET', '/faults')).data.length, 1)
  await world.control('DELETE', '/faults')
  assert.deepEqual((await world.control('GET', '/faults')).data, [])
})

test('a fault that no call can meet is refused, with the routes near it', async () => {
  const add = (match: object, effect: unknown = 'answer_500_after') =>
    world.control('POST', '/faults', rule(match, effect))
  for (const wrong of [
    { path: '/v3/profitsharing/order' },
    { path: '/v3/refund/domestic/refund/*' },
    { path: '/v3/profitsharing/return-orders', method: 'GET' },
  ]) {
    await assert.rejects(add(wrong), /BAD_CONTROL.*near it: /)
  }
  await assert.rejects(
    add({ path: '/v3/profitsharing/order' }),
    /POST \/v3\/profitsharing\/orders[,"]/,
  )
  for (const match of [
    { path: '*' },
    { path: '/v3/profitsharing/*' },
    { path: '/v3/profitsharing/orders/{no}' },
    { path: '/v3/profitsharing/orders/S1' },
    { path: '/v3/profitsharing/return-orders/B*', method: 'GET' },
  ])
    assert.match((await add(match)).id, /^fault_/)
  // A notification goes to whatever place it was told.
  assert.match((await add({ path: 'TRANSACTION.SUCCESS' }, 'drop_notification')).id, /^fault_/)
  assert.match((await add({ path: '/somewhere' }, 'bad_signature')).id, /^fault_/)
  await world.control('DELETE', '/faults')
})

test('the clock is turned by an offset, by an advance, or to an instant', async () => {
  const turn = (body: object) => world.control('POST', '/clock', body)
  assert.equal((await turn({ offset_seconds: 100 })).offset_seconds, 100)
  assert.equal((await turn({ advance_seconds: -40 })).offset_seconds, 60)
  const { now } = await turn({ set_at: '2031-01-01T00:00:00+08:00' })
  assert.match(now, /^2030-12-31T16:00:0/)
  assert.equal((await turn({ offset_seconds: 0 })).offset_seconds, 0)
})
