import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import type { Answered, Issuer } from './harness/http-app.ts'

let app: CardApp
let issuer: Issuer
let stranger: Issuer
let product: string

before(async () => {
  app = await startCardApp()
  issuer = await app.makeIssuer()
  stranger = await app.makeIssuer()
  product = await app.makeProduct(issuer.test)
})
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
})

const funding = { method: 'cash' }
const reason = 'x'

/** Every route with a card in its path. */
const routes: [method: 'GET' | 'POST', path: string, body?: object][] = [
  ['GET', ''],
  ['GET', '?at=2026-01-01T00:00:00Z'],
  ['GET', '/statement'],
  ['GET', '/statement?format=csv'],
  ['POST', '/reveal'],
  ['POST', '/reset_secret'],
  ['POST', '/activate', { funding }],
  ['POST', '/freeze', { reason }],
  ['POST', '/unfreeze', { reason }],
  ['POST', '/report_lost'],
  ['POST', '/replace'],
  ['POST', '/close', { reason }],
  ['POST', '/extend', { until: '2040-01-01' }],
  ['POST', '/loads', { amount: 1, funding }],
  ['POST', '/adjustments', { amount: 1, sub_balance: 'principal', reason }],
  ['POST', '/split', { amounts: [1] }],
  ['POST', '/pay_codes'],
]

function call(key: string, [method, path, body]: (typeof routes)[number], card: string) {
  const at = `/v1/cards/${card}${path}`
  return method === 'GET' ? app.get(key, at) : app.post(key, at, body)
}

function withoutRequest({ status, body }: Answered) {
  const { request_id: _, ...rest } = body
  return { status, ...rest }
}

describe('cards of somebody else', () => {
  test('are answered like cards that do not exist, on every route', async () => {
    const { id } = await app.makeCard(issuer.test, product)
    const nowhere = [
      `card_${'0'.repeat(32)}`,
      `${id.slice(0, -6)}ab${id.slice(-4)}`,
      // A live lane, and one that no installation has.
      `${id.slice(0, -4)}0001`,
      `${id.slice(0, -4)}03e7`,
      'card_nonsense',
    ]
    for (const route of routes) {
      const expected = withoutRequest(await call(stranger.test, route, nowhere[0] ?? ''))
      assert.equal(expected.status, 404, route[1])
      assert.equal(expected.code, 'card.not_found')
      const answers = await Promise.all([
        call(stranger.test, route, id),
        call(stranger.live, route, id),
        call(issuer.live, route, id),
        ...nowhere.map((card) => call(issuer.test, route, card)),
      ])
      for (const answer of answers) assert.deepEqual(withoutRequest(answer), expected, route[1])
    }
    const mine = await app.get(issuer.test, `/v1/cards/${id}`)
    assert.equal(mine.body.status, 'active')
    assert.equal(mine.body.balance.available, 10_000)
  })

  test('are in no list and no export', async () => {
    const card = await app.makeCard(issuer.test, product)
    for (const key of [stranger.test, stranger.live, issuer.live]) {
      const { body } = await app.get(key, `/v1/cards?last4=${card.number_last4}`)
      assert.deepEqual(body.data, [])
      const csv = await app.get(key, '/v1/exports/cards.csv')
      assert.equal(csv.body.trim().split('\n').length, 1)
    }
  })

  test('are not sold under products of somebody else', async () => {
    const body = { product_id: product, amount: 100, funding }
    for (const key of [stranger.test, issuer.live]) {
      const answer = await app.post(key, '/v1/cards', body)
      assert.equal(answer.body.code, 'product.not_found')
    }
  })

  test('are not recognised by number and secret', async () => {
    const { id } = await app.makeCard(issuer.test, product)
    const { body: face } = await app.post(issuer.test, `/v1/cards/${id}/reveal`)
    const look = (key: string, body: object) => app.call('POST', '/v1/cards/lookup', { key, body })
    assert.equal((await look(issuer.test, face)).body.id, id)
    const spaced = face.secret.toLowerCase().replace(/(.{4})/g, '$1 ')
    assert.equal((await look(issuer.test, { ...face, secret: spaced })).body.id, id)
    const unknown = await look(issuer.test, { ...face, number: '9000100000000000000' })
    for (const answer of [
      await look(issuer.test, { ...face, secret: '0'.repeat(16) }),
      await look(stranger.test, face),
      await look(issuer.live, face),
    ]) {
      assert.deepEqual(withoutRequest(answer), withoutRequest(unknown))
      assert.equal(answer.body.code, 'card.not_recognised')
    }
  })
})

describe('a number under attack', () => {
  test('is locked from the tenth wrong secret on, for right ones too', async () => {
    const { id } = await app.makeCard(issuer.test, product)
    const { body: face } = await app.post(issuer.test, `/v1/cards/${id}/reveal`)
    const look = (secret: string) =>
      app.call('POST', '/v1/cards/lookup', {
        key: issuer.test,
        body: { number: face.number, secret },
      })
    const codes: string[] = []
    for (let time = 0; time < 10; time += 1) codes.push((await look('0'.repeat(16))).body.code)
    assert.deepEqual(
      codes.slice(0, 9),
      Array.from({ length: 9 }, () => 'card.not_recognised'),
    )
    assert.equal(codes[9], 'throttled')
    const right = await look(face.secret)
    assert.equal(right.status, 429)
    assert.ok(Number(right.headers.get('retry-after')) > 0)
  })
})

describe('scopes', () => {
  test('showing secrets is a right of its own', async () => {
    const { id } = await app.makeCard(issuer.test, product)
    const scopes = ['cards:read', 'cards:write']
    const { secret: key } = await app.makeKey(issuer.id, 'test', { scopes })
    for (const path of ['reveal', 'reset_secret']) {
      const { status, body } = await app.post(key, `/v1/cards/${id}/${path}`)
      assert.equal(status, 403)
      assert.equal(body.code, 'auth.scope_missing')
    }
    assert.equal((await app.post(key, `/v1/cards/${id}/freeze`, { reason })).status, 200)
  })
})

describe('the list of cards', () => {
  test('pages from the newest to the oldest, each card once, while more are issued', async () => {
    const { test: key } = await app.makeIssuer()
    const own = await app.makeProduct(key)
    const made: string[] = []
    for (let count = 0; count < 11; count += 1) made.push((await app.makeCard(key, own)).id)
    const seen: string[] = []
    for (let cursor = ''; ; ) {
      const { body } = await app.get(key, `/v1/cards?limit=3${cursor}`)
      seen.push(...body.data.map((card: { id: string }) => card.id))
      await app.makeCard(key, own)
      if (body.next_cursor === null) break
      cursor = `&cursor=${body.next_cursor}`
    }
    assert.deepEqual(seen, made.toReversed())
  })

  test('is narrowed by number, last digits, status, product and batch', async () => {
    const { test: key } = await app.makeIssuer()
    const one = await app.makeProduct(key)
    const two = await app.makeProduct(key)
    const card = await app.makeCard(key, one)
    const frozen = await app.makeCard(key, two)
    await app.post(key, `/v1/cards/${frozen.id}/freeze`, { reason })
    const { number } = (await app.post(key, `/v1/cards/${card.id}/reveal`)).body
    const find = async (query: string) =>
      (await app.get(key, `/v1/cards?${query}`)).body.data.map((found: { id: string }) => found.id)
    assert.deepEqual(await find(`number=${number}`), [card.id])
    assert.deepEqual(await find(`number=${number}&status=frozen`), [])
    assert.deepEqual(await find(`last4=${card.number_last4}&product_id=${one}`), [card.id])
    assert.deepEqual(await find('status=frozen'), [frozen.id])
    assert.deepEqual(await find(`product_id=${two}`), [frozen.id])
    assert.deepEqual(await find(`batch_id=batch_${'0'.repeat(32)}`), [])
    assert.equal((await app.get(key, '/v1/cards?limit=201')).status, 400)
    assert.equal((await app.get(key, '/v1/cards?state=frozen')).status, 400)
    assert.equal((await app.get(key, '/v1/cards?cursor=abc')).body.code, 'cursor.invalid')
  })

  test('comes whole as CSV, and no cell is a formula', async () => {
    const { test: key } = await app.makeIssuer()
    const own = await app.makeProduct(key)
    const card = await app.makeCard(key, own, 1_234, { reference: '=cmd()' })
    const csv = await app.get(key, '/v1/exports/cards.csv')
    const [header = '', row = ''] = csv.body.replace('\uFEFF', '').split('\n')
    assert.match(header, /^id,number_last4,product_id/)
    assert.ok(row.startsWith(`${card.id},${card.number_last4},${own},1,active,1234,0,1234,0,CNY,`))
    assert.ok(row.includes(",'=cmd(),"))
  })
})
