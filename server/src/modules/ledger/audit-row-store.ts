/** The SQL of the auditor for rows that change: accounts, their last transfers, holds and what opened them. */
import type { AccountId, BookId, Fen, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, intArray, uuidArray } from '../../platform/db-array.ts'
import type { HoldRow } from './store.ts'

export interface LastBalance {
  readonly id: string
  readonly seq: bigint
  readonly balance: Fen
}

/** The balance of each guarded account before the entry `seq`; none for those that had not moved by then. */
export function readBalancesBefore(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
  seq: bigint,
): Promise<LastBalance[]> {
  return sql<LastBalance[]>`
    select distinct on (id) id, seq, balance
    from (
      select wanted.id, last.seq, last.line, last.balance
      from unnest(${uuidArray(ids)}::uuid[]) as wanted (id)
      cross join lateral (
        select transfer.seq, line, debit_balance as balance
        from transfer
        where lane = ${lane}
          and debit_account = wanted.id
          and debit_balance is not null
          and transfer.seq < ${seq}
        order by transfer.seq desc, line desc
        limit 1
      ) as last
      union all
      select wanted.id, last.seq, last.line, last.balance
      from unnest(${uuidArray(ids)}::uuid[]) as wanted (id)
      cross join lateral (
        select transfer.seq, line, credit_balance as balance
        from transfer
        where lane = ${lane}
          and credit_account = wanted.id
          and credit_balance is not null
          and transfer.seq < ${seq}
        order by transfer.seq desc, line desc
        limit 1
      ) as last
    ) as sides
    order by id, seq desc, line desc`
}

export interface AccountToAudit {
  readonly id: AccountId
  readonly bookId: BookId
  readonly balance: Fen
  readonly held: Fen
  readonly seq: bigint
}

export function readAccountsById(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
): Promise<AccountToAudit[]> {
  return sql<AccountToAudit[]>`
    select id, book_id as "bookId", balance, held, seq
    from account
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

export function readAccountsToAudit(
  sql: Sql,
  lane: Lane,
  book: BookId | undefined,
  after: string,
  limit: number,
): Promise<AccountToAudit[]> {
  return sql<AccountToAudit[]>`
    select id, book_id as "bookId", balance, held, seq
    from account
    where lane = ${lane}
      and id > ${after}
      and (${book === undefined} or book_id = ${book ?? null}::uuid)
    order by id
    limit ${limit}`
}

/** What open holds set aside on these accounts. */
export function sumOpenHolds(
  sql: Sql,
  lane: Lane,
  accountIds: readonly string[],
): Promise<{ id: string; held: Fen }[]> {
  return sql`
    select account_id as id, sum(amount - captured - released)::bigint as held
    from hold
    where lane = ${lane}
      and account_id = any(${uuidArray(accountIds)}::uuid[])
      and captured + released < amount
    group by account_id`
}

export type HoldToAudit = HoldRow & { readonly expiryIsFiner: boolean }

export function readHoldsById(
  sql: Sql,
  lane: Lane,
  keys: readonly { readonly id: string; readonly line: number }[],
): Promise<HoldToAudit[]> {
  return sql<HoldToAudit[]>`
    select
      hold.id, hold.line, book_id as "bookId", account_id as "accountId", amount, captured, released,
      expires_at as "expiresAt", seq, expires_at <> date_trunc('milliseconds', expires_at) as "expiryIsFiner"
    from hold
    join unnest(
      ${uuidArray(keys.map((key) => key.id))}::uuid[],
      ${intArray(keys.map((key) => key.line))}::int[]
    ) as wanted (id, line) on wanted.id = hold.id and wanted.line = hold.line
    where lane = ${lane}`
}

export function readHoldsToAudit(
  sql: Sql,
  lane: Lane,
  book: BookId | undefined,
  after: { readonly id: string; readonly line: number },
  limit: number,
): Promise<{ id: string; line: number; seq: bigint }[]> {
  return sql`
    select id, line, seq
    from hold
    where lane = ${lane}
      and (id, line) > (${after.id}::uuid, ${after.line}::int)
      and (${book === undefined} or book_id = ${book ?? null}::uuid)
    order by id, line
    limit ${limit}`
}

export function readBodies(
  sql: Sql,
  lane: Lane,
  seqs: readonly bigint[],
): Promise<{ seq: bigint; bookId: BookId; body: string }[]> {
  return sql`
    select seq, book_id as "bookId", body
    from journal
    where lane = ${lane}
      and seq = any(${bigintArray(seqs)}::bigint[])`
}
