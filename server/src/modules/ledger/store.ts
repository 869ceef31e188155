/** The ledger's rows in rounds: guarded accounts, transfers under journal entries, holds. */
import type { AccountId, BookId, Fen, Instant, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, instantArray, intArray, uuidArray } from '../../platform/db-array.ts'
import type { Finder, Line, Lines, Shelf } from '../../platform/lanes/index.ts'

export interface AccountRow {
  readonly id: AccountId
  readonly bookId: BookId
  readonly balance: Fen
  readonly held: Fen
  /** The journal entry that changed it last. */
  readonly seq: bigint
}

/** The `seq` of an account that was opened but that no entry has moved yet. */
export const untouched = 0n

export interface HoldRow {
  readonly id: string
  readonly line: number
  readonly bookId: BookId
  readonly accountId: AccountId
  readonly amount: Fen
  readonly captured: Fen
  readonly released: Fen
  readonly expiresAt: Instant
  readonly seq: bigint
}

export const accounts: Shelf<AccountRow> = {
  name: 'account',
  keyOf: (row) => row.id,
  load: loadAccounts,
  insert: insertAccounts,
  update: updateAccounts,
}

export const holds: Shelf<HoldRow> = {
  name: 'hold',
  keyOf: holdKey,
  load: loadHolds,
  insert: insertHolds,
  update: updateHolds,
}

/** The holds that still set something aside, by account. */
export const openHolds: Finder<HoldRow> = {
  name: 'open holds of an account',
  shelf: holds,
  find: async (sql, lane, keys) =>
    (await findOpenHolds(sql, lane, keys)).map((row) => ({ key: row.accountId, row })),
}

/** All lines of a hold that lie in the lane, by the hold's id. */
export const holdLines: Finder<HoldRow> = {
  name: 'lines of a hold',
  shelf: holds,
  find: async (sql, lane, keys) =>
    (await findHoldLines(sql, lane, keys)).map((row) => ({ key: row.id, row })),
}

/** Values: debit account, credit account, amount, balances after it of the guarded sides. */
export const transfers: Lines = { name: 'transfer', insert: insertTransfers }

export function holdKey(row: Pick<HoldRow, 'id' | 'line'>): string {
  return `${row.id}:${row.line}`
}

function loadAccounts(sql: Sql, lane: Lane, ids: readonly string[]): Promise<AccountRow[]> {
  return sql<AccountRow[]>`
    select id, book_id as "bookId", balance, held, seq
    from account
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

/** An account that was opened and never moved has no row: every row is made by an entry that names it. */
async function insertAccounts(sql: Sql, lane: Lane, opened: readonly AccountRow[]): Promise<void> {
  const rows = opened.filter((row) => row.seq !== untouched)
  if (rows.length === 0) return
  await sql`
    insert into account (lane, id, book_id, balance, held, seq)
    select ${lane}, id, book_id, balance, held, seq
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${bigintArray(rows.map((row) => row.balance))}::bigint[],
      ${bigintArray(rows.map((row) => row.held))}::bigint[],
      ${bigintArray(rows.map((row) => row.seq))}::bigint[]
    ) as fresh (id, book_id, balance, held, seq)`
}

function updateAccounts(sql: Sql, lane: Lane, rows: readonly AccountRow[]): Promise<unknown> {
  return sql`
    update account
    set balance = changed.balance, held = changed.held, seq = changed.seq
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${bigintArray(rows.map((row) => row.balance))}::bigint[],
      ${bigintArray(rows.map((row) => row.held))}::bigint[],
      ${bigintArray(rows.map((row) => row.seq))}::bigint[]
    ) as changed (id, balance, held, seq)
    where account.lane = ${lane}
      and account.id = changed.id`
}

function insertTransfers(sql: Sql, lane: Lane, lines: readonly Line[]): Promise<unknown> {
  const text = (index: number) => lines.map((line) => String(line.values[index]))
  const balance = (index: number) =>
    lines.map((line) => (line.values[index] === null ? null : BigInt(line.values[index] ?? 0)))
  return sql`
    insert into transfer
      (lane, seq, line, month, book_id, debit_account, credit_account, amount, debit_balance, credit_balance)
    select
      ${lane}, seq, line, month, book_id, debit_account, credit_account, amount, debit_balance, credit_balance
    from unnest(
      ${bigintArray(lines.map((line) => line.seq))}::bigint[],
      ${intArray(lines.map((line) => line.line))}::int[],
      ${intArray(lines.map((line) => line.month))}::int[],
      ${uuidArray(lines.map((line) => line.bookId))}::uuid[],
      ${uuidArray(text(0))}::uuid[],
      ${uuidArray(text(1))}::uuid[],
      ${bigintArray(lines.map((line) => BigInt(line.values[2] ?? 0)))}::bigint[],
      ${bigintArray(balance(3))}::bigint[],
      ${bigintArray(balance(4))}::bigint[]
    ) as moved
      (seq, line, month, book_id, debit_account, credit_account, amount, debit_balance, credit_balance)`
}

function loadHolds(sql: Sql, lane: Lane, keys: readonly string[]): Promise<HoldRow[]> {
  const parts = keys.map((key) => key.split(':'))
  return sql<HoldRow[]>`
    select
      hold.id, hold.line, book_id as "bookId", account_id as "accountId", amount, captured, released,
      expires_at as "expiresAt", seq
    from hold
    join unnest(
      ${uuidArray(parts.map(([id = '']) => id))}::uuid[],
      ${intArray(parts.map(([, line]) => Number(line)))}::int[]
    ) as wanted (id, line) on wanted.id = hold.id and wanted.line = hold.line
    where lane = ${lane}`
}

function findOpenHolds(sql: Sql, lane: Lane, accountIds: readonly string[]): Promise<HoldRow[]> {
  return sql<HoldRow[]>`
    select
      id, line, book_id as "bookId", account_id as "accountId", amount, captured, released,
      expires_at as "expiresAt", seq
    from hold
    where lane = ${lane}
      and account_id = any(${uuidArray(accountIds)}::uuid[])
      and captured + released < amount
    order by id, line`
}

function findHoldLines(sql: Sql, lane: Lane, ids: readonly string[]): Promise<HoldRow[]> {
  return sql<HoldRow[]>`
    select
      id, line, book_id as "bookId", account_id as "accountId", amount, captured, released,
      expires_at as "expiresAt", seq
    from hold
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])
    order by id, line`
}

function insertHolds(sql: Sql, lane: Lane, rows: readonly HoldRow[]): Promise<unknown> {
  return sql`
    insert into hold
      (lane, id, line, book_id, account_id, amount, captured, released, expires_at, seq)
    select ${lane}, id, line, book_id, account_id, amount, captured, released, expires_at, seq
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${intArray(rows.map((row) => row.line))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.accountId))}::uuid[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${bigintArray(rows.map((row) => row.captured))}::bigint[],
      ${bigintArray(rows.map((row) => row.released))}::bigint[],
      ${instantArray(rows.map((row) => row.expiresAt))}::timestamptz[],
      ${bigintArray(rows.map((row) => row.seq))}::bigint[]
    ) as fresh
      (id, line, book_id, account_id, amount, captured, released, expires_at, seq)`
}

function updateHolds(sql: Sql, lane: Lane, rows: readonly HoldRow[]): Promise<unknown> {
  return sql`
    update hold
    set captured = changed.captured, released = changed.released, expires_at = changed.expires_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${intArray(rows.map((row) => row.line))}::int[],
      ${bigintArray(rows.map((row) => row.captured))}::bigint[],
      ${bigintArray(rows.map((row) => row.released))}::bigint[],
      ${instantArray(rows.map((row) => row.expiresAt))}::timestamptz[]
    ) as changed (id, line, captured, released, expires_at)
    where hold.lane = ${lane}
      and hold.id = changed.id
      and hold.line = changed.line`
}
