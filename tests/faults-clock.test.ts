import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../server/src/platform/ids.ts'
import { AppProcess } from './harness/app-process.ts'
import { testDatabase } from './harness/database.ts'
import { openShop } from './harness/shop.ts'

test('a clock that jumps is named, keeps requests away as busy, and does no harm once it is back', async (t) => {
  const database = await testDatabase()
  t.after(() => database.drop())
  const app = await AppProcess.start({ env: { DATABASE_URL: database.url } })
  t.after(() => app.end())
  const { key, merchant, cards } = await openShop(app, 1, 1_000)
  const card = cards[0]?.id

  /** Sets the clock of the database. */
  const shift = (seconds: number) =>
    database.owner.sql.unsafe(
      `create or replace function lika.real_time() returns timestamptz
       language sql volatile
       return clock_timestamp() + interval '${seconds} seconds'`,
    )
  const pay = (idempotencyKey: string) => {
    const body = {
      amount: 100,
      currency: 'CNY',
      merchant_id: merchant,
      reference: `order-${idempotencyKey}`,
      sources: [{ card_id: card }],
    }
    return app.call('POST', '/v1/payments', { key, idempotencyKey, body })
  }
  /** The server looks at the clock every second. */
  const readiness = async (status: number) => {
    for (let left = 600; left > 0; left -= 1) {
      const answer = await app.call('GET', '/readyz')
      if (answer.status === status) return answer
      await sleep(50)
    }
    assert.fail(`/readyz never answered ${status}`)
  }

  const first = newId()
  const paid = await pay(first)
  assert.equal(paid.status, 201)
  for (const seconds of [3_600, -3_600, 40 * 365 * 86_400]) {
    await shift(seconds)
    const early = newId()
    // Whoever is first learns it from the round, before the server looked at the clock.
    const refused = await pay(early)
    assert.equal(refused.status, 503)
    assert.equal(refused.body.code, 'busy')
    assert.match(refused.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    const { body } = await readiness(503)
    const clocks = /the clocks of database and server differ by -?\d+ s/i
    assert.match(JSON.stringify(body.checks), clocks)
    assert.match((await pay(newId())).body.detail, clocks)

    await shift(0)
    await readiness(200)
    assert.equal((await pay(early)).status, 201)
    const again = await pay(first)
    assert.deepEqual(again.body, paid.body)
  }
  const { body } = await app.call('GET', `/v1/cards/${card}`, { key })
  assert.equal(body.balance.available, 1_100 - 4 * 100)
  const verified = await app.call('POST', '/v1/ledger/verify', { key })
  assert.equal(verified.body.first_wrong, null)
})
