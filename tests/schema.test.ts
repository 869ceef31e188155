import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { migrate, readMigrations } from '../server/src/platform/migrate.ts'
import { ensureMonths } from '../server/src/platform/partitions.ts'
import { dumpSchema } from '../server/src/platform/schema-dump.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'

describe('the schema', () => {
  let database: TestDatabase
  before(async () => {
    database = await testDatabase({ migrated: false })
  })
  after(() => database.drop())

  test('is what server/db/schema.sql shows, after the migrations and after another run of them', async () => {
    const applied = await Promise.all([migrate(database.url), migrate(database.url)])
    assert.deepEqual(
      applied.map((names) => names.length).toSorted((a, b) => a - b),
      [0, readMigrations().length],
    )
    assert.deepEqual(await migrate(database.url), [])
    const tracked = readFileSync(join(import.meta.dirname, '../server/db/schema.sql'), 'utf8')
    const hint = 'run: node server/db/dump-schema.ts'
    assert.equal(await dumpSchema(database.owner.sql), tracked, hint)
  })

  test('gets a partition for each month, once, whoever asks', async () => {
    const { sql } = database.owner
    const made = await Promise.all([
      ensureMonths(sql, 203011, 203102),
      ensureMonths(sql, 203011, 203102),
    ])
    assert.equal(made[0] + made[1], 4 * 3, 'four months of journal, transfer and payment')
    assert.equal(await ensureMonths(sql, 203011, 203102), 0)
  })

  test('refuses a migration that was edited after it ran', async () => {
    const { sql } = database.owner
    await sql`
      update lika.migration
      set checksum = repeat('0', 64)
      where number = 1`
    await assert.rejects(migrate(database.url), { code: 'database.migration_changed' })
  })
})
