/** Removing what an issuer made in test mode. The rights for it lie in functions of the database that know no live data. */
import type { BookId, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'

/** Removes a piece; answers how many rows went: 0 once the lane is empty of the book. */
export async function wipeLane(sql: Sql, lane: Lane, book: BookId, most: number): Promise<number> {
  const [row] = await sql<{ removed: bigint }[]>`
    select wipe_test_book(${lane}::int, ${book}::uuid, ${most}::int) as removed`
  const removed = Number(row?.removed ?? 0n)
  if (removed === 0) await sql`select wipe_test_rebates(${lane}::int, ${book}::uuid)`
  if (removed === 0) await sql`select wipe_test_sales(${lane}::int, ${book}::uuid)`
  if (removed === 0) await sql`select wipe_test_refund_applications(${lane}::int, ${book}::uuid)`
  if (removed === 0) await sql`select wipe_test_orders(${lane}::int, ${book}::uuid)`
  return removed
}

/** Forgets the buyers of a book that has no cards any more, and frees its idempotency keys and references. */
export async function wipeAround(sql: Sql, book: BookId): Promise<void> {
  await sql`
    delete from person
    where book_id = ${book}`
  await sql`select forget_test_claims(${book}::uuid)`
}
