import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { renewValidity } from '../server/src/flows/cards/renew-validity.ts'
import { sweepSeals } from '../server/src/modules/cards/index.ts'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'

let app: CardApp
let key: string
let live: string
let product: string

before(async () => {
  app = await startCardApp()
  const issuer = await app.makeIssuer()
  key = issuer.test
  live = issuer.live
  product = await app.makeProduct(key)
})
afterEach(() => app.call('DELETE', '/v1/test/clock', { key }))
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
})

const cash = { method: 'cash' }
const minute = 60_000

async function setClock(at: number): Promise<void> {
  const body = { set_at: new Date(at).toISOString() }
  const { status } = await app.call('POST', '/v1/test/clock', { key, body })
  assert.equal(status, 200)
}

const load = (card: string) =>
  app.post(key, `/v1/cards/${card}/loads`, { amount: 1, funding: cash })
const show = async (card: string, query = '') =>
  (await app.get(key, `/v1/cards/${card}${query}`)).body

describe('the test clock', () => {
  test('moves, runs on, and returns to real time', async () => {
    const moved = await app.call('POST', '/v1/test/clock', { key, body: { advance_seconds: 3600 } })
    assert.ok(Math.abs(Date.parse(moved.body.now) - Date.now() - 60 * minute) < 5_000)
    const card = await app.makeCard(key, product)
    assert.ok(Date.parse(card.created_at) > Date.now() + 59 * minute)
    const back = await app.call('DELETE', '/v1/test/clock', { key })
    assert.ok(Math.abs(Date.parse(back.body.now) - Date.now()) < 5_000)
  })

  test('takes one of its two members', async () => {
    for (const body of [{}, { advance_seconds: 1, set_at: '2027-01-01T00:00:00Z' }]) {
      const { status } = await app.call('POST', '/v1/test/clock', { key, body })
      assert.equal(status, 400)
    }
    const far = { advance_seconds: 6_400_000_000 }
    const { body } = await app.call('POST', '/v1/test/clock', { key, body: far })
    assert.equal(body.code, 'date.out_of_range')
  })

  test('is nothing for live keys', async () => {
    const body = { advance_seconds: 1 }
    assert.equal((await app.call('POST', '/v1/test/clock', { key: live, body })).status, 404)
    assert.equal((await app.call('DELETE', '/v1/test/clock', { key: live })).status, 404)
    assert.equal((await app.call('DELETE', '/v1/test/data', { key: live })).status, 404)
  })
})

describe('expiry', () => {
  test('comes at the end of the last day in Shanghai, takes no money, and can be undone', async () => {
    const { id, expires_at } = await app.makeCard(key, product, 1_000)
    assert.match(expires_at, /T16:00:00Z$/)
    const end = Date.parse(expires_at)
    await setClock(end - 30_000)
    assert.equal((await load(id)).status, 201)
    await setClock(end)
    assert.equal((await load(id)).body.code, 'card.expired')
    assert.equal((await app.post(key, `/v1/cards/${id}/pay_codes`)).body.code, 'card.expired')
    const expired = await show(id)
    assert.equal(expired.status, 'expired')
    assert.equal(expired.balance.available, 1_001)
    const listed = async (status: string) =>
      (await app.get(key, `/v1/cards?status=${status}`)).body.data.map(
        (one: { id: string }) => one.id,
      )
    assert.ok((await listed('expired')).includes(id))
    assert.ok(!(await listed('active')).includes(id))
    const today = new Date(end + 8 * 60 * minute).toISOString().slice(0, 10)
    const past = await app.post(key, `/v1/cards/${id}/extend`, { until: '2020-01-01' })
    assert.equal(past.body.code, 'date.out_of_range')
    assert.equal(past.body.allowed.min, today)
    const { body } = await app.post(key, `/v1/cards/${id}/extend`, { until: today })
    assert.equal(body.status, 'active')
    assert.equal(Date.parse(body.expires_at), end + 24 * 60 * minute)
    assert.equal((await load(id)).status, 201)
  })

  test('is never brought forward, and does not exist for cards without one', async () => {
    const { id, expires_at } = await app.makeCard(key, product)
    const last = new Date(Date.parse(expires_at) - 1 + 8 * 60 * minute).toISOString().slice(0, 10)
    const same = await app.post(key, `/v1/cards/${id}/extend`, { until: last })
    assert.equal(same.body.code, 'date.out_of_range')
    const forever = await app.makeProduct(key, { validity_months: null })
    const card = await app.makeCard(key, forever)
    assert.equal(card.expires_at, null)
    const moved = await app.post(key, `/v1/cards/${card.id}/extend`, { until: '2090-01-01' })
    assert.equal(moved.body.code, 'card.has_no_expiry')
  })
})

describe('renewal', () => {
  test('happens by itself where the product says so, once, and is written down', async () => {
    const renewing = await app.makeProduct(key, { renewal_months: 12 })
    const card = await app.makeCard(key, renewing, 500)
    const other = await app.makeCard(key, product)
    const closed = await app.makeCard(key, renewing, 100)
    const empty = { amount: -100, sub_balance: 'principal', reason: 'empty' }
    await app.post(key, `/v1/cards/${closed.id}/adjustments`, empty)
    await app.post(key, `/v1/cards/${closed.id}/close`, { reason: 'over' })
    assert.equal(await renewValidity(app.flows, 'test'), 0)
    const end = Date.parse(card.expires_at)
    await setClock(end)
    assert.equal((await show(card.id)).status, 'expired')
    const counts = await Promise.all([
      renewValidity(app.flows, 'test'),
      renewValidity(app.flows, 'test'),
    ])
    assert.ok(counts.includes(1))
    const renewed = await show(card.id)
    assert.equal(renewed.status, 'active')
    const year = Number(card.expires_at.slice(0, 4))
    assert.equal(renewed.expires_at, card.expires_at.replace(String(year), String(year + 1)))
    assert.equal((await show(other.id)).status, 'expired')
    assert.equal((await show(closed.id)).status, 'closed')
    const entries = await app.database.owner.sql<{ renewed: string }[]>`
      select body ->> 'renewed' as renewed from lika.journal
      where kind = 'card.extended' and not refused and body ->> 'renewed' is not null`
    assert.deepEqual([...entries], [{ renewed: 'true' }])
  })
})

describe('a balance in the past', () => {
  test('is what was there at the end of that instant, also after closing', async () => {
    const start = Date.now()
    await setClock(start + 10 * minute)
    const { id, created_at } = await app.makeCard(key, product, 1_000, { bonus_amount: 10 })
    await setClock(start + 20 * minute)
    const loaded = (await load(id)).body
    await setClock(start + 30 * minute)
    for (const [amount, sub_balance] of [
      [-1_001, 'principal'],
      [-10, 'bonus'],
    ] as const) {
      const body = { amount, sub_balance, reason: 'empty' }
      await app.post(key, `/v1/cards/${id}/adjustments`, body)
    }
    await app.post(key, `/v1/cards/${id}/close`, { reason: 'over' })
    const at = async (time: number | string) =>
      (await show(id, `?at=${new Date(time).toISOString()}`)).balance?.available
    assert.equal(await at(Date.parse(created_at) - 1), undefined)
    assert.equal(await at(created_at), 1_010)
    assert.equal(await at(Date.parse(loaded.created_at) - 1), 1_010)
    assert.equal(await at(loaded.created_at), 1_011)
    assert.equal(await at(start + 30 * minute - 1), 1_011)
    await setClock(start + 40 * minute)
    assert.equal(await at(start + 35 * minute), 0)
    const future = await show(id, `?at=${new Date(start + 500 * minute).toISOString()}`)
    assert.equal(future.code, 'date.out_of_range')
    const before = await app.get(key, `/v1/cards/${id}?at=${new Date(start).toISOString()}`)
    assert.equal(before.status, 404)
  })
})

describe('a secret', () => {
  const reveal = (card: string, idempotencyKey: string) =>
    app.again(key, `/v1/cards/${card}/reveal`, idempotencyKey)
  const lookup = (number: string, secret: string) =>
    app.call('POST', '/v1/cards/lookup', { key, body: { number, secret } })

  test('is shown for ten minutes from the first time on, by time and not by sweeper', async () => {
    const { id } = await app.makeCard(key, product)
    const first = await reveal(id, 'r-1')
    assert.equal(first.status, 200)
    assert.match(first.body.number, /^9\d{18}$/)
    assert.match(first.body.secret, /^[0-9A-HJKMNP-TV-Z]{16}$/)
    const replay = await reveal(id, 'r-1')
    assert.deepEqual(replay.body, first.body)
    assert.equal(replay.headers.get('idempotent-replayed'), 'true')
    assert.deepEqual((await reveal(id, 'r-2')).body, first.body)
    const begun = app.flows.engine.now('test')
    await setClock(begun + 9 * minute)
    assert.deepEqual((await reveal(id, 'r-1')).body, first.body)
    await setClock(begun + 10 * minute)
    assert.equal((await reveal(id, 'r-1')).body.code, 'card.secret_not_available')
    assert.equal((await reveal(id, 'r-3')).body.code, 'card.secret_not_available')
    const { sql } = app.database.app
    const lanes = app.flows.engine.lanesOf('test')
    assert.ok((await sweepSeals(sql, lanes, app.flows.engine.now('test'))) > 0)
    assert.equal((await lookup(first.body.number, first.body.secret)).body.id, id)
  })

  test('that nobody has seen is not swept away', async () => {
    const { id } = await app.makeCard(key, product)
    await setClock(Date.now() + 60 * 24 * minute)
    const lanes = app.flows.engine.lanesOf('test')
    await sweepSeals(app.database.app.sql, lanes, app.flows.engine.now('test'))
    assert.equal((await reveal(id, 'r-4')).status, 200)
  })

  test('that nobody has seen is destroyed with its card: when that is closed, and when it is replaced', async () => {
    const sealed = async (card: string) => {
      const uuid = card.slice('card_'.length)
      const [row] = await app.database.owner.sql<{ count: bigint }[]>`
        select count(*) as count
        from lika.card_seal
        where card_id = ${uuid}::uuid`
      return Number(row?.count)
    }
    const closed = await app.makeCard(key, product)
    const { principal } = closed.balance
    const taken = { amount: -principal, sub_balance: 'principal', reason: 'emptied' }
    await app.post(key, `/v1/cards/${closed.id}/adjustments`, taken)
    assert.equal(await sealed(closed.id), 1)
    assert.equal(
      (await app.post(key, `/v1/cards/${closed.id}/close`, { reason: 'emptied' })).body.status,
      'closed',
    )
    assert.equal(await sealed(closed.id), 0)
    const lost = await app.makeCard(key, product)
    const successor = await app.post(key, `/v1/cards/${lost.id}/replace`, {})
    assert.deepEqual([await sealed(lost.id), await sealed(successor.body.id)], [0, 1])
  })

  test('is replaced by another one at once', async () => {
    const { id } = await app.makeCard(key, product)
    const old = (await reveal(id, 'r-5')).body
    const reset = await app.again(key, `/v1/cards/${id}/reset_secret`, 's-1')
    assert.equal(reset.body.number, old.number)
    assert.notEqual(reset.body.secret, old.secret)
    assert.equal((await lookup(old.number, old.secret)).body.code, 'card.not_recognised')
    assert.equal((await lookup(old.number, reset.body.secret)).body.id, id)
    const replay = await app.again(key, `/v1/cards/${id}/reset_secret`, 's-1')
    assert.deepEqual(replay.body, reset.body)
    assert.equal((await reveal(id, 'r-5')).body.code, 'card.secret_not_available')
    await app.again(key, `/v1/cards/${id}/reset_secret`, 's-2')
    const dead = await app.again(key, `/v1/cards/${id}/reset_secret`, 's-1')
    assert.equal(dead.body.code, 'card.secret_not_available')
  })

  test('stands neither in the journal nor in plain text beside the card', async () => {
    const { id } = await app.makeCard(key, product)
    const { number, secret } = (await reveal(id, 'r-6')).body
    const { sql } = app.database.owner
    const rows = await sql<{ text: string }[]>`
      select body::text as text from lika.journal
      union all select encode(sealed, 'escape') from lika.card_seal
      union all select card::text from lika.card`
    assert.ok(rows.every(({ text }) => !text.includes(secret)))
    assert.ok((await lookup(number, secret)).status === 200)
  })
})

describe('the end of test data', () => {
  test('removes cards and frees keys and references, but for journal and ledger', async () => {
    const issuer = await app.makeIssuer()
    const other = await app.makeCard(key, product)
    const own = await app.makeProduct(issuer.test)
    const body = { product_id: own, amount: 100, funding: cash, reference: 'again' }
    const first = await app.again(issuer.test, '/v1/cards', 'again', body)
    const [before] = await app.database.owner.sql<{ count: bigint }[]>`
      select count(*) as count from lika.transfer`
    assert.equal((await app.call('DELETE', '/v1/test/data', { key: issuer.test })).status, 204)
    assert.deepEqual((await app.get(issuer.test, '/v1/cards')).body.data, [])
    assert.equal((await app.get(issuer.test, `/v1/cards/${first.body.id}`)).status, 404)
    assert.equal((await show(other.id)).id, other.id)
    const [after] = await app.database.owner.sql<{ count: bigint }[]>`
      select count(*) as count from lika.transfer`
    assert.deepEqual(after, before)
    const second = await app.again(issuer.test, '/v1/cards', 'again', body)
    assert.equal(second.status, 201)
    assert.notEqual(second.body.id, first.body.id)
  })

  test('can never reach live lanes or live books', async () => {
    const { sql } = app.database.app
    const [liveLane = 0] = app.flows.engine.lanesOf('live')
    const [testLane = 0] = app.flows.engine.lanesOf('test')
    const book = (kind: number) => `0192f0c1-0000-7000-8000-000000000${kind}00`
    await assert.rejects(sql`select wipe_test_book(${liveLane}::int, ${book(4)}::uuid, 1)`, /lane/)
    await assert.rejects(sql`select wipe_test_book(${testLane}::int, ${book(8)}::uuid, 1)`, /book/)
    await assert.rejects(sql`select forget_test_claims(${book(8)}::uuid)`, /book/)
  })
})
