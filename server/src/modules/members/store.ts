/** The SQL of members, and of the names by which the directory knows them. */
import type { BookId, Instant, Lane, MemberId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { laneArray, uuidArray } from '../../platform/db-array.ts'
import { bucketOf } from '../../platform/lanes/index.ts'
import { rowTogether } from '../../platform/together.ts'
import type { Member } from './model.ts'

export interface StoredMember extends Member {
  readonly unionDigest: Uint8Array | null
  readonly sealedKey: Uint8Array
  readonly sealed: Uint8Array
}

export interface NewMember {
  readonly id: MemberId
  readonly bookId: BookId
  readonly appid: string | null
  readonly unionDigest: Uint8Array | null
  readonly sealedKey: Uint8Array
  readonly sealed: Uint8Array
  readonly createdAt: Instant
}

/** A name in the directory. */
export interface MemberName {
  readonly bookId: BookId
  readonly kind: number
  readonly digest: Uint8Array
}

export async function selectName(sql: Sql, name: MemberName): Promise<MemberId | undefined> {
  const [row] = await sql<{ id: MemberId }[]>`
    select id
    from directory
    where bucket = ${bucketOf(name.digest)}
      and book_id = ${name.bookId}
      and kind = ${name.kind}
      and name_digest = ${name.digest}`
  return row?.id
}

/** False: somebody has the name. Waits for who is just taking it. */
export async function insertName(sql: Sql, name: MemberName, id: MemberId): Promise<boolean> {
  const inserted = await sql`
    insert into directory (bucket, book_id, kind, name_digest, id)
    values (${bucketOf(name.digest)}, ${name.bookId}, ${name.kind}, ${name.digest}, ${id})
    on conflict do nothing`
  return inserted.count === 1
}

export async function insertMember(sql: Sql, lane: Lane, member: NewMember): Promise<void> {
  const { id, bookId, appid, unionDigest, sealedKey, sealed, createdAt } = member
  await sql`
    insert into member (lane, id, book_id, appid, union_digest, sealed_key, sealed, created_at)
    values (
      ${lane}, ${id}, ${bookId}, ${appid}, ${unionDigest}, ${sealedKey}, ${sealed},
      ${new Date(createdAt)}::timestamptz
    )
    on conflict do nothing`
}

/** Whoever asks at the same time asks in one statement. */
export const memberById = rowTogether(
  (sql, ids: readonly MemberId[]) => sql<StoredMember[]>`
    select ${columns(sql)}
    from member
    where lane = any(${laneArray(ids)}::int[])
      and id = any(${uuidArray(ids)}::uuid[])`,
  ({ id }) => id,
)

export async function lockMember(
  sql: Sql,
  lane: Lane,
  book: BookId,
  id: MemberId,
): Promise<StoredMember | undefined> {
  const [row] = await sql<StoredMember[]>`
    select ${columns(sql)}
    from member
    where lane = ${lane}
      and id = ${id}
      and book_id = ${book}
    for update`
  return row
}

function columns(sql: Sql) {
  return sql`
      id, book_id as "bookId", appid, union_digest is not null as "hasUnion",
      union_digest as "unionDigest", phone_last4 as "phoneLast4", sealed_key as "sealedKey", sealed,
      created_at as "createdAt"`
}

/** The newest first. */
export function selectMembers(
  sql: Sql,
  book: BookId,
  filter: { readonly before?: string | undefined; readonly limit: number },
): Promise<StoredMember[]> {
  return sql<StoredMember[]>`
    select ${columns(sql)}
    from member
    where book_id = ${book}
      and (${filter.before ?? null}::uuid is null or id < ${filter.before ?? null}::uuid)
    order by id desc
    limit ${filter.limit}`
}

/** Whoever came with the same UnionID, the oldest first. */
export function selectByUnion(
  sql: Sql,
  book: BookId,
  unionDigest: Uint8Array,
): Promise<Pick<Member, 'id' | 'appid'>[]> {
  return sql<Pick<Member, 'id' | 'appid'>[]>`
    select id, appid
    from member
    where book_id = ${book}
      and union_digest = ${unionDigest}
    order by id`
}

export async function updateUnion(
  sql: Sql,
  lane: Lane,
  id: MemberId,
  change: { unionDigest: Uint8Array; sealedKey: Uint8Array; sealed: Uint8Array },
): Promise<void> {
  await sql`
    update member
    set
      union_digest = ${change.unionDigest},
      sealed_key = ${change.sealedKey},
      sealed = ${change.sealed}
    where lane = ${lane}
      and id = ${id}`
}

export async function updatePhone(
  sql: Sql,
  lane: Lane,
  id: MemberId,
  change: {
    phoneDigest: Uint8Array
    phoneLast4: string
    sealedKey: Uint8Array
    sealed: Uint8Array
  },
): Promise<void> {
  await sql`
    update member
    set
      phone_digest = ${change.phoneDigest},
      phone_last4 = ${change.phoneLast4},
      sealed_key = ${change.sealedKey},
      sealed = ${change.sealed}
    where lane = ${lane}
      and id = ${id}`
}

/** Forgets every member of a book of test mode, their sessions and what WeChat told of them. */
export async function deleteMembers(sql: Sql, book: BookId): Promise<void> {
  await sql`delete from wallet_session where book_id = ${book}`
  await sql`delete from app_event where book_id = ${book}`
  await sql`delete from member_link where book_id = ${book}`
  await sql`delete from member_merge where book_id = ${book}`
  await sql`delete from member where book_id = ${book}`
}
