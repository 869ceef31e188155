/** The SQL of merchants: making and finding them, and what was done to their standing. */
import type { BookId, Instant, MerchantId, MerchantState } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import type { SettledMerchant } from './contract-reads.ts'
import type { Merchant } from './model.ts'
import type { Deed, ShownDocument } from './onboarding.ts'
import type { Standing, StandingChange } from './standings.ts'
import type { ListFilter } from './store.ts'

/** Who did it, and when, in the time of the book. */
export interface By {
  readonly keyId: string
  readonly owner: string
  readonly at: Instant
}

/** An application as it is kept: the contact encrypted. */
export interface StoredApplication {
  readonly legalName: string
  readonly creditCode: string
  readonly contactKey: Uint8Array
  readonly contact: Uint8Array
  readonly documents: readonly ShownDocument[]
}

/**
 * Together with the deed that made it and, where it applies to be let in, the application. undefined: inserted; else
 * the one that has the reference already.
 */
export async function insertMerchant(
  sql: Sql,
  merchant: Merchant,
  by: By,
  application: StoredApplication | undefined,
): Promise<MerchantId | undefined> {
  const made = await sql`
    with made as (
      insert into merchant (
        id, book_id, name, category, ownership, status, status_version, settlement_lane, reference,
        metadata, created_at
      )
      values (
        ${merchant.id}, ${merchant.book}, ${merchant.name}, ${merchant.category}, ${merchant.ownership},
        ${merchant.status}, 1, ${merchant.settlementLane}, ${merchant.reference},
        ${JSON.stringify(merchant.metadata)}::text::jsonb, ${merchant.createdAt}
      )
      on conflict on constraint uq_merchant_reference do nothing
      returning id, book_id, status, status_version
    ), deed as (
      insert into merchant_deed (merchant_id, number, book_id, action, status, key_id, owner, at)
      select
        id, status_version, book_id, ${application === undefined ? 'created' : 'drafted'}, status,
        ${by.keyId}::uuid, ${by.owner}, ${by.at}::timestamptz
      from made
    ), application as (
      insert into merchant_application (
        merchant_id, number, book_id, legal_name, credit_code, contact_key, contact, documents
      )
      select
        id, status_version, book_id, ${application?.legalName ?? ''}, ${application?.creditCode ?? ''},
        ${application?.contactKey ?? null}::bytea, ${application?.contact ?? null}::bytea,
        ${JSON.stringify(application?.documents ?? [])}::text::jsonb
      from made
      where ${application !== undefined}::boolean
    )
    select from made`
  if (made.count > 0) return undefined
  const [existing] = await sql<{ id: MerchantId }[]>`
    select id
    from merchant
    where book_id = ${merchant.book}
      and reference = ${merchant.reference}`
  return existing?.id
}

export interface MerchantFilter extends ListFilter {
  readonly status?: MerchantState | undefined
}

/** The newest first. */
export async function selectMerchants(
  sql: Sql,
  book: BookId,
  filter: MerchantFilter,
): Promise<readonly Merchant[]> {
  return sql<Merchant[]>`
    select
      id,
      book_id as book,
      name,
      category,
      ownership,
      status,
      settlement_lane as "settlementLane",
      reference,
      metadata,
      created_at as "createdAt"
    from merchant
    where book_id = ${book}
      and (${filter.id ?? null}::uuid is null or id = ${filter.id ?? null}::uuid)
      and (${filter.status ?? null}::text is null or status = ${filter.status ?? null}::text)
      and (${filter.reference ?? null}::text is null or reference = ${filter.reference ?? null}::text)
      and (${filter.before ?? null}::uuid is null or id < ${filter.before ?? null}::uuid)
    order by id desc
    limit ${filter.limit}`
}

export async function selectSettled(
  sql: Sql,
  book: BookId,
  ids: readonly string[],
): Promise<readonly SettledMerchant[]> {
  return sql<SettledMerchant[]>`
    select id, ownership, settlement_lane as "settlementLane"
    from merchant
    where book_id = ${book}
      and id = any(${uuidArray(ids)}::uuid[])`
}

/** The book of each of these merchants that exists. */
export async function booksOfMerchants(
  sql: Sql,
  ids: readonly string[],
): Promise<ReadonlyMap<string, BookId>> {
  const rows = await sql<{ id: string; book: BookId }[]>`
    select id, book_id as book
    from merchant
    where id = any(${uuidArray(ids)}::uuid[])`
  return new Map(rows.map(({ id, book }) => [id, book]))
}

/** The books that have merchants, in the order of their ids. */
export async function booksWithMerchants(sql: Sql): Promise<readonly BookId[]> {
  const rows = await sql<{ book: BookId }[]>`
    with recursive book (id) as (
      (select book_id from merchant order by book_id limit 1)
      union all
      select (select book_id from merchant where book_id > book.id order by book_id limit 1)
      from book
      where book.id is not null
    )
    select id as book
    from book
    where id is not null`
  return rows.map(({ book }) => book)
}

/** undefined: there is no such merchant in the book. */
export async function selectStanding(
  sql: Sql,
  book: BookId,
  id: MerchantId,
): Promise<Standing | undefined> {
  const [row] = await sql<Standing[]>`
    select status, status_version as "statusVersion"
    from merchant
    where id = ${id}
      and book_id = ${book}`
  return row
}

export interface Move {
  readonly merchantId: MerchantId
  /** As it was seen when this was decided. */
  readonly seen: number
  readonly action: Deed['action']
  readonly status: MerchantState
  readonly reason: string | null
  readonly by: By
  readonly application?: StoredApplication | undefined
}

/** The version that it has now; undefined: somebody else moved it meanwhile. */
export async function moveMerchant(sql: Sql, move: Move): Promise<number | undefined> {
  const { merchantId, seen, action, status, reason, by, application } = move
  const [moved] = await sql<{ number: number }[]>`
    with moved as (
      update merchant
      set
        status = ${status},
        status_version = status_version + 1,
        status_changed_at = clock_timestamp()
      where id = ${merchantId}
        and status_version = ${seen}
      returning id, book_id, status, status_version
    ), application as (
      insert into merchant_application (
        merchant_id, number, book_id, legal_name, credit_code, contact_key, contact, documents
      )
      select
        id, status_version, book_id, ${application?.legalName ?? ''}, ${application?.creditCode ?? ''},
        ${application?.contactKey ?? null}::bytea, ${application?.contact ?? null}::bytea,
        ${JSON.stringify(application?.documents ?? [])}::text::jsonb
      from moved
      where ${application !== undefined}::boolean
    )
    insert into merchant_deed (merchant_id, number, book_id, action, status, reason, key_id, owner, at)
    select
      id, status_version, book_id, ${action}, status, ${reason}::text, ${by.keyId}::uuid, ${by.owner},
      ${by.at}::timestamptz
    from moved
    returning number`
  return moved?.number
}

/** The first one first. */
export async function selectDeeds(sql: Sql, id: MerchantId): Promise<readonly Deed[]> {
  return sql<Deed[]>`
    select number, action, status, reason, key_id as "keyId", owner, at
    from merchant_deed
    where merchant_id = ${id}
    order by number`
}

/** Who submitted it last. */
export async function selectSubmitter(
  sql: Sql,
  id: MerchantId,
): Promise<Pick<Deed, 'keyId' | 'owner'> | undefined> {
  const [row] = await sql<Pick<Deed, 'keyId' | 'owner'>[]>`
    select key_id as "keyId", owner
    from merchant_deed
    where merchant_id = ${id}
      and action = 'submitted'
    order by number desc
    limit 1`
  return row
}

/** The one that holds; undefined: it was made without. */
export async function selectApplication(
  sql: Sql,
  id: MerchantId,
): Promise<StoredApplication | undefined> {
  const [row] = await sql<StoredApplication[]>`
    select
      legal_name as "legalName",
      credit_code as "creditCode",
      contact_key as "contactKey",
      contact,
      documents
    from merchant_application
    where merchant_id = ${id}
    order by number desc
    limit 1`
  return row
}

/** Who changed since then or shortly before: longer than a statement may take. */
export async function selectChanges(
  sql: Sql,
  since: Instant | undefined,
): Promise<{ changes: readonly StandingChange[]; at: Instant }> {
  const rows = await sql<({ at: Instant } & (StandingChange | { merchantId: null }))[]>`
    with asked as materialized (
      select clock_timestamp() as at
    )
    select
      asked.at,
      changed.id as "merchantId",
      changed.status,
      changed.status_version as "statusVersion"
    from asked
    left join merchant as changed
      on changed.status_changed_at
        > coalesce(${since ?? null}::timestamptz, asked.at) - interval '15 seconds'`
  const [first] = rows
  if (first === undefined) throw new Error('the database did not say what time it is')
  return { at: first.at, changes: rows.filter((row) => row.merchantId !== null) }
}
