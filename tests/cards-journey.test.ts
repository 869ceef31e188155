import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'

let app: CardApp
let key: string
let product: string
let merchant: string

before(async () => {
  app = await startCardApp()
  key = (await app.makeIssuer()).test
  product = await app.makeProduct(key)
  const shop = { name: 'Tea', category: 'food' }
  merchant = (await app.call('POST', '/v1/merchants', { key, body: shop })).body.id
})
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
})

let orders = 0
function order(amount: number, source: object) {
  orders += 1
  const reference = `order-${orders}`
  return { amount, currency: 'CNY', merchant_id: merchant, reference, sources: [source] }
}

const show = async (card: string) => (await app.get(key, `/v1/cards/${card}`)).body
const statement = async (card: string) =>
  (await app.get(key, `/v1/cards/${card}/statement?limit=200`)).body.data

describe('a card that is lost between hold and capture', () => {
  test('is replaced, and the till captures from and refunds to the new one', async () => {
    const old = await app.makeCard(key, product, 1_000, { bonus_amount: 200 })
    const held = await app.post(key, '/v1/holds', {
      ...order(900, { card_id: old.id }),
      expires_in: 3_600,
    })
    assert.equal(held.status, 201)
    assert.equal((await show(old.id)).balance.held, 900)
    await app.post(key, `/v1/cards/${old.id}/report_lost`)
    const { body: fresh } = await app.post(key, `/v1/cards/${old.id}/replace`)
    assert.deepEqual(fresh.balance, { available: 300, held: 900, principal: 1_000, bonus: 200 })
    const capture = await app.post(key, `/v1/holds/${held.body.id}/capture`, {
      amount: 500,
      final: true,
    })
    assert.ok(capture.status < 300, JSON.stringify(capture.body))
    assert.deepEqual((await show(fresh.id)).balance, {
      available: 700,
      held: 0,
      principal: 700,
      bonus: 0,
    })
    const refund = await app.post(key, `/v1/payments/${capture.body.id}/refunds`, {
      amount: 500,
      reference: 'back',
      reason: 'cold tea',
    })
    assert.equal(refund.status, 201, JSON.stringify(refund.body))
    assert.deepEqual((await show(fresh.id)).balance, {
      available: 1_200,
      held: 0,
      principal: 1_000,
      bonus: 200,
    })
    const lines = await statement(fresh.id)
    const kinds = lines.map((line: { kind: string }) => line.kind)
    assert.deepEqual([...new Set(kinds)], ['card.replaced', 'hold.captured', 'refund.created'])
  })
})

describe('a statement of a card that pays', () => {
  test('names the merchant and its order and refund numbers; a hold has no line', async () => {
    const card = await app.makeCard(key, product, 1_000)
    await app.post(key, '/v1/holds', { ...order(10, { card_id: card.id }), expires_in: 60 })
    const { body: code } = await app.post(key, `/v1/cards/${card.id}/pay_codes`)
    const ordered = order(300, { pay_code: code.code })
    const { body: payment } = await app.post(key, '/v1/payments', ordered)
    const refund = { amount: 100, reference: 'refund-1', reason: 'too hot' }
    const { body: back } = await app.post(key, `/v1/payments/${payment.id}/refunds`, refund)
    const cancelled = order(50, { card_id: card.id })
    const { body: wrong } = await app.post(key, '/v1/payments', cancelled)
    await app.post(key, `/v1/payments/${wrong.id}/cancel`)
    const lines = await statement(card.id)
    const shown = lines.map((line: Record<string, unknown>) => [
      line['kind'],
      line['source_id'],
      line['reference'],
      line['counterparty'],
      line['amount'],
    ])
    assert.deepEqual(shown, [
      ['card.issued', card.id, null, 'cash', 1_000],
      ['payment.created', payment.id, ordered.reference, merchant, -300],
      ['refund.created', back.id, 'refund-1', merchant, 100],
      ['payment.created', wrong.id, cancelled.reference, merchant, -50],
      ['payment.cancelled', wrong.id, cancelled.reference, merchant, 50],
    ])
  })

  test('holds that have expired count as available again, before anybody sweeps', async () => {
    const card = await app.makeCard(key, product, 1_000)
    await app.post(key, '/v1/holds', { ...order(400, { card_id: card.id }), expires_in: 60 })
    const { balance } = await show(card.id)
    assert.equal(balance.held, 400)
    const now = new Date(app.flows.engine.now('test')).toISOString()
    assert.deepEqual((await show(`${card.id}?at=${now}`)).balance, balance)
    await app.call('POST', '/v1/test/clock', { key, body: { advance_seconds: 61 } })
    assert.deepEqual((await show(card.id)).balance, {
      available: 1_000,
      held: 0,
      principal: 1_000,
      bonus: 0,
    })
    await app.call('DELETE', '/v1/test/clock', { key })
  })
})
