/** Refunds and cancelled payments over HTTP: every fen back to where it came from, whatever became of the card. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newId } from '../server/src/platform/ids.ts'
import { assertBooks } from './harness/books.ts'
import { startTills, type TestCard, type Tills } from './harness/tills.ts'

let tills: Tills
before(async () => {
  tills = await startTills()
})
after(async () => {
  await assertBooks(tills.database.owner.sql)
  await tills.stop()
})

const days = 86_400_000
const refund = (id: string, amount: number, more: object = {}, key?: string) =>
  tills.request(
    'POST',
    `/v1/payments/${id}/refunds`,
    { amount, reference: tills.reference(), reason: 'cold tea', ...more },
    key,
  )
const cancel = (id: string, key?: string) =>
  tills.request('POST', `/v1/payments/${id}/cancel`, undefined, key)
const payment = async (id: string) => (await tills.request('GET', `/v1/payments/${id}`)).body
const codes = (answers: { status: number; body: { code?: string } }[]) =>
  answers.map(({ status, body }) => body.code ?? status)

async function paid(card: TestCard, amount: number, more: object = {}): Promise<string> {
  const { status, body } = await tills.pay(card, amount, more)
  assert.equal(status, 201, JSON.stringify(body))
  return body.id
}

describe('a refund', () => {
  test('gives back last what was taken first, and is seen on the payment', async () => {
    const card = await tills.card(1_000, { bonus: 300 })
    const id = await paid(card, 800)
    const first = await refund(id, 600, { metadata: { why: 'x' } })
    assert.equal(first.status, 201, JSON.stringify(first.body))
    assert.deepEqual(first.body.allocations, [
      { card_id: card.id, sub_balance: 'principal', amount: 500, balance_after: 1_000 },
      { card_id: card.id, sub_balance: 'bonus', amount: 100, balance_after: 100 },
    ])
    const { payment_id, amount, status, reason, metadata } = first.body
    assert.deepEqual(
      [payment_id, amount, status, reason, metadata],
      [id, 600, 'succeeded', 'cold tea', { why: 'x' }],
    )
    assert.equal((await payment(id)).refunded_amount, 600)
    const shown = await tills.request('GET', `/v1/refunds/${first.body.id}`)
    assert.deepEqual(shown.body, first.body)
    assert.equal((await refund(id, 200)).status, 201)
    assert.deepEqual(await tills.balance(card), { principal: 1_000, bonus: 300, held: 0 })
  })

  test('never exceeds the payment, and says what is left', async () => {
    const card = await tills.card(1_000)
    const id = await paid(card, 500)
    await refund(id, 200)
    const more = await refund(id, 301)
    assert.equal(more.status, 409)
    assert.deepEqual(
      [more.body.code, more.body.allowed],
      ['refund.exceeds_payment', { min: 1, max: 300 }],
    )
    await refund(id, 300)
    assert.deepEqual(codes([await refund(id, 1)]), ['refund.exceeds_payment'])
  })

  test('in many parts at once gives back exactly what was taken', async () => {
    const card = await tills.card(1_000, { bonus: 100 })
    const id = await paid(card, 1_000)
    const answers = await Promise.all(Array.from({ length: 60 }, () => refund(id, 30)))
    assert.equal(answers.filter(({ status }) => status === 201).length, 33)
    assert.equal((await payment(id)).refunded_amount, 990)
    assert.deepEqual(await tills.balance(card), { principal: 1_000, bonus: 90, held: 0 })
  })

  test('reaches cards that are frozen, lost, expired', async () => {
    const [frozen, lost, expired] = await Promise.all([
      tills.card(1_000),
      tills.card(1_000),
      tills.card(1_000),
    ])
    const ids = await Promise.all([frozen, lost, expired].map((card) => paid(card, 400)))
    await tills.freeze(frozen)
    await tills.reportLost(lost)
    const [row] = await tills.database.owner.sql`
      update card set expires_at = now() - interval '1 day' where id = ${expired.uuid} returning id`
    assert.ok(row)
    assert.deepEqual(codes(await Promise.all(ids.map((id) => refund(id, 400)))), [201, 201, 201])
    for (const card of [frozen, lost, expired])
      assert.equal((await tills.balance(card)).principal, 1_000)
  })

  test('of a replaced card reaches the one that has its money now, over several steps', async () => {
    const card = await tills.card(1_000, { bonus: 200 })
    const id = await paid(card, 700)
    const second = await tills.replace(card)
    const first = await refund(id, 100)
    assert.equal(first.body.allocations[0].card_id, second.id)
    const third = await tills.replace(second)
    const last = await refund(id, 600)
    assert.deepEqual(
      last.body.allocations.map((one: Record<string, unknown>) => [
        one['card_id'],
        one['sub_balance'],
        one['amount'],
      ]),
      [
        [third.id, 'principal', 400],
        [third.id, 'bonus', 200],
      ],
    )
    assert.deepEqual(await tills.balance(third), { principal: 1_000, bonus: 200, held: 0 })
  })

  test('and a replacement at the same time never lose each other', async () => {
    const card = await tills.card(10_000)
    const id = await paid(card, 5_000)
    let current = card
    const refunds: ReturnType<typeof refund>[] = []
    for (let step = 0; step < 5; step += 1) {
      refunds.push(...Array.from({ length: 10 }, () => refund(id, 100)))
      current = await tills.replace(current)
    }
    assert.deepEqual([...new Set(codes(await Promise.all(refunds)))], [201])
    assert.equal((await tills.balance(current)).principal, 10_000)
  })

  test('of a payment over several lanes goes back over them', async () => {
    const [one, other] = await Promise.all([
      tills.card(500, { lane: 601 }),
      tills.card(500, { lane: 602 }),
    ])
    const order = tills.order([{ card_id: one.id }, { card_id: other.id }], 900)
    const { body } = await tills.request('POST', '/v1/payments', order)
    const back = await refund(body.id, 600)
    assert.deepEqual(
      back.body.allocations.map((part: Record<string, unknown>) => [
        part['card_id'],
        part['amount'],
      ]),
      [
        [other.id, 400],
        [one.id, 200],
      ],
    )
    await assertBooks(tills.database.owner.sql)
  })

  test('has a reference of its own with the merchant', async () => {
    const card = await tills.card(1_000)
    const [id, other] = await Promise.all([paid(card, 300), paid(card, 300)])
    const reference = tills.reference()
    const first = await refund(id, 100, { reference })
    const again = await refund(other, 100, { reference })
    assert.deepEqual(
      [again.status, again.body.code, again.body.existing_id],
      [409, 'reference.already_used', first.body.id],
    )
    const refused = await refund(id, 1_000, { reference: 'free-again' })
    assert.equal(refused.status, 409)
    assert.equal((await refund(id, 100, { reference: 'free-again' })).status, 201)
  })

  test('asked a hundred times under one key is one', async () => {
    const card = await tills.card(1_000)
    const id = await paid(card, 500)
    const body = { amount: 100, reference: tills.reference() }
    const key = newId()
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        tills.request('POST', `/v1/payments/${id}/refunds`, body, key),
      ),
    )
    assert.equal(new Set(answers.map((one) => JSON.stringify([one.status, one.body]))).size, 1)
    assert.equal((await payment(id)).refunded_amount, 100)
    const other = await tills.request(
      'POST',
      `/v1/payments/${id}/refunds`,
      { ...body, amount: 1 },
      key,
    )
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency.key_reused'])
  })

  test('does not exist for others', async () => {
    const card = await tills.card(1_000)
    const id = await paid(card, 500)
    const made = await refund(id, 100)
    const stranger = await tills.makeIssuer()
    const call = (method: string, path: string, body?: object) =>
      tills.call(method, path, {
        key: stranger.test,
        ...(body && { body }),
        headers: { 'idempotency-key': newId() },
      })
    const shown = await call('GET', `/v1/refunds/${made.body.id}`)
    assert.deepEqual([shown.status, shown.body.code], [404, 'refund.not_found'])
    const again = await call('POST', `/v1/payments/${id}/refunds`, { amount: 1, reference: 'x' })
    assert.deepEqual([again.status, again.body.code], [404, 'payment.not_found'])
    const cancelled = await call('POST', `/v1/payments/${id}/cancel`)
    assert.deepEqual([cancelled.status, cancelled.body.code], [404, 'payment.not_found'])
  })
})

describe('a cancelled payment', () => {
  test('gives everything back once', async () => {
    const card = await tills.card(1_000, { bonus: 300 })
    const id = await paid(card, 800)
    const key = newId()
    const done = await cancel(id, key)
    assert.equal(done.status, 200, JSON.stringify(done.body))
    assert.deepEqual(
      [done.body.id, done.body.status, done.body.refunded_amount],
      [id, 'cancelled', 0],
    )
    assert.deepEqual(await tills.balance(card), { principal: 1_000, bonus: 300, held: 0 })
    assert.deepEqual((await cancel(id, key)).body, done.body)
    assert.deepEqual(codes([await cancel(id), await refund(id, 1)]), [
      'payment.cancelled',
      'payment.cancelled',
    ])
    assert.deepEqual(await payment(id), done.body)
  })

  test('was not refunded before', async () => {
    const card = await tills.card(1_000)
    const id = await paid(card, 800)
    await refund(id, 1)
    const answer = await cancel(id)
    assert.deepEqual([answer.status, answer.body.code], [409, 'payment.has_refunds'])
  })

  test('and refunds race: one of both happens', async () => {
    const card = await tills.card(10_000)
    for (let round = 0; round < 10; round += 1) {
      const id = await paid(card, 100)
      await Promise.all([cancel(id), refund(id, 60), cancel(id), refund(id, 60)])
      const { status, refunded_amount } = await payment(id)
      assert.ok(
        (status === 'cancelled' && refunded_amount === 0) ||
          (status === 'succeeded' && refunded_amount === 60),
      )
    }
  })
})

describe('the law', () => {
  test('ends the time in which a payment can be refunded', async () => {
    const card = await tills.card(1_000)
    const id = await paid(card, 500)
    await tills.passTime(4_000 * days)
    const late = await refund(id, 1)
    assert.deepEqual([late.status, late.body.code], [422, 'policy.refund_too_late'])
    assert.equal(late.body.policy.rule, 'refund_window_days')
  })
})
