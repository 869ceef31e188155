/** The SQL of stores, terminals and tills. */
import type { BookId, MerchantId, StoreId, TerminalId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import type { Store, Terminal, Till, TillFound, TillNamed } from './model.ts'

export interface ListFilter {
  readonly id?: string | undefined
  /** The merchant of stores, the store of terminals. */
  readonly of?: string | undefined
  readonly reference?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** undefined: inserted; else the one that has the reference already. */
export async function insertStore(sql: Sql, store: Store): Promise<StoreId | undefined> {
  const made = await sql`
    insert into store (id, book_id, merchant_id, name, district, reference, metadata, created_at)
    values (
      ${store.id}, ${store.book}, ${store.merchantId}, ${store.name}, ${store.district}, ${store.reference},
      ${JSON.stringify(store.metadata)}::text::jsonb, ${store.createdAt}
    )
    on conflict on constraint uq_store_reference do nothing`
  if (made.count > 0) return undefined
  const [existing] = await sql<{ id: StoreId }[]>`
    select id
    from store
    where merchant_id = ${store.merchantId}
      and reference = ${store.reference}`
  return existing?.id
}

/** As for stores. */
export async function insertTerminal(
  sql: Sql,
  terminal: Terminal,
): Promise<TerminalId | undefined> {
  const made = await sql`
    insert into terminal (id, book_id, store_id, merchant_id, name, reference, metadata, created_at)
    values (
      ${terminal.id}, ${terminal.book}, ${terminal.storeId}, ${terminal.merchantId}, ${terminal.name},
      ${terminal.reference}, ${JSON.stringify(terminal.metadata)}::text::jsonb, ${terminal.createdAt}
    )
    on conflict on constraint uq_terminal_reference do nothing`
  if (made.count > 0) return undefined
  const [existing] = await sql<{ id: TerminalId }[]>`
    select id
    from terminal
    where merchant_id = ${terminal.merchantId}
      and reference = ${terminal.reference}`
  return existing?.id
}

/** The newest first, as are terminals. */
export async function selectStores(
  sql: Sql,
  book: BookId,
  filter: ListFilter,
): Promise<readonly Store[]> {
  return sql<Store[]>`
    select
      id,
      book_id as book,
      merchant_id as "merchantId",
      name,
      district,
      reference,
      metadata,
      created_at as "createdAt"
    from store
    where book_id = ${book}
      and (${filter.id ?? null}::uuid is null or id = ${filter.id ?? null}::uuid)
      and (${filter.of ?? null}::uuid is null or merchant_id = ${filter.of ?? null}::uuid)
      and (${filter.reference ?? null}::text is null or reference = ${filter.reference ?? null}::text)
      and (${filter.before ?? null}::uuid is null or id < ${filter.before ?? null}::uuid)
    order by id desc
    limit ${filter.limit}`
}

export async function selectTerminals(
  sql: Sql,
  book: BookId,
  filter: ListFilter,
): Promise<readonly Terminal[]> {
  return sql<Terminal[]>`
    select
      id,
      book_id as book,
      store_id as "storeId",
      merchant_id as "merchantId",
      name,
      reference,
      metadata,
      created_at as "createdAt"
    from terminal
    where book_id = ${book}
      and (${filter.id ?? null}::uuid is null or id = ${filter.id ?? null}::uuid)
      and (${filter.of ?? null}::uuid is null or store_id = ${filter.of ?? null}::uuid)
      and (${filter.reference ?? null}::text is null or reference = ${filter.reference ?? null}::text)
      and (${filter.before ?? null}::uuid is null or id < ${filter.before ?? null}::uuid)
    order by id desc
    limit ${filter.limit}`
}

/** What lies under the named ids, in the order in which they are named. */
export async function selectTills(
  sql: Sql,
  wanted: readonly (TillNamed & { readonly book: BookId })[],
): Promise<readonly TillFound[]> {
  const rows = await sql<TillRow[]>`
    select
      merchant.category,
      merchant.ownership,
      merchant.status,
      merchant.status_version as "statusVersion",
      store.id as "storeId",
      store.district,
      terminal.store_id as "terminalStoreId"
    from unnest(
      ${uuidArray(wanted.map(({ book }) => book))}::uuid[],
      ${uuidArray(wanted.map(({ merchantId }) => merchantId))}::uuid[],
      ${uuidArray(wanted.map(({ storeId }) => storeId ?? null))}::uuid[],
      ${uuidArray(wanted.map(({ terminalId }) => terminalId ?? null))}::uuid[]
    ) with ordinality as wanted (book_id, merchant_id, store_id, terminal_id, place)
    left join merchant
      on merchant.id = wanted.merchant_id
      and merchant.book_id = wanted.book_id
    left join terminal
      on terminal.id = wanted.terminal_id
      and terminal.merchant_id = merchant.id
    left join store
      on store.id = coalesce(wanted.store_id, terminal.store_id)
      and store.merchant_id = merchant.id
    order by wanted.place`
  return rows.map(({ storeId, district, terminalStoreId, ...merchant }) => ({
    merchant: 'status' in merchant && merchant.status !== null ? merchant : null,
    storeId,
    district,
    terminalStoreId,
  }))
}

type OfMerchant = Pick<Till, 'category' | 'ownership' | 'status' | 'statusVersion'>
type TillRow = Omit<TillFound, 'merchant'> &
  (OfMerchant | { readonly [Member in keyof OfMerchant]: null })

/** How many of the ids are not of this book. */
export async function countMissing(
  sql: Sql,
  book: BookId,
  ids: { merchants: readonly MerchantId[]; stores: readonly StoreId[] },
): Promise<{ merchants: number; stores: number }> {
  const [row] = await sql<{ merchants: number; stores: number }[]>`
    select
      (
        select count(*)::int
        from unnest(${uuidArray(ids.merchants)}::uuid[]) as wanted (id)
        where not exists (select from merchant where merchant.id = wanted.id and merchant.book_id = ${book})
      ) as merchants,
      (
        select count(*)::int
        from unnest(${uuidArray(ids.stores)}::uuid[]) as wanted (id)
        where not exists (select from store where store.id = wanted.id and store.book_id = ${book})
      ) as stores`
  return row ?? { merchants: 0, stores: 0 }
}
