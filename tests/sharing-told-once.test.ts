/** WeChat is told of a number once whether it is shared: a rule that comes after the invitation changes nothing about it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type SharingShop, startSharingShop } from './harness/sharing.ts'

let shop: SharingShop
before(async () => {
  shop = await startSharingShop()
})
after(() => shop.stop())

/** What WeChat was told of orders of this way that it took, the newest last. */
async function toldOf(way: 'native' | 'jsapi'): Promise<boolean[]> {
  const calls = await shop.twin.control.requests(`/v3/pay/transactions/${way}`, 1_000)
  return calls
    .filter(({ body }) => body !== '')
    .map(({ body }) => JSON.parse(body).settle_info?.profit_sharing ?? false)
}

async function aTill() {
  const { body: merchant } = await shop.post(shop.key, '/v1/merchants', {
    name: 'Tea',
    category: 'tea',
  })
  const { id: card_id } = await shop.makeCard(shop.key, shop.product, 1_000)
  const ask = () =>
    shop.again(shop.key, '/v1/combined_payments', `till-${merchant.id}`, {
      amount: 11_000,
      merchant_id: merchant.id,
      reference: 'till-1',
      sources: [{ card_id }],
      rest: { method: 'wechat', scene: 'native' },
    })
  const rule = (receivers: object[]) => shop.rule({ merchant_id: merchant.id }, receivers)
  return { ask, rule }
}

test('at a till: a repeat of the invitation is taken, and paid, though a rule was added', async () => {
  const { ask, rule } = await aTill()
  const first = await ask()
  assert.equal(first.status, 201, JSON.stringify(first.body))
  assert.equal((await rule([shop.receiver(0, 1_000)])).status, 201)
  const again = await ask()
  assert.equal(again.body.status, 'waiting', JSON.stringify(again.body))
  assert.ok(again.body.invitation)
  assert.deepEqual(await toldOf('native'), [false, false])
  await shop.payInWechat(again.body.invitation)
  const { body } = await shop.get(shop.key, `/v1/combined_payments/${first.body.id}`)
  assert.equal(body.status, 'succeeded')
})

test('at a till: a repeat says that it is shared, though the rule was emptied', async () => {
  const { ask, rule } = await aTill()
  await rule([shop.receiver(0, 1_000)])
  const first = await ask()
  await rule([])
  const again = await ask()
  assert.ok(first.body.invitation && again.body.invitation, JSON.stringify(again.body))
  assert.deepEqual((await toldOf('native')).slice(-2), [true, true])
})

test('of an order: asked for again where the answer was lost, though a rule was added', async () => {
  const product_id = await shop.makeProduct(shop.key, { cooling_off_hours: 3 })
  const order = await shop.ordered({ product_id })
  const told = (await toldOf('jsapi')).length
  const { control } = shop.twin
  // Also of the repeats that the connector makes by itself.
  await control.fault({ path: '/v3/pay/transactions/jsapi', times: 0 }, 'answer_500_after')
  assert.equal((await shop.invite(order.id)).body.code, 'busy')
  await control.clearFaults()
  await shop.rule({ product_id }, [shop.receiver(0, 1_000)])
  const invitation = await shop.invited(order.id)
  const now = (await toldOf('jsapi')).slice(told)
  assert.ok(now.length > 1, String(now.length))
  assert.deepEqual(new Set(now), new Set([false]))
  await shop.payInWechat(invitation)
  assert.equal((await shop.show(order.id)).status, 'delivered')
})
