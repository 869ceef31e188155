/**
 * The master key: 32 bytes outside the database, from the environment or from a file that the first start makes.
 * The database keeps a check value, so that a start with another key stops before it writes what nobody can read.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { CannotStart } from '../cannot-start.ts'
import type { Sql } from '../db.ts'
import { codeOf } from '../db-faults.ts'
import { sameBytes } from './compare.ts'
import { type Keyring, keyringOf, masterKeyLength } from './keyring.ts'
import { randomBytes } from './random.ts'

export type MasterKeySource = {
  /** LIKA_MASTER_KEY: base64 or hex; it goes before the file. */
  value?: string | undefined
  /** `$LIKA_DATA/master.key`. */
  file: string
}

/**
 * The keyring of this installation. A key is made only where the database has none on record yet.
 * Throws CannotStart: `master_key.invalid`, `master_key.missing`, `master_key.wrong`, `master_key.unreadable`.
 */
export async function openKeyring(sql: Sql, source: MasterKeySource): Promise<Keyring> {
  const known = await selectKeyCheck(sql)
  const keyring = keyringOf(loadMasterKey(source, { create: known === undefined }))
  const check = known ?? (await recordKeyCheck(sql, keyring.keyCheck()))
  if (sameBytes(check, keyring.keyCheck())) return keyring
  throw new CannotStart(
    'master_key.wrong',
    `The master key (${placeOf(source)}) is not the one that this database was set up with. Put the right one back; without it the secrets in the database cannot be read by anybody.`,
  )
}

/** Reads the key, or makes the file with mode 0600. `create: false`: a missing file stops the start. */
export function loadMasterKey(source: MasterKeySource, options = { create: true }): Buffer {
  if (source.value !== undefined && source.value !== '') {
    return parseMasterKey(source.value, placeOf(source))
  }
  const text = readIfThere(source.file)
  if (text !== undefined) return parseMasterKey(text, source.file)
  if (!options.create) {
    throw new CannotStart(
      'master_key.missing',
      `There is no master key in ${source.file}, but the database was set up with one. Restore that file from its backup, or set LIKA_MASTER_KEY.`,
    )
  }
  return makeKeyFile(source.file)
}

function parseMasterKey(text: string, place: string): Buffer {
  const trimmed = text.trim()
  const key = /^[0-9a-f]{64}$/i.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : /^[\w+/-]{43}=?$/.test(trimmed)
      ? Buffer.from(trimmed, 'base64')
      : undefined
  if (key?.length === masterKeyLength) return key
  throw new CannotStart(
    'master_key.invalid',
    `The master key in ${place} is not 32 bytes in base64 (44 characters) or hex (64). Make one with: openssl rand -base64 32`,
  )
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new CannotStart(
      'master_key.unreadable',
      `The master key in ${file} cannot be read (${codeOf(error)}). Let the user who runs Lika read it.`,
      error,
    )
  }
}

/** Whole or not at all: written and synced under another name first. Of two processes the first one wins. */
function makeKeyFile(file: string): Buffer {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${randomUUID()}`
  const descriptor = openSync(draft, 'wx', 0o600)
  try {
    writeSync(descriptor, `${randomBytes(masterKeyLength).toString('base64')}\n`)
    fsyncSync(descriptor)
    linkSync(draft, file)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    closeSync(descriptor)
    rmSync(draft)
  }
  return parseMasterKey(readFileSync(file, 'utf8'), file)
}

function placeOf(source: MasterKeySource): string {
  return source.value === undefined || source.value === '' ? source.file : 'LIKA_MASTER_KEY'
}

async function selectKeyCheck(sql: Sql): Promise<Uint8Array | undefined> {
  const [row] = await sql<{ key_check: Uint8Array }[]>`
    select key_check
    from lika.installation`
  return row?.key_check
}

/** The check value on record: ours, unless another process was faster. */
async function recordKeyCheck(sql: Sql, check: Uint8Array): Promise<Uint8Array> {
  await sql`
    insert into lika.installation (key_check)
    values (${check})
    on conflict do nothing`
  return (await selectKeyCheck(sql)) ?? check
}
