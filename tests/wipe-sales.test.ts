/**
 * What was sold through WeChat goes with the test data of an issuer: orders, payments at tills, red packets, shares and
 * what came back of all that. What was set up stays, the books stay right, and what somebody pays afterwards for a number
 * from before does no harm.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  type BookId,
  bookOf,
  businessDateOf,
  dayMs,
  endOfDay,
  type Mode,
  parseId,
} from '@lika/contract'
import { reconcileDue } from '../server/src/flows/bills/run.ts'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import { tendRedPackets } from '../server/src/flows/red-packets/send.ts'
import { rowsOf } from './harness/book-rows.ts'
import { type SharingShop, startSharingShop } from './harness/sharing.ts'

type Json = ReturnType<typeof JSON.parse>

/** Every table that `wipe_test_sales` and its like take from. */
const tables = [
  'sale_order',
  'order_trade',
  'order_refund',
  'combined_payment',
  'combined_refund',
  'combined_call',
  'red_packet',
  'profit_share',
  'share_return',
  'shared_trade',
  'refund_application',
  'stock_reservation',
  'stock_member',
]
const refunds = '/v3/refund/domestic/refunds'

let shop: SharingShop
let merchant: string
let campaign: string
/** Scarce, and a tenth of it is another’s. */
let scarce: string
/** Of issuer and mode, with the key that made it: what must not be touched. */
let others: { book: BookId; key: string; product: string }[]
let opened: Json[]
let packet: Json

before(async () => {
  shop = await startSharingShop()
  const { control } = shop.twin
  await control.call('POST', `/merchants/${shop.merchant.mchid}/recharge`, { fen: 1_000_000 })
  merchant = await made('/v1/merchants', { name: '茶馆', category: 'food' })
  scarce = await shop.sharedProduct([shop.receiver(0, 1_000)])
  const limits = { count: 6, per_member: 6, unpaid_minutes: 5 }
  assert.equal((await shop.post(shop.key, `/v1/products/${scarce}/stock`, limits)).status, 200)
  campaign = await publishCampaign()
  const other = await shop.makeIssuer()
  others = [
    await neighbour(shop.issuer.id, 'live', shop.issuer.live),
    await neighbour(other.id, 'test', other.test),
  ]
})
after(() => shop.stop())

async function made(path: string, body: object): Promise<string> {
  const { status, body: answered } = await shop.post(shop.key, path, body)
  assert.equal(status, 201, JSON.stringify(answered))
  return answered.id
}

async function publishCampaign(): Promise<string> {
  const { secret } = await shop.makeKey(shop.issuer.id, 'test', { owner: 'Somebody Else' })
  const id = await made('/v1/campaigns', {
    name: '红包',
    rule: { kind: 'load_bonus', tiers: [{ from: 1_000_000, bonus: 1 }] },
    budget: 10_000,
    starts_on: businessDateOf(shop.flows.engine.now('test')),
    ends_on: businessDateOf(shop.flows.engine.now('test') + 60 * dayMs),
  })
  const published = await shop.call('POST', `/v1/campaigns/${id}/publish`, { key: secret })
  assert.equal(published.status, 200, JSON.stringify(published.body))
  return id
}

/** Has an order that keeps of a stock. */
async function neighbour(issuer: string, mode: Mode, key: string) {
  const id = parseId('issuer', issuer)
  assert.ok(id)
  const product = await shop.makeProduct(key)
  const limits = { count: 2, unpaid_minutes: 1_440 }
  assert.equal((await shop.post(key, `/v1/products/${product}/stock`, limits)).status, 200)
  const order = { kind: 'purchase', product_id: product, amount: 10_000, channel: 'h5' }
  const { status, body } = await shop.post(key, '/v1/orders', order)
  assert.equal(status, 201, JSON.stringify(body))
  return { book: bookOf(id, mode), key, product }
}

/** The buyer logs in again: the book has forgotten him. */
async function comeBack(): Promise<void> {
  const known = { appid: 'wxofficial000000001', openid: shop.buyer.openid }
  const member = await shop.flows.members.enter(shop.book, known)
  shop.buyer.member = `mem_${member.replaceAll('-', '')}`
}

/** A card and WeChat together, asked for by a code to scan; the same of each key. */
async function atTill(key: string, card: string): Promise<Json> {
  const asked = await shop.again(shop.key, '/v1/combined_payments', `till-${key}`, {
    amount: 3_000,
    merchant_id: merchant,
    reference: `till-${key}`,
    sources: [{ card_id: card }],
    rest: { method: 'wechat', scene: 'native' },
  })
  assert.equal(asked.status, 201, JSON.stringify(asked.body))
  return asked.body
}

/** The same of each key. */
async function orderOf(key: string): Promise<Json> {
  const body = {
    kind: 'purchase',
    product_id: scarce,
    amount: 10_000,
    channel: 'official_account',
    member_id: shop.buyer.member,
    reference: `order-${key}`,
  }
  const asked = await shop.again(shop.key, '/v1/orders', `order-${key}`, body)
  assert.equal(asked.status, 201, JSON.stringify(asked.body))
  return asked.body
}

async function paidOrder(key: string): Promise<string> {
  const { id } = await orderOf(key)
  await shop.payInWechat(await shop.invited(id))
  assert.equal((await shop.show(id)).status, 'delivered')
  return id
}

const giveRedPacket = (key: string) =>
  shop.again(shop.key, `/v1/campaigns/${campaign}/red_packets`, `packet-${key}`, {
    member_id: shop.buyer.member,
    amount: 888,
    remark: '恭喜发财',
    reference: `packet-${key}`,
  })

/** Everything that is done from time to time. */
async function pass(seconds = 40): Promise<void> {
  await shop.send(seconds)
  await shop.tend()
  await lookAfterCombined({ ...shop.flows, legLog: shop.log }, 'test')
  await tendRedPackets(shop.flows, 'test', shop.log)
  await shop.twin.control.settle()
}

async function countsOf(names: readonly string[]): Promise<Record<string, number>> {
  const { sql } = shop.database.owner
  const counted = names.map(async (name) => {
    const [row] = await sql<{ count: bigint }[]>`
      select count(*) as count from ${sql(`lika.${name}`)} where book_id = ${shop.book}`
    return [name, Number(row?.count)] as const
  })
  return Object.fromEntries(await Promise.all(counted))
}

const stockOf = async (key: string, product: string) => {
  const { status, body } = await shop.get(key, `/v1/products/${product}/stock`)
  return [status, body.count, body.per_member, body.unpaid_minutes, body.reserved, body.sold]
}

const booksAreRight = async () => {
  const { body } = await shop.call('POST', '/v1/ledger/verify', { key: shop.key, body: {} })
  assert.deepEqual([body.ok, body.first_wrong], [true, null], JSON.stringify(body))
  return body.checked.orders
}

const neighbours = () =>
  Promise.all(others.map(({ book }) => rowsOf(shop.database.owner.sql, book)))

describe('a wipe of the test data', () => {
  test('leaves nothing of what was sold through WeChat, and all of what was set up', async () => {
    await paidOrder('shared')
    const refunded = await paidOrder('refunded')
    await shop.shareOf(refunded)
    await shop.send(62, 60)
    assert.equal((await shop.shareOf(refunded)).status, 'finished')
    assert.equal((await shop.refund(refunded)).status, 200)
    for (let turn = 0; turn < 4; turn += 1) await pass()
    assert.equal((await shop.show(refunded)).status, 'refunded')
    await abnormalRefund(await paidOrder('abnormal'))
    await tillRefund()
    const card = await shop.makeCard(shop.key, shop.product, 1_250)
    packet = (await giveRedPacket('first')).body
    assert.equal(packet.status, 'sending', JSON.stringify(packet))
    opened = [await atTill('open', card.id)]
    for (const key of ['open', 'open-2', 'open-3'])
      opened.push({ invitation: await shop.invited((await orderOf(key)).id) })
    const late = (await shop.makeBuyer()).member
    const none = await shop.order({ product_id: scarce, member_id: late })
    assert.equal(none.body.code, 'stock.sold_out')
    const filled = await countsOf(tables)
    for (const name of tables) assert.ok((filled[name] ?? 0) > 0, `nothing in ${name}`)
    assert.deepEqual(await stockOf(shop.key, scarce), [200, 6, 6, 5, 3, 3])
    const before = await neighbours()
    const money = await shop.accounts('wechat', 'order_suspense', 'card_principal')
    const rules = (await shop.get(shop.key, '/v1/wechat/sharing_rules')).body

    assert.equal((await shop.call('DELETE', '/v1/test/data', { key: shop.key })).status, 204)

    assert.deepEqual(await countsOf(tables), Object.fromEntries(tables.map((name) => [name, 0])))
    assert.deepEqual(await stockOf(shop.key, scarce), [200, 6, 6, 5, 0, 0])
    assert.deepEqual((await shop.get(shop.key, '/v1/wechat/sharing_rules')).body, rules)
    assert.deepEqual(await shop.accounts('wechat', 'order_suspense', 'card_principal'), money)
    assert.deepEqual(await neighbours(), before)
    for (const { key, product } of others)
      assert.deepEqual(await stockOf(key, product), [200, 2, null, 1_440, 1, 0])
    assert.equal(await booksAreRight(), 0)
  })

  test('what is paid at WeChat for a number from before is refused, noted, and harms nothing', async () => {
    const money = await shop.accounts('wechat', 'order_suspense', 'card_principal')
    const { control } = shop.twin
    for (const { invitation } of opened) await shop.payInWechat(invitation)
    await control.do(shop.buyer.id, 'confirm_transfer', { package_info: packet.package_info })
    await control.settle()
    const misfits = shop.logged.filter((line) => line.includes('did not fit'))
    assert.ok(misfits.length >= opened.length, misfits.join('\n'))
    for (const line of misfits) assert.equal(JSON.parse(line).taken, 'foreign')
    for (const { out_trade_no } of opened.slice(1).map((one) => one.invitation)) {
      const told = await answersTo(out_trade_no)
      assert.ok(told.length > 0 && told.every((status) => status === 404), String(told))
    }
    for (let turn = 0; turn < 4; turn += 1) await pass(61)
    assert.deepEqual(await shop.accounts('wechat', 'order_suspense', 'card_principal'), money)
    assert.deepEqual(await countsOf(tables), Object.fromEntries(tables.map((name) => [name, 0])))
    assert.deepEqual(await stockOf(shop.key, scarce), [200, 6, 6, 5, 0, 0])
    await booksAreRight()
  })

  test('the same keys and references sell anew, up to the limit that was set before', async () => {
    await comeBack()
    const order = await paidOrder('shared')
    await shop.shareOf(order)
    await shop.send(62, 60)
    assert.equal((await shop.shareOf(order)).status, 'finished')
    await tillRefund()
    assert.equal((await giveRedPacket('first')).body.status, 'sending')
    assert.deepEqual(await stockOf(shop.key, scarce), [200, 6, 6, 5, 0, 1])
    const rest = { product_id: scarce, member_id: shop.buyer.member }
    assert.equal((await shop.order({ ...rest, quantity: 6 })).body.code, 'stock.limit_reached')
    await shop.ordered({ ...rest, quantity: 5 })
    const late = await shop.makeBuyer()
    const one = await shop.order({ product_id: scarce, member_id: late.member })
    assert.equal(one.body.code, 'stock.sold_out')
    await booksAreRight()
  })

  test('the bill of the day names what the books have forgotten, each as a case', async () => {
    const now = shop.flows.engine.now('test')
    const day = businessDateOf(now)
    await shop.advance(Math.ceil((endOfDay(day) + 11 * 3_600_000 - now) / 1_000))
    await reconcileDue(shop.flows, shop.log, 'test', await shop.flows.payAccounts.every())
    const { body } = await shop.get(shop.key, `/v1/wechat/bills?day=${day}`)
    const bill = body.data[0]
    const cases: Json[] = (await shop.get(shop.key, '/v1/reserve_cases?limit=200')).body.data
    const unknown = cases.filter(({ kind }) => kind === 'wechat_unknown_row')
    assert.equal(bill.status, 'reconciled', JSON.stringify(body))
    for (const { invitation } of opened.slice(1))
      assert.ok(unknown.some(({ subject }) => subject === invitation.out_trade_no))
    await booksAreRight()
    await wipeAgain(bill)
  })
})

/** Bills and their cases are records of what WeChat said: they stay, and no day is counted twice. */
async function wipeAgain(bill: Json): Promise<void> {
  const money = await shop.accounts('wechat', 'channel_fee')
  assert.equal((await shop.call('DELETE', '/v1/test/data', { key: shop.key })).status, 204)
  await reconcileDue(shop.flows, shop.log, 'test', await shop.flows.payAccounts.every())
  const { body } = await shop.get(shop.key, `/v1/wechat/bills?day=${bill.day}`)
  assert.deepEqual(body.data, [bill])
  assert.deepEqual(await shop.accounts('wechat', 'channel_fee'), money)
  // The shop looks at the books at its end, with an order in them.
  await comeBack()
  await paidOrder('last')
}

/** A refund that WeChat cannot carry out, for which a bank card is named. */
async function abnormalRefund(id: string): Promise<void> {
  await shop.twin.control.fault({ path: refunds }, 'refund_abnormal')
  assert.equal((await shop.refund(id)).status, 200)
  for (let turn = 0; turn < 4; turn += 1) await pass()
  await shop.twin.control.clearFaults()
  const [refund] = (await shop.show(id)).refunds
  assert.equal(refund.status, 'abnormal', JSON.stringify(refund))
  const applied = await shop.act(id, 'apply_abnormal_refund', {
    out_refund_no: refund.out_refund_no,
    bank_type: 'ICBC_DEBIT',
    bank_account: '6222020200012345678',
    real_name: '欧阳',
  })
  assert.equal(applied.status, 200, JSON.stringify(applied.body))
}

/** Paid at a till, and given back in part. */
async function tillRefund(): Promise<void> {
  const card = await shop.makeCard(shop.key, shop.product, 1_250)
  const { id, invitation } = await atTill('refunded', card.id)
  await shop.payInWechat(invitation)
  const asked = { amount: 2_000, reference: `back-${id}` }
  const back = await shop.post(shop.key, `/v1/combined_payments/${id}/refunds`, asked)
  assert.ok(back.status < 300, JSON.stringify(back.body))
}

/** How we answered each notice of the payment. */
async function answersTo(outTradeNo: string): Promise<number[]> {
  const all: Json[] = await shop.twin.control.notifications(shop.merchant.mchid)
  const told = all.filter(({ ref }) => ref === outTradeNo)
  return told.flatMap(({ attempts }) => attempts.map(({ status }: Json) => status))
}
