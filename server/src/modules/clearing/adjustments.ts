/** Adjustments of what a merchant is owed: one person proposes them, another posts or rejects them. */
import type { BookId, Fen, Instant, Lane, MerchantId, SettlementAdjustmentId } from '@lika/contract'
import { laneOfId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  instantArray,
  intArray,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'

export const adjustmentStates = ['proposed', 'posted', 'rejected'] as const
export type AdjustmentState = (typeof adjustmentStates)[number]

export interface AdjustmentRow {
  readonly id: SettlementAdjustmentId
  readonly bookId: BookId
  readonly merchantId: MerchantId
  /** Above 0 the merchant gets more; never 0. */
  readonly amount: Fen
  readonly reason: string
  readonly status: AdjustmentState
  readonly proposedBy: string
  readonly proposedByOwner: string
  readonly proposedAt: Instant
  readonly decidedBy: string | null
  readonly decidedByOwner: string | null
  readonly decidedAt: Instant | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>> | null
}

export const adjustments: Shelf<AdjustmentRow> = {
  name: 'settlement_adjustment',
  keyOf: (row) => row.id,
  load: loadAdjustments,
  insert: insertAdjustments,
  update: updateAdjustments,
}

function adjustmentColumns(sql: Sql) {
  return sql`
    id, book_id as "bookId", merchant_id as "merchantId", amount, reason, status, proposed_by as "proposedBy",
    proposed_by_owner as "proposedByOwner", proposed_at as "proposedAt", decided_by as "decidedBy",
    decided_by_owner as "decidedByOwner", decided_at as "decidedAt", reference, metadata`
}

function loadAdjustments(sql: Sql, lane: Lane, ids: readonly string[]): Promise<AdjustmentRow[]> {
  return sql<AdjustmentRow[]>`
    select ${adjustmentColumns(sql)}
    from settlement_adjustment
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

function insertAdjustments(sql: Sql, lane: Lane, rows: readonly AdjustmentRow[]): Promise<unknown> {
  return sql`
    insert into settlement_adjustment
      (lane, id, book_id, merchant_id, amount, reason, status, proposed_by, proposed_by_owner, proposed_at, reference,
        metadata)
    select
      ${lane}, id, book_id, merchant_id, amount, reason, status, proposed_by, proposed_by_owner, proposed_at, reference,
      metadata
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.merchantId))}::uuid[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${uuidArray(rows.map((row) => row.proposedBy))}::uuid[],
      ${textArray(rows.map((row) => row.proposedByOwner))}::text[],
      ${instantArray(rows.map((row) => row.proposedAt))}::timestamptz[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[]
    ) as fresh
      (id, book_id, merchant_id, amount, reason, status, proposed_by, proposed_by_owner, proposed_at, reference,
        metadata)`
}

/** What a second person said. */
function updateAdjustments(sql: Sql, lane: Lane, rows: readonly AdjustmentRow[]): Promise<unknown> {
  return sql`
    update settlement_adjustment
    set
      status = changed.status,
      decided_by = changed.decided_by,
      decided_by_owner = changed.decided_by_owner,
      decided_at = changed.decided_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${uuidArray(rows.map((row) => row.decidedBy))}::uuid[],
      ${textArray(rows.map((row) => row.decidedByOwner))}::text[],
      ${instantArray(rows.map((row) => row.decidedAt))}::timestamptz[]
    ) as changed (id, status, decided_by, decided_by_owner, decided_at)
    where settlement_adjustment.lane = ${lane}
      and settlement_adjustment.id = changed.id`
}

/** undefined: the book has no such adjustment. */
export async function findAdjustment(
  sql: Sql,
  book: BookId,
  id: SettlementAdjustmentId,
): Promise<AdjustmentRow | undefined> {
  const [row] = await loadAdjustments(sql, laneOfId(id), [id])
  return row?.bookId === book ? row : undefined
}

export interface AdjustmentFilter {
  readonly merchantId?: MerchantId | undefined
  readonly status?: AdjustmentState | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** Of all these lanes together, the newest first. */
export function listAdjustments(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  { merchantId, status, before, limit }: AdjustmentFilter,
): Promise<AdjustmentRow[]> {
  return sql<AdjustmentRow[]>`
    select ${adjustmentColumns(sql)}
    from settlement_adjustment
    where lane = any(${intArray(lanes)}::int[])
      and book_id = ${book}
      ${merchantId === undefined ? sql`` : sql`and merchant_id = ${merchantId}`}
      ${status === undefined ? sql`` : sql`and status = ${status}`}
      ${before === undefined ? sql`` : sql`and id < ${before}`}
    order by id desc
    limit ${limit}`
}
