/** What a hostile or careless caller tries over HTTP: answers that the interface does not promise, and money that goes astray. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { expireHolds } from '../server/src/flows/expire-holds.ts'
import { accounts } from '../server/src/modules/ledger/index.ts'
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

const cursor = (...parts: (string | number)[]) =>
  Buffer.from(JSON.stringify(parts)).toString('base64url')

describe('lists', () => {
  test('refuse cursors that they did not give out', async () => {
    const card = await tills.card(1_000)
    const statement = `/v1/cards/${card.id}/statement`
    for (const path of [
      `${statement}?cursor=${cursor('statement', '1', 999_999_999_999)}`,
      `/v1/ledger/accounts?cursor=${cursor('ledger_accounts', '-'.repeat(36))}`,
      `/v1/ledger/entries?cursor=${cursor('ledger_entries', '9'.repeat(18), 1, 1)}`,
      `/v1/ledger/entries?cursor=${cursor('ledger_entries', 1, '9'.repeat(12), 1)}`,
    ]) {
      const { status, body } = await tills.request('GET', path)
      assert.deepEqual([status, body.code], [400, 'cursor.invalid'], path)
    }
  })

  test('a statement may begin with the epoch', async () => {
    const card = await tills.card(1_000)
    const { status, body } = await tills.request(
      'GET',
      `/v1/cards/${card.id}/statement?from=1970-01-01`,
    )
    assert.deepEqual([status, body.data.length], [200, 1])
  })
})

const operation = (path: string, body?: unknown) => ({
  path,
  idempotency_key: newId(),
  ...(body === undefined ? {} : { body }),
})
const atomic = async (...operations: object[]) => {
  const answer = await tills.request('POST', '/v1/bulk', { on_error: 'atomic', operations })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  const results: { status: number; body: { code?: string; existing_id?: string } }[] =
    answer.body.results
  return results
}
const codes = (results: { status: number; body: { code?: string } }[]) =>
  results.map(({ status, body }) => body.code ?? status)

describe('an atomic bulk', () => {
  test('runs in the order written, however long each operation takes to prepare', async () => {
    const card = await tills.card(1_000)
    const secret = { number: card.number, secret: card.secret }
    const results = await atomic(
      operation('/v1/payments', tills.order([secret], 100)),
      operation(`/v1/cards/${card.id}/freeze`, { reason: 'after it paid' }),
    )
    assert.deepEqual(codes(results), [201, 200])
  })

  test('is refused whole where one operation stands on what another has just changed', async () => {
    const card = await tills.card(1_000)
    const hold = await tills.request(
      'POST',
      '/v1/holds',
      tills.order([{ card_id: card.id }], 100, { expires_in: 600 }),
    )
    const replace = operation(`/v1/cards/${card.id}/replace`)
    const capture = operation(`/v1/holds/${hold.body.id}/capture`, { amount: 40 })
    const rolledBack = ['bulk.rolled_back', 'bulk.rolled_back']
    assert.deepEqual(codes(await atomic(replace, capture)), rolledBack)
    const aside = tills.order([{ card_id: card.id }], 10, { expires_in: 600 })
    assert.deepEqual(codes(await atomic(operation('/v1/holds', aside), replace)), rolledBack)
    assert.deepEqual(await tills.balance(card), { principal: 1_000, bonus: 0, held: 100 })
    for (const { path, idempotency_key, body } of [replace, { body: undefined, ...capture }]) {
      const alone = await tills.request('POST', path, body, idempotency_key)
      assert.equal(alone.status, 200, JSON.stringify(alone.body))
    }
  })

  test('names nothing that was not made where two operations have one reference', async () => {
    const card = await tills.card(1_000)
    const order = tills.order([{ card_id: card.id }], 1)
    const results = await atomic(operation('/v1/payments', order), operation('/v1/payments', order))
    assert.deepEqual(
      new Set(codes(results)),
      new Set(['bulk.rolled_back', 'reference.already_used']),
    )
    assert.ok(results.every(({ body }) => body.existing_id === undefined))
  })
})

describe('amounts', () => {
  test('have no fraction that is lost in reading, and no sign where none is due', async () => {
    const card = await tills.card(1_000)
    for (const zero of ['-0', '-0.0', '1e-400', '-0e5']) {
      const answer = await tills.call('POST', `/v1/cards/${card.id}/loads`, {
        key: tills.issuer.test,
        raw: `{"amount":1,"bonus_amount":${zero},"funding":{"method":"cash"}}`,
        headers: { 'content-type': 'application/json', 'idempotency-key': newId() },
      })
      assert.deepEqual([answer.status, answer.body.code], [400, 'request.invalid'], zero)
    }
  })
})

describe('an import', () => {
  test('takes no metadata that cannot be kept', async () => {
    for (const text of ['\\u0000', '\\ud800']) {
      const form = new FormData()
      form.set('product_id', tills.product)
      form.set('metadata', `{"a":"${text}"}`)
      form.set('file', new Blob(['number,amount\n1,1.00\n']), 'cards.csv')
      const answer = await fetch(`${tills.url}/v1/imports`, {
        method: 'POST',
        headers: { authorization: `Bearer ${tills.issuer.test}`, 'idempotency-key': newId() },
        body: form,
      })
      assert.equal(answer.status, 400, await answer.text())
    }
  })
})

describe('a statement', () => {
  test('names a cancelled payment on the cards of every lane that it took from', async () => {
    const cards = [await tills.card(1_000, { lane: 601 }), await tills.card(1_000, { lane: 602 })]
    const order = tills.order(
      cards.map(({ id }) => ({ card_id: id, amount: 100 })),
      200,
    )
    const paid = await tills.request('POST', '/v1/payments', order)
    await tills.request('POST', `/v1/payments/${paid.body.id}/cancel`)
    for (const { id } of cards) {
      const { body } = await tills.request('GET', `/v1/cards/${id}/statement`)
      const { kind, source_id, reference } = body.data.at(-1)
      assert.deepEqual(
        { kind, source_id, reference },
        { kind: 'payment.cancelled', source_id: paid.body.id, reference: order.reference },
      )
    }
  })
})

describe('a dry run', () => {
  test('does not stumble over a hold that is swept between its reads', async () => {
    const card = await tills.card(1_000)
    await tills.request(
      'POST',
      '/v1/holds',
      tills.order([{ card_id: card.id }], 100, { expires_in: 1 }),
    )
    await tills.passTime(1_000)
    const slow = accounts as { load: typeof accounts.load }
    const { load } = slow
    slow.load = async (...asked) => {
      slow.load = load
      await sleep(50)
      await expireHolds(tills.flows)
      return load(...asked)
    }
    try {
      const seen = await tills.pay(card, 1_000, { dry_run: true })
      assert.equal(seen.status, 200, JSON.stringify(seen.body))
    } finally {
      slow.load = load
    }
  })
})

describe('a card that was destroyed before it was sold', () => {
  test('does not come back worth its face by being replaced', async () => {
    const card = await tills.card(1_000, { activate: false })
    const close = await tills.request('POST', `/v1/cards/${card.id}/close`, { reason: 'torn' })
    assert.equal(close.status, 200)
    const again = await tills.request('POST', `/v1/cards/${card.id}/replace`)
    assert.deepEqual([again.status, again.body.code], [409, 'card.closed'])
  })
})
