/** The SQL of keys. */
import {
  type BookId,
  type Id,
  type Instant,
  issuerOfBook,
  modeOfBook,
  type Scope,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { textArray, uuidArray } from '../../platform/db-array.ts'
import type { Caller, StoredKey } from './model.ts'

export interface KeyFilter {
  /** undefined: of every book. */
  readonly books?: readonly BookId[] | undefined
  readonly id?: Id<'key'> | undefined
  readonly reference?: string | undefined
  /** Only keys that are older than this one. */
  readonly before?: string | undefined
  readonly limit?: number
}

export interface FoundCaller {
  readonly caller: Caller
  readonly expiresAt: Instant | null
  readonly revokedAt: Instant | null
}

interface CallerRow {
  readonly id: Id<'key'>
  /** null: the operator. */
  readonly book: BookId | null
  readonly owner: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: Instant | null
  readonly revokedAt: Instant | null
}

/** Whose token has this digest, usable or not. */
export async function selectCaller(sql: Sql, digest: Buffer): Promise<FoundCaller | undefined> {
  const [row] = await sql<CallerRow[]>`
    select
      id,
      book_id as book,
      owner,
      scopes,
      expires_at as "expiresAt",
      revoked_at as "revokedAt"
    from api_key
    where digest = ${digest}
    union all
    select null, null, '', '{}', null, null
    from operator_key
    where digest = ${digest}`
  if (row === undefined) return undefined
  const { expiresAt, revokedAt } = row
  return { caller: callerOf(row), expiresAt, revokedAt }
}

function callerOf({ id, book, owner, scopes }: CallerRow): Caller {
  if (book === null) return { kind: 'operator' }
  return {
    kind: 'key',
    keyId: id,
    issuerId: issuerOfBook(book),
    mode: modeOfBook(book),
    book,
    scopes: new Set(scopes),
    owner,
  }
}

/** undefined: inserted; else the key that has the reference already. */
export async function insertKey(
  sql: Sql,
  key: StoredKey,
  digest: Buffer,
): Promise<Id<'key'> | undefined> {
  const made = await sql`
    insert into api_key (
      id, book_id, digest, last4, name, owner, scopes, reference, metadata, created_at, expires_at
    )
    values (
      ${key.id}, ${key.book}, ${digest}, ${key.last4}, ${key.name}, ${key.owner},
      ${textArray(key.scopes)}::text[], ${key.reference}, ${JSON.stringify(key.metadata)}::text::jsonb,
      ${key.createdAt}, ${key.expiresAt}
    )
    on conflict on constraint uq_api_key_reference do nothing`
  if (made.count > 0) return undefined
  const [existing] = await sql<{ id: Id<'key'> }[]>`
    select id
    from api_key
    where book_id = ${key.book}
      and reference = ${key.reference}`
  return existing?.id
}

/** The newest first. */
export async function selectKeys(sql: Sql, filter: KeyFilter): Promise<readonly StoredKey[]> {
  const books = filter.books === undefined ? null : uuidArray(filter.books)
  return sql<StoredKey[]>`
    select
      id,
      book_id as book,
      last4,
      name,
      owner,
      scopes,
      reference,
      metadata,
      created_at as "createdAt",
      expires_at as "expiresAt",
      revoked_at as "revokedAt"
    from api_key
    where (${books}::uuid[] is null or book_id = any (${books}::uuid[]))
      and (${filter.id ?? null}::uuid is null or id = ${filter.id ?? null}::uuid)
      and (${filter.reference ?? null}::text is null or reference = ${filter.reference ?? null}::text)
      and (${filter.before ?? null}::uuid is null or id < ${filter.before ?? null}::uuid)
    order by id desc
    limit ${filter.limit ?? 1}`
}

/** The digest of the key, revoked now or before; undefined: no such key in these books. */
export async function revokeKey(
  sql: Sql,
  filter: Pick<KeyFilter, 'books' | 'id'>,
  now: Instant,
): Promise<Buffer | undefined> {
  const books = filter.books === undefined ? null : uuidArray(filter.books)
  const [row] = await sql<{ digest: Buffer }[]>`
    update api_key
    set revoked_at = coalesce(revoked_at, ${now})
    where id = ${filter.id ?? null}::uuid
      and (${books}::uuid[] is null or book_id = any (${books}::uuid[]))
    returning digest`
  return row?.digest
}

export async function insertOperatorDigest(sql: Sql, digest: Buffer): Promise<void> {
  await sql`
    insert into operator_key (digest)
    values (${digest})
    on conflict do nothing`
}
