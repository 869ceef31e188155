/**
 * Profit sharing behind the sale: queued by the journal, sent within WeChat's limits by all processes together, asked
 * about until it is known, and back before a refund.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { drainBacklog } from './harness/share-backlog.ts'
import { type SharingShop, startSharingShop } from './harness/sharing.ts'

let shop: SharingShop
let product: string

before(async () => {
  shop = await startSharingShop()
  product = await shop.makeProduct(shop.key, { cooling_off_hours: 0 })
})
after(() => shop.stop())

const rule: SharingShop['rule'] = (...given) => shop.rule(...given)
const receiver: SharingShop['receiver'] = (...given) => shop.receiver(...given)
const shareOf: SharingShop['shareOf'] = (id) => shop.shareOf(id)
const send: SharingShop['send'] = (...seconds) => shop.send(...seconds)

type Json = ReturnType<typeof JSON.parse>

describe('a sale that is shared', () => {
  test('goes out to those who get a part, a minute later and behind the sale', async () => {
    const made = await rule({ product_id: product }, [receiver(0, 1_000), receiver(1, 500)])
    assert.equal(made.status, 201, JSON.stringify(made.body))
    const before = await shop.accounts('shared_sales', 'wechat')
    const { id } = await shop.bought({ product_id: product })
    const waiting = await shareOf(id)
    assert.deepEqual(
      [waiting.status, waiting.amount, waiting.receivers.map((one: Json) => one.amount)],
      ['waiting', 1_500, [1_000, 500]],
    )
    await send(30)
    assert.equal((await shareOf(id)).status, 'waiting')
    await send(40, 60, 60, 60)
    const done = await shareOf(id)
    assert.equal(done.status, 'finished', JSON.stringify(done))
    const after = await shop.accounts('shared_sales', 'wechat')
    assert.deepEqual(
      [(after[0] ?? 0) - (before[0] ?? 0), (after[1] ?? 0) - (before[1] ?? 0)],
      [1_500, 10_000 - 1_500],
    )
  })

  test('comes back before the sale is refunded', async () => {
    const own = await shop.makeProduct(shop.key, { cooling_off_hours: 3 })
    await rule({ product_id: own }, [receiver(0, 1_000)])
    const { id } = await shop.bought({ product_id: own })
    await shareOf(id)
    await send(62, 60, 60)
    assert.equal((await shareOf(id)).status, 'finished')
    const before = await shop.accounts('shared_sales')
    const asked = await shop.refund(id)
    assert.equal(asked.status, 200, JSON.stringify(asked.body))
    for (let minute = 0; minute < 8; minute += 1) {
      await shop.advance(70)
      await shop.tend()
    }
    assert.equal((await shop.show(id)).status, 'refunded')
    assert.equal((await shareOf(id)).returned_amount, 1_000)
    const after = await shop.accounts('shared_sales')
    assert.equal((after[0] ?? 0) - (before[0] ?? 0), -1_000)
  })

  test('is not sent any more where the sale was refunded first', async () => {
    const own = await shop.makeProduct(shop.key, { cooling_off_hours: 3 })
    await rule({ product_id: own }, [receiver(0, 1_000)])
    const { id } = await shop.bought({ product_id: own })
    await shareOf(id)
    await shop.refund(id)
    await shop.tend()
    assert.equal((await shareOf(id)).status, 'cancelled')
  })

  test('is asked about where the answer was lost, and goes out once', async () => {
    const { id } = await shop.bought({ product_id: product })
    await shareOf(id)
    await shop.twin.control.fault(
      { path: '/v3/profitsharing/orders', times: 1 },
      'answer_500_after',
    )
    await send(62, 60, 60, 60)
    assert.equal((await shareOf(id)).status, 'finished')
  })

  for (const [http, code] of [
    [403, 'NO_AUTH'],
    [401, 'SIGN_ERROR'],
    [429, 'FREQUENCY_LIMITED'],
  ] as const)
    test(`stays asked for while WeChat does not say what came of it: ${code}`, async () => {
      const { id } = await shop.bought({ product_id: product })
      await shareOf(id)
      const { control } = shop.twin
      await control.fault({ path: '/v3/profitsharing/orders', times: 1 }, 'answer_500_after')
      await send(62)
      await control.fault(
        { method: 'GET', path: '/v3/profitsharing/orders/*' },
        { name: 'status', http, code },
      )
      await send(60)
      assert.equal((await shareOf(id)).status, 'asked')
      await control.clearFaults()
      await send(60, 60, 60)
      assert.equal((await shareOf(id)).status, 'finished')
    })

  for (const code of ['NO_AUTH', 'FREQUENCY_LIMITED'])
    test(`is sent again where WeChat refused it for now: ${code}`, async () => {
      const { id } = await shop.bought({ product_id: product })
      await shareOf(id)
      const { control } = shop.twin
      await control.fault(
        { method: 'POST', path: '/v3/profitsharing/orders' },
        { name: 'status', http: 403, code },
      )
      await send(62)
      assert.equal((await shareOf(id)).status, 'waiting')
      await control.clearFaults()
      await send(60, 60, 60)
      assert.equal((await shareOf(id)).status, 'finished')
    })

  test('has a rule that WeChat would take', async () => {
    const more = await rule({ product_id: product }, [receiver(0, 2_000), receiver(1, 1_001)])
    assert.equal(more.body.code, 'sharing.too_much')
    const twice = await rule({ product_id: product }, [receiver(0, 100), receiver(0, 100)])
    assert.equal(twice.body.code, 'sharing.too_much')
    const listed = await shop.get(shop.key, '/v1/wechat/sharing_rules')
    assert.equal(listed.body.data.at(-1).receivers[0].share_bp, 1_000)
  })
})

describe('a backlog', () => {
  const count = 6_000

  test(`of ${count} drains within the limits, whatever is lost and however many send`, async () => {
    await drainBacklog(shop, count)
  })
})
