import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../server/src/platform/ids.ts'
import { AppProcess } from './harness/app-process.ts'
import { surviveDeaths } from './harness/fault-rounds.ts'
import { openShop } from './harness/shop.ts'

test('ten sudden deaths of the server, of PostgreSQL, of both: what was acknowledged is in the book, once', async (t) => {
  await surviveDeaths(t, 10)
})

test('while PostgreSQL is away the server says so, and nobody gets anything but 503 busy', async () => {
  const app = await AppProcess.start()
  const { key, merchant, cards } = await openShop(app, 1, 1_000)
  const card = cards[0]?.id
  // PostgreSQL cannot come back before this file is where it was.
  const control = join(app.postgresData, 'global', 'pg_control')
  renameSync(control, `${control}.away`)
  app.killPostgres()

  const asked = async (path: string) => {
    for (;;) {
      const answer = await app.call('GET', path, { key })
      if (answer.status !== 200) return answer
      await sleep(10)
    }
  }
  const unready = await asked('/readyz')
  assert.equal(unready.status, 503)
  assert.equal(unready.body.code, 'busy')
  // Whatever it was looking at when PostgreSQL died is named first.
  const { body: checked } = await asked('/readyz')
  assert.match(JSON.stringify(checked.checks), /"database"/)
  const read = await asked(`/v1/cards/${card}`)
  assert.equal(read.status, 503)
  assert.equal(read.body.code, 'busy')
  assert.match(read.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  assert.equal((await app.call('GET', '/healthz')).status, 200)

  const idempotencyKey = newId()
  const pay = async () => {
    const body = {
      amount: 100,
      currency: 'CNY',
      merchant_id: merchant,
      reference: 'while-away',
      sources: [{ card_id: card }],
    }
    const answer = await app.call('POST', '/v1/payments', { key, idempotencyKey, body })
    if (answer.status !== 503) return answer
    assert.equal(answer.body.code, 'busy')
    assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    return undefined
  }
  const waiting = pay()
  assert.equal((await app.call('GET', '/readyz')).status, 503)
  renameSync(`${control}.away`, control)
  let paid = await waiting
  for (; paid === undefined; paid = await pay()) await sleep(50)
  assert.equal(paid.status, 201)
  const { body } = await app.call('GET', `/v1/cards/${card}`, { key })
  assert.equal(body.balance.available, 1_000)
  await app.end()
})
