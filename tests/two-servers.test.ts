import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../server/src/platform/ids.ts'
import { type AppAnswer, AppProcess } from './harness/app-process.ts'
import { assertBooks } from './harness/books.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'
import { holdAgainstBook } from './harness/log-against-book.ts'
import { openShop, type Shop } from './harness/shop.ts'
import { TillClients } from './harness/till-clients.ts'

/** How long a lane may be without service when a server that works it freezes. */
const servedAgainWithinMs = 6_000

describe('two servers on one database', () => {
  let database: TestDatabase
  let first: AppProcess
  let second: AppProcess
  let shop: Shop
  before(async () => {
    database = await testDatabase()
    const env = {
      DATABASE_URL: database.url,
      LIKA_MASTER_KEY: randomBytes(32).toString('base64'),
    }
    first = await AppProcess.start({ env })
    second = await AppProcess.start({ env })
    shop = await openShop(first, 32, 50_000)
  })
  after(async () => {
    await Promise.all([first.end(), second.end()])
    await database.drop()
  })

  function pay(server: AppProcess, card: string | undefined, key: string, signal?: AbortSignal) {
    return server.call('POST', '/v1/payments', {
      key: shop.key,
      idempotencyKey: key,
      body: {
        amount: 7,
        currency: 'CNY',
        merchant_id: shop.merchant,
        reference: `order-${key}`,
        sources: [{ card_id: card }],
      },
      ...(signal && { signal }),
    })
  }

  async function availableOn(server: AppProcess, card: string | undefined): Promise<number> {
    const { body } = await server.call('GET', `/v1/cards/${card}`, { key: shop.key })
    return body.balance.available
  }

  test('share the book: what one writes the other reads, and both answer a key alike', async () => {
    const card = shop.cards[0]?.id
    const before = await availableOn(second, card)
    const keys = Array.from({ length: 20 }, () => newId())
    const answers = await Promise.all(
      keys.map((key) => Promise.all([pay(first, card, key), pay(second, card, key)])),
    )
    for (const [one, other] of answers) {
      assert.equal(one.status, 201)
      assert.equal(other.status, 201)
      assert.deepEqual(other.body, one.body)
      const replayed = [one, other].map(({ headers }) => headers.get('idempotent-replayed'))
      assert.deepEqual(replayed.filter((header) => header === 'true').length, 1)
    }
    assert.equal(await availableOn(first, card), before - 7 * keys.length)
    assert.equal(await availableOn(second, card), before - 7 * keys.length)
  })

  test('settle a day by themselves when it is over, and only one of them does', async (t) => {
    const asked = { key: shop.key }
    const { body: before } = await first.call('GET', '/v1/ledger/trial_balance', asked)
    const creditOf = (body: AppAnswer['body'], kind: string) =>
      body.data.find((line: { kind: string }) => line.kind === kind).credit
    const taken = creditOf(before, 'merchant_unsettled')
    assert.ok(taken > 0)
    // Of a year that the published calendar has this is refused, and not needed.
    const year = new Date().getUTCFullYear()
    for (const one of [year, year + 1]) {
      const body = { year: one, off: [], work: [], reason: 'test' }
      await first.call('POST', '/v1/calendar', { key: first.operatorKey, body })
    }
    const body = { advance_seconds: 86_400 }
    await first.call('POST', '/v1/test/clock', { ...asked, body })
    const path = `/v1/settlements?merchant_id=${shop.merchant}`
    const statements = async () => (await second.call('GET', path, asked)).body.data
    const started = performance.now()
    while ((await statements()).length === 0) {
      assert.ok(performance.now() - started < 30_000, 'the day was settled')
      await sleep(100)
    }
    t.diagnostic(`settled after ${Math.round(performance.now() - started)} ms`)
    const run = await Promise.all(
      [first, second].map((server) =>
        server.call('POST', '/v1/settlements/run', { ...asked, body: {} }),
      ),
    )
    assert.deepEqual(
      run.map((answer) => answer.status),
      [200, 200],
    )
    assert.deepEqual(
      (await statements()).map((one: { payable: number }) => one.payable),
      [taken],
    )
    const { body: after } = await first.call('GET', '/v1/ledger/trial_balance', asked)
    assert.deepEqual(
      ['merchant_unsettled', 'merchant_payable'].map((kind) => creditOf(after, kind)),
      [0, taken],
    )
  })

  test('a merchant that one suspends soon takes no payment at the other either', async (t) => {
    const body = { name: 'Corner', category: 'food' }
    const { id: merchant } = (await first.call('POST', '/v1/merchants', { key: shop.key, body }))
      .body
    const card = shop.cards[1]?.id
    const payAt = (server: AppProcess) => {
      const reference = newId()
      const sources = [{ card_id: card }]
      const order = { amount: 1, currency: 'CNY', merchant_id: merchant, reference, sources }
      return server.call('POST', '/v1/payments', {
        key: shop.key,
        idempotencyKey: reference,
        body: order,
      })
    }
    // Both know the till from now on.
    for (const server of [first, second]) assert.equal((await payAt(server)).status, 201)
    const reason = { reason: 'complaints' }
    const path = `/v1/merchants/${merchant}/suspend`
    assert.equal((await first.call('POST', path, { key: shop.key, body: reason })).status, 200)
    const suspendedAt = performance.now()
    assert.equal((await payAt(first)).body.code, 'merchant.suspended')
    let late = await payAt(second)
    while (late.status === 201) late = await payAt(second)
    const within = performance.now() - suspendedAt
    t.diagnostic(`refused at the other server after ${Math.round(within)} ms`)
    assert.equal(late.body.code, 'merchant.suspended')
    // Half a second where the machine has room.
    assert.ok(within < 3_000, `${within} ms`)
  })

  test('when one freezes under load the other serves every lane again, and the first learns its outcomes when it wakes', async (t) => {
    const tills = new TillClients([first, second], shop, { attemptMs: 3_000 })
    tills.start(32)
    await tills.answered(300)

    // What the first was asked before it froze is answered when it wakes.
    const keys = shop.cards.map(() => newId())
    const frozen = Promise.all(keys.map((key, index) => pay(first, shop.cards[index]?.id, key)))
    frozen.catch(() => undefined)
    first.freeze()
    const from = performance.now()
    try {
      const signal = AbortSignal.timeout(servedAgainWithinMs)
      const served = await Promise.all(shop.cards.map(({ id }) => pay(second, id, newId(), signal)))
      t.diagnostic(`every lane served after ${Math.round(performance.now() - from)} ms`)
      assert.deepEqual(
        served.filter(({ status }) => status !== 201),
        [],
      )
      const elsewhere = await Promise.all(
        keys.map((key, index) => pay(second, shop.cards[index]?.id, key)),
      )
      await tills.answered(100)
      first.wake()
      const woken = await frozen
      assert.deepEqual(
        woken.map(({ status, body }) => ({ status, body })),
        elsewhere.map(({ status, body }) => ({ status, body })),
      )
    } finally {
      first.wake()
    }
    await tills.answered(100)
    await tills.close()
    await assertBooks(database.owner.sql)
    const { body } = await second.call('POST', '/v1/ledger/verify', { key: shop.key })
    assert.equal(body.first_wrong, null)
  })
})

test('clients that ask one server and repeat at another, one of which dies again and again, are told what the book says', async (t) => {
  const database = await testDatabase()
  t.after(() => database.drop())
  const env = {
    DATABASE_URL: database.url,
    LIKA_MASTER_KEY: randomBytes(32).toString('base64'),
  }
  const mortal = await AppProcess.start({ env })
  const other = await AppProcess.start({ env })
  t.after(() => Promise.all([mortal.end(), other.end()]))
  const shop = await openShop(other, 32, 50_000)
  const tills = new TillClients([mortal, other], shop)
  tills.start(32)
  for (let round = 0; round < 3; round += 1) {
    await tills.answered(200)
    await mortal.kill()
    await tills.answered(50)
    await mortal.start()
  }
  await tills.close()
  await holdAgainstBook(other, shop, tills.log)
})
