/**
 * A key that is sent again gets the first outcome, whatever became of merchant numbers and members meanwhile: what is
 * compared is what the caller said, and what is sent to WeChat again is what was written down the first time.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Answered } from './harness/http-app.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

let shop: OrderShop
let till: string
/** The merchant numbers that are active, the newest last. */
let active: { id: string; mchid: string }[]
before(async () => {
  shop = await startOrderShop()
  till = (await shop.post(shop.key, '/v1/merchants', { name: '茶馆', category: 'food' })).body.id
  active = [{ id: shop.account.id, mchid: shop.merchant.mchid }]
})
after(async () => {
  await shop.check()
  await shop.stop()
})

/** A newer merchant number, bound to the same apps. */
async function connect(): Promise<string> {
  const made = await shop.twin.control.merchant({ appids: shop.merchant.appids })
  const { status, body } = await shop.call('POST', '/v1/wechat/pay_accounts', {
    key: shop.key,
    body: {
      mchid: made.mchid,
      appids: made.appids,
      api_v3_key: made.api_v3_key,
      api_v2_key: made.api_v2_key,
      private_key_pem: made.private_key_pem,
      certificate_serial: made.serial,
      key_mode: 'certificate',
    },
  })
  assert.equal(status, 201, JSON.stringify(body))
  active.push({ id: body.id, mchid: made.mchid })
  return made.mchid
}

async function disable(): Promise<void> {
  for (const { id } of active.splice(0)) {
    const path = `/v1/wechat/pay_accounts/${id}/disable`
    assert.equal((await shop.call('POST', path, { key: shop.key })).status, 200)
  }
}

const code = ({ status, body }: Answered) => [status, body.code]
const newest = () => active.at(-1)?.mchid ?? ''

/** Which merchant number has how many orders at WeChat. */
const ordersOf = async (mchid: string) => (await shop.twin.control.orders(mchid)).length

const merge = (member: string, other: string) =>
  shop.post(shop.key, `/v1/members/${member}/merge`, { with: other })

/** Set apart again, whichever of the two was merged into the other. */
async function part(...members: string[]): Promise<void> {
  const parted = await Promise.all(
    members.map((one) => shop.post(shop.key, `/v1/members/${one}/unmerge`)),
  )
  assert.ok(parted.some(({ status }) => status === 200))
}

/** Somebody whom no app of WeChat knows yet. */
async function guest(): Promise<string> {
  const id = await shop.flows.members.makeGuest(shop.book)
  return `mem_${id.replaceAll('-', '')}`
}

describe('asking for the payment of an order', () => {
  const pay = (id: string, key: string, body: object = { scene: 'native' }) =>
    shop.again(shop.key, `/v1/orders/${id}/pay`, key, body)

  test('answers the same when a newer merchant number is there, and when there is none any more', async () => {
    const { id } = await shop.ordered()
    const first = await pay(id, 'order-accounts')
    assert.equal(first.status, 200, JSON.stringify(first.body))
    const mchid = newest()
    const other = await connect()
    assert.deepEqual((await pay(id, 'order-accounts')).body, first.body)
    await disable()
    const again = await pay(id, 'order-accounts')
    assert.deepEqual([again.status, again.body], [200, first.body])
    const reused = await pay(id, 'order-accounts', { scene: 'jsapi' })
    assert.deepEqual(code(reused), [422, 'idempotency.key_reused'])
    const inApp = { scene: 'native', app_id: shop.official.id }
    assert.equal((await pay(id, 'order-accounts', inApp)).body.code, 'idempotency.key_reused')
    await connect()
    assert.deepEqual((await pay(id, 'order-accounts')).body, first.body)
    assert.deepEqual([await ordersOf(mchid), await ordersOf(other)], [1, 0])
    // What was begun over a number that takes no more orders is paid and told of all the same.
    await shop.payInWechat(first.body)
    assert.equal((await shop.show(id)).status, 'delivered')
    assert.equal((await pay(id, 'order-accounts')).body.code, 'order.wrong_status')
  })

  test('is refused without a trace where there is no merchant number, and made under that key later', async () => {
    await disable()
    const { id } = await shop.ordered()
    assert.equal((await pay(id, 'order-none')).body.code, 'wechat.not_connected')
    await connect()
    const made = await pay(id, 'order-none', { scene: 'native', app_id: shop.official.id })
    assert.equal(made.status, 200, JSON.stringify(made.body))
  })

  test('asks WeChat again over the number that was written down, not over a newer one', async () => {
    await disable()
    const mchid = await connect()
    const { id } = await shop.ordered()
    await shop.twin.control.fault(
      { path: '/v3/pay/transactions/native', method: 'POST', times: 1 },
      'answer_500_after',
    )
    const silent = await pay(id, 'order-silent')
    assert.equal(silent.body.code, 'busy', JSON.stringify(silent.body))
    await shop.twin.control.clearFaults()
    const other = await connect()
    const made = await pay(id, 'order-silent')
    assert.equal(made.status, 200, JSON.stringify(made.body))
    assert.deepEqual([await ordersOf(mchid), await ordersOf(other)], [1, 0])
  })

  test('answers the same when the member has become somebody else meanwhile', async () => {
    const member = await guest()
    const joined = await merge(member, shop.buyer.member)
    assert.equal(joined.status, 200, JSON.stringify(joined.body))
    const { id } = await shop.ordered({ member_id: member })
    const first = await pay(id, 'order-member', { scene: 'jsapi' })
    assert.equal(first.status, 200, JSON.stringify(first.body))
    await part(member, shop.buyer.member)
    assert.deepEqual((await pay(id, 'order-member', { scene: 'jsapi' })).body, first.body)
    const other = await shop.makeBuyer()
    await merge(member, other.member)
    assert.deepEqual((await pay(id, 'order-member', { scene: 'jsapi' })).body, first.body)
    await shop.payInWechat(first.body)
    assert.equal((await shop.show(id)).status, 'delivered')
    await part(member, other.member)
  })

  test('never shows the number of one payer to another: that takes another key', async () => {
    const member = await guest()
    await merge(member, shop.buyer.member)
    const { id } = await shop.ordered({ member_id: member })
    const fault = { path: '/v3/pay/transactions/jsapi', method: 'POST', times: 1 }
    await shop.twin.control.fault(fault, 'answer_500_before')
    assert.equal((await pay(id, 'order-payer', { scene: 'jsapi' })).body.code, 'busy')
    await shop.twin.control.clearFaults()
    await part(member, shop.buyer.member)
    const other = await shop.makeBuyer()
    await merge(member, other.member)
    const same = await pay(id, 'order-payer', { scene: 'jsapi' })
    assert.equal(same.body.code, 'order.payer_unknown', JSON.stringify(same.body))
    await shop.advance(120)
    const anew = await pay(id, 'order-payer-2', { scene: 'jsapi' })
    assert.equal(anew.status, 200, JSON.stringify(anew.body))
    await shop.payInWechat(anew.body, other.id)
    assert.equal((await shop.show(id)).status, 'delivered')
  })
})

describe('a payment of a card and WeChat', () => {
  let references = 0
  const order = (cardId: string, rest: object = {}) => {
    references += 1
    return {
      amount: 3_000,
      merchant_id: till,
      reference: `same-key-${references}`,
      sources: [{ card_id: cardId }],
      rest: { method: 'wechat', scene: 'native', ...rest },
    }
  }
  const begin = (key: string, body: object) =>
    shop.again(shop.key, '/v1/combined_payments', key, body)
  const newCard = async () =>
    (await shop.makeCard(shop.key, await shop.makeProduct(shop.key), 1_250)).id
  const look = async (id: string) => (await shop.get(shop.key, `/v1/combined_payments/${id}`)).body

  test('is the same when a newer merchant number is there, and when there is none any more', async () => {
    await disable()
    const mchid = await connect()
    const asked = order(await newCard())
    const first = await begin('till-accounts', asked)
    assert.equal(first.status, 201, JSON.stringify(first.body))
    const other = await connect()
    const second = await begin('till-accounts', asked)
    assert.deepEqual([second.status, second.body.id], [201, first.body.id])
    assert.ok(second.body.invitation, 'the payer is shown the way to pay again')
    await disable()
    const third = await begin('till-accounts', asked)
    assert.deepEqual(
      [third.status, third.body.id, third.body.status],
      [201, first.body.id, 'waiting'],
    )
    assert.equal(third.headers.get('idempotent-replayed'), 'true')
    for (const rest of [
      { scene: 'jsapi', member_id: shop.buyer.member },
      { app_id: shop.official.id },
    ]) {
      const reused = await begin('till-accounts', { ...asked, rest: { ...asked.rest, ...rest } })
      assert.deepEqual(code(reused), [422, 'idempotency.key_reused'])
    }
    assert.deepEqual([await ordersOf(mchid), await ordersOf(other)], [1, 0])
    // Asked for over a number that the process did not yet see disabled, the older way is replaced.
    await shop.payInWechat(third.body.invitation ?? second.body.invitation)
    assert.equal((await look(first.body.id)).status, 'succeeded')
    const paid = await begin('till-accounts', asked)
    assert.deepEqual([paid.status, paid.body.status], [201, 'succeeded'])
  })

  test('is refused without a trace where there is no merchant number, and made under that key later', async () => {
    await disable()
    const asked = order(await newCard())
    assert.deepEqual(code(await begin('till-none', asked)), [404, 'wechat_account.not_found'])
    await connect()
    const made = await begin('till-none', { ...asked, amount: 2_000 })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    await shop.post(shop.key, `/v1/combined_payments/${made.body.id}/cancel`)
  })

  test('is the same when its member has become somebody else meanwhile', async () => {
    const member = await guest()
    await merge(member, shop.buyer.member)
    const asked = order(await newCard(), { scene: 'jsapi', member_id: member })
    const first = await begin('till-member', asked)
    assert.equal(first.status, 201, JSON.stringify(first.body))
    await part(member, shop.buyer.member)
    const again = await begin('till-member', asked)
    assert.deepEqual(
      [again.status, again.body.id, again.body.status],
      [201, first.body.id, 'waiting'],
      JSON.stringify(again.body),
    )
    const fresh = await begin('till-member-2', { ...asked, reference: 'same-key-fresh' })
    assert.equal(fresh.body.code, 'order.payer_unknown')
    // He pays whom WeChat was to ask, whoever the member has become since.
    const other = await shop.makeBuyer()
    await merge(member, other.member)
    const third = await begin('till-member', asked)
    assert.deepEqual([third.body.status, third.body.invitation], ['waiting', undefined])
    await shop.payInWechat(first.body.invitation)
    assert.equal((await look(first.body.id)).status, 'succeeded')
    await part(member, other.member)
  })
})
