/** What of shares comes back before a refund: written down before WeChat is asked, ended in rounds. */
import type { BookId, Fen, Instant, Lane, Uuid } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { textArray } from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'

export interface ReturnRow {
  readonly outReturnNo: string
  readonly shareId: Uuid
  readonly bookId: BookId
  readonly outRefundNo: string
  readonly mchid: string
  readonly amount: Fen
  readonly state: 'asked' | 'succeeded' | 'failed'
  readonly createdAt: Instant
}

export const shareReturns: Shelf<ReturnRow> = {
  name: 'share_return',
  keyOf: (row) => row.outReturnNo,
  load: loadReturns,
  insert: () => Promise.reject(new Error('returns are written down before the round')),
  update: updateReturns,
}

function loadReturns(sql: Sql, lane: Lane, numbers: readonly string[]): Promise<ReturnRow[]> {
  return sql<ReturnRow[]>`
    select
      out_return_no as "outReturnNo", share_id as "shareId", book_id as "bookId", out_refund_no as "outRefundNo",
      mchid, amount, state, created_at as "createdAt"
    from share_return
    where lane = ${lane}
      and out_return_no = any(${textArray(numbers)}::text[])`
}

function updateReturns(sql: Sql, lane: Lane, rows: readonly ReturnRow[]): Promise<unknown> {
  return sql`
    update share_return
    set state = changed.state
    from unnest(
      ${textArray(rows.map((row) => row.outReturnNo))}::text[],
      ${textArray(rows.map((row) => row.state))}::text[]
    ) as changed (out_return_no, state)
    where share_return.lane = ${lane}
      and share_return.out_return_no = changed.out_return_no`
}

export async function insertReturn(sql: Sql, lane: Lane, row: ReturnRow): Promise<void> {
  await sql`
    insert into share_return (lane, out_return_no, share_id, book_id, out_refund_no, mchid, amount, created_at)
    values (
      ${lane}, ${row.outReturnNo}, ${row.shareId}, ${row.bookId}, ${row.outRefundNo}, ${row.mchid}, ${row.amount},
      ${new Date(row.createdAt)}
    )
    on conflict do nothing`
}

export function returnsOfShare(sql: Sql, lane: Lane, shareId: Uuid): Promise<ReturnRow[]> {
  return sql<ReturnRow[]>`
    select
      out_return_no as "outReturnNo", share_id as "shareId", book_id as "bookId", out_refund_no as "outRefundNo",
      mchid, amount, state, created_at as "createdAt"
    from share_return
    where lane = ${lane}
      and share_id = ${shareId}`
}
