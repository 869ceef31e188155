import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CannotStart } from '../cannot-start.ts'
import { loadMasterKey } from './master-key.ts'
import { randomBytes } from './random.ts'

const folder = mkdtempSync(join(tmpdir(), 'lika-key-'))
after(() => rmSync(folder, { recursive: true }))

const stops = (code: string) => (error: unknown) =>
  error instanceof CannotStart && error.code === code

test('the first start makes a file that only its owner reads, the second finds it', () => {
  const file = join(folder, 'new', 'master.key')
  const key = loadMasterKey({ file })
  assert.equal(key.length, 32)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(loadMasterKey({ file }), key)
  assert.equal(readFileSync(file, 'utf8'), `${key.toString('base64')}\n`)
})

test('a key from the environment is base64 or hex, goes before the file, and makes none', () => {
  const file = join(folder, 'unused.key')
  const key = randomBytes(32)
  for (const encoding of ['base64', 'base64url', 'hex'] as const) {
    assert.deepEqual(loadMasterKey({ value: key.toString(encoding), file }), key)
  }
  assert.throws(() => statSync(file), { code: 'ENOENT' })
})

test('a key of another length stops the start and is not repeated in the message', () => {
  const file = join(folder, 'short.key')
  const short = randomBytes(16).toString('base64')
  writeFileSync(file, short)
  for (const source of [{ file }, { value: short, file: join(folder, 'x') }]) {
    assert.throws(
      () => loadMasterKey(source),
      (error) => stops('master_key.invalid')(error) && !String(error).includes(short),
    )
  }
})

test('a database that has a key on record gets no new one', () => {
  const file = join(folder, 'lost.key')
  assert.throws(() => loadMasterKey({ file }, { create: false }), stops('master_key.missing'))
  assert.throws(() => statSync(file), { code: 'ENOENT' })
})
