/**
 * A sale at midnight: 50,000 buyers over HTTP, never fewer than 500 at once, on 10,000 cards, one to each member, through
 * the server and a local WeChat with every signature on. Sold exactly, nobody gets two, what nobody paid is sold to others.
 * FLASH_BUYERS and FLASH_CARDS make it smaller.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseId } from '@lika/contract'
import { newId } from '../../server/src/platform/ids.ts'
import { assertBooks } from '../harness/books.ts'
import type { Answered } from '../harness/http-app.ts'
import { type OrderShop, startOrderShop } from '../harness/orders.ts'

const buyers = Number(process.env['FLASH_BUYERS'] ?? 50_000)
const cards = Number(process.env['FLASH_CARDS'] ?? 10_000)
const atOnce = 600
/** Of those who got one, every so manieth never pays. */
const unpaidEvery = 10
/** Every so manieth tries a second time. */
const twiceEvery = 5

test('a flash sale', async (context) => {
  const shop = await startOrderShop()
  try {
    await sell(shop, (said) => context.diagnostic(said))
    await assertBooks(shop.database.owner.sql)
  } finally {
    await shop.stop()
  }
})

async function sell(shop: OrderShop, say: (said: string) => void): Promise<void> {
  const { key } = shop
  const product = await shop.makeProduct(key, { cooling_off_hours: 3 })
  const limits = { count: cards, per_member: 1, unpaid_minutes: 10 }
  const set = await shop.post(key, `/v1/products/${product}/stock`, limits)
  assert.equal(set.status, 200)
  const members = await makeMembers(shop, Math.ceil(buyers * (1 - 1 / twiceEvery)))
  const attempts = Array.from({ length: buyers }, (_, index) => members[index % members.length])

  const began = performance.now()
  const first = await rush(shop, product, attempts, true)
  const took = (performance.now() - began) / 1_000
  say(
    `${buyers} buyers, at most ${first.mostAtOnce} at once: ${took.toFixed(1)} s, ${JSON.stringify(first.ends)}`,
  )
  assert.ok(first.mostAtOnce >= Math.min(500, buyers))
  assert.equal(first.ends['ordered'], cards)
  await untilSold(shop, product, first.paid)
  const unpaid = cards - first.paid
  assert.deepEqual(await stockOf(shop, product), { reserved: unpaid, sold: first.paid, left: 0 })

  await shop.advance(601)
  const closing = performance.now()
  await shop.tend()
  say(
    `${unpaid} unpaid orders are back after ${((performance.now() - closing) / 1_000).toFixed(1)} s`,
  )
  assert.deepEqual(await stockOf(shop, product), { reserved: 0, sold: first.paid, left: unpaid })

  const losers = members.filter((member) => !first.winners.has(member))
  const second = await rush(shop, product, losers, false)
  await untilSold(shop, product, cards)
  say(`sold to those who came too late: ${JSON.stringify(second.ends)}`)
  assert.deepEqual(await stockOf(shop, product), { reserved: 0, sold: cards, left: 0 })
  await assertSold(shop, product)
}

/** What WeChat could not tell in the rush it tells again, or it is asked. */
async function untilSold(shop: OrderShop, product: string, count: number): Promise<void> {
  for (let tries = 0; tries < 12; tries += 1) {
    await shop.twin.control.settle()
    if ((await stockOf(shop, product)).sold >= count) return
    await shop.advance(20)
    await shop.tend()
  }
}

/** Everybody tries once. `mayLeave`: some of those who got one never pay. */
async function rush(
  shop: OrderShop,
  product: string,
  attempts: readonly (string | undefined)[],
  mayLeave: boolean,
) {
  const ends: Record<string, number> = {}
  const winners = new Set<string>()
  const waiting = attempts.values()
  let paid = 0
  let ordered = 0
  let under = 0
  let mostAtOnce = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const member of waiting) {
        if (member === undefined) continue
        under += 1
        mostAtOnce = Math.max(mostAtOnce, under)
        const made = await order(shop, product, member)
        const end = made.status === 201 ? 'ordered' : String(made.body.code)
        ends[end] = (ends[end] ?? 0) + 1
        if (made.status === 201) {
          ordered += 1
          winners.add(member)
          const leaves = mayLeave && ordered % unpaidEvery === 0
          if (!leaves) {
            await pay(shop, made.body.id)
            paid += 1
          }
        }
        under -= 1
      }
    }),
  )
  return { ends, winners, paid, mostAtOnce }
}

/** Asked again under the same key where the server has too much to do, or its answer was lost on the way. */
async function insist(ask: () => Promise<Answered>): Promise<Answered> {
  for (;;) {
    const answer = await ask().catch((error: unknown) => {
      if (!(error instanceof TypeError)) throw error
    })
    if (answer !== undefined && answer.status !== 503) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function order(shop: OrderShop, product: string, member: string): Promise<Answered> {
  const body = {
    kind: 'purchase',
    product_id: product,
    amount: 10_000,
    channel: 'h5',
    member_id: member,
  }
  const headers = { 'idempotency-key': newId() }
  return insist(() => shop.call('POST', '/v1/orders', { key: shop.key, body, headers }))
}

async function pay(shop: OrderShop, id: string): Promise<void> {
  const headers = { 'idempotency-key': newId() }
  const body = { scene: 'native' }
  const asked = await insist(() =>
    shop.call('POST', `/v1/orders/${id}/pay`, { key: shop.key, body, headers }),
  )
  assert.equal(asked.status, 200, JSON.stringify(asked.body))
  await payAtWechat(shop, asked.body.code_url)
}

/** Who is not answered looks whether it went through: what is paid cannot be paid again. */
async function payAtWechat(shop: OrderShop, code_url: string): Promise<void> {
  for (;;) {
    try {
      await shop.twin.control.do(shop.buyer.id, 'pay', { code_url })
      return
    } catch (error) {
      if (!(error instanceof TypeError)) return
    }
  }
}

async function makeMembers(shop: OrderShop, count: number): Promise<string[]> {
  const made: string[] = []
  while (made.length < count) {
    const some = Array.from({ length: Math.min(200, count - made.length) }, (_, index) =>
      shop.flows.members.enter(shop.book, {
        appid: 'wxofficial000000001',
        openid: `o-of-the-sale-${made.length + index}`,
      }),
    )
    for (const id of await Promise.all(some)) made.push(`mem_${id.replaceAll('-', '')}`)
  }
  return made
}

async function stockOf(shop: OrderShop, product: string) {
  const { body } = await shop.get(shop.key, `/v1/products/${product}/stock`)
  return { reserved: body.reserved, sold: body.sold, left: body.left }
}

/** In the book, at WeChat and on cards alike: as many as there were, one to each. */
async function assertSold(shop: OrderShop, product: string): Promise<void> {
  const { sql } = shop.database.owner
  const id = parseId('product', product)
  assert.ok(id)
  const [book] = await sql<{ orders: bigint; members: bigint; cards: bigint; total: bigint }[]>`
    select
      count(*) as orders, count(distinct member_id) as members, sum(cardinality(card_ids))::bigint as cards,
      sum(total)::bigint as total
    from sale_order
    where product_id = ${id}
      and status in ('paid', 'delivered', 'completed')`
  const expected = BigInt(cards)
  assert.deepEqual(
    { ...book },
    { orders: expected, members: expected, cards: expected, total: expected * 10_000n },
  )
  const all = await shop.twin.control.orders(shop.merchant.mchid)
  assert.equal(all.filter((one) => one.state === 'SUCCESS').length, cards)
  const [most] = await sql<{ taken: bigint }[]>`
    select max(taken) as taken from stock_member where product_id = ${id}`
  assert.equal(most?.taken, 1n)
}
