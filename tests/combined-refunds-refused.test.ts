/**
 * What goes back of a payment at a till, and WeChat refuses: its code is shown, it is asked for ever less often and stays
 * owed, a person looks into what WeChat never takes, once; and it arrives as soon as WeChat takes it.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type CombinedRefundId, parseId } from '@lika/contract'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import { outNumberOf } from '../server/src/modules/combined/index.ts'
import { assertBooks } from './harness/books.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

type Json = ReturnType<typeof JSON.parse>

const refunds = '/v3/refund/domestic/refunds'
const minute = 60
const hour = 3_600

let shop: OrderShop
let merchant: string
before(async () => {
  shop = await startOrderShop()
  // By real time: hours of the test pass faster than WeChat lets so many fail.
  await shop.twin.control.settings({ rates: { 'refund.failing': 1_000 } })
  const body = { name: 'Tea', category: 'tea' }
  merchant = (await shop.post(shop.key, '/v1/merchants', body)).body.id
  // The auditor wants to have seen an order.
  await shop.bought()
})
after(async () => {
  try {
    await shop.check()
    await assertBooks(shop.database.owner.sql)
  } finally {
    await shop.stop()
  }
})

/** The timer comes by after each of these pauses. */
async function pass(...seconds: number[]): Promise<void> {
  for (const some of seconds) {
    await shop.advance(some)
    await shop.twin.control.settle()
    await lookAfterCombined({ ...shop.flows, legLog: shop.log }, 'test')
    await shop.twin.control.settle()
  }
}

let tills = 0
/** A payment of 30.00, of which WeChat paid 17.50. */
async function paid() {
  const { id: source } = await shop.makeCard(shop.key, shop.product, 1_250)
  tills += 1
  const made = await shop.post(shop.key, '/v1/combined_payments', {
    amount: 3_000,
    merchant_id: merchant,
    reference: `till-${tills}`,
    sources: [{ card_id: source }],
    rest: { method: 'wechat', scene: 'native' },
  })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  await shop.payInWechat(made.body.invitation)
  return made.body.id as string
}

/** All of it goes back; answers the refund. */
async function refund(paymentId: string): Promise<string> {
  const path = `/v1/combined_payments/${paymentId}/refunds`
  const asked = await shop.post(shop.key, path, { reference: `back-${tills}` })
  assert.equal(asked.status, 201, JSON.stringify(asked.body))
  assert.equal(asked.body.problem, null)
  return asked.body.id
}

/** The merchant's own people gave a part back in WeChat's console: WeChat never takes a refund of all of it. */
async function refusedForGood(): Promise<string> {
  const id = await paid()
  const uuid = parseId('combined_payment', id)
  const account = parseId('wechat_account', shop.account.id)
  assert.ok(uuid && account)
  const outTradeNo = outNumberOf('trade', uuid)
  const part = { outTradeNo, outRefundNo: `console-${tills}`, amount: 100n, total: 1_750n }
  const answer = await shop.flows.wechatPay.refund(account, part)
  assert.equal(answer.status, 'done')
  await pass(2 * minute)
  return refund(id)
}

const show = async (id: string): Promise<Json> =>
  (await shop.get(shop.key, `/v1/combined_refunds/${id}`)).body
const retry = (id: string) => shop.post(shop.key, `/v1/combined_refunds/${id}/retry`, {})
const uuidOf = (id: string): CombinedRefundId => {
  const found = parseId('combined_refund', id)
  assert.ok(found)
  return found
}
const numberOf = (id: string) => outNumberOf('refund', uuidOf(id))

/** How often WeChat was sent the refund. */
async function sent(id: string): Promise<number> {
  const calls: Json[] = await shop.twin.control.requests(refunds, 2_000)
  return calls.filter(({ method, body }) => method === 'POST' && body.includes(numberOf(id))).length
}

async function casesOf(id: string): Promise<Json[]> {
  const { body } = await shop.get(shop.key, '/v1/reserve_cases?limit=200')
  return body.data
    .filter(({ subject }: Json) => subject === numberOf(id))
    .map(({ kind, amount }: Json) => [kind, amount])
}

/** WeChat refuses every refund with `code`, until `clearFaults`. */
const refusing = (http: number, code: string) =>
  shop.twin.control.fault(
    { method: 'POST', path: refunds, times: 0 },
    { name: 'status', http, code },
  )

test('of which a part was given back in the console: shown, owed, ever less often, and a case once', async () => {
  const id = await refusedForGood()
  const [owed] = await shop.accounts('order_suspense')
  await pass(1)
  const first = await show(id)
  assert.deepEqual(
    [first.status, first.problem, await sent(id)],
    ['processing', 'INVALID_REQUEST', 1],
  )
  // A minute, then two, four, eight, sixteen.
  for (const [times, pause] of [1, 2, 4, 8, 16].entries()) {
    await pass(pause * minute - 20)
    assert.equal(await sent(id), times + 1, `before ${pause} minutes`)
    assert.deepEqual(await casesOf(id), [])
    await pass(25)
    assert.equal(await sent(id), times + 2, `after ${pause} minutes`)
  }
  const found = [['wechat_row_differs', 1_750]]
  assert.deepEqual(await casesOf(id), found)
  await pass(hour, 2 * hour, 4 * hour, 4 * hour)
  const times = await sent(id)
  await pass(hour, hour, hour)
  assert.equal(await sent(id), times, 'four hours apart')
  await pass(hour + 1)
  assert.equal(await sent(id), times + 1, 'four hours apart')
  assert.deepEqual(await casesOf(id), found)
  assert.deepEqual(await shop.accounts('order_suspense'), [owed])
  assert.equal((await show(id)).status, 'processing')
})

test('asked for again by a person, it is sent at once under the same number', async () => {
  const id = await refusedForGood()
  assert.equal((await retry(id)).body.code, 'combined_refund.not_closed')
  await pass(1, minute + 1, 2 * minute + 1)
  const times = await sent(id)
  const again = await retry(id)
  assert.deepEqual(
    [again.status, again.body.status, again.body.attempt, again.body.problem],
    [200, 'processing', 1, 'INVALID_REQUEST'],
    JSON.stringify(again.body),
  )
  await pass(1)
  assert.equal(await sent(id), times + 1)
  await pass(minute)
  assert.equal(await sent(id), times + 1, 'and then as seldom as before')
})

test('for want of money: no case however often, and it arrives once there is some', async () => {
  await refusing(403, 'NOT_ENOUGH')
  const id = await refund(await paid())
  await pass(1)
  assert.equal((await show(id)).problem, 'NOT_ENOUGH')
  for (let times = 0; times < 9; times += 1) await pass(4 * hour + 1)
  assert.equal(await sent(id), 10)
  assert.deepEqual(await casesOf(id), [])
  await shop.twin.control.clearFaults()
  assert.equal((await retry(id)).status, 200)
  await pass(1)
  assert.deepEqual([(await show(id)).status, (await show(id)).problem], ['processing', null])
  await pass(2 * minute)
  const done = await show(id)
  assert.deepEqual([done.status, done.problem, done.attempt], ['succeeded', null, 1])
})

test('for the moment: asked as often as where WeChat does not answer, and a code to see to stays shown', async () => {
  await refusing(403, 'NO_AUTH')
  const id = await refund(await paid())
  await pass(1)
  await shop.twin.control.clearFaults()
  await refusing(429, 'FREQUENCY_LIMITED')
  await pass(minute + 1)
  assert.equal((await show(id)).problem, 'NO_AUTH')
  const times = await sent(id)
  for (let looks = 0; looks < 8; looks += 1) await pass(301)
  assert.equal((await sent(id)) - times, 8)
  assert.deepEqual(await casesOf(id), [])
  await shop.twin.control.clearFaults()
  await pass(301, 2 * minute)
  assert.deepEqual([(await show(id)).status, (await show(id)).problem], ['succeeded', null])
})
