/**
 * Uploaded card files, in sealed pieces of the database until their import has ended: they hold card secrets, and any
 * server may be the one that works on the import.
 */
import { createHash } from 'node:crypto'
import type { Instant, Uuid } from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Sql } from '../../platform/db.ts'

type Sealing = Pick<Keyring, 'seal' | 'open'>

const pieceLength = 256 * 1024

/** Keeps the bytes; answers how many there were and their digest (SHA-256, hex). */
export async function keepUpload(
  sql: Sql,
  keyring: Sealing,
  id: Uuid,
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ length: number; digest: string }> {
  const hash = createHash('sha256')
  let parts: Uint8Array[] = []
  let waiting = 0
  let piece = 0
  let length = 0
  const write = async () => {
    const plain = Buffer.concat(parts)
    await insertPiece(sql, id, piece, keyring.seal('job-input', contextOf(id, piece), plain))
    piece += 1
    parts = []
    waiting = 0
  }
  for await (const part of bytes) {
    hash.update(part)
    parts.push(part)
    waiting += part.length
    length += part.length
    if (waiting >= pieceLength) await write()
  }
  if (waiting > 0) await write()
  return { length, digest: hash.digest('hex') }
}

/** A piece of it, opened; undefined: there are no more. */
export async function readUpload(
  sql: Sql,
  keyring: Sealing,
  id: Uuid,
  piece: number,
): Promise<Uint8Array | undefined> {
  const [row] = await sql<{ sealed: Uint8Array }[]>`
    select sealed
    from import_file
    where upload_id = ${id}
      and piece = ${piece}`
  return row && keyring.open('job-input', contextOf(id, piece), row.sealed)
}

export async function dropUpload(sql: Sql, id: Uuid): Promise<void> {
  await sql`
    delete from import_file
    where upload_id = ${id}`
}

/** Those that no import waits for, because the server ended while they came in. */
export async function dropStrayUploads(sql: Sql, before: Instant): Promise<void> {
  await sql`
    delete from import_file
    where created_at < ${new Date(before)}::timestamptz
      and not exists (
        select
        from import
        where import.upload_id = import_file.upload_id
          and outcome is null
      )`
}

async function insertPiece(sql: Sql, id: Uuid, piece: number, sealed: Uint8Array): Promise<void> {
  await sql`
    insert into import_file (upload_id, piece, sealed)
    values (${id}, ${piece}, ${sealed})`
}

function contextOf(id: Uuid, piece: number): string {
  return `${id}:${piece}`
}
