/** Callers in doubt over HTTP: repeats, lost answers, the same reference, one pay code at many tills. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newId } from '../server/src/platform/ids.ts'
import { assertBooks } from './harness/books.ts'
import { startTills, type Tills } from './harness/tills.ts'

let tills: Tills
before(async () => {
  tills = await startTills()
})
after(async () => {
  await assertBooks(tills.database.owner.sql)
  await tills.stop()
})

const post = (body: object, key?: string) => tills.request('POST', '/v1/payments', body, key)
const cancel = (reference: string, key?: string, merchant_id = tills.shop) =>
  tills.request('POST', '/v1/payments/cancel', { merchant_id, reference }, key)
const nothing = { id: null, status: 'cancelled' }
const stripped = (body: object) => ({ ...body, request_id: '' })

describe('a repeat', () => {
  test('by a hundred callers under one key is one payment with one answer', async () => {
    const card = await tills.card(1_000)
    const key = newId()
    const order = tills.order([{ card_id: card.id }], 100)
    const answers = await Promise.all(Array.from({ length: 100 }, () => post(order, key)))
    assert.equal(new Set(answers.map((one) => JSON.stringify([one.status, one.body]))).size, 1)
    assert.equal(answers[0]?.status, 201)
    assert.equal((await tills.balance(card)).principal, 900)
    const replayed = answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')
    assert.equal(replayed.length, 99)
  })

  test('of a refusal is refused alike, although the card has money by now', async () => {
    const card = await tills.card(1_000)
    const key = newId()
    const order = tills.order([{ card_id: card.id }], 1_001)
    const first = await post(order, key)
    await tills.database.owner.sql`
      update account set balance = balance + 1 where lane = ${card.lane} and left(id::text, 32) = ${card.uuid.slice(0, 32)}`
    const again = await post(order, key)
    assert.deepEqual(stripped(again.body), stripped(first.body))
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    await tills.database.owner.sql`
      update account set balance = balance - 1 where lane = ${card.lane} and left(id::text, 32) = ${card.uuid.slice(0, 32)}`
  })

  test('with other input is refused, secrets included', async () => {
    const card = await tills.card(1_000)
    const key = newId()
    const order = tills.order([{ number: card.number, secret: card.secret }], 100)
    assert.equal((await post(order, key)).status, 201)
    const other = await post({ ...order, sources: [{ card_id: card.id }] }, key)
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency.key_reused'])
  })

  test('under another key meets its reference', async () => {
    const card = await tills.card(1_000)
    const order = tills.order([{ card_id: card.id }], 100)
    const first = await post(order)
    const again = await post(order)
    assert.deepEqual(
      [again.status, again.body.code, again.body.existing_id],
      [409, 'reference.already_used', first.body.id],
    )
    const other = await tills.merchant()
    assert.equal((await post({ ...order, merchant_id: other })).status, 201)
  })

  test('after a refusal finds its reference free', async () => {
    const card = await tills.card(1_000)
    const order = tills.order([{ card_id: card.id }], 1_001)
    assert.equal((await post(order)).status, 409)
    assert.equal((await post({ ...order, amount: 1_000 })).status, 201)
  })

  test('of a reference by fifty tills at once pays once', async () => {
    const card = await tills.card(10_000)
    const order = tills.order([{ card_id: card.id }], 100)
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(order)))
    const paid = answers.filter(({ status }) => status === 201)
    assert.equal(paid.length, 1)
    for (const { status, body } of answers) {
      if (status !== 201) assert.equal(body.existing_id, paid[0]?.body.id)
    }
    assert.equal((await tills.balance(card)).principal, 9_900)
  })
})

describe('a pay code', () => {
  test('shown at a hundred tills pays once', async () => {
    const card = await tills.card(100_000)
    const pay_code = await tills.payCode(card)
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => post(tills.order([{ pay_code }], 100))),
    )
    const paid = answers.filter(({ status }) => status === 201)
    assert.equal(paid.length, 1)
    const refused = answers.filter(({ body }) => body.code === 'pay_code.already_used')
    assert.equal(refused.length, 99)
    for (const { body } of refused) assert.equal(body.existing_id, paid[0]?.body.id)
    assert.equal((await tills.balance(card)).principal, 99_900)
  })

  test('is not used up by a refused payment', async () => {
    const card = await tills.card(1_000)
    const pay_code = await tills.payCode(card)
    assert.equal((await post(tills.order([{ pay_code }], 1_001))).status, 409)
    assert.equal((await post(tills.order([{ pay_code }], 1_000))).status, 201)
  })

  test('of another issuer is not recognised', async () => {
    const card = await tills.card(1_000)
    const pay_code = await tills.payCode(card)
    const stranger = await tills.makeIssuer()
    const shop = await tills.call('POST', '/v1/merchants', {
      key: stranger.test,
      body: { name: 'Theirs', category: 'food' },
    })
    const answer = await tills.call('POST', '/v1/payments', {
      key: stranger.test,
      body: tills.order([{ pay_code }], 100, { merchant_id: shop.body.id }),
      headers: { 'idempotency-key': newId() },
    })
    assert.deepEqual([answer.status, answer.body.code], [404, 'pay_code.not_recognised'])
  })
})

describe('a secret guessed ten times', () => {
  test('locks the number, right or wrong, and leaves the keys free', async () => {
    const card = await tills.card(1_000)
    const wrong = { number: card.number, secret: '0000000000000000' }
    for (let guess = 1; guess < 10; guess += 1) {
      assert.equal((await post(tills.order([wrong], 1))).status, 404)
    }
    const tenth = await post(tills.order([wrong], 1))
    assert.deepEqual([tenth.status, tenth.body.code], [429, 'throttled'])
    const key = newId()
    const order = tills.order([{ number: card.number, secret: card.secret }], 1)
    assert.equal((await post(order, key)).status, 429)
    assert.equal((await post({ ...order, sources: [{ card_id: card.id }] }, key)).status, 201)
  })
})

describe('cancelling by reference', () => {
  test('before the payment comes refuses it for good, under any key', async () => {
    const card = await tills.card(1_000)
    const order = tills.order([{ card_id: card.id }], 100)
    const key = newId()
    const done = await cancel(order.reference, key)
    assert.deepEqual([done.status, done.body], [200, nothing])
    assert.deepEqual((await cancel(order.reference, key)).body, nothing)
    assert.deepEqual((await cancel(order.reference)).body, nothing)
    const own = newId()
    const late = await post(order, own)
    assert.deepEqual([late.status, late.body.code], [409, 'payment.cancelled'])
    assert.deepEqual(stripped((await post(order, own)).body), stripped(late.body))
    assert.equal((await post(order)).body.code, 'payment.cancelled')
    assert.equal((await tills.balance(card)).principal, 1_000)
  })

  test('after the payment reverses it, whose own key answers as it did first', async () => {
    const card = await tills.card(1_000, { bonus: 50 })
    const order = tills.order([{ card_id: card.id }], 100)
    const own = newId()
    const paid = await post(order, own)
    const key = newId()
    const done = await cancel(order.reference, key)
    assert.equal(done.status, 200, JSON.stringify(done.body))
    assert.deepEqual([done.body.id, done.body.status], [paid.body.id, 'cancelled'])
    assert.deepEqual(await tills.balance(card), { principal: 1_000, bonus: 50, held: 0 })
    assert.deepEqual((await post(order, own)).body, paid.body)
    assert.deepEqual((await cancel(order.reference, key)).body, done.body)
    assert.deepEqual((await cancel(order.reference)).body, done.body)
    const late = await post(order)
    assert.deepEqual([late.status, late.body.code], [409, 'reference.already_used'])
  })

  test('from a lane that is not the payment’s reverses it over both', async () => {
    const [one, other] = await Promise.all([
      tills.card(500, { lane: 602 }),
      tills.card(500, { lane: 603 }),
    ])
    const order = tills.order([{ card_id: one.id }, { card_id: other.id }], 900)
    await post(order)
    assert.equal((await cancel(order.reference)).body.status, 'cancelled')
    assert.equal((await tills.balance(one)).principal, 500)
    assert.equal((await tills.balance(other)).principal, 500)
  })

  test('a refunded payment is too late', async () => {
    const card = await tills.card(1_000)
    const order = tills.order([{ card_id: card.id }], 100)
    const { body } = await post(order)
    await tills.request('POST', `/v1/payments/${body.id}/refunds`, {
      amount: 1,
      reference: tills.reference(),
    })
    const answer = await cancel(order.reference)
    assert.deepEqual([answer.status, answer.body.code], [409, 'payment.has_refunds'])
  })

  test('a refused payment takes its reference along', async () => {
    const card = await tills.card(1_000)
    const order = tills.order([{ card_id: card.id }], 2_000)
    assert.equal((await post(order)).body.code, 'funds.insufficient')
    assert.deepEqual((await cancel(order.reference)).body, nothing)
    const late = await post({ ...order, amount: 100 })
    assert.deepEqual([late.status, late.body.code], [409, 'payment.cancelled'])
  })

  test('a hold releases it; a captured one is cancelled payment by payment', async () => {
    const card = await tills.card(1_000)
    const order = tills.order([{ card_id: card.id }], 100, { expires_in: 600 })
    const made = await tills.request('POST', '/v1/holds', order)
    assert.deepEqual((await cancel(order.reference)).body, nothing)
    const shown = await tills.request('GET', `/v1/holds/${made.body.id}`)
    assert.equal(shown.body.status, 'released')
    const second = tills.order([{ card_id: card.id }], 100, { expires_in: 600 })
    const other = await tills.request('POST', '/v1/holds', second)
    await tills.request('POST', `/v1/holds/${other.body.id}/capture`, { amount: 10 })
    const answer = await cancel(second.reference)
    assert.deepEqual([answer.status, answer.body.code], [409, 'hold.captured'])
  })

  test('while the payment is under way ends in one of both, never in between', async () => {
    const card = await tills.card(100_000)
    for (let round = 0; round < 30; round += 1) {
      const order = tills.order([{ card_id: card.id }], 10)
      const own = newId()
      const paying = post(order, own)
      if (round % 3 > 0) await new Promise((resolve) => setTimeout(resolve, round % 7))
      const [paid, done] = await Promise.all([paying, cancel(order.reference)])
      assert.equal(done.status, 200, JSON.stringify(done.body))
      if (paid.status === 201) assert.equal(done.body.id, paid.body.id)
      else assert.deepEqual([paid.body.code, done.body], ['payment.cancelled', nothing])
      assert.equal((await post(order, own)).status, paid.status)
    }
    assert.equal((await tills.balance(card)).principal, 100_000)
  })

  test('of a merchant who does not exist is refused', async () => {
    const answer = await cancel('x', undefined, `merch_${'0'.repeat(32)}`)
    assert.deepEqual([answer.status, answer.body.code], [404, 'merchant.not_found'])
  })
})
