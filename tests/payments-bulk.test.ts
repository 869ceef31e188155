/** Many operations in one request over HTTP: stop, continue, and all or none. */
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

type Operation = { path: string; idempotency_key: string; body?: unknown }

const bulk = (on_error: 'stop' | 'continue' | 'atomic', operations: Operation[]) =>
  tills.request('POST', '/v1/bulk', { on_error, operations })
const payment = (card: TestCard, amount: number, more: object = {}): Operation => ({
  path: '/v1/payments',
  idempotency_key: newId(),
  body: tills.order([{ card_id: card.id }], amount, more),
})
const codes = ({ body }: { body: { results: { status: number; body: { code?: string } }[] } }) =>
  body.results.map(({ status, body: { code } }) => (code === undefined ? status : code))
const alone = ({ path, idempotency_key, body }: Operation) =>
  tills.request('POST', path, body, idempotency_key)

describe('a bulk', () => {
  test('answers each operation as its own route does', async () => {
    const card = await tills.card(1_000)
    const operations = [payment(card, 100), payment(card, 200)]
    const done = await bulk('continue', operations)
    assert.equal(done.status, 200, JSON.stringify(done.body))
    for (const [index, operation] of operations.entries()) {
      const again = await alone(operation)
      assert.deepEqual(done.body.results[index], { status: again.status, body: again.body })
      assert.equal(again.headers.get('idempotent-replayed'), 'true')
    }
  })

  test('that continues carries out what can be', async () => {
    const card = await tills.card(1_000)
    const answer = await bulk('continue', [
      payment(card, 600),
      payment(card, 600),
      { path: '/v1/merchants', idempotency_key: 'x', body: {} },
      { path: '/v1/nothing', idempotency_key: 'x' },
      payment(card, 0),
      payment(card, 400),
    ])
    assert.deepEqual(codes(answer), [
      201,
      'funds.insufficient',
      'route.not_found',
      'route.not_found',
      'request.invalid',
      201,
    ])
  })

  test('that stops leaves the keys of the rest free', async () => {
    const card = await tills.card(1_000)
    const last = payment(card, 300)
    const answer = await bulk('stop', [payment(card, 600), payment(card, 600), last])
    assert.deepEqual(codes(answer), [201, 'funds.insufficient', 'bulk.not_run'])
    assert.equal(answer.body.results[2].status, 409)
    const later = await alone({ ...last, body: tills.order([{ card_id: card.id }], 1) })
    assert.equal(later.status, 201)
  })

  test('goes in the order written, money and cards alike', async () => {
    const card = await tills.card(1_000)
    const held = await tills.request(
      'POST',
      '/v1/holds',
      tills.order([{ card_id: card.id }], 100, { expires_in: 60 }),
    )
    const answer = await bulk('stop', [
      { path: `/v1/holds/${held.body.id}/release`, idempotency_key: newId() },
      payment(card, 1_000),
      { path: `/v1/cards/${card.id}/freeze`, idempotency_key: newId(), body: { reason: 'x' } },
      payment(card, 1),
    ])
    assert.deepEqual(codes(answer), [200, 201, 200, 'card.frozen'])
  })

  test('needs the scope of each operation', async () => {
    const card = await tills.card(1_000)
    const key = await tills.makeKey(tills.issuer.id, 'test', { scopes: ['cards:read'] })
    const answer = await tills.call('POST', '/v1/bulk', {
      key: key.secret,
      body: { on_error: 'continue', operations: [payment(card, 1)] },
    })
    assert.deepEqual(codes(answer), ['auth.scope_missing'])
  })

  test('has at most five hundred operations', async () => {
    const card = await tills.card(1_000)
    const many = Array.from({ length: 501 }, () => payment(card, 1))
    assert.equal((await bulk('continue', many)).status, 400)
  })
})

describe('an atomic bulk', () => {
  test('carries out all, each seeing the ones before', async () => {
    const [one, other] = await Promise.all([
      tills.card(1_000, { lane: 601 }),
      tills.card(1_000, { lane: 602 }),
    ])
    const operations = [payment(one, 600), payment(other, 1_000), payment(one, 400)]
    const answer = await bulk('atomic', operations)
    assert.deepEqual(codes(answer), [201, 201, 201])
    assert.equal((await tills.balance(one)).principal, 0)
    assert.deepEqual(await bulk('atomic', operations).then(({ body }) => body), answer.body)
  })

  test('carries out nothing where one is refused, and every key stays free', async () => {
    const [one, other] = await Promise.all([tills.card(1_000), tills.card(1_000)])
    const operations = [payment(one, 600), payment(other, 1_001), payment(one, 400)]
    const answer = await bulk('atomic', operations)
    assert.equal(answer.status, 200)
    assert.deepEqual(codes(answer), ['bulk.rolled_back', 'funds.insufficient', 'bulk.rolled_back'])
    assert.equal((await tills.balance(one)).principal, 1_000)
    for (const operation of operations) {
      const again = { ...operation, body: tills.order([{ card_id: one.id }], 1) }
      assert.equal((await alone(again)).status, 201)
    }
  })

  test('carries out nothing where one has not even the shape', async () => {
    const card = await tills.card(1_000)
    const answer = await bulk('atomic', [
      payment(card, 600),
      payment(card, 0),
      { path: '/v1/keys', idempotency_key: 'x', body: {} },
      payment(card, 1, { merchant_id: `merch_${'0'.repeat(32)}` }),
    ])
    assert.deepEqual(codes(answer), [
      'bulk.rolled_back',
      'request.invalid',
      'route.not_found',
      'merchant.not_found',
    ])
    assert.equal((await tills.balance(card)).principal, 1_000)
  })

  test('does not reach beyond one transaction', async () => {
    const card = await tills.card(1_000)
    const cancel = {
      path: '/v1/payments/cancel',
      idempotency_key: newId(),
      body: { merchant_id: tills.shop, reference: 'x' },
    }
    const answer = await bulk('atomic', [payment(card, 600), cancel])
    assert.deepEqual([answer.status, answer.body.code], [400, 'request.invalid'])
  })

  test('makes cards along with the rest', async () => {
    const card = await tills.card(1_000)
    const issue = {
      path: '/v1/cards',
      idempotency_key: newId(),
      body: { product_id: tills.product, amount: 100, funding: { method: 'none' }, activate: true },
    }
    const answer = await bulk('atomic', [issue, payment(card, 600)])
    assert.deepEqual(codes(answer), [201, 201], JSON.stringify(answer.body))
  })

  test('and single payments at the same time do not block each other', async () => {
    const cards = await Promise.all([601, 602, 603].map((lane) => tills.card(10_000, { lane })))
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, (_, index) =>
        bulk(
          'atomic',
          (index % 2 === 0 ? cards : cards.toReversed()).map((card) => payment(card, 10)),
        ),
      ),
      ...Array.from({ length: 30 }, (_, index) => tills.pay(cards[index % 3] ?? { id: '' }, 10)),
    ])
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200, 201])
    for (const card of cards) assert.equal((await tills.balance(card)).principal, 9_800)
  })
})
