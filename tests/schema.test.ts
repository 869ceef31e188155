import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { asId, bookOf } from '@lika/contract'
import { settlementLaneOf } from '../server/src/modules/merchants/index.ts'
import { newId } from '../server/src/platform/ids.ts'
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

describe('merchants that were there before contracts', () => {
  test('still take payments, and are settled in the lane that a new one with their id would have', async () => {
    const database = await testDatabase({ migrated: false })
    const migrations = join(import.meta.dirname, '../server/db/migrations')
    const before = mkdtempSync(join(tmpdir(), 'lika-migrations-'))
    try {
      for (const file of readdirSync(migrations).filter((name) => name < '0011'))
        cpSync(join(migrations, file), join(before, file))
      await migrate(database.url, before)
      const { sql } = database.owner
      const lanes = { live: [1, 2, 3], test: [601, 602] }
      for (const pool of ['live', 'test'] as const)
        for (const lane of lanes[pool])
          await sql`
            insert into lika.lane (lane, pool, open_day, head, last_at)
            values (${lane}, ${pool}, '2026-03-09', ${Buffer.alloc(32)}, now())`
      const issuer = asId<'issuer'>(newId())
      for (const mode of ['live', 'test'] as const)
        for (let made = 0; made < 20; made += 1)
          await sql`
            insert into lika.merchant (id, book_id, name, category, metadata, created_at)
            values (${newId()}, ${bookOf(issuer, mode)}, 'Shop', 'food', '{}', now())`
      await migrate(database.url)
      const rows = await sql<{ id: string; mode: 'live' | 'test'; lane: number; status: string }[]>`
        select
          id,
          settlement_lane as lane,
          status,
          case book_id when ${bookOf(issuer, 'live')} then 'live' else 'test' end as mode
        from lika.merchant`
      assert.equal(rows.length, 40)
      for (const { id, mode, lane, status } of rows) {
        assert.equal(lane, settlementLaneOf(asId(id), lanes[mode]))
        assert.equal(status, 'approved')
      }
      const used = new Set(rows.map(({ lane }) => lane))
      assert.deepEqual(
        [...used].toSorted((one, other) => one - other),
        [1, 2, 3, 601, 602],
      )
    } finally {
      await database.drop()
      rmSync(before, { recursive: true, force: true })
    }
  })
})
