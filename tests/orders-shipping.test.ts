/** What is paid in a mini-program is reported to WeChat as delivered, once, whatever stands in the way at first. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

const mini = 'wxminiprogram000001'
const upload = '/wxa/sec/order/upload_shipping_info'

let shop: OrderShop
let buyer: { id: string; member: string; openid: string }
before(async () => {
  shop = await startOrderShop()
  const user = await shop.twin.control.user()
  const openid = user.openids[mini] ?? ''
  const id = await shop.flows.members.enter(shop.book, { appid: mini, openid })
  buyer = { id: user.id, member: `mem_${id.replaceAll('-', '')}`, openid }
})
after(async () => {
  await shop.check()
  await shop.stop()
})

/** Paid in the mini-program and delivered. */
async function paid(): Promise<string> {
  const { id } = await shop.ordered({ member_id: buyer.member, channel: 'mini_program' })
  const asked = { scene: 'mini_program', app_id: shop.miniProgram.id }
  await shop.payInWechat(await shop.invited(id, asked), buyer.id)
  assert.equal((await shop.show(id)).status, 'delivered')
  return id
}

const uploads = () => shop.twin.control.requests(upload)

async function shippingOf(id: string) {
  const { payments } = await shop.show(id)
  const { shipping } = payments.find(({ status }: { status: string }) => status === 'paid')
  return shipping && [shipping.status, shipping.problem]
}

/** Looked after for so long, in steps that are shorter than its pauses. */
async function laterBy(hours: number): Promise<void> {
  for (let hour = 0; hour < hours; hour += 4) {
    await shop.advance(4 * 3_600)
    await shop.tend()
  }
}

test('it is reported once, as WeChat wants it', async () => {
  const id = await paid()
  await shop.tend()
  assert.deepEqual(await shippingOf(id), ['reported', null])
  await laterBy(8)
  const made = (await uploads()).map(({ body }) => JSON.parse(body))
  const [number] = (await shop.show(id)).payments
  assert.equal(made.length, 1, JSON.stringify(made))
  const { upload_time: time, shipping_list: list, ...rest } = made[0]
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/)
  assert.equal(list.length, 1)
  assert.ok(list[0].item_desc.length > 0)
  assert.deepEqual(rest, {
    order_key: {
      order_number_type: 1,
      mchid: shop.merchant.mchid,
      out_trade_no: number.out_trade_no,
    },
    logistics_type: 3,
    delivery_mode: 1,
    payer: { openid: buyer.openid },
  })
})

test('what is paid elsewhere is not reported', async () => {
  const before = (await uploads()).length
  const { id } = await shop.bought()
  await laterBy(4)
  assert.equal(await shippingOf(id), null)
  assert.equal((await uploads()).length, before)
})

test('where the answer is lost it is told again, and WeChat’s word that it knows is the end', async () => {
  await shop.twin.control.fault({ path: upload, times: 3 }, 'answer_500_after')
  const id = await paid()
  await shop.tend()
  const [end, problem] = await shippingOf(id)
  assert.equal(end, 'waiting')
  assert.ok(problem)
  await shop.twin.control.clearFaults()
  await laterBy(4)
  assert.deepEqual(await shippingOf(id), ['reported', null])
})

test('what WeChat refuses is told again, less and less often, and given up after thirty days', async () => {
  await shop.twin.control.fault(
    { path: upload, times: 20 },
    { name: 'status', http: 403, code: 'NO_AUTH' },
  )
  const [mended, hopeless] = [await paid(), await paid()]
  await shop.tend()
  assert.deepEqual(await shippingOf(mended), ['waiting', 'HTTP_403'])
  await shop.twin.control.clearFaults()
  await shop.database.owner.sql`
    update order_trade set shipping_look_at = now() + interval '100 days' where order_id = ${shop.idOf(hopeless)}`
  await laterBy(4)
  assert.deepEqual(await shippingOf(mended), ['reported', null])
  await shop.twin.control.fault(
    { path: upload, times: 20 },
    { name: 'status', http: 403, code: 'NO_AUTH' },
  )
  await shop.advance(31 * 86_400)
  await shop.database.owner.sql`
    update order_trade set shipping_look_at = paid_at where order_id = ${shop.idOf(hopeless)}`
  await shop.tend()
  assert.deepEqual(await shippingOf(hopeless), ['given_up', 'HTTP_403'])
  await shop.twin.control.clearFaults()
})

test('what went back before it was told is not reported', async () => {
  const before = (await uploads()).length
  const id = await paid()
  assert.equal((await shop.refund(id)).status, 200)
  await shop.twin.control.settle()
  await shop.tend()
  assert.deepEqual(await shippingOf(id), ['waiting', 'it goes back'])
  await laterBy(4)
  assert.equal((await shop.show(id)).status, 'refunded')
  await laterBy(4)
  assert.deepEqual(await shippingOf(id), ['not_due', null])
  assert.equal((await uploads()).length, before)
})

test('of what went back in part before it was told the rest is reported', async () => {
  const { id: card_id } = await shop.makeCard(shop.key, shop.product, 1_000)
  const { id } = await shop.ordered({
    kind: 'top_up',
    product_id: undefined,
    card_id,
    amount: 10_000,
    member_id: buyer.member,
    channel: 'mini_program',
  })
  const asked = { scene: 'mini_program', app_id: shop.miniProgram.id }
  await shop.payInWechat(await shop.invited(id, asked), buyer.id)
  await shop.twin.control.fault(
    { path: upload, times: 0 },
    { name: 'status', http: 403, code: 'NO_AUTH' },
  )
  await shop.tend()
  assert.deepEqual(await shippingOf(id), ['waiting', 'HTTP_403'])
  const refund = await shop.refund(id, { amount: 4_000 })
  assert.equal(refund.status, 200, JSON.stringify(refund.body))
  await laterBy(4)
  assert.deepEqual(
    [(await shop.show(id)).refunded_amount, ...(await shippingOf(id))],
    [4_000, 'waiting', 'HTTP_403'],
  )
  await shop.twin.control.clearFaults()
  await laterBy(4)
  assert.deepEqual(await shippingOf(id), ['reported', null])
})
