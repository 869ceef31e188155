/**
 * What is left of a sale that WeChat keeps for sharing: let go where no share did it, once, whatever is lost on the way;
 * shares that WeChat refuses again and again are tried less and less often, and end before WeChat ends them.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openMetrics } from '../server/src/start-metrics.ts'
import { type SharingShop, startSharingShop } from './harness/sharing.ts'

const unfreezePath = '/v3/profitsharing/orders/unfreeze'
const ordersPath = '/v3/profitsharing/orders'
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
    await shop.send(62, 60, 60)
    const share = await shop.shareOf(order.id)
    assert.deepEqual([share.status, share.rest], ['cancelled', 'refunded'])
    assert.equal((await unfrozen(order)).length, 0)
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
