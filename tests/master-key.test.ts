import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { CannotStart } from '../server/src/platform/cannot-start.ts'
import { openKeyring } from '../server/src/platform/crypto/master-key.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'

const folder = mkdtempSync(join(tmpdir(), 'lika-master-key-'))
const file = join(folder, 'master.key')
let database: TestDatabase

before(async () => {
  database = await testDatabase()
})
after(async () => {
  rmSync(folder, { recursive: true })
  await database.drop()
})

const stops = (code: string) => (error: unknown) =>
  error instanceof CannotStart && error.code === code

test('processes that start for the first time at once agree on one key', async () => {
  const { sql } = database.app
  const keyrings = await Promise.all([1, 2, 3].map(() => openKeyring(sql, { file })))
  const sealed = keyrings.map((keyring) => keyring.seal('job-input', 'x', Buffer.from('a')))
  for (const blob of sealed) assert.equal(keyrings[0]?.open('job-input', 'x', blob).toString(), 'a')
})

test('the key on record opens again what it sealed', async () => {
  const first = await openKeyring(database.app.sql, { file })
  const second = await openKeyring(database.app.sql, { file })
  const sealed = first.seal('webhook-secret', 'x', Buffer.from('secret'))
  assert.equal(second.open('webhook-secret', 'x', sealed).toString(), 'secret')
})

test('another key stops the start', async () => {
  const value = Buffer.alloc(32, 9).toString('base64')
  await assert.rejects(
    openKeyring(database.app.sql, { value, file }),
    (error) => stops('master_key.wrong')(error) && /LIKA_MASTER_KEY/.test(String(error)),
  )
})

test('a lost key file stops the start and is not replaced by a new key', async () => {
  const lost = join(folder, 'lost', 'master.key')
  await assert.rejects(openKeyring(database.app.sql, { file: lost }), stops('master_key.missing'))
  assert.ok(!existsSync(lost))
})
