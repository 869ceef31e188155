/** The SQL of closing balances: sums over transfers by sequence number, and the rows of `closing`. */
import type { BookId, BusinessDate, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, uuidArray } from '../../platform/db-array.ts'

export interface SideSum {
  readonly bookId: BookId
  /** Of a summed account; null: of all guarded accounts of the kind. */
  readonly accountId: string | null
  readonly kindBits: number
  readonly debits: bigint
  readonly credits: bigint
}

export interface ClosingRow {
  readonly accountId: string
  readonly bookId: BookId
  readonly debits: bigint
  readonly credits: bigint
}

/** Both sides of the transfers under the entries (afterSeq, untilSeq]. The last four digits of an account's id are its kind and lane. */
export async function sumSides(
  sql: Sql,
  lane: Lane,
  afterSeq: bigint,
  untilSeq: bigint,
): Promise<SideSum[]> {
  const rows = await sql<(Omit<SideSum, 'kindBits'> & { digits: string })[]>`
    with side as (
      select book_id, debit_account as account_id, debit_balance is null as summed, amount as debit, 0 as credit
      from transfer
      where lane = ${lane}
        and seq > ${afterSeq}
        and seq <= ${untilSeq}
      union all
      select book_id, credit_account, credit_balance is null, 0, amount
      from transfer
      where lane = ${lane}
        and seq > ${afterSeq}
        and seq <= ${untilSeq}
    )
    select
      book_id as "bookId",
      case when summed then account_id end as "accountId",
      right(account_id::text, 4) as digits,
      sum(debit)::bigint as debits,
      sum(credit)::bigint as credits
    from side
    group by 1, 2, 3`
  return rows.map(({ digits, ...sum }) => ({ ...sum, kindBits: Number.parseInt(digits, 16) >> 10 }))
}

/** What the book's accounts of each kind moved in (afterSeq, untilSeq]. */
export async function sumKinds(
  sql: Sql,
  lane: Lane,
  bookId: BookId,
  afterSeq: bigint,
  untilSeq: bigint,
): Promise<{ kindBits: number; debits: bigint; credits: bigint }[]> {
  const rows = await sql<{ digits: string; debits: bigint; credits: bigint }[]>`
    with moved as (
      select right(debit_account::text, 4) as debited, right(credit_account::text, 4) as credited, sum(amount) as amount
      from transfer
      where lane = ${lane}
        and seq > ${afterSeq}
        and seq <= ${untilSeq}
        and book_id = ${bookId}
      group by 1, 2
    )
    select digits, sum(debit)::bigint as debits, sum(credit)::bigint as credits
    from moved
    cross join lateral (values (debited, amount, 0), (credited, 0, amount)) as side (digits, debit, credit)
    group by digits`
  return rows.map(({ digits, debits, credits }) => ({
    kindBits: Number.parseInt(digits, 16) >> 10,
    debits,
    credits,
  }))
}

/** What these summed accounts moved in (afterSeq, untilSeq]. */
export function sumAccounts(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
  afterSeq: bigint,
  untilSeq: bigint,
): Promise<{ accountId: string; debits: bigint; credits: bigint }[]> {
  return sql`
    with side as (
      select debit_account as account_id, amount as debit, 0 as credit
      from transfer
      where lane = ${lane}
        and seq > ${afterSeq}
        and seq <= ${untilSeq}
        and debit_account = any(${uuidArray(ids)}::uuid[])
      union all
      select credit_account, 0, amount
      from transfer
      where lane = ${lane}
        and seq > ${afterSeq}
        and seq <= ${untilSeq}
        and credit_account = any(${uuidArray(ids)}::uuid[])
    )
    select account_id as "accountId", sum(debit)::bigint as debits, sum(credit)::bigint as credits
    from side
    group by account_id`
}

/** Rows that are there already stay: they say the same. */
export function insertClosings(
  sql: Sql,
  lane: Lane,
  day: BusinessDate,
  rows: readonly ClosingRow[],
): Promise<unknown> {
  return sql`
    insert into closing (lane, day, book_id, account_id, debits, credits)
    select ${lane}, ${day}, book_id, account_id, debits, credits
    from unnest(
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.accountId))}::uuid[],
      ${bigintArray(rows.map((row) => row.debits))}::bigint[],
      ${bigintArray(rows.map((row) => row.credits))}::bigint[]
    ) as fresh (book_id, account_id, debits, credits)
    on conflict do nothing`
}

/** The last closing of each of these accounts before `day`; none for those that had not moved by then. */
export function readClosingsBefore(
  sql: Sql,
  lane: Lane,
  day: BusinessDate,
  ids: readonly string[],
): Promise<ClosingRow[]> {
  return sql<ClosingRow[]>`
    select last.account_id as "accountId", last.book_id as "bookId", last.debits, last.credits
    from unnest(${uuidArray(ids)}::uuid[]) as wanted (id)
    cross join lateral (
      select account_id, book_id, debits, credits
      from closing
      where lane = ${lane}
        and account_id = wanted.id
        and day < ${day}
      order by day desc
      limit 1
    ) as last`
}

/** The closings of these accounts on that very day. */
export function readClosingsOf(
  sql: Sql,
  lane: Lane,
  day: BusinessDate,
  ids: readonly string[],
): Promise<ClosingRow[]> {
  return sql<ClosingRow[]>`
    select account_id as "accountId", book_id as "bookId", debits, credits
    from closing
    where lane = ${lane}
      and account_id = any(${uuidArray(ids)}::uuid[])
      and day = ${day}`
}

/** How many closings a lane has for each day. */
export function countClosings(
  sql: Sql,
  lane: Lane,
): Promise<{ day: BusinessDate; rows: bigint }[]> {
  return sql`
    select day, count(*) as rows
    from closing
    where lane = ${lane}
    group by day`
}

/** The closings of a lane on a day, by account, behind `after`. */
export function readClosingsOn(
  sql: Sql,
  lane: Lane,
  day: BusinessDate,
  after: string,
  limit: number,
): Promise<ClosingRow[]> {
  return sql<ClosingRow[]>`
    select account_id as "accountId", book_id as "bookId", debits, credits
    from closing
    where lane = ${lane}
      and day = ${day}
      and account_id > ${after}
    order by account_id
    limit ${limit}`
}
