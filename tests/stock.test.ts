/**
 * Scarce products: sold exactly as often as there are, to nobody more than one may take, and what nobody pays comes back
 * on time.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { issuerOfBook, type MemberId, parseId } from '@lika/contract'
import { createOrderCommand } from '../server/src/flows/purchase/create.ts'
import { newId } from '../server/src/platform/ids.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

let shop: OrderShop
before(async () => {
  shop = await startOrderShop()
})
after(async () => {
  try {
    await shop.check()
  } finally {
    await shop.stop()
  }
})

async function scarce(count: number, more: object = {}): Promise<string> {
  const product = await shop.makeProduct(shop.key, { cooling_off_hours: 3 })
  const limits = { count, unpaid_minutes: 5, ...more }
  const { status, body } = await shop.post(shop.key, `/v1/products/${product}/stock`, limits)
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal(body.left, count)
  return product
}

const stockOf = async (product: string) => {
  const { body } = await shop.get(shop.key, `/v1/products/${product}/stock`)
  return [body.reserved, body.sold, body.left]
}

describe('a scarce product', () => {
  test('is kept for an order, sold when it is paid, and given back when it is closed', async () => {
    const product = await scarce(3)
    const first = await shop.ordered({ product_id: product })
    const second = await shop.ordered({ product_id: product, quantity: 2 })
    assert.deepEqual(await stockOf(product), [3, 0, 0])
    const third = await shop.order({ product_id: product })
    assert.deepEqual([third.status, third.body.code, third.body.left], [409, 'stock.sold_out', 0])
    await shop.payInWechat(await shop.invited(first.id))
    assert.equal((await shop.show(first.id)).status, 'delivered')
    assert.deepEqual(await stockOf(product), [2, 1, 0])
    assert.equal((await shop.act(second.id, 'close')).status, 200)
    assert.deepEqual(await stockOf(product), [0, 1, 2])
    assert.equal((await shop.order({ product_id: product, quantity: 3 })).body.left, 2)
  })

  test('comes back by itself when its time to be paid is over, and the late payment goes back', async () => {
    const product = await scarce(1)
    const { id, payment } = await shop.ordered({ product_id: product })
    const limit = Date.parse(payment.expires_at) - Date.now()
    assert.ok(limit <= 300_000)
    await shop.invited(id)
    await shop.advance(270)
    await shop.tend()
    assert.deepEqual(await stockOf(product), [1, 0, 0])
    await shop.advance(31)
    await shop.tend()
    assert.equal((await shop.show(id)).status, 'closed')
    assert.deepEqual(await stockOf(product), [0, 0, 1])
  })

  test('is limited for each member, over all orders that hold', async () => {
    const product = await scarce(10, { per_member: 2 })
    const nobody = await shop.order({ product_id: product, member_id: undefined })
    assert.equal(nobody.body.code, 'stock.member_required')
    const guest = await shop.flows.members.makeGuest(shop.book)
    const anew = await shop.order({
      product_id: product,
      member_id: `mem_${guest.replaceAll('-', '')}`,
    })
    assert.equal(anew.body.code, 'stock.member_required', 'each visit would make another')
    const first = await shop.ordered({ product_id: product })
    const more = await shop.order({ product_id: product, quantity: 2 })
    assert.deepEqual(
      [more.body.code, more.body.allowed],
      ['stock.limit_reached', { min: 1, max: 1 }],
    )
    await shop.ordered({ product_id: product })
    assert.equal((await shop.order({ product_id: product })).body.code, 'stock.limit_reached')
    await shop.act(first.id, 'close')
    await shop.ordered({ product_id: product })
    const other = await shop.makeBuyer()
    await shop.ordered({ product_id: product, member_id: other.member, quantity: 2 })
    assert.deepEqual(await stockOf(product), [4, 0, 6])
  })

  test('may become more, and less down to what is taken', async () => {
    const product = await scarce(2)
    await shop.ordered({ product_id: product, quantity: 2 })
    const set = (count: number) =>
      shop.post(shop.key, `/v1/products/${product}/stock`, { count, unpaid_minutes: 5 })
    const less = await set(1)
    assert.deepEqual([less.body.code, less.body.taken], ['stock.below_taken', 2])
    assert.equal((await set(5)).body.left, 3)
    const plain = await shop.makeProduct(shop.key)
    const none = await shop.get(shop.key, `/v1/products/${plain}/stock`)
    assert.equal(none.body.code, 'stock.not_found')
  })

  test('is set once under a key, which answers what was set then', async () => {
    const product = await scarce(2)
    await shop.ordered({ product_id: product })
    const set = (key: string, count: number) => {
      const limits = { count, per_member: 9, unpaid_minutes: 7 }
      return shop.again(shop.key, `/v1/products/${product}/stock`, key, limits)
    }
    const first = await set('stock-of-five', 5)
    assert.deepEqual([first.body.count, first.body.reserved, first.body.left], [5, 1, 4])
    const shown = await shop.get(shop.key, `/v1/products/${product}/stock`)
    assert.deepEqual(shown.body, first.body)
    await shop.ordered({ product_id: product })
    await set('stock-of-eight', 8)
    const repeated = await set('stock-of-five', 5)
    assert.deepEqual(
      [repeated.status, repeated.headers.get('idempotent-replayed'), repeated.body],
      [200, 'true', first.body],
    )
    assert.deepEqual(await stockOf(product), [2, 0, 6])
  })
})

describe('in a race', () => {
  test('10,000 buyers get 500 cards', async () => {
    const product = await scarce(500)
    const codes = await race(
      product,
      Array.from({ length: 10_000 }, () => undefined),
    )
    assert.deepEqual(codes, { made: 500, 'stock.sold_out': 9_500 })
    assert.deepEqual(await stockOf(product), [500, 0, 0])
  })

  test('100 members who each try 20 times get two each', async () => {
    const product = await scarce(1_000, { per_member: 2 })
    const made = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        shop.flows.members.enter(shop.book, {
          appid: 'wxofficial000000001',
          openid: `o-tries-${index}`,
        }),
      ),
    )
    const codes = await race(
      product,
      Array.from({ length: 2_000 }, (_, index) => made[index % 100]),
    )
    assert.deepEqual(codes, { made: 200, 'stock.limit_reached': 1_800 })
    const rows = await shop.database.owner.sql<{ taken: bigint }[]>`
      select distinct taken from stock_member where product_id = ${uuidOf(product)}`
    assert.deepEqual(
      rows.map(({ taken }) => taken),
      [2n],
    )
  })
})

const uuidOf = (product: string) => {
  const id = parseId('product', product)
  assert.ok(id)
  return id
}

/** Everybody at once, past HTTP. Answers how often each end came. */
async function race(product: string, buyers: readonly (MemberId | undefined)[]) {
  const caller = {
    issuerId: issuerOfBook(shop.book),
    mode: 'test',
    book: shop.book,
    keyId: newId(),
    owner: 'tests',
  } as const
  const ends = await Promise.all(
    buyers.map(async (memberId) => {
      const input = {
        kind: 'purchase',
        productId: uuidOf(product),
        amount: 10_000n,
        bonus: 0n,
        quantity: 1,
        channel: 'h5',
        payWithinMs: 1_800_000,
        ...(memberId !== undefined && { memberId }),
      } as const
      const key = newId()
      for (;;) {
        const command = await createOrderCommand(shop.flows, caller, input as never, key)
        assert.ok(command.ok, JSON.stringify(command))
        const done = await shop.flows.engine.execute(command.value)
        if (done.status === 'done') return 'made'
        if (done.refusal.code !== 'busy') return done.refusal.code
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }),
  )
  const counted: Record<string, number> = {}
  for (const end of ends) counted[end] = (counted[end] ?? 0) + 1
  return counted
}
