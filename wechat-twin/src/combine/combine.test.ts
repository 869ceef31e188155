/** Combined orders over v3: what stands together, all paid or none, each part refunded and shared by itself. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { isSigned, opened, openReceiver } from '../testing/receiver.ts'
import { appid, openWorld, type TestMerchant } from '../testing/world.ts'

const world = await openWorld()
const ear = await openReceiver()
after(async () => {
  await ear.close()
  await world.close()
})
const notify_url = ear.url
const { twin } = world
const platform = await world.merchant()
const shop = await world.merchant()
const user = world.user({ balance_fen: 100_000 })
let count = 0
function fresh(prefix: string): string {
  count += 1
  return `${prefix}${String(count).padStart(9, '0')}`
}

const part = (mchid: string, total: number, more: object = {}) => ({
  mchid,
  attach: 'a',
  amount: { total_amount: total, currency: 'CNY' },
  out_trade_no: fresh('P'),
  description: '礼卡',
  ...more,
})
const ordinary = () => ({
  combine_appid: appid,
  combine_mchid: platform.mchid,
  combine_out_trade_no: fresh('C'),
  sub_orders: [part(platform.mchid, 1_250), part(shop.mchid, 1_750)],
  combine_payer_info: { openid: world.openid(user) },
  notify_url,
})
type Order = ReturnType<typeof ordinary>
const place = (order: object, scene = 'jsapi', as: TestMerchant = platform) =>
  world.v3(as, 'POST', `/v3/combine-transactions/${scene}`, order)
const ask = (no: string, as = platform) =>
  world.v3(as, 'GET', `/v3/combine-transactions/out-trade-no/${no}`)
const closing = ({ combine_appid, sub_orders }: Order) => ({
  combine_appid,
  sub_orders: sub_orders.map(({ mchid, out_trade_no }) => ({ mchid, out_trade_no })),
})
const close = (order: Order, body: object = closing(order)) =>
  world.v3(
    platform,
    'POST',
    `/v3/combine-transactions/out-trade-no/${order.combine_out_trade_no}/close`,
    body,
  )

test('all parts are paid as one, each with a transaction of its own, and one notification tells of them', async () => {
  const order = ordinary()
  const { body } = await place(order)
  const unpaid = (await ask(order.combine_out_trade_no)).body
  assert.deepEqual(
    unpaid.sub_orders.map(({ trade_state }: Record<string, string>) => trade_state),
    ['NOTPAY', 'NOTPAY'],
  )
  assert.equal(unpaid.sub_orders[0].transaction_id, undefined)
  const before = [platform, shop].map(({ mchid }) => twin.trades.balanceOf(mchid))
  assert.ok(twin.prepays.pay(body.prepay_id, user).paid)
  assert.equal(twin.users.table.get(user.id)?.balance_fen, 97_000)
  const paid = (await ask(order.combine_out_trade_no)).body
  const [one, two] = paid.sub_orders
  assert.deepEqual([one.trade_state, two.trade_state], ['SUCCESS', 'SUCCESS'])
  assert.notEqual(one.transaction_id, two.transaction_id)
  assert.deepEqual(one.amount, {
    total_amount: 1_250,
    currency: 'CNY',
    payer_amount: 1_250,
    payer_currency: 'CNY',
  })
  assert.equal(paid.combine_payer_info.openid, world.openid(user))
  assert.deepEqual(
    [platform, shop].map(({ mchid }, place) => twin.trades.balanceOf(mchid) - (before[place] ?? 0)),
    [1_250 - 8, 1_750 - 11],
  )
  await world.control('POST', '/settle', {})
  assert.equal(ear.received.length, 1)
  const [notice] = ear.received
  assert.ok(notice !== undefined && isSigned(platform, notice))
  assert.equal(JSON.parse(notice.body).event_type, 'TRANSACTION.SUCCESS')
  assert.deepEqual(opened(platform, notice), paid)
})

test('a payer whose money does not reach for all pays none', async () => {
  const poor = world.user({ balance_fen: 2_999 })
  const order = { ...ordinary(), combine_payer_info: { openid: world.openid(poor) } }
  const { body } = await place(order)
  assert.deepEqual(twin.prepays.pay(body.prepay_id, poor), { paid: false, why: 'not_enough' })
  assert.equal(twin.users.table.get(poor.id)?.balance_fen, 2_999)
  const { sub_orders } = (await ask(order.combine_out_trade_no)).body
  assert.deepEqual(
    sub_orders.map(({ trade_state }: Record<string, string>) => trade_state),
    ['NOTPAY', 'NOTPAY'],
  )
})

test('each scene answers its own kind of invitation', async () => {
  assert.match((await place(ordinary(), 'native')).body.code_url, /^weixin:\/\//)
  assert.match((await place(ordinary(), 'app')).body.prepay_id, /^wx/)
  const scene_info = { payer_client_ip: '1.2.3.4', h5_info: { type: 'Wap' } }
  assert.match((await place({ ...ordinary(), scene_info }, 'h5')).body.h5_url, /^http/)
  assert.equal((await place(ordinary(), 'h5')).outcome, '400 PARAM_ERROR')
})

for (const [what, expected, change, scene = 'jsapi'] of [
  [
    'one part',
    '400 PARAM_ERROR',
    (order) => ({ ...order, sub_orders: order.sub_orders.slice(0, 1) }),
  ],
  [
    'eleven parts',
    '400 PARAM_ERROR',
    (order) => ({ ...order, sub_orders: Array.from({ length: 11 }, () => part(shop.mchid, 1)) }),
  ],
  [
    'ten parts',
    '200',
    (order) => ({ ...order, sub_orders: Array.from({ length: 10 }, () => part(shop.mchid, 1)) }),
  ],
  [
    'a part number twice',
    '400 INVALID_REQUEST',
    (order) => ({ ...order, sub_orders: [order.sub_orders[0], order.sub_orders[0]] }),
  ],
  [
    'more than ten million yuan in a part',
    '400 PARAM_ERROR',
    (order) => ({ ...order, sub_orders: [part(shop.mchid, 1_000_000_001), part(shop.mchid, 1)] }),
  ],
  [
    '`total` where it is `total_amount`',
    '400 PARAM_ERROR',
    (order) => ({
      ...order,
      sub_orders: [
        part(shop.mchid, 1, { amount: { total: 1, currency: 'CNY' } }),
        part(shop.mchid, 1),
      ],
    }),
  ],
  [
    'a part without attach',
    '400 PARAM_ERROR',
    (order) => ({
      ...order,
      sub_orders: [part(shop.mchid, 1, { attach: undefined }), part(shop.mchid, 1)],
    }),
  ],
  [
    'a part of nobody',
    '400 MCH_NOT_EXISTS',
    (order) => ({ ...order, sub_orders: [part('1999999999', 1), part(shop.mchid, 1)] }),
  ],
  [
    'an appid that is not bound',
    '400 APPID_MCHID_NOT_MATCH',
    (order) => ({ ...order, combine_appid: 'wx0000000000000000', combine_payer_info: undefined }),
    'native',
  ],
  [
    'somebody else’s openid',
    '400 PARAM_ERROR',
    (order) => ({ ...order, combine_payer_info: { openid: 'oNobody' } }),
  ],
  [
    'another merchant than the one that signed',
    '400 INVALID_REQUEST',
    (order) => ({ ...order, combine_mchid: shop.mchid }),
  ],
  ['no payer', '400 PARAM_ERROR', (order) => ({ ...order, combine_payer_info: undefined })],
  [
    'a notify_url with a query',
    '400 PARAM_ERROR',
    (order) => ({ ...order, notify_url: `${notify_url}?a=b` }),
  ],
  [
    'a member that nobody knows',
    '400 PARAM_ERROR',
    (order) => ({ ...order, limit_pay: ['no_credit'] }),
  ],
] as [string, string, (order: Order) => object, string?][]) {
  test(`a combined order with ${what}: ${expected}`, async () => {
    const answer = await place(change(ordinary()), scene)
    assert.equal(answer.outcome, expected, answer.text)
  })
}

test('a merchant that was closed combines nothing, and is no part either', async () => {
  const gone = await world.merchant({ closed: true })
  const own = { ...ordinary(), combine_mchid: gone.mchid }
  assert.equal((await place(own, 'jsapi', gone)).outcome, '400 MCH_NOT_EXISTS')
  const other = { ...ordinary(), sub_orders: [part(gone.mchid, 1), part(shop.mchid, 1)] }
  assert.equal((await place(other)).outcome, '400 MCH_NOT_EXISTS')
})

test('a provider may combine 1 to 50', async () => {
  const provider = await world.merchant({ more: { sub_mchids: [shop.mchid] } })
  const of = (parts: number) => ({
    ...ordinary(),
    combine_mchid: provider.mchid,
    sub_orders: Array.from({ length: parts }, () => part(shop.mchid, 1)),
  })
  assert.equal((await place(of(1), 'jsapi', provider)).outcome, '200')
  assert.equal((await place(of(50), 'jsapi', provider)).outcome, '200')
  assert.equal((await place(of(51), 'jsapi', provider)).outcome, '400 PARAM_ERROR')
})

test('the same order again is the same order; another under its number, or with a used part, is refused', async () => {
  const order = ordinary()
  const first = await place(order)
  const again = await place(order)
  assert.equal(again.outcome, '200')
  const changed = { ...order, sub_orders: [...order.sub_orders, part(shop.mchid, 5)] }
  assert.equal((await place(changed)).outcome, '400 INVALID_REQUEST')
  const stolen = { ...ordinary(), sub_orders: order.sub_orders }
  assert.equal((await place(stolen)).outcome, '403 OUT_TRADE_NO_USED')
  assert.ok(twin.prepays.pay(first.body.prepay_id, user).paid)
  assert.deepEqual(twin.prepays.pay(again.body.prepay_id, user), { paid: false, why: 'order_paid' })
  assert.equal((await place(order)).outcome, '400 ORDER_PAID')
})

test('closing names every part, may be repeated, and is too late once paid', async () => {
  const order = ordinary()
  const { body } = await place(order)
  const some = { ...closing(order), sub_orders: closing(order).sub_orders.slice(1) }
  assert.equal((await close(order, some)).outcome, '400 INVALID_REQUEST')
  assert.equal((await close(order)).outcome, '204')
  assert.equal((await close(order)).outcome, '204')
  assert.deepEqual(twin.prepays.pay(body.prepay_id, user), { paid: false, why: 'order_closed' })
  assert.equal((await place(order)).outcome, '400 ORDER_CLOSED')
  const paid = ordinary()
  twin.prepays.pay((await place(paid)).body.prepay_id, user)
  assert.equal((await close(paid)).outcome, '400 ORDER_PAID')
  assert.equal((await close(ordinary())).outcome, '404 ORDER_NOT_EXIST')
  assert.equal((await ask(paid.combine_out_trade_no, shop)).outcome, '404 ORDER_NOT_EXIST')
})

test('a part is neither closed nor placed again by itself', async () => {
  const order = ordinary()
  await place(order)
  const no = order.sub_orders[0]?.out_trade_no ?? ''
  const path = `/v3/pay/transactions/out-trade-no/${no}/close`
  assert.equal(
    (await world.v3(platform, 'POST', path, { mchid: platform.mchid })).outcome,
    '400 INVALID_REQUEST',
  )
})

test('each part is refunded and shared by itself', async () => {
  const order = ordinary()
  const [first, second] = order.sub_orders
  assert.ok(first !== undefined && second !== undefined)
  Object.assign(second, { settle_info: { profit_sharing: true } })
  twin.prepays.pay((await place(order)).body.prepay_id, user)
  const refund = await world.v3(platform, 'POST', '/v3/refund/domestic/refunds', {
    out_trade_no: first.out_trade_no,
    out_refund_no: fresh('R'),
    amount: { refund: 1_250, total: 1_250, currency: 'CNY' },
  })
  assert.equal(refund.outcome, '200', refund.text)
  const states = (await ask(order.combine_out_trade_no)).body.sub_orders
  assert.deepEqual(
    states.map(({ trade_state }: Record<string, string>) => trade_state),
    ['REFUND', 'SUCCESS'],
  )
  const unsplit = (who: TestMerchant, id: string) =>
    world.v3(who, 'GET', `/v3/profitsharing/transactions/${id}/amounts`)
  assert.equal((await unsplit(platform, states[0].transaction_id)).body.unsplit_amount, 0)
  assert.equal((await unsplit(shop, states[1].transaction_id)).body.unsplit_amount, 1_739)
})

test('an order that ran out is closed with all its parts', async () => {
  const { formatTime } = await import('../kernel/time.ts')
  const order = { ...ordinary(), time_expire: formatTime(twin.clock.now() + 120_000) }
  const { body } = await place(order)
  world.advance(121)
  assert.equal(twin.prepays.pay(body.prepay_id, user).paid, false)
  const { sub_orders } = (await ask(order.combine_out_trade_no)).body
  assert.deepEqual(
    sub_orders.map(({ trade_state }: Record<string, string>) => trade_state),
    ['CLOSED', 'CLOSED'],
  )
})
