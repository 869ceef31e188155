/** Where an issuer's cards can be spent, by district: stores of approved merchants, counted. */
import type { BookId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { textArray } from '../../platform/db-array.ts'
import type { By } from './merchant-store.ts'

export interface CoveredCategory {
  readonly category: string
  readonly merchants: number
  readonly stores: number
}

export interface CoveredDistrict {
  readonly district: string
  readonly merchants: number
  readonly stores: number
  /** In the order of their names. */
  readonly categories: readonly CoveredCategory[]
}

export interface Coverage {
  /** A merchant with stores in several districts is counted once. */
  readonly merchants: number
  readonly stores: number
  /** In the order of their names. */
  readonly districts: readonly CoveredDistrict[]
}

interface CoverageRow {
  /** null: of the whole issuer. */
  readonly district: string | null
  /** null: of the whole district. */
  readonly category: string | null
  readonly merchants: number
  readonly stores: number
}

/** Names in the order of their bytes. */
export async function selectCoverage(sql: Sql, book: BookId): Promise<Coverage> {
  const rows = await sql<CoverageRow[]>`
    select
      store.district collate "C" as district,
      merchant.category collate "C" as category,
      count(distinct merchant.id)::int as merchants,
      count(store.id)::int as stores
    from merchant
    join store
      on store.merchant_id = merchant.id
    where merchant.book_id = ${book}
      and merchant.status = 'approved'
    group by grouping sets ((), (1), (1, 2))
    order by 1 nulls first, 2 nulls first`
  const [whole, ...ofDistricts] = rows
  const districts = Map.groupBy(ofDistricts, (row) => row.district ?? '')
  return {
    merchants: whole?.merchants ?? 0,
    stores: whole?.stores ?? 0,
    districts: [...districts].map(([district, [sum, ...parts]]) => ({
      district,
      merchants: sum?.merchants ?? 0,
      stores: sum?.stores ?? 0,
      categories: parts.map(({ category, merchants, stores }) => ({
        category: category ?? '',
        merchants,
        stores,
      })),
    })),
  }
}

/** The districts that the issuer means to cover; empty: it named none. */
export async function selectWanted(sql: Sql, book: BookId): Promise<readonly string[]> {
  const [row] = await sql<{ districts: readonly string[] }[]>`
    select districts
    from coverage_list
    where book_id = ${book}`
  return row?.districts ?? []
}

/** In place of those that were named before. */
export async function writeWanted(
  sql: Sql,
  book: BookId,
  districts: readonly string[],
  by: By,
): Promise<void> {
  await sql`
    insert into coverage_list (book_id, districts, key_id, owner, at)
    values (${book}, ${textArray(districts)}::text[], ${by.keyId}, ${by.owner}, ${by.at})
    on conflict (book_id) do update
    set
      districts = excluded.districts,
      key_id = excluded.key_id,
      owner = excluded.owner,
      at = excluded.at`
}
