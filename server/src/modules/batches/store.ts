/** Batches in rounds, and outside of them for those who ask. */
import type { BookId, Lane, Uuid } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  boolArray,
  instantArray,
  intArray,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'
import type { BatchRow } from './model.ts'

export const batches: Shelf<BatchRow> = {
  name: 'batch',
  keyOf: (row) => row.id,
  load: loadBatches,
  insert: insertBatches,
  update: updateBatches,
}

/** undefined: no batch of this book has that id. */
export async function selectBatch(
  sql: Sql,
  lane: Lane,
  book: BookId,
  id: Uuid,
): Promise<BatchRow | undefined> {
  const [batch] = await loadBatches(sql, lane, [id])
  return batch?.bookId === book ? batch : undefined
}

/** Accepted, and the process ended before it asked for the job. */
export function selectUnqueuedBatches(sql: Sql): Promise<{ id: Uuid; bookId: BookId }[]> {
  return sql<{ id: Uuid; bookId: BookId }[]>`
    select id, book_id as "bookId"
    from batch
    where outcome is null
      and not exists (select from job where job.id = batch.id)`
}

function loadBatches(sql: Sql, lane: Lane, ids: readonly string[]): Promise<BatchRow[]> {
  return sql<BatchRow[]>`
    select
      id, book_id as "bookId", product_id as "productId", product_version as "productVersion", amount, count,
      active, funding_method as "fundingMethod", charter_id as "charterId", age_recipient as "ageRecipient",
      outcome, issued, reference, metadata, created_at as "createdAt"
    from batch
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

function insertBatches(sql: Sql, lane: Lane, rows: readonly BatchRow[]): Promise<unknown> {
  return sql`
    insert into batch
      (lane, id, book_id, product_id, product_version, amount, count, active, funding_method, charter_id,
        age_recipient, reference, metadata, created_at)
    select
      ${lane}, id, book_id, product_id, product_version, amount, count, active, funding_method, charter_id,
      age_recipient, reference, metadata, created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.productId))}::uuid[],
      ${intArray(rows.map((row) => row.productVersion))}::int[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${intArray(rows.map((row) => row.count))}::int[],
      ${boolArray(rows.map((row) => row.active))}::bool[],
      ${textArray(rows.map((row) => row.fundingMethod))}::text[],
      ${uuidArray(rows.map((row) => row.charterId))}::uuid[],
      ${textArray(rows.map((row) => row.ageRecipient))}::text[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh
      (id, book_id, product_id, product_version, amount, count, active, funding_method, charter_id, age_recipient,
        reference, metadata, created_at)`
}

function updateBatches(sql: Sql, lane: Lane, rows: readonly BatchRow[]): Promise<unknown> {
  return sql`
    update batch
    set outcome = changed.outcome, issued = changed.issued
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.outcome))}::text[],
      ${intArray(rows.map((row) => row.issued))}::int[]
    ) as changed (id, outcome, issued)
    where batch.lane = ${lane}
      and batch.id = changed.id`
}
