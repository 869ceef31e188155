/**
 * What is under way at WeChat for combined payments: a row from before the call until its end is known, so that whoever
 * comes after a death goes on. Rounds put and remove rows; in between the runner leases them, one process at a time.
 */
import type { BookId, Instant, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { instantArray, intArray, textArray, uuidArray } from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'

export interface CallRow {
  readonly lane: Lane
  readonly subjectId: string
  readonly bookId: BookId
  readonly kind: 'trade' | 'refund'
  readonly startedAt: Instant
  readonly nextAt: Instant
  readonly tries: number
  /** Why it was given up; null: it was not. */
  readonly ending: string | null
}

export const calls: Shelf<CallRow> = {
  name: 'combined_call',
  keyOf: (row) => row.subjectId,
  load: loadCalls,
  insert: insertCalls,
  update: updateCalls,
  remove: removeCalls,
}

function loadCalls(sql: Sql, lane: Lane, ids: readonly string[]): Promise<CallRow[]> {
  return sql<CallRow[]>`
    select
      lane, subject_id as "subjectId", book_id as "bookId", kind, started_at as "startedAt", next_at as "nextAt",
      tries, ending
    from combined_call
    where lane = ${lane}
      and subject_id = any(${uuidArray(ids)}::uuid[])`
}

function insertCalls(sql: Sql, lane: Lane, rows: readonly CallRow[]): Promise<unknown> {
  return sql`
    insert into combined_call (lane, subject_id, book_id, kind, started_at, next_at, tries, ending)
    select ${lane}, subject_id, book_id, kind, started_at, next_at, tries, ending
    from unnest(
      ${uuidArray(rows.map((row) => row.subjectId))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${textArray(rows.map((row) => row.kind))}::text[],
      ${instantArray(rows.map((row) => row.startedAt))}::timestamptz[],
      ${instantArray(rows.map((row) => row.nextAt))}::timestamptz[],
      ${intArray(rows.map((row) => row.tries))}::int[],
      ${textArray(rows.map((row) => row.ending))}::text[]
    ) as fresh (subject_id, book_id, kind, started_at, next_at, tries, ending)`
}

/** One that ended begins anew in the same round. */
function updateCalls(sql: Sql, lane: Lane, rows: readonly CallRow[]): Promise<unknown> {
  return sql`
    update combined_call
    set
      started_at = changed.started_at,
      next_at = changed.next_at,
      tries = changed.tries,
      ending = changed.ending
    from unnest(
      ${uuidArray(rows.map((row) => row.subjectId))}::uuid[],
      ${instantArray(rows.map((row) => row.startedAt))}::timestamptz[],
      ${instantArray(rows.map((row) => row.nextAt))}::timestamptz[],
      ${intArray(rows.map((row) => row.tries))}::int[],
      ${textArray(rows.map((row) => row.ending))}::text[]
    ) as changed (subject_id, started_at, next_at, tries, ending)
    where combined_call.lane = ${lane}
      and combined_call.subject_id = changed.subject_id`
}

function removeCalls(sql: Sql, lane: Lane, ids: readonly string[]): Promise<unknown> {
  return sql`
    delete from combined_call
    where lane = ${lane}
      and subject_id = any(${uuidArray(ids)}::uuid[])`
}

export async function findCall(sql: Sql, lane: Lane, id: string): Promise<CallRow | undefined> {
  const [row] = await loadCalls(sql, lane, [id])
  return row
}

/** The longest due first. */
export function dueCalls(sql: Sql, lane: Lane, now: Instant, limit: number): Promise<CallRow[]> {
  return sql<CallRow[]>`
    select
      lane, subject_id as "subjectId", book_id as "bookId", kind, started_at as "startedAt", next_at as "nextAt",
      tries, ending
    from combined_call
    where lane = ${lane}
      and next_at <= ${new Date(now)}::timestamptz
    order by next_at
    limit ${limit}`
}

/** For this process until `until`; undefined: another one has it, or it has come to its end. */
export async function leaseCall(
  sql: Sql,
  { lane, subjectId, tries }: CallRow,
  until: Instant,
): Promise<CallRow | undefined> {
  const [row] = await sql<CallRow[]>`
    update combined_call
    set next_at = ${new Date(until)}::timestamptz, tries = tries + 1
    where lane = ${lane}
      and subject_id = ${subjectId}
      and tries = ${tries}
    returning
      lane, subject_id as "subjectId", book_id as "bookId", kind, started_at as "startedAt", next_at as "nextAt",
      tries, ending`
  return row
}

/** Its end is not known yet: asked again at `at`. */
export async function postponeCall(
  sql: Sql,
  { lane, subjectId, tries }: CallRow,
  at: Instant,
): Promise<void> {
  await sql`
    update combined_call
    set next_at = ${new Date(at)}::timestamptz
    where lane = ${lane}
      and subject_id = ${subjectId}
      and tries = ${tries}`
}

/** The payer is asked anew: whoever looks after it does so at `next`, and counts what may be under way from `now`. */
export async function noteAsked(
  sql: Sql,
  { lane, subjectId }: CallRow,
  { now, next }: { readonly now: Instant; readonly next: Instant },
): Promise<void> {
  await sql`
    update combined_call
    set started_at = ${new Date(now)}::timestamptz, next_at = ${new Date(next)}::timestamptz, tries = tries + 1
    where lane = ${lane}
      and subject_id = ${subjectId}`
}

/** It is given up, and due at once; the first reason stays. */
export async function wantEnd(
  sql: Sql,
  lane: Lane,
  id: string,
  reason: string,
  now: Instant,
): Promise<void> {
  await sql`
    update combined_call
    set ending = coalesce(ending, ${reason}), next_at = ${new Date(now)}::timestamptz, tries = tries + 1
    where lane = ${lane}
      and subject_id = ${id}`
}
