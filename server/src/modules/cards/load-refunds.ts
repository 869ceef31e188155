/** Loads that were given back, in rounds and for those who ask; and the loads themselves. */
import type { BookId, CardId, CommandId, Fen, Id, Instant, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, instantArray, textArray, uuidArray } from '../../platform/db-array.ts'
import type { Json, Shelf } from '../../platform/lanes/index.ts'
import type { FundingRow } from './store.ts'

export interface LoadRefundRow {
  readonly id: Id<'load_refund'>
  readonly bookId: BookId
  readonly loadId: CommandId
  readonly cardId: CardId
  readonly amount: Fen
  readonly paidOut: Fen
  /** Kept for bonus that was spent. */
  readonly deducted: Fen
  /** As in the journal entry. */
  readonly outcome: { readonly [member: string]: Json | undefined }
  readonly reference: string
  readonly reason: string | null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly createdAt: Instant
}

export const loadRefunds: Shelf<LoadRefundRow> = {
  name: 'load_refund',
  keyOf: (row) => row.id,
  load: async (sql, lane, ids) => selectLoadRefunds(sql, lane, { ids }),
  insert: insertLoadRefunds,
}

/** Of a load of which something was given back. */
export interface LoadRestRow {
  readonly loadId: CommandId
  readonly bookId: BookId
  readonly refunded: Fen
}

export const loadRests: Shelf<LoadRestRow> = {
  name: 'load_rest',
  keyOf: (row) => row.loadId,
  load: loadLoadRests,
  insert: insertLoadRests,
  update: updateLoadRests,
}

function loadLoadRests(sql: Sql, lane: Lane, ids: readonly string[]): Promise<LoadRestRow[]> {
  return sql<LoadRestRow[]>`
    select load_id as "loadId", book_id as "bookId", refunded
    from load_rest
    where lane = ${lane}
      and load_id = any(${uuidArray(ids)}::uuid[])`
}

function insertLoadRests(sql: Sql, lane: Lane, rows: readonly LoadRestRow[]): Promise<unknown> {
  return sql`
    insert into load_rest (lane, load_id, book_id, refunded)
    select ${lane}, load_id, book_id, refunded
    from unnest(
      ${uuidArray(rows.map((row) => row.loadId))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${bigintArray(rows.map((row) => row.refunded))}::bigint[]
    ) as fresh (load_id, book_id, refunded)`
}

function updateLoadRests(sql: Sql, lane: Lane, rows: readonly LoadRestRow[]): Promise<unknown> {
  return sql`
    update load_rest
    set refunded = changed.refunded
    from unnest(
      ${uuidArray(rows.map((row) => row.loadId))}::uuid[],
      ${bigintArray(rows.map((row) => row.refunded))}::bigint[]
    ) as changed (load_id, refunded)
    where load_rest.lane = ${lane}
      and load_rest.load_id = changed.load_id`
}

export function selectLoadRefunds(
  sql: Sql,
  lane: Lane,
  {
    ids = [],
    loads = [],
  }: { readonly ids?: readonly string[]; readonly loads?: readonly string[] },
): Promise<LoadRefundRow[]> {
  return sql<LoadRefundRow[]>`
    select
      id, book_id as "bookId", load_id as "loadId", card_id as "cardId", amount, paid_out as "paidOut",
      deducted, outcome, reference, reason, metadata, created_at as "createdAt"
    from load_refund
    where lane = ${lane}
      and (id = any(${uuidArray(ids)}::uuid[]) or load_id = any(${uuidArray(loads)}::uuid[]))
    order by id`
}

function insertLoadRefunds(sql: Sql, lane: Lane, rows: readonly LoadRefundRow[]): Promise<unknown> {
  return sql`
    insert into load_refund (
      lane, id, book_id, load_id, card_id, amount, paid_out, deducted, outcome, reference, reason, metadata,
      created_at
    )
    select
      ${lane}, id, book_id, load_id, card_id, amount, paid_out, deducted, outcome, reference, reason, metadata,
      created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.loadId))}::uuid[],
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${bigintArray(rows.map((row) => row.paidOut))}::bigint[],
      ${bigintArray(rows.map((row) => row.deducted))}::bigint[],
      ${textArray(rows.map((row) => JSON.stringify(row.outcome)))}::jsonb[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh (
      id, book_id, load_id, card_id, amount, paid_out, deducted, outcome, reference, reason, metadata,
      created_at
    )`
}

export type LoadRow = Pick<FundingRow, 'method' | 'amount' | 'bonus' | 'at'> & {
  readonly id: CommandId
  readonly cardId: CardId
}

/** A load of a card of the book; sales of cards are none. undefined: there is no such load. */
export async function selectLoad(
  sql: Sql,
  lane: Lane,
  month: number,
  book: BookId,
  id: string,
): Promise<LoadRow | undefined> {
  const [row] = await sql<LoadRow[]>`
    select funding.id, funding.card_id as "cardId", method, funding.amount, bonus, funding.at
    from funding
    join journal
      on journal.lane = ${lane}
      and journal.month = ${month}
      and journal.command_id = funding.id
    where funding.lane = ${lane}
      and funding.id = ${id}
      and funding.book_id = ${book}
      and journal.kind = 'load.created'
      and not refused`
  return row
}
