/** The SQL of how far books and merchants are settled, outside rounds. */
import type { BookId, BusinessDate, Lane, MerchantId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray, uuidArray } from '../../platform/db-array.ts'

export interface BookProgress {
  readonly bookId: BookId
  /** All cycles that ended up to this day are settled; null: none yet. */
  readonly settledThrough: BusinessDate | null
  /** The code of the refusal for whose sake it does not go on. */
  readonly stopped: string | null
}

export async function readProgress(sql: Sql, book: BookId): Promise<BookProgress | undefined> {
  const [row] = await sql<BookProgress[]>`
    select book_id as "bookId", settled_through as "settledThrough", stopped
    from clearing_book
    where book_id = ${book}`
  return row
}

/** Never back, whoever is slower. */
export function writeProgress(sql: Sql, book: BookId, through: BusinessDate): Promise<unknown> {
  return sql`
    insert into clearing_book (book_id, settled_through)
    values (${book}, ${through})
    on conflict (book_id) do update
    set settled_through = greatest(clearing_book.settled_through, excluded.settled_through), stopped = null`
}

export function writeStopped(sql: Sql, book: BookId, code: string): Promise<unknown> {
  return sql`
    insert into clearing_book (book_id, stopped)
    values (${book}, ${code})
    on conflict (book_id) do update
    set stopped = excluded.stopped`
}

export async function countStopped(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count
    from clearing_book
    where stopped is not null`
  return row?.count ?? 0
}

/** For merchants that had no line since: a later run need not look there again. Never back. */
export function advanceClearings(
  sql: Sql,
  lane: Lane,
  merchantIds: readonly MerchantId[],
  through: BusinessDate,
): Promise<unknown> {
  return sql`
    update merchant_clearing
    set settled_through = ${through}
    where lane = ${lane}
      and merchant_id = any(${uuidArray(merchantIds)}::uuid[])
      and settled_through < ${through}`
}

/** The merchants of a book to whom margins are to be given back by `day`. */
export async function merchantsWithDueMargin(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  day: BusinessDate,
): Promise<Set<MerchantId>> {
  const rows = await sql<{ merchantId: MerchantId }[]>`
    select distinct merchant_id as "merchantId"
    from statement
    where lane = any(${intArray(lanes)}::int[])
      and book_id = ${book}
      and margin_left > 0
      and margin_release_on <= ${day}`
  return new Set(rows.map(({ merchantId }) => merchantId))
}

/** The first day on which a margin of the book is to be given back; undefined: none is withheld. */
export async function firstRelease(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
): Promise<BusinessDate | undefined> {
  const [row] = await sql<{ day: BusinessDate | null }[]>`
    select min(margin_release_on) as day
    from statement
    where lane = any(${intArray(lanes)}::int[])
      and book_id = ${book}
      and margin_left > 0`
  return row?.day ?? undefined
}
