/** What a trading mini-program reports of a delivery, in one or in parts, and what becomes of the order. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, startWorld, type TestApp, type TestWorld } from './test-world.ts'

let world: TestWorld
let mini: TestApp
let user: Json
before(async () => {
  world = await startWorld()
  mini = await world.app('mini_program')
  user = await world.user()
})
after(() => world.stop())

const call = (path: string, body: object) => world.post(mini, `/wxa/sec/order/${path}`, body)

function newTrade(appid = mini.appid) {
  return world.twin.trades.add({
    mchid: '1900000001',
    appid,
    out_trade_no: `order${world.twin.random.digits(12)}`,
    description: '礼品卡',
    total: 10_000,
    trade_type: 'JSAPI',
    state: 'NOTPAY',
    expires_at: world.twin.clock.now() + 60_000,
    profit_sharing: false,
    no_credit: false,
    terms: '',
  })
}
const paidTrade = () => world.twin.trades.markPaid(newTrade(), user)
const byNumber = (trade: Json) => ({
  order_number_type: 1,
  mchid: trade.mchid,
  out_trade_no: trade.out_trade_no,
})

const report = (trade: Json, more: object = {}) =>
  call('upload_shipping_info', {
    order_key: byNumber(trade),
    logistics_type: 3,
    delivery_mode: 1,
    shipping_list: [{ item_desc: '礼品卡*1' }],
    upload_time: '2026-11-25T13:29:35+08:00',
    payer: { openid: world.twin.users.openidOf(user.id, mini.appid) },
    ...more,
  })
const orderOf = async (trade: Json) =>
  (await call('get_order', { transaction_id: trade.transaction_id })).order

test('a paid order waits, is delivered, and is confirmed by its buyer', async () => {
  const trade = paidTrade()
  assert.equal((await orderOf(trade)).order_state, 1)
  assert.equal((await report(trade)).errcode, 0)
  const shipped = await orderOf(trade)
  assert.equal(shipped.order_state, 2)
  assert.equal(shipped.paid_amount, 10_000)
  assert.equal(shipped.shipping.logistics_type, 3)
  const { transaction_id } = trade
  const stranger = await world.user()
  assert.equal(await world.refused(stranger, 'confirm_receipt', { transaction_id }), '10060001')
  await world.do(user, 'confirm_receipt', { transaction_id })
  assert.equal((await orderOf(trade)).order_state, 3)
  const event = (await world.posted(mini)).at(-1)
  assert.equal(event.name, 'trade_manage_order_settlement')
  assert.equal(event.message.merchant_trade_no, trade.out_trade_no)
})

test('parts are reported one by one until the last', async () => {
  const trade = paidTrade()
  const parcel = (tracking_no: string) => ({ item_desc: '卡', express_company: 'STO', tracking_no })
  const part = (number: string, is_all_delivered: boolean) =>
    report(trade, {
      logistics_type: 1,
      delivery_mode: 2,
      is_all_delivered,
      shipping_list: [parcel(number)],
    })
  assert.equal((await part('1', false)).errcode, 0)
  assert.equal((await orderOf(trade)).shipping.finish_shipping, false)
  assert.equal((await part('2', true)).errcode, 0)
  const { shipping } = await orderOf(trade)
  assert.equal(shipping.finish_shipping, true)
  assert.deepEqual(
    shipping.shipping_list.map(({ tracking_no }: Json) => tracking_no),
    ['1', '2'],
  )
})

test('a parcel has a carrier and a number', async () => {
  const parcel = (item: object) => report(paidTrade(), { logistics_type: 1, shipping_list: [item] })
  assert.equal((await parcel({ item_desc: '卡', express_company: 'STO' })).errcode, 10060014)
  assert.equal((await parcel({ item_desc: '卡', tracking_no: '1' })).errcode, 10060014)
  assert.equal(
    (await parcel({ item_desc: '卡', express_company: 'STO', tracking_no: '1' })).errcode,
    0,
  )
})

test('the order is of this mini-program, paid, and named by one of its numbers', async () => {
  const open = newTrade()
  assert.equal((await report(open)).errcode, 10060004)
  const byOwn = { merchant_id: open.mchid, merchant_trade_no: open.out_trade_no }
  assert.equal((await call('get_order', byOwn)).errcode, 10060004)
  const other = world.twin.trades.markPaid(newTrade('wxother'), user)
  assert.equal((await report(other)).errcode, 10060001)
  assert.equal(
    (await report(paidTrade(), { order_key: { order_number_type: 3 } })).errcode,
    10060014,
  )
  assert.equal((await report(paidTrade(), { order_key: undefined })).errcode, 10060014)
  assert.equal((await report(paidTrade(), { payer: {} })).errcode, 10060014)
})

test('a refunded order is shown as refunded', async () => {
  const trade = paidTrade()
  world.twin.trades.change(trade, { state: 'REFUND' })
  assert.equal((await orderOf(trade)).order_state, 5)
})

test('a buyer is reminded of what was delivered, and of nothing else', async () => {
  const trade = paidTrade()
  const remind = () => call('notify_confirm_receive', { transaction_id: trade.transaction_id })
  assert.equal((await remind()).errcode, 10060004)
  await report(trade)
  assert.equal((await remind()).errcode, 0)
  assert.equal((await world.do(user, 'messages')).data.at(-1).title, '确认收货提醒')
})

test('a mini-program asks about its own trade', async () => {
  assert.equal((await call('is_trade_managed', { appid: mini.appid })).is_trade_managed, true)
  assert.equal((await call('is_trade_managed', { appid: 'wx9' })).errcode, 40013)
  assert.equal((await call('is_trade_managed', {})).errcode, 41002)
})

test('an official account reports no delivery', async () => {
  const account = await world.app('official_account')
  const answer = await world.post(account, '/wxa/sec/order/upload_shipping_info', {})
  assert.equal(answer.errcode, 48001)
})
