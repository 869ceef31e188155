/** A refund that WeChat closed is asked for again under another number: what was shared of the sale has come back, once. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import { type SharingShop, startSharingShop } from './harness/sharing.ts'

type Json = ReturnType<typeof JSON.parse>

const refundsPath = '/v3/refund/domestic/refunds'
const returnsPath = '/v3/profitsharing/return-orders'

let shop: SharingShop

before(async () => {
  shop = await startSharingShop()
})
after(() => shop.stop())

async function minutes(count: number): Promise<void> {
  for (let minute = 0; minute < count; minute += 1) {
    await shop.advance(70)
    await shop.twin.control.settle()
    await shop.tend()
    await lookAfterCombined({ ...shop.flows, legLog: shop.log }, 'test')
  }
}

/** Numbers of returns that WeChat was asked for since this many calls. */
async function returnsSince(before: number): Promise<string[]> {
  const all: Json[] = await shop.twin.control.requests(returnsPath, 1_000)
  return all
    .slice(before)
    .flatMap(({ method, body }) => (method === 'POST' ? [JSON.parse(body).out_return_no] : []))
}
const callsSoFar = async () => (await shop.twin.control.requests(returnsPath, 1_000)).length

const nextIsClosed = () => shop.twin.control.fault({ path: refundsPath, times: 1 }, 'refund_closed')

/** What came back of a sale: all that its payee had, once, and for one refund. */
async function assertBackOnce(saleId: string, before: number, amount: number): Promise<void> {
  const share = await shop.shareOf(saleId)
  assert.deepEqual(
    share.returns.map((one: Json) => [one.mchid, one.amount, one.status]),
    [[shop.payees[0]?.mchid, amount, 'succeeded']],
  )
  assert.equal(share.returned_amount, amount)
  assert.equal((await returnsSince(before)).length, 1)
}

test('of an order, however often its refund is asked for', async () => {
  const product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
  const { id } = await shop.bought({ product_id })
  await shop.shareOf(id)
  await shop.send(62, 60)
  assert.equal((await shop.shareOf(id)).status, 'finished')
  const calls = await callsSoFar()
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    if (attempt < 3) await nextIsClosed()
    const asked = await shop.refund(id)
    assert.equal(asked.status, 200, JSON.stringify(asked.body))
    await minutes(8)
  }
  const done = await shop.show(id)
  assert.deepEqual(
    [done.status, done.refunds.map(({ status }: Json) => status)],
    ['refunded', ['closed', 'closed', 'succeeded']],
  )
  await assertBackOnce(id, calls, 1_000)
})

test('of a payment of a card and WeChat, in proportion to each refund of its own', async () => {
  const { body: merchant } = await shop.post(shop.key, '/v1/merchants', {
    name: 'Tea',
    category: 'tea',
  })
  const ruled = await shop.rule({ merchant_id: merchant.id }, [shop.receiver(0, 1_000)])
  assert.equal(ruled.status, 201, JSON.stringify(ruled.body))
  const { id: card_id } = await shop.makeCard(shop.key, shop.product, 1_000)
  const made = await shop.post(shop.key, '/v1/combined_payments', {
    amount: 11_000,
    merchant_id: merchant.id,
    reference: 'till-1',
    sources: [{ card_id }],
    rest: { method: 'wechat', scene: 'native' },
  })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  await shop.payInWechat(made.body.invitation)
  const sale = made.body.id
  await shop.shareOf(sale)
  await shop.send(62, 60)
  assert.equal((await shop.shareOf(sale)).status, 'finished')
  const calls = await callsSoFar()
  const giveBack = async (reference: string, amount: number) => {
    const path = `/v1/combined_payments/${sale}/refunds`
    const asked = await shop.post(shop.key, path, { reference, amount })
    assert.equal(asked.status, 201, JSON.stringify(asked.body))
    await minutes(8)
    return `/v1/combined_refunds/${asked.body.id}`
  }
  await nextIsClosed()
  const path = await giveBack('back-1', 4_000)
  assert.equal((await shop.get(shop.key, path)).body.status, 'closed')
  await assertBackOnce(sale, calls, 400)
  assert.equal((await shop.post(shop.key, `${path}/retry`, {})).status, 200)
  await minutes(8)
  const { body: done } = await shop.get(shop.key, path)
  assert.deepEqual([done.status, done.attempt], ['succeeded', 2])
  await assertBackOnce(sale, calls, 400)
  // Another refund is none that is asked for again: its part comes back for itself.
  await giveBack('back-2', 5_000)
  assert.equal((await shop.shareOf(sale)).returned_amount, 900)
  assert.equal((await returnsSince(calls)).length, 2)
  // What it waits for is shown until WeChat has taken it.
  await shop.twin.control.settings({ returnSeconds: 3_600 })
  const waiting = await giveBack('back-3', 1_000)
  const { body: shown } = await shop.get(shop.key, waiting)
  assert.deepEqual([shown.status, shown.problem], ['processing', 'its shares come back first'])
  await shop.twin.control.settings({ returnSeconds: 0 })
  await shop.advance(3_600)
  await minutes(8)
  const { body: arrived } = await shop.get(shop.key, waiting)
  assert.deepEqual([arrived.status, arrived.problem], ['succeeded', null])
  assert.equal((await shop.shareOf(sale)).returned_amount, 1_000)
})
