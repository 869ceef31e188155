/**
 * What is left of a sale that WeChat keeps for sharing: let go where no share did it, once, whatever is lost on the way;
 * shares that WeChat refuses again and again are tried less and less often, and end before WeChat ends them.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import { openMetrics } from '../server/src/start-metrics.ts'
import { type SharingShop, startSharingShop } from './harness/sharing.ts'

const unfreezePath = '/v3/profitsharing/orders/unfreeze'
const ordersPath = '/v3/profitsharing/orders'
const refundsPath = '/v3/refund/domestic/refunds'
const hour = 3_600
const day = 24 * hour

let shop: SharingShop

before(async () => {
  shop = await startSharingShop()
})
after(() => shop.stop())

type Json = ReturnType<typeof JSON.parse>

const unfrozen = async (order: Json): Promise<Json[]> => {
  const { payments } = await shop.show(order.id)
  const numbers: string[] = payments.map((one: Json) => one.out_trade_no)
  const calls = await Promise.all(numbers.map((no) => shop.callsOf(unfreezePath, no)))
  return calls.flat()
}
const freed = (calls: Json[]) =>
  new Set(calls.filter(({ status }) => status === 200).map((one) => one.out_order_no))

/** Bought while WeChat refuses the share in this way for good. */
async function refusedForGood(code: string): Promise<Json> {
  const product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
  const order = await shop.bought({ product_id })
  await shop.shareOf(order.id)
  await shop.twin.control.fault(
    { method: 'POST', path: ordersPath, times: 1 },
    { name: 'status', http: 400, code },
  )
  await shop.send(62)
  assert.equal((await shop.shareOf(order.id)).status, 'failed')
  return order
}

/** So often so many seconds, and what is done from time to time. */
async function pass(times: number, seconds: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await shop.tend()
    await lookAfterCombined({ ...shop.flows, legLog: shop.log }, 'test')
    await shop.send(seconds)
  }
}

describe('what is left of a sale is let go', () => {
  test('where the rule was emptied after the buyer was asked to pay', async () => {
    const product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
    const order = await shop.ordered({ product_id })
    const invitation = await shop.invited(order.id)
    await shop.rule({ product_id }, [])
    await shop.payInWechat(invitation)
    const queued = await shop.shareOf(order.id)
    assert.deepEqual(
      [queued.status, queued.reason, queued.amount, queued.rest],
      ['cancelled', 'nothing_to_share', 0, 'waiting'],
    )
    await shop.send(30)
    assert.equal((await unfrozen(order)).length, 0)
    await shop.send(32, 60, 60)
    assert.equal((await shop.shareOf(order.id)).rest, 'free')
    const calls = await unfrozen(order)
    assert.deepEqual([calls.length, calls[0].status], [1, 200])
    assert.match(calls[0].out_order_no, /^lu[0-9a-z]{25}$/)
  })

  test('where every part is rounded to nothing', async () => {
    const product_id = await shop.sharedProduct([shop.receiver(0, 1)])
    const order = await shop.bought({ product_id, amount: 5_000 })
    assert.equal((await shop.shareOf(order.id)).reason, 'nothing_to_share')
    await shop.send(62, 60)
    assert.equal((await shop.shareOf(order.id)).rest, 'free')
    assert.equal(freed(await unfrozen(order)).size, 1)
  })

  test('not where WeChat was never told that it is shared', async () => {
    const product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
    await shop.rule({ product_id }, [])
    const order = await shop.bought({ product_id })
    const later = await shop.bought({
      product_id: await shop.sharedProduct([shop.receiver(0, 1_000)]),
    })
    assert.equal((await shop.shareOf(later.id)).rest, 'held')
    await shop.send(62, 60)
    assert.deepEqual(
      (await shop.listed()).filter((one) => one.sale_id === order.id),
      [],
    )
  })

  test('where the share failed for good, once, though the answer was lost', async () => {
    const order = await refusedForGood('INVALID_REQUEST')
    assert.equal((await shop.shareOf(order.id)).rest, 'waiting')
    await shop.twin.control.fault({ path: unfreezePath, times: 1 }, 'answer_500_after')
    await shop.send(60)
    assert.equal((await shop.shareOf(order.id)).rest, 'asked')
    await shop.send(60, 60)
    assert.equal((await shop.shareOf(order.id)).rest, 'free')
    assert.equal(freed(await unfrozen(order)).size <= 1, true)
    assert.equal(new Set((await unfrozen(order)).map((one) => one.out_order_no)).size, 1)
  })

  test('and asked for again where whoever asked died before', async () => {
    const order = await refusedForGood('RULE_LIMIT')
    const dying = {
      ...shop.flows,
      wechatPay: { unfreeze: () => Promise.reject(new Error('killed')) } as never,
    }
    const { sendShares } = await import('../server/src/flows/sharing/send.ts')
    await shop.advance(60)
    await assert.rejects(sendShares(dying, 'test'), /killed/)
    assert.equal((await shop.shareOf(order.id)).rest, 'asked')
    await shop.send(60, 60, 60)
    assert.equal((await shop.shareOf(order.id)).rest, 'free')
    assert.equal((await unfrozen(order)).length, 1)
  })

  test('and asked for until WeChat does it, where it refuses for now', async () => {
    const order = await refusedForGood('INVALID_REQUEST')
    const { control } = shop.twin
    await control.fault(
      { path: unfreezePath, times: 0 },
      { name: 'status', http: 403, code: 'NO_AUTH' },
    )
    await shop.send(60, 60, 60)
    const { rest, rest_reason } = await shop.shareOf(order.id)
    assert.deepEqual([rest, rest_reason], ['waiting', 'NO_AUTH'])
    await control.clearFaults()
    await shop.send(hour, hour)
    assert.equal((await shop.shareOf(order.id)).rest, 'free')
    assert.equal(freed(await unfrozen(order)).size, 1)
  })

  test('where WeChat will never do it, a person is told, and can have it tried again', async () => {
    const order = await refusedForGood('INVALID_REQUEST')
    await shop.twin.control.fault(
      { path: unfreezePath, times: 1 },
      { name: 'status', http: 400, code: 'INVALID_REQUEST' },
    )
    await shop.send(60)
    const refused = await shop.shareOf(order.id)
    assert.deepEqual(
      [refused.rest, refused.rest_reason, refused.attention],
      ['refused', 'INVALID_REQUEST', true],
    )
    const body = { sale_id: order.id }
    const again = await shop.call('POST', '/v1/wechat/shares/retry', { key: shop.key, body })
    assert.deepEqual([again.status, again.body.rest], [200, 'waiting'])
    await shop.send(1, 60)
    assert.equal((await shop.shareOf(order.id)).rest, 'free')
    const over = await shop.call('POST', '/v1/wechat/shares/retry', { key: shop.key, body })
    assert.equal(over.body.code, 'share.not_open')
    const none = { sale_id: `ord_${'0'.repeat(32)}` }
    const missing = await shop.call('POST', '/v1/wechat/shares/retry', {
      key: shop.key,
      body: none,
    })
    assert.equal(missing.body.code, 'share.not_found')
  })

  test('not where all of the sale was given back', async () => {
    const product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
    const order = await shop.bought({ product_id })
    await shop.shareOf(order.id)
    await shop.refund(order.id)
    await shop.tend()
    await shop.send(1)
    assert.equal((await shop.shareOf(order.id)).rest, 'waiting')
    await pass(5, 70)
    const share = await shop.shareOf(order.id)
    assert.deepEqual([share.status, share.rest], ['cancelled', 'refunded'])
    assert.equal((await unfrozen(order)).length, 0)
  })

  test('where WeChat closed the refund of all of it, which goes out all the same when it is asked for again', async () => {
    const product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
    const order = await shop.bought({ product_id })
    await shop.shareOf(order.id)
    await shop.twin.control.fault({ path: refundsPath, times: 1 }, 'refund_closed')
    await shop.twin.control.settings({ refundSeconds: 600 })
    await shop.refund(order.id)
    await shop.twin.control.settings({ refundSeconds: 30 })
    // On its way: nothing is let go yet.
    await shop.send(70, 70)
    assert.equal((await shop.shareOf(order.id)).rest, 'waiting')
    await pass(12, 300)
    const [closed] = (await shop.show(order.id)).refunds
    assert.equal(closed.status, 'closed')
    const share = await shop.shareOf(order.id)
    assert.deepEqual([share.status, share.rest], ['cancelled', 'free'])
    assert.equal(freed(await unfrozen(order)).size, 1)
    assert.equal((await shop.refund(order.id)).status, 200)
    await pass(8, 70)
    assert.equal((await shop.show(order.id)).status, 'refunded')
  })

  test('where the refund of a payment of a card and WeChat was closed', async () => {
    const { body: merchant } = await shop.post(shop.key, '/v1/merchants', {
      name: 'Tea',
      category: 'tea',
    })
    await shop.rule({ merchant_id: merchant.id }, [shop.receiver(0, 1_000)])
    const { id: card_id } = await shop.makeCard(shop.key, shop.product, 1_000)
    const made = await shop.post(shop.key, '/v1/combined_payments', {
      amount: 11_000,
      merchant_id: merchant.id,
      reference: 'till-1',
      sources: [{ card_id }],
      rest: { method: 'wechat', scene: 'native' },
    })
    await shop.payInWechat(made.body.invitation)
    await shop.shareOf(made.body.id)
    await shop.twin.control.fault({ path: refundsPath, times: 1 }, 'refund_closed')
    const path = `/v1/combined_payments/${made.body.id}/refunds`
    const asked = await shop.post(shop.key, path, { reference: 'back-1' })
    assert.equal(asked.status, 201, JSON.stringify(asked.body))
    await pass(8, 300)
    const { body: refund } = await shop.get(shop.key, `/v1/combined_refunds/${asked.body.id}`)
    const share = await shop.shareOf(made.body.id)
    assert.deepEqual([refund.status, share.status, share.rest], ['closed', 'cancelled', 'free'])
  })

  test('of a sale of which a part was given back', async () => {
    const product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
    const order = await shop.bought({ product_id })
    await shop.act(order.id, 'unseal')
    const { body: merchant } = await shop.post(shop.key, '/v1/merchants', {
      name: 'Rice',
      category: 'rice',
    })
    const paid = await shop.post(shop.key, '/v1/payments', {
      amount: 2_000,
      currency: 'CNY',
      merchant_id: merchant.id,
      reference: 'rice-1',
      sources: [{ card_id: order.cards[0] }],
    })
    assert.equal(paid.status, 201, JSON.stringify(paid.body))
    await shop.shareOf(order.id)
    const back = await shop.refund(order.id)
    assert.equal(back.body.refund?.amount, 8_000, JSON.stringify(back.body))
    await pass(5, 70)
    assert.equal((await shop.show(order.id)).status, 'refunded')
    const share = await shop.shareOf(order.id)
    assert.deepEqual([share.status, share.reason, share.rest], ['cancelled', 'refunded', 'free'])
    const calls = await unfrozen(order)
    assert.deepEqual(
      calls.map(({ status }) => status),
      [200],
    )
  })

  test('of what a share left, by the share itself', async () => {
    const product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
    const order = await shop.bought({ product_id })
    await shop.shareOf(order.id)
    await shop.send(62, 60, 60)
    const share = await shop.shareOf(order.id)
    assert.deepEqual([share.status, share.rest], ['finished', 'free'])
    assert.equal((await unfrozen(order)).length, 0)
  })
})

describe('a share that WeChat refuses again and again', () => {
  const refuseAll = () =>
    shop.twin.control.fault(
      { method: 'POST', path: ordersPath, times: 0 },
      { name: 'status', http: 403, code: 'NO_AUTH' },
    )

  test('is tried less and less often, is shown to a person, and goes out when he says so', async () => {
    const product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
    const order = await shop.bought({ product_id })
    await shop.shareOf(order.id)
    const { payments } = await shop.show(order.id)
    await refuseAll()
    for (let some = 0; some < day; some += 600) await shop.send(600)
    const calls = await shop.callsOf(ordersPath, payments[0].out_trade_no)
    assert.ok(calls.length > 8 && calls.length < 20, `${calls.length} calls in a day`)
    const share = await shop.shareOf(order.id)
    assert.deepEqual([share.status, share.reason, share.attention], ['waiting', 'NO_AUTH', true])
    assert.deepEqual(
      (await shop.listed('&attention=true')).map((one) => one.sale_id),
      [order.id],
    )
    const metrics = openMetrics()
    metrics.watch({ load: () => new Map() }, shop.flows.database, shop.flows.tables)
    const { text } = await metrics.metrics()
    assert.match(text, /lika_shares_attention\{mode="test"\} 1/)
    await shop.twin.control.clearFaults()
    await shop.call('POST', '/v1/wechat/shares/retry', {
      key: shop.key,
      body: { sale_id: order.id },
    })
    await shop.send(1, 60)
    assert.equal((await shop.shareOf(order.id)).status, 'finished')
  })

  test('ends before WeChat would end it, and what is left is let go', async () => {
    const product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
    const order = await shop.bought({ product_id })
    await shop.shareOf(order.id)
    await refuseAll()
    await shop.send(62)
    for (let some = 0; some < 28; some += 1) await shop.send(day)
    assert.equal((await shop.shareOf(order.id)).status, 'waiting')
    await shop.send(day)
    const late = await shop.shareOf(order.id)
    assert.deepEqual([late.status, late.reason, late.rest], ['failed', 'too_late', 'waiting'])
    await shop.twin.control.clearFaults()
    await shop.send(60, 60)
    assert.equal((await shop.shareOf(order.id)).rest, 'free')
    assert.equal(freed(await unfrozen(order)).size, 1)
  })
})
