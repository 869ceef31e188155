/** Imports in rounds and outside of them, and the errors of their rows. */
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
import type { ImportCounts, ImportRow } from './import-row.ts'

export const imports: Shelf<ImportRow> = {
  name: 'import',
  keyOf: (row) => row.id,
  load: loadImports,
  insert: insertImports,
  update: updateImports,
}

/** undefined: no import of this book has that id. */
export async function selectImport(
  sql: Sql,
  lane: Lane,
  book: BookId,
  id: Uuid,
): Promise<ImportRow | undefined> {
  const [row] = await loadImports(sql, lane, [id])
  return row?.bookId === book ? row : undefined
}

/** The import that a reversal, by its own id, takes back. */
export async function selectImportOfReversal(
  sql: Sql,
  lane: Lane,
  reversalId: Uuid,
): Promise<ImportRow | undefined> {
  const [row] = await sql<{ id: Uuid }[]>`
    select id
    from import
    where lane = ${lane}
      and reversal_id = ${reversalId}`
  const [found] = row === undefined ? [] : await loadImports(sql, lane, [row.id])
  return found
}

export type Unqueued = {
  readonly id: Uuid
  readonly bookId: BookId
  readonly reversalId: Uuid | null
}

/** Accepted or to be reversed, and the process ended before it asked for the job. */
export function selectUnqueuedImports(sql: Sql): Promise<Unqueued[]> {
  return sql<Unqueued[]>`
    select id, book_id as "bookId", reversal_id as "reversalId"
    from import
    where (outcome is null and not exists (select from job where job.id = import.id))
      or (
        reversal_id is not null
        and reversed_at is null
        and not exists (select from job where job.id = import.reversal_id)
      )`
}

/** How far it came, for those who ask meanwhile. A job that was taken over does not turn it back. */
export async function saveCounts(
  sql: Sql,
  lane: Lane,
  id: Uuid,
  counts: ImportCounts,
): Promise<void> {
  await sql`
    update import
    set
      rows = ${counts.rows},
      accepted = ${counts.accepted},
      rejected = ${counts.rejected},
      total_amount = ${counts.totalAmount},
      total_bonus = ${counts.totalBonus}
    where lane = ${lane}
      and id = ${id}
      and outcome is null
      and rows < ${counts.rows}`
}

/** One thing that is wrong with a row; `position` counts those of one line. */
export interface ErrorRow {
  readonly line: number
  readonly position: number
  readonly column: string | null
  readonly code: string
  readonly message: string
}

/** Written again by a later attempt they are the same. */
export async function insertErrors(
  sql: Sql,
  importId: Uuid,
  rows: readonly ErrorRow[],
): Promise<void> {
  if (rows.length === 0) return
  await sql`
    insert into import_error (import_id, line, position, column_name, code, message)
    select ${importId}, line, position, column_name, code, message
    from unnest(
      ${intArray(rows.map((row) => row.line))}::int[],
      ${intArray(rows.map((row) => row.position))}::int[],
      ${textArray(rows.map((row) => row.column))}::text[],
      ${textArray(rows.map((row) => row.code))}::text[],
      ${textArray(rows.map((row) => row.message))}::text[]
    ) as fresh (line, position, column_name, code, message)
    on conflict do nothing`
}

/** In the order of the file. */
export function selectErrors(
  sql: Sql,
  importId: Uuid,
  page: { after: { line: number; position: number }; limit: number },
): Promise<ErrorRow[]> {
  return sql<ErrorRow[]>`
    select line, position, column_name as "column", code, message
    from import_error
    where import_id = ${importId}
      and (line, position) > (${page.after.line}::int, ${page.after.position}::int)
    order by line, position
    limit ${page.limit}`
}

function loadImports(sql: Sql, lane: Lane, ids: readonly string[]): Promise<ImportRow[]> {
  return sql<ImportRow[]>`
    select
      id, book_id as "bookId", product_id as "productId", product_version as "productVersion", encoding,
      dry_run as "dryRun", upload_id as "uploadId", lanes, outcome, rows, accepted, rejected,
      total_amount as "totalAmount", total_bonus as "totalBonus", reversal_id as "reversalId",
      reversed_at as "reversedAt", reversed, reference, metadata, created_at as "createdAt"
    from import
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

function insertImports(sql: Sql, lane: Lane, rows: readonly ImportRow[]): Promise<unknown> {
  return sql`
    insert into import
      (lane, id, book_id, product_id, product_version, encoding, dry_run, upload_id, lanes, reference,
        metadata, created_at)
    select
      ${lane}, id, book_id, product_id, product_version, encoding, dry_run, upload_id,
      string_to_array(lanes, ' ')::int[], reference, metadata, created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.productId))}::uuid[],
      ${intArray(rows.map((row) => row.productVersion))}::int[],
      ${textArray(rows.map((row) => row.encoding))}::text[],
      ${boolArray(rows.map((row) => row.dryRun))}::bool[],
      ${uuidArray(rows.map((row) => row.uploadId))}::uuid[],
      ${textArray(rows.map((row) => row.lanes.join(' ')))}::text[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh
      (id, book_id, product_id, product_version, encoding, dry_run, upload_id, lanes, reference, metadata,
        created_at)`
}

function updateImports(sql: Sql, lane: Lane, rows: readonly ImportRow[]): Promise<unknown> {
  return sql`
    update import
    set
      outcome = changed.outcome,
      rows = changed.rows,
      accepted = changed.accepted,
      rejected = changed.rejected,
      total_amount = changed.total_amount,
      total_bonus = changed.total_bonus,
      reversal_id = changed.reversal_id,
      reversed_at = changed.reversed_at,
      reversed = changed.reversed
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.outcome))}::text[],
      ${intArray(rows.map((row) => row.rows))}::int[],
      ${intArray(rows.map((row) => row.accepted))}::int[],
      ${intArray(rows.map((row) => row.rejected))}::int[],
      ${bigintArray(rows.map((row) => row.totalAmount))}::bigint[],
      ${bigintArray(rows.map((row) => row.totalBonus))}::bigint[],
      ${uuidArray(rows.map((row) => row.reversalId))}::uuid[],
      ${instantArray(rows.map((row) => row.reversedAt))}::timestamptz[],
      ${intArray(rows.map((row) => row.reversed))}::int[]
    ) as changed
      (id, outcome, rows, accepted, rejected, total_amount, total_bonus, reversal_id, reversed_at, reversed)
    where import.lane = ${lane}
      and import.id = changed.id`
}
