/** What is paid at a till in a mini-program is reported to WeChat as handed over, once, whatever stands in the way at first. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseId } from '@lika/contract'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import { reportTillDeliveries } from '../server/src/flows/combined/shipping.ts'
import { assertBooks } from './harness/books.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

const mini = 'wxminiprogram000001'
const upload = '/wxa/sec/order/upload_shipping_info'
const name = '三味面馆 🍜'

type Json = ReturnType<typeof JSON.parse>

let shop: OrderShop
let merchant: string
let buyer: { id: string; member: string; openid: string }
before(async () => {
  shop = await startOrderShop()
  merchant = (await shop.post(shop.key, '/v1/merchants', { name, category: 'noodles' })).body.id
  const user = await shop.twin.control.user()
  const openid = user.openids[mini] ?? ''
  const id = await shop.flows.members.enter(shop.book, { appid: mini, openid })
  buyer = { id: user.id, member: `mem_${id.replaceAll('-', '')}`, openid }
})
after(async () => {
  try {
    assert.deepEqual(shop.faults, [])
    await assertBooks(shop.database.owner.sql)
  } finally {
    await shop.stop()
  }
})

let tills = 0
/** 30.00, of which WeChat pays 17.50. */
async function begun(rest: object): Promise<Json> {
  const { id: card_id } = await shop.makeCard(shop.key, shop.product, 1_250)
  tills += 1
  const made = await shop.post(shop.key, '/v1/combined_payments', {
    amount: 3_000,
    merchant_id: merchant,
    reference: `till-${tills}`,
    sources: [{ card_id }],
    rest: { method: 'wechat', ...rest },
  })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  assert.equal(made.body.shipping, null)
  return made.body
}

async function paid(): Promise<string> {
  const rest = { scene: 'mini_program', app_id: shop.miniProgram.id, member_id: buyer.member }
  const { id, invitation } = await begun(rest)
  await shop.payInWechat(invitation, buyer.id)
  return id
}

const show = async (id: string): Promise<Json> =>
  (await shop.get(shop.key, `/v1/combined_payments/${id}`)).body
const uploads = () => shop.twin.control.requests(upload)
const tell = () => reportTillDeliveries(shop.flows, 'test', shop.log)

/** Told of what is due, in steps that are shorter than the pauses. */
async function laterBy(hours: number): Promise<void> {
  for (let hour = 0; hour < hours; hour += 4) {
    await shop.advance(4 * 3_600 + 1)
    await tell()
  }
}

async function giveBack(id: string): Promise<void> {
  const path = `/v1/combined_payments/${id}/refunds`
  const asked = await shop.post(shop.key, path, { reference: `back-${tills}` })
  assert.equal(asked.status, 201, JSON.stringify(asked.body))
  for (const seconds of [1, 61, 61]) {
    await shop.advance(seconds)
    await shop.twin.control.settle()
    await lookAfterCombined({ ...shop.flows, legLog: shop.log }, 'test')
  }
  const { body } = await shop.get(shop.key, `/v1/combined_refunds/${asked.body.id}`)
  assert.equal(body.status, 'succeeded')
}

const refusing = () =>
  shop.twin.control.fault(
    { path: upload, times: 0 },
    { name: 'status', http: 403, code: 'NO_AUTH' },
  )

test('it is reported once, as taken along', async () => {
  const id = await paid()
  assert.deepEqual((await show(id)).shipping, { status: 'waiting', problem: null })
  // Of two processes one tells.
  const told = await Promise.all([tell(), tell()])
  assert.equal(told[0] + told[1], 1)
  assert.deepEqual((await show(id)).shipping, { status: 'reported', problem: null })
  await laterBy(8)
  const made = (await uploads()).map(({ body }) => JSON.parse(body))
  assert.equal(made.length, 1, JSON.stringify(made))
  const { upload_time: time, order_key: key, ...rest } = made[0]
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/)
  assert.match(key.out_trade_no, /^CP/)
  assert.deepEqual([key.order_number_type, key.mchid], [1, shop.merchant.mchid])
  assert.deepEqual(rest, {
    logistics_type: 4,
    delivery_mode: 1,
    shipping_list: [{ item_desc: name }],
    payer: { openid: buyer.openid },
  })
})

test('what is paid by code, or not paid yet, is not reported', async () => {
  const before = (await uploads()).length
  const { id, invitation } = await begun({ scene: 'native' })
  await shop.payInWechat(invitation)
  const rest = { scene: 'mini_program', app_id: shop.miniProgram.id, member_id: buyer.member }
  const open = await begun(rest)
  await laterBy(4)
  assert.deepEqual([(await show(id)).status, (await show(id)).shipping], ['succeeded', null])
  assert.equal((await show(open.id)).shipping, null)
  assert.equal((await uploads()).length, before)
})

test('where the answer is lost it is told again, and WeChat’s word that it knows is the end', async () => {
  await shop.twin.control.fault({ path: upload, times: 3 }, 'answer_500_after')
  const id = await paid()
  await tell()
  const { shipping } = await show(id)
  assert.equal(shipping.status, 'waiting')
  assert.ok(shipping.problem)
  await shop.twin.control.clearFaults()
  await laterBy(4)
  assert.deepEqual((await show(id)).shipping, { status: 'reported', problem: null })
})

test('what WeChat refuses is told again, and given up after thirty days', async () => {
  await refusing()
  const mended = await paid()
  await tell()
  assert.deepEqual((await show(mended)).shipping, { status: 'waiting', problem: 'HTTP_403' })
  await shop.twin.control.clearFaults()
  await laterBy(4)
  assert.deepEqual((await show(mended)).shipping, { status: 'reported', problem: null })
  await refusing()
  const hopeless = await paid()
  await tell()
  await shop.advance(31 * 86_400)
  await tell()
  assert.deepEqual((await show(hopeless)).shipping, { status: 'given_up', problem: 'HTTP_403' })
  await shop.twin.control.clearFaults()
  await laterBy(4)
  assert.deepEqual((await show(hopeless)).shipping, { status: 'given_up', problem: 'HTTP_403' })
})

test('what went back before it was told is not reported', async () => {
  const before = (await uploads()).length
  const id = await paid()
  await giveBack(id)
  await tell()
  assert.deepEqual((await show(id)).shipping, { status: 'not_due', problem: null })
  assert.equal((await uploads()).length, before)
})

test('what is reported can go back all the same', async () => {
  const id = await paid()
  await tell()
  assert.equal((await show(id)).shipping.status, 'reported')
  await giveBack(id)
  const uuid = parseId('combined_payment', id)
  assert.ok(uuid)
  const [row] = await shop.database.owner.sql`
    select wechat_refunded from combined_payment where id = ${uuid}`
  assert.equal(Number(row?.['wechat_refunded']), 1_750)
})
