/** What /readyz looks at beside the obvious: transactions that stay open, consumers ahead of the journal, silent jobs. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { oldestTransaction } from '../server/src/platform/db-watch.ts'
import { emptyHead } from '../server/src/platform/lanes/index.ts'
import { readinessChecks } from '../server/src/start-readiness.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'

let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.drop())

const inOrder = { trouble: () => undefined }

async function wrong(engine = inOrder, jobs: { trouble(): string | undefined } = inOrder) {
  const checks = readinessChecks(database.app, engine, jobs)
  const results = await Promise.all(
    checks.map(async ({ name, check }) => ({ name, detail: await check() })),
  )
  return results.filter(({ detail }) => detail !== undefined)
}

test('nothing is wrong with a database at rest', async () => {
  assert.deepEqual(await wrong(), [])
})

test('a transaction of another user is seen, with who holds it and for how long', async () => {
  await database.owner.transaction(async (sql) => {
    await sql`select count(*) from lika.lane`
    const oldest = await oldestTransaction(database.app.sql)
    assert.equal(oldest?.application, 'test-owner')
    assert.ok(oldest.seconds >= 0 && oldest.seconds < 10)
  })
  assert.equal(await oldestTransaction(database.app.sql), undefined)
})

test('a consumer that took what the journal no longer holds is named', async () => {
  const { sql } = database.owner
  await sql`
    insert into lika.lane (lane, pool, open_day, head, last_at)
    values (601, 'test', '2026-01-01', ${emptyHead}, now())`
  await sql`insert into lika.consumer (name, lane, seq, digest) values ('mirror', 601, 1, ${emptyHead})`
  const [first] = await wrong()
  assert.equal(first?.name, 'consumers')
  assert.match(first?.detail ?? '', /mirror has stopped.* lane 601 /)
  await sql`delete from lika.consumer`
})

test('what engine and jobs say is passed on as a sentence', async () => {
  const trouble = { trouble: () => 'no job could be looked for since 40 s' }
  assert.deepEqual(await wrong(inOrder, trouble), [
    { name: 'jobs', detail: 'No job could be looked for since 40 s.' },
  ])
})
