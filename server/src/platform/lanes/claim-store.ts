/** The SQL of claims and of the directory of outside names. Both are spread by `bucket`, not by lane. */
import type { BookId, CommandId } from '@lika/contract'
import type { Sql } from '../db.ts'
import { byteaArray, intArray, uuidArray } from '../db-array.ts'

export interface ClaimRow {
  readonly bucket: number
  readonly bookId: BookId
  readonly keyDigest: Uint8Array
  readonly commandId: CommandId
  readonly fingerprint: Uint8Array
}

export interface NameRow {
  readonly bucket: number
  readonly bookId: BookId
  readonly kind: number
  readonly nameDigest: Uint8Array
  readonly id: CommandId
  readonly cancelled: boolean
}

type Inserted = { readonly position: number }

/** Claims what nobody has claimed; answers the positions in `rows` that are ours now. In the order of the keys, so that two batches cannot wait for each other. */
export async function insertClaims(sql: Sql, rows: readonly ClaimRow[]): Promise<number[]> {
  const inserted = await sql<{ id: string }[]>`
    insert into claim (bucket, book_id, key_digest, command_id, fingerprint)
    select bucket, book_id, key_digest, command_id, fingerprint
    from unnest(
      ${intArray(rows.map((row) => row.bucket))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${byteaArray(rows.map((row) => row.keyDigest))}::bytea[],
      ${uuidArray(rows.map((row) => row.commandId))}::uuid[],
      ${byteaArray(rows.map((row) => row.fingerprint))}::bytea[]
    ) as wanted (bucket, book_id, key_digest, command_id, fingerprint)
    order by bucket, book_id, key_digest
    on conflict do nothing
    returning command_id as id`
  return positionsOf(
    rows.map((row) => row.commandId),
    inserted,
  )
}

type Standing = Inserted & { readonly commandId: CommandId; readonly fingerprint: Uint8Array }

/** The claims under these keys, all or those that others read before, by position in `rows`. */
export function findClaims(
  sql: Sql,
  rows: readonly ClaimRow[],
  which: 'all' | 'shared',
): Promise<Standing[]> {
  return sql<Standing[]>`
    select
      wanted.position::int as position,
      claim.command_id as "commandId",
      claim.fingerprint
    from unnest(
      ${intArray(rows.map((row) => row.bucket))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${byteaArray(rows.map((row) => row.keyDigest))}::bytea[]
    ) with ordinality as wanted (bucket, book_id, key_digest, position)
    join claim using (bucket, book_id, key_digest)
    where shared
      or ${which === 'all'}`
}

/**
 * Takes a share in the claims under these keys, by position in `rows`: from now on they are never given back, so that
 * all who share one run the same command. No key may be there twice; one whose claim is gone is not in the answer.
 */
export function shareClaims(sql: Sql, rows: readonly ClaimRow[]): Promise<Standing[]> {
  return sql<Standing[]>`
    update claim
    set shared = true
    from unnest(
      ${intArray(rows.map((row) => row.bucket))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${byteaArray(rows.map((row) => row.keyDigest))}::bytea[]
    ) with ordinality as wanted (bucket, book_id, key_digest, position)
    where claim.bucket = wanted.bucket
      and claim.book_id = wanted.book_id
      and claim.key_digest = wanted.key_digest
    returning
      wanted.position::int as position,
      claim.command_id as "commandId",
      claim.fingerprint`
}

/** Gives keys back whose commands left nothing, unless others share them. Returns the commands that lost theirs. */
export async function deleteClaims(
  sql: Sql,
  rows: readonly Pick<ClaimRow, 'bucket' | 'bookId' | 'keyDigest' | 'commandId'>[],
): Promise<Set<CommandId>> {
  const deleted = await sql<{ id: CommandId }[]>`
    delete from claim
    using unnest(
      ${intArray(rows.map((row) => row.bucket))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${byteaArray(rows.map((row) => row.keyDigest))}::bytea[],
      ${uuidArray(rows.map((row) => row.commandId))}::uuid[]
    ) as given (bucket, book_id, key_digest, command_id)
    where claim.bucket = given.bucket
      and claim.book_id = given.book_id
      and claim.key_digest = given.key_digest
      and claim.command_id = given.command_id
      and not claim.shared
    returning claim.command_id as id`
  return new Set(deleted.map((row) => row.id))
}

/** Keys older than any retry: `before` is the oldest command id to keep. Returns how many went. */
export async function deleteOldClaims(
  sql: Sql,
  bucket: number,
  before: CommandId,
): Promise<number> {
  const deleted = await sql`
    delete from claim
    where bucket = ${bucket}
      and command_id < ${before}`
  return deleted.count
}

/** Takes names that nobody has; answers the positions in `rows` that are ours now. */
export async function insertNames(sql: Sql, rows: readonly NameRow[]): Promise<number[]> {
  const inserted = await sql<{ id: string }[]>`
    insert into directory (bucket, book_id, kind, name_digest, id, cancelled)
    select bucket, book_id, kind, name_digest, id, ${rows[0]?.cancelled ?? false}
    from unnest(
      ${intArray(rows.map((row) => row.bucket))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${intArray(rows.map((row) => row.kind))}::int[],
      ${byteaArray(rows.map((row) => row.nameDigest))}::bytea[],
      ${uuidArray(rows.map((row) => row.id))}::uuid[]
    ) as wanted (bucket, book_id, kind, name_digest, id)
    order by bucket, book_id, kind, name_digest
    on conflict do nothing
    returning id`
  return positionsOf(
    rows.map((row) => row.id),
    inserted,
  )
}

type NameKey = Pick<NameRow, 'bucket' | 'bookId' | 'kind' | 'nameDigest'>

/** Who has these names, by position in `rows`. */
export function findNames(
  sql: Sql,
  rows: readonly NameKey[],
): Promise<(Inserted & { id: CommandId; cancelled: boolean })[]> {
  return sql`
    select wanted.position::int as position, directory.id, directory.cancelled
    from unnest(
      ${intArray(rows.map((row) => row.bucket))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${intArray(rows.map((row) => row.kind))}::int[],
      ${byteaArray(rows.map((row) => row.nameDigest))}::bytea[]
    ) with ordinality as wanted (bucket, book_id, kind, name_digest, position)
    join directory using (bucket, book_id, kind, name_digest)`
}

/** Hands a name from one command to another, unless it moved meanwhile or was cancelled. */
export async function passName(
  sql: Sql,
  name: NameKey,
  from: CommandId,
  to: CommandId,
): Promise<boolean> {
  const passed = await sql`
    update directory
    set id = ${to}
    where bucket = ${name.bucket}
      and book_id = ${name.bookId}
      and kind = ${name.kind}
      and name_digest = ${Buffer.from(name.nameDigest)}
      and id = ${from}
      and not cancelled`
  return passed.count === 1
}

/** Nobody gets this name any more. False when it has passed to another command meanwhile. */
export async function cancelName(sql: Sql, name: NameKey, of: CommandId): Promise<boolean> {
  const cancelled = await sql`
    update directory
    set cancelled = true
    where bucket = ${name.bucket}
      and book_id = ${name.bookId}
      and kind = ${name.kind}
      and name_digest = ${Buffer.from(name.nameDigest)}
      and id = ${of}`
  return cancelled.count === 1
}

export function deleteName(sql: Sql, name: NameKey, of: CommandId): Promise<unknown> {
  return sql`
    delete from directory
    where bucket = ${name.bucket}
      and book_id = ${name.bookId}
      and kind = ${name.kind}
      and name_digest = ${Buffer.from(name.nameDigest)}
      and id = ${of}
      and not cancelled`
}

/** Two rows of one batch may want the same key: the first to stand there has it. */
function positionsOf(ids: readonly string[], inserted: readonly { id: string }[]): number[] {
  const ours = new Set(inserted.map((row) => row.id))
  return ids.flatMap((id, position) => (ours.has(id) ? [position] : []))
}
