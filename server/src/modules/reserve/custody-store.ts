/** Custody accounts, what moved on them, and guarantees: their rows in rounds and for those who ask. */
import type { BookId, BusinessDate, Fen, Id, Instant, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray, uuidArray } from '../../platform/db-array.ts'
import type { Finder, Shelf } from '../../platform/lanes/index.ts'
import type { GuaranteeFacts } from './model.ts'
import { rowsJson } from './rows-json.ts'

type Metadata = Readonly<Record<string, string>> | null

/** Who did it. */
export interface DoneBy {
  readonly keyId: string
  readonly owner: string
}

export interface CustodyAccountRow extends DoneBy {
  readonly id: Id<'custody'>
  readonly bookId: BookId
  readonly bankName: string
  readonly bankCode: string
  readonly accountName: string
  readonly accountNumber: string
  readonly balance: Fen
  /** To holders of redeemed cards, over all its time. */
  readonly redemptionsPaid: Fen
  readonly reference: string | null
  readonly metadata: Metadata
  readonly openedAt: Instant
}

export const movementKinds = [
  'deposit',
  'withdrawal',
  'redemption_payout',
  'suspended',
  'reversal',
] as const
export type MovementKind = (typeof movementKinds)[number]

export interface CustodyMovementRow extends DoneBy {
  readonly id: Id<'movement'>
  readonly bookId: BookId
  readonly accountId: Id<'custody'>
  readonly kind: MovementKind
  readonly amount: Fen
  readonly day: BusinessDate
  readonly reference: string | null
  readonly metadata: Metadata
  readonly causeId: string | null
  readonly settled: boolean
  readonly at: Instant
}

export interface GuaranteeRow extends GuaranteeFacts, DoneBy {
  readonly id: Id<'guarantee'>
  readonly bookId: BookId
  readonly guarantor: string
  readonly documentNumber: string
  readonly approverKeyId: string | null
  readonly approverOwner: string | null
  readonly reference: string | null
  readonly metadata: Metadata
  readonly at: Instant
}

export const custodyAccounts: Shelf<CustodyAccountRow> = {
  name: 'custody_account',
  keyOf: (row) => row.id,
  load: (sql, lane, ids) => selectAccounts(sql, lane, { ids }),
  insert: insertAccounts,
  update: updateBalances,
}

/** Every account of a book: what is set aside is their sum. */
export const accountsOfBook: Finder<CustodyAccountRow> = {
  name: 'custody_account of book',
  shelf: custodyAccounts,
  find: async (sql, lane, books) =>
    (await selectAccounts(sql, lane, { books })).map((row) => ({ key: row.bookId, row })),
}

export const custodyMovements: Shelf<CustodyMovementRow> = {
  name: 'custody_movement',
  keyOf: (row) => row.id,
  load: (sql, lane, ids) => selectMovementsById(sql, lane, ids),
  insert: insertMovements,
  update: updateSettled,
}

export const guarantees: Shelf<GuaranteeRow> = {
  name: 'reserve_guarantee',
  keyOf: (row) => row.id,
  load: (sql, lane, ids) => selectGuarantees(sql, lane, { ids }),
  insert: insertGuarantees,
  update: updateGuarantees,
}

export const guaranteesOfBook: Finder<GuaranteeRow> = {
  name: 'reserve_guarantee of book',
  shelf: guarantees,
  find: async (sql, lane, books) =>
    (await selectGuarantees(sql, lane, { books })).map((row) => ({ key: row.bookId, row })),
}

export function selectAccounts(
  sql: Sql,
  lane: Lane,
  { ids, books }: { ids?: readonly string[]; books?: readonly string[] },
): Promise<CustodyAccountRow[]> {
  return sql<CustodyAccountRow[]>`
    select
      id, book_id as "bookId", bank_name as "bankName", bank_code as "bankCode", account_name as "accountName",
      account_number as "accountNumber", balance, redemptions_paid as "redemptionsPaid", reference, metadata, key_id as "keyId", owner,
      opened_at as "openedAt"
    from custody_account
    where lane = ${lane}
      and (${ids === undefined ? null : uuidArray(ids)}::uuid[] is null
        or id = any(${uuidArray(ids ?? [])}::uuid[]))
      and (${books === undefined ? null : uuidArray(books)}::uuid[] is null
        or book_id = any(${uuidArray(books ?? [])}::uuid[]))
    order by id`
}

function insertAccounts(
  sql: Sql,
  lane: Lane,
  rows: readonly CustodyAccountRow[],
): Promise<unknown> {
  return sql`
    insert into custody_account
      (lane, id, book_id, bank_name, bank_code, account_name, account_number, balance, reference, metadata, key_id,
        owner, opened_at)
    select
      ${lane}, id, "bookId", "bankName", "bankCode", "accountName", "accountNumber", balance, reference, metadata,
      "keyId", owner, "openedAt"
    from jsonb_to_recordset(${rowsJson(rows)}::text::jsonb) as fresh (
      id uuid, "bookId" uuid, "bankName" text, "bankCode" text, "accountName" text, "accountNumber" text,
      balance bigint, reference text, metadata jsonb, "keyId" uuid, owner text, "openedAt" timestamptz
    )`
}

function updateBalances(
  sql: Sql,
  lane: Lane,
  rows: readonly CustodyAccountRow[],
): Promise<unknown> {
  return sql`
    update custody_account
    set balance = changed.balance, redemptions_paid = changed."redemptionsPaid"
    from jsonb_to_recordset(${rowsJson(rows)}::text::jsonb) as changed (id uuid, balance bigint, "redemptionsPaid" bigint)
    where custody_account.lane = ${lane}
      and custody_account.id = changed.id`
}

function selectMovementsById(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
): Promise<CustodyMovementRow[]> {
  return sql<CustodyMovementRow[]>`
    select
      id, book_id as "bookId", account_id as "accountId", kind, amount, day, reference, metadata,
      cause_id as "causeId", settled, key_id as "keyId", owner, at
    from custody_movement
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

export interface MovementFilter {
  readonly accountId: string
  readonly before?: string | undefined
  readonly settled?: boolean | undefined
  readonly limit: number
}

/** The newest first. */
export function selectMovements(
  sql: Sql,
  lane: Lane,
  { accountId, before, settled, limit }: MovementFilter,
): Promise<CustodyMovementRow[]> {
  return sql<CustodyMovementRow[]>`
    select
      id, book_id as "bookId", account_id as "accountId", kind, amount, day, reference, metadata,
      cause_id as "causeId", settled, key_id as "keyId", owner, at
    from custody_movement
    where lane = ${lane}
      and account_id = ${accountId}
      and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
      and (${settled ?? null}::boolean is null or settled = ${settled ?? null}::boolean)
    order by id desc
    limit ${limit}`
}

function insertMovements(
  sql: Sql,
  lane: Lane,
  rows: readonly CustodyMovementRow[],
): Promise<unknown> {
  return sql`
    insert into custody_movement
      (lane, id, book_id, account_id, kind, amount, day, reference, metadata, cause_id, settled, key_id, owner, at)
    select
      ${lane}, id, "bookId", "accountId", kind, amount, day, reference, metadata, "causeId", settled, "keyId",
      owner, at
    from jsonb_to_recordset(${rowsJson(rows)}::text::jsonb) as fresh (
      id uuid, "bookId" uuid, "accountId" uuid, kind text, amount bigint, day date, reference text, metadata jsonb,
      "causeId" uuid, settled boolean, "keyId" uuid, owner text, at timestamptz
    )`
}

function updateSettled(
  sql: Sql,
  lane: Lane,
  rows: readonly CustodyMovementRow[],
): Promise<unknown> {
  return sql`
    update custody_movement
    set settled = changed.settled
    from jsonb_to_recordset(${rowsJson(rows)}::text::jsonb) as changed (id uuid, settled boolean)
    where custody_movement.lane = ${lane}
      and custody_movement.id = changed.id`
}

/** What the books say of an account at the end of a day. */
export async function balanceOfAccountOn(
  sql: Sql,
  lane: Lane,
  accountId: string,
  day: BusinessDate,
): Promise<Fen> {
  const [row] = await sql<{ balance: string }[]>`
    select coalesce(sum(amount), 0)::text as balance
    from custody_movement
    where lane = ${lane}
      and account_id = ${accountId}
      and day <= ${day}`
  return BigInt(row?.balance ?? 0)
}

export function selectGuarantees(
  sql: Sql,
  lane: Lane,
  { ids, books }: { ids?: readonly string[]; books?: readonly string[] },
): Promise<GuaranteeRow[]> {
  return sql<GuaranteeRow[]>`
    select
      id, book_id as "bookId", kind, guarantor, document_number as "documentNumber", amount,
      valid_from as "validFrom", valid_to as "validTo", ended_on as "endedOn", reference, metadata,
      key_id as "keyId", owner, at, approver_key_id as "approverKeyId", approver_owner as "approverOwner",
      approved_at as "approvedAt"
    from reserve_guarantee
    where lane = ${lane}
      and (${ids === undefined ? null : uuidArray(ids)}::uuid[] is null
        or id = any(${uuidArray(ids ?? [])}::uuid[]))
      and (${books === undefined ? null : uuidArray(books)}::uuid[] is null
        or book_id = any(${uuidArray(books ?? [])}::uuid[]))
    order by id`
}

function insertGuarantees(sql: Sql, lane: Lane, rows: readonly GuaranteeRow[]): Promise<unknown> {
  return sql`
    insert into reserve_guarantee
      (lane, id, book_id, kind, guarantor, document_number, amount, valid_from, valid_to, ended_on, reference,
        metadata, key_id, owner, at)
    select
      ${lane}, id, "bookId", kind, guarantor, "documentNumber", amount, "validFrom", "validTo", "endedOn", reference,
      metadata, "keyId", owner, at
    from jsonb_to_recordset(${rowsJson(rows)}::text::jsonb) as fresh (
      id uuid, "bookId" uuid, kind text, guarantor text, "documentNumber" text, amount bigint, "validFrom" date,
      "validTo" date, "endedOn" date, reference text, metadata jsonb, "keyId" uuid, owner text, at timestamptz
    )`
}

function updateGuarantees(sql: Sql, lane: Lane, rows: readonly GuaranteeRow[]): Promise<unknown> {
  return sql`
    update reserve_guarantee
    set
      ended_on = changed."endedOn", approver_key_id = changed."approverKeyId",
      approver_owner = changed."approverOwner", approved_at = changed."approvedAt"
    from jsonb_to_recordset(${rowsJson(rows)}::text::jsonb) as changed (
      id uuid, "endedOn" date, "approverKeyId" uuid, "approverOwner" text, "approvedAt" timestamptz
    )
    where reserve_guarantee.lane = ${lane}
      and reserve_guarantee.id = changed.id`
}

/** The books that have something to watch over: a profile, or a custody account in one of these lanes. */
export async function selectWatchedBooks(sql: Sql, lanes: readonly Lane[]): Promise<BookId[]> {
  const rows = await sql<{ bookId: BookId }[]>`
    select book_id as "bookId"
    from reserve_profile
    union
    select book_id
    from custody_account
    where lane = any(${intArray(lanes)}::int[])
    order by 1`
  return rows.map(({ bookId }) => bookId)
}
