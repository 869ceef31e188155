/** Applications for abnormal refunds in rounds, and what WeChat answered to them, which is noted outside of rounds. */
import type { BookId, CommandId, Instant, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { instantArray, intArray, textArray, uuidArray } from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'

/** The last application for a refund; those before stand in the journal. */
export interface RefundApplicationRow {
  /** Of a refund of an order or of a combined payment, at WeChat. */
  readonly outRefundNo: string
  readonly bookId: BookId
  /** Counts the applications for the refund, from 1. */
  readonly n: number
  readonly askedBy: CommandId
  readonly askedAt: Instant
  /** Null: not known yet. `done`: the refund is under way again, or at its end. */
  readonly answer: 'done' | 'refused' | null
}

export const refundApplications: Shelf<RefundApplicationRow> = {
  name: 'refund_application',
  keyOf: (row) => row.outRefundNo,
  load: loadApplications,
  insert: insertApplications,
  update: updateApplications,
}

function loadApplications(
  sql: Sql,
  lane: Lane,
  numbers: readonly string[],
): Promise<RefundApplicationRow[]> {
  return sql<RefundApplicationRow[]>`
    select
      out_refund_no as "outRefundNo", book_id as "bookId", n, asked_by as "askedBy", asked_at as "askedAt", answer
    from refund_application
    where lane = ${lane}
      and out_refund_no = any(${textArray(numbers)}::text[])`
}

function insertApplications(
  sql: Sql,
  lane: Lane,
  rows: readonly RefundApplicationRow[],
): Promise<unknown> {
  return sql`
    insert into refund_application (lane, out_refund_no, book_id, n, asked_by, asked_at)
    select ${lane}, out_refund_no, book_id, n, asked_by, asked_at
    from unnest(
      ${textArray(rows.map((row) => row.outRefundNo))}::text[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${intArray(rows.map((row) => row.n))}::int[],
      ${uuidArray(rows.map((row) => row.askedBy))}::uuid[],
      ${instantArray(rows.map((row) => row.askedAt))}::timestamptz[]
    ) as fresh (out_refund_no, book_id, n, asked_by, asked_at)`
}

/** A new application has no answer yet. */
function updateApplications(
  sql: Sql,
  lane: Lane,
  rows: readonly RefundApplicationRow[],
): Promise<unknown> {
  return sql`
    update refund_application
    set n = changed.n, asked_by = changed.asked_by, asked_at = changed.asked_at, answer = null
    from unnest(
      ${textArray(rows.map((row) => row.outRefundNo))}::text[],
      ${intArray(rows.map((row) => row.n))}::int[],
      ${uuidArray(rows.map((row) => row.askedBy))}::uuid[],
      ${instantArray(rows.map((row) => row.askedAt))}::timestamptz[]
    ) as changed (out_refund_no, n, asked_by, asked_at)
    where refund_application.lane = ${lane}
      and refund_application.out_refund_no = changed.out_refund_no`
}

/** undefined: nobody has applied for it. */
export async function findRefundApplication(
  sql: Sql,
  lane: Lane,
  outRefundNo: string,
): Promise<RefundApplicationRow | undefined> {
  const [row] = await loadApplications(sql, lane, [outRefundNo])
  return row
}

/** Nothing where another application has taken its place. */
export async function writeApplicationAnswer(
  sql: Sql,
  lane: Lane,
  { outRefundNo, askedBy }: Pick<RefundApplicationRow, 'outRefundNo' | 'askedBy'>,
  answer: 'done' | 'refused',
): Promise<void> {
  await sql`
    update refund_application
    set answer = ${answer}
    where lane = ${lane}
      and out_refund_no = ${outRefundNo}
      and asked_by = ${askedBy}`
}
