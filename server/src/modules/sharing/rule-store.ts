/** The SQL of sharing rules: only ever added; the newest of a product or merchant holds. */
import type { BookId, MerchantId, ProductId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import type { SharingRule } from './model.ts'

export async function insertRule(sql: Sql, rule: SharingRule): Promise<void> {
  await sql`
    insert into sharing_rule (id, book_id, product_id, merchant_id, receivers, created_at)
    values (
      ${rule.id}, ${rule.bookId}, ${rule.productId}, ${rule.merchantId},
      ${JSON.stringify(rule.receivers)}::text::jsonb, ${new Date(rule.createdAt)}
    )`
}

export interface RuleFilter {
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export function selectRules(
  sql: Sql,
  book: BookId,
  { before, limit }: RuleFilter,
): Promise<SharingRule[]> {
  return sql<SharingRule[]>`
    select
      id, book_id as "bookId", product_id as "productId", merchant_id as "merchantId", receivers,
      created_at as "createdAt"
    from sharing_rule
    where book_id = ${book}
      ${before === undefined ? sql`` : sql`and id < ${before}`}
    order by id desc
    limit ${limit}`
}

/** The rule that holds for each of these products and merchants, where one does. */
export function rulesFor(
  sql: Sql,
  book: BookId,
  subjects: readonly (ProductId | MerchantId)[],
): Promise<SharingRule[]> {
  return sql<SharingRule[]>`
    select distinct on (coalesce(product_id, merchant_id))
      id, book_id as "bookId", product_id as "productId", merchant_id as "merchantId", receivers,
      created_at as "createdAt"
    from sharing_rule
    where book_id = ${book}
      and (
        product_id = any(${uuidArray(subjects)}::uuid[])
        or merchant_id = any(${uuidArray(subjects)}::uuid[])
      )
    order by coalesce(product_id, merchant_id), id desc`
}
