/**
 * What came by WeChat for a payment at a till is given back in WeChat's own console: nobody asked us, so a person looks into
 * it, once; and nothing goes back a second time, however late WeChat tells that it was paid.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { businessDateOf, endOfDay, parseId } from '@lika/contract'
import { reconcileDue } from '../server/src/flows/bills/run.ts'
import { neverPaid } from '../server/src/flows/combined/end.ts'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import { takeTrade } from '../server/src/flows/wechat-notices.ts'
import { findCombined } from '../server/src/modules/combined/index.ts'
import type { Trade } from '../server/src/modules/wechat/index.ts'
import { assertBooks } from './harness/books.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

let shop: OrderShop
let till: string
let product: string
let paymentsMade = 0
before(async () => {
  shop = await startOrderShop()
  product = await shop.makeProduct(shop.key)
  till = (await shop.post(shop.key, '/v1/merchants', { name: '茶馆', category: 'food' })).body.id
})
after(async () => {
  try {
    await assertBooks(shop.database.owner.sql)
  } finally {
    await shop.stop()
  }
})

/** 30.00, of which the card gives 12.50 and WeChat 17.50. */
async function begin() {
  const card: string = (await shop.makeCard(shop.key, product, 1_250)).id
  paymentsMade += 1
  const made = await shop.post(shop.key, '/v1/combined_payments', {
    amount: 3_000,
    merchant_id: till,
    reference: `console-${paymentsMade}`,
    sources: [{ card_id: card }],
    rest: { method: 'wechat', scene: 'native' },
  })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  const { id, invitation } = made.body
  const [row] = await shop.database.owner.sql<{ number: string }[]>`
    select out_trade_no as number from combined_payment where reference = ${`console-${paymentsMade}`}`
  assert.ok(row)
  return { id, card, invitation, number: row.number }
}

/** The merchant's own people, in WeChat's console: the same merchant number, a refund number that is none of ours. */
async function refundInConsole(number: string, amount = 1_750n): Promise<void> {
  const [outTradeNo, total] = [number, 1_750n]
  const asked = { outTradeNo, outRefundNo: `console-${number}`, amount, total }
  const answer = await shop.flows.wechatPay.refund(account(), asked)
  assert.equal(answer.status, 'done')
  await shop.twin.control.settle()
}

function account() {
  const id = parseId('wechat_account', shop.account.id)
  assert.ok(id)
  return id
}

/** WeChat tells of the number what it has of it now, or `state`. */
async function told(number: string, state?: Trade['state']) {
  const asked = await shop.flows.wechatPay.query(account(), number)
  assert.equal(asked.status, 'done')
  const paid = { state, transactionId: `T${number}`, amount: 1_750n }
  const trade = { ...asked.value, ...(state !== undefined && { ...paid, state }) }
  return takeTrade(shop.flows, shop.log, { book: shop.book, accountId: account() }, trade)
}

async function timer(...seconds: number[]): Promise<void> {
  for (const some of seconds) {
    await shop.advance(some)
    await lookAfterCombined({ ...shop.flows, legLog: shop.log }, 'test')
    await shop.twin.control.settle()
  }
}

const look = async (id: string) => (await shop.get(shop.key, `/v1/combined_payments/${id}`)).body
const onCard = async (card: string) => (await shop.get(shop.key, `/v1/cards/${card}`)).body.balance

async function casesOf(number: string) {
  const { body } = await shop.get(shop.key, '/v1/reserve_cases?limit=200')
  return body.data
    .filter(({ subject }: { subject: string }) => subject === number)
    .map(({ kind, amount }: Record<string, unknown>) => [kind, amount])
}

/** What Lika has asked WeChat to give back of the number. */
async function refundsOf(number: string): Promise<number> {
  const sent = await shop.twin.control.requests('/v3/refund/domestic/refunds', 500)
  return sent
    .filter(({ method }: { method: string }) => method === 'POST')
    .map(({ body }: { body: string }) => JSON.parse(body))
    .filter((one) => one.out_trade_no === number && !one.out_refund_no.startsWith('console-'))
    .length
}

const quietly = () => shop.twin.control.fault({ path: '*', times: 1_000 }, 'drop_notification')

test('before the books knew that it was paid: it pays nothing, and a person looks into it, once', async () => {
  await quietly()
  const { id, card, invitation, number } = await begin()
  const before = await shop.accounts('wechat', 'order_suspense')
  await shop.payInWechat(invitation)
  await refundInConsole(number)
  await shop.twin.control.clearFaults()
  await timer(11)
  const now = await look(id)
  assert.deepEqual([now.status, now.reason], ['failed', 'refunded_at_wechat'])
  assert.deepEqual(await onCard(card), { available: 1_250, held: 0, principal: 1_250, bonus: 0 })
  assert.deepEqual(await casesOf(number), [['wechat_row_differs', 1_750]])
  assert.deepEqual([await told(number), await told(number)], ['in_book', 'in_book'])
  assert.deepEqual(await casesOf(number), [['wechat_row_differs', 1_750]])
  // A notice of the payment alone comes late, again and again.
  assert.deepEqual([await told(number, 'paid'), await told(number, 'paid')], ['in_book', 'in_book'])
  await timer(11, 61, 301)
  assert.equal(await refundsOf(number), 0)
  assert.equal((await look(id)).refunded_amount, 0)
  assert.deepEqual(await shop.accounts('wechat', 'order_suspense'), before)
  assert.deepEqual(await casesOf(number), [['wechat_row_differs', 1_750]])
})

test('after the till had given it up: what is told late of the payment asks for no refund', async () => {
  const { id, number } = await begin()
  await shop.post(shop.key, `/v1/combined_payments/${id}/cancel`)
  assert.deepEqual([(await look(id)).reason], ['cancelled'])
  assert.equal(await told(number, 'refunded'), 'in_book')
  const now = await look(id)
  assert.deepEqual([now.status, now.reason], ['failed', 'refunded_at_wechat'])
  assert.deepEqual(await casesOf(number), [['wechat_row_differs', 1_750]])
  assert.equal(await told(number, 'paid'), 'in_book')
  await timer(11, 61)
  assert.equal(await refundsOf(number), 0)
})

test('after it was paid in the books: the payment stands, and a person looks into it', async () => {
  const { id, number, invitation } = await begin()
  await shop.payInWechat(invitation)
  assert.equal((await look(id)).status, 'succeeded')
  const before = await shop.accounts('wechat', 'order_suspense')
  await refundInConsole(number, 700n)
  assert.deepEqual([await told(number), await told(number)], ['in_book', 'in_book'])
  assert.deepEqual(await casesOf(number), [['wechat_row_differs', -1_750]])
  const now = await look(id)
  assert.deepEqual([now.status, now.refunded_amount], ['succeeded', 0])
  assert.deepEqual(await shop.accounts('wechat', 'order_suspense'), before)
})

test('what we have given back ourselves is no case', async () => {
  const { id, number, invitation } = await begin()
  await shop.payInWechat(invitation)
  const back = await shop.post(shop.key, `/v1/combined_payments/${id}/refunds`, {
    reference: 'ours',
    amount: 2_000,
  })
  assert.equal(back.status, 201, JSON.stringify(back.body))
  await timer(1, 16, 61, 301)
  const asked = await shop.flows.wechatPay.query(account(), number)
  assert.equal(asked.status === 'done' && asked.value.state, 'refunded')
  assert.equal(await told(number), 'in_book')
  assert.deepEqual(await casesOf(number), [])
})

test('what came too late and went back by us is no case either', async () => {
  const { id, number, invitation } = await begin()
  await quietly()
  await shop.payInWechat(invitation)
  await shop.twin.control.clearFaults()
  // The till gave it up, and WeChat was wrong when it said that nobody can pay it any more.
  const combined = parseId('combined_payment', id)
  const row = combined && (await findCombined(shop.flows.database.sql, shop.book, combined))
  assert.ok(row)
  assert.equal((await neverPaid(shop.flows, row, 'cancelled')).status, 'done')
  assert.equal(await told(number), 'in_book')
  await timer(11, 16, 61, 301)
  assert.equal(await refundsOf(number), 1)
  assert.equal(await told(number), 'in_book')
  assert.deepEqual(await casesOf(number), [])
  assert.equal((await look(id)).reason, 'cancelled')
})

test('the bill of the day, which tells of the payment and of its refund, learns nothing and opens no second case of it', async () => {
  await quietly()
  const { number, invitation } = await begin()
  await shop.payInWechat(invitation)
  await refundInConsole(number)
  await shop.twin.control.clearFaults()
  await timer(11)
  const sent = await refundsOf(number)
  const day = businessDateOf(shop.flows.engine.now('test'))
  const until = endOfDay(day) + 11 * 3_600_000 - shop.flows.engine.now('test')
  await shop.advance(Math.ceil(until / 1_000))
  const accounts = await shop.flows.payAccounts.every()
  while ((await reconcileDue(shop.flows, shop.log, 'test', accounts)) > 0);
  const bill = (await shop.get(shop.key, `/v1/wechat/bills?day=${day}`)).body.data[0]
  assert.equal(bill.learnt, 0, JSON.stringify(bill))
  assert.deepEqual(await casesOf(number), [['wechat_row_differs', 1_750]])
  assert.deepEqual(await casesOf(`console-${number}`), [['wechat_unknown_row', -1_750]])
  await timer(11, 61)
  assert.equal(await refundsOf(number), sent)
})
