/** Four journeys through WeChat, as buyers, cashiers and operators live them, at the server and a local WeChat. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

let shop: OrderShop
let merchant: string

before(async () => {
  shop = await startOrderShop()
  const body = { name: 'Tea house', category: 'tea' }
  merchant = (await shop.call('POST', '/v1/merchants', { key: shop.key, body })).body.id
})
after(() => shop.stop())
afterEach(async () => {
  await shop.twin.control.clearFaults()
  await shop.check()
})

const cardOf = async (order: { cards: string[] }) =>
  (await shop.get(shop.key, `/v1/cards/${order.cards[0]}`)).body

/** At a till of the shop. */
const spend = (card: string, amount: number, reference: string) =>
  shop.post(shop.key, '/v1/payments', {
    amount,
    currency: 'CNY',
    merchant_id: merchant,
    reference,
    sources: [{ card_id: card }],
  })

/** What WeChat has of an order: what was paid, less what went back. */
async function keptAtWechat(outTradeNo: string): Promise<number> {
  const orders = await shop.twin.control.orders(shop.merchant.mchid)
  const found = orders.find((one) => one.out_trade_no === outTradeNo)
  return found.total - found.refunded
}

test('bought on an H5 page, the callback is lost, a query finds it, and the card pays', async () => {
  const { id } = await shop.ordered({ channel: 'h5', member_id: undefined })
  const told = `/wechat/pay/${shop.account.id}/notifications`
  await shop.twin.control.fault({ path: told }, 'drop_notification')
  const invitation = await shop.invited(id, { scene: 'h5', client_ip: '203.0.113.9' })
  await shop.payInWechat(invitation)
  assert.equal((await shop.show(id)).status, 'paying', 'nobody has told us')
  await shop.advance(120)
  await shop.tend()
  const order = await shop.show(id)
  assert.equal(order.status, 'delivered')
  const tooEarly = await spend(order.cards[0], 2_000, 'h5-1')
  assert.deepEqual([tooEarly.status, tooEarly.body.code], [409, 'card.sealed'])
  await shop.advance(3 * 3_600)
  await shop.tend()
  assert.equal((await shop.show(id)).status, 'completed')
  const paid = await spend(order.cards[0], 2_000, 'h5-2')
  assert.equal(paid.status, 201)
  const shown = await shop.post(shop.key, `/v1/cards/${order.cards[0]}/reveal`)
  assert.match(shown.body.secret, /^[0-9A-Z]{4}(-?[0-9A-Z]{4}){3}$/)
  const card = await cardOf(order)
  assert.equal(card.balance.available, 8_000)
})

test('bought, thought better of within the hours, and everything is as before', async () => {
  const before = await shop.accounts('wechat', 'card_principal')
  const order = await shop.bought()
  assert.equal(order.status, 'delivered')
  const back = await shop.refund(order.id)
  assert.equal(back.status, 200, JSON.stringify(back.body))
  const locked = await shop.act(order.id, 'unseal')
  assert.equal(locked.status, 409, 'it is on its way back')
  await shop.advance(600)
  await shop.tend()
  const ended = await shop.show(order.id)
  assert.deepEqual([ended.status, ended.refunded_amount], ['refunded', 10_000])
  assert.equal((await cardOf(order)).status, 'closed')
  assert.deepEqual(await shop.accounts('wechat', 'card_principal'), before)
  assert.equal(await keptAtWechat(order.payment.out_trade_no), 0)
})

test('30.00 of which a card has 12.50 and WeChat is to give the rest; WeChat does not, the card is whole', async () => {
  const card = await shop.makeCard(shop.key, shop.product, 1_250)
  const asked = await shop.post(shop.key, '/v1/combined_payments', {
    amount: 3_000,
    merchant_id: merchant,
    reference: 'till-1',
    sources: [{ card_id: card.id }],
    rest: { method: 'wechat', scene: 'native' },
    expires_in: 120,
  })
  assert.equal(asked.status, 201, JSON.stringify(asked.body))
  assert.deepEqual([asked.body.card_amount, asked.body.wechat_amount], [1_250, 1_750])
  const { balance } = (await shop.get(shop.key, `/v1/cards/${card.id}`)).body
  assert.deepEqual([balance.available, balance.held], [0, 1_250])
  await shop.twin.control.do(shop.buyer.id, 'cancel', {
    code_url: asked.body.invitation.code_url,
  })
  const ended = await combinedAfter(asked.body.id, 240)
  assert.equal(ended.status, 'failed')
  assert.equal(ended.payment_id, null)
  const whole = (await shop.get(shop.key, `/v1/cards/${card.id}`)).body.balance
  assert.deepEqual([whole.available, whole.held], [1_250, 0])
  assert.equal((await spend(card.id, 1_250, 'till-2')).status, 201)
})

/** What became of it after so many seconds, and as many visits of the timer as it takes. */
async function combinedAfter(id: string, seconds: number) {
  const legLog = { error: (...said: unknown[]) => assert.fail(JSON.stringify(said)) }
  for (let visits = 0; ; visits += 1) {
    await shop.advance(seconds)
    await lookAfterCombined({ ...shop.flows, legLog }, 'test')
    await shop.twin.control.settle()
    const { body } = await shop.get(shop.key, `/v1/combined_payments/${id}`)
    if (body.status !== 'waiting' || visits === 10) return body
  }
}

test('WeChat changes its keys while people buy: every order is delivered', async () => {
  const { mchid } = shop.merchant
  let isOver = false
  const turned = (async () => {
    while (!isOver) {
      await shop.twin.control.call('POST', `/merchants/${mchid}/rotate`, {
        what: 'certificate',
        lead_seconds: 0,
      })
      await sleep(50)
    }
  })()
  const buyers = Array.from({ length: 8 }, async () => {
    const done: string[] = []
    for (let turn = 0; turn < 4; turn += 1) done.push((await shop.bought({ amount: 500 })).id)
    return done
  })
  const orders = (await Promise.all(buyers)).flat()
  isOver = true
  await turned
  await shop.advance(120)
  await shop.tend()
  const states = await Promise.all(orders.map(async (id) => (await shop.show(id)).status))
  assert.deepEqual(new Set(states), new Set(['delivered']))
  const { data } = await shop.twin.control.call('GET', `/merchants/${mchid}`).then((merchant) => ({
    data: merchant.platform_certificates,
  }))
  assert.ok(data.length > 2, 'the keys changed more than once')
})
