/** What of shares comes back before a refund: written down before WeChat is asked, ended in rounds. */
import type { BookId, Fen, Instant, Lane, MemberId, Uuid } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray, textArray, uuidArray } from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'

export interface ReturnRow {
  readonly outReturnNo: string
  readonly shareId: Uuid
  readonly bookId: BookId
  /** Under which the refund was asked for first. */
  readonly outRefundNo: string
  /** Who has it: a merchant, or a person, from whom WeChat takes nothing back. */
  readonly mchid: string | null
  readonly memberId: MemberId | null
  readonly amount: Fen
  /** `failed`: it does not come back, and the merchant that sold bears it. */
  readonly state: 'asked' | 'succeeded' | 'failed'
  /** Why it failed, or why it has not come back yet, in WeChat's words or ours. */
  readonly reason: string | null
  /** WeChat has said that it has it. */
  readonly isThere: boolean
  readonly createdAt: Instant
}

/** WeChat keeps what a payee cannot give back yet, and carries it out once he can. */
export const notEnough = 'NOT_ENOUGH'

export const shareReturns: Shelf<ReturnRow> = {
  name: 'share_return',
  keyOf: (row) => row.outReturnNo,
  load: loadReturns,
  insert: () => Promise.reject(new Error('returns are written down before the round')),
  update: updateReturns,
}

function loadReturns(sql: Sql, lane: Lane, numbers: readonly string[]): Promise<ReturnRow[]> {
  return sql<ReturnRow[]>`
    select ${columns(sql)}
    from share_return
    where lane = ${lane}
      and out_return_no = any(${textArray(numbers)}::text[])`
}

function columns(sql: Sql) {
  return sql`
    share_return.out_return_no as "outReturnNo", share_id as "shareId", book_id as "bookId",
    out_refund_no as "outRefundNo", mchid, member_id as "memberId", amount, state, reason, is_there as "isThere",
    created_at as "createdAt"`
}

function updateReturns(sql: Sql, lane: Lane, rows: readonly ReturnRow[]): Promise<unknown> {
  return sql`
    update share_return
    set state = changed.state, reason = changed.reason
    from unnest(
      ${textArray(rows.map((row) => row.outReturnNo))}::text[],
      ${textArray(rows.map((row) => row.state))}::text[],
      ${textArray(rows.map((row) => row.reason))}::text[]
    ) as changed (out_return_no, state, reason)
    where share_return.lane = ${lane}
      and share_return.out_return_no = changed.out_return_no`
}

export async function insertReturn(sql: Sql, lane: Lane, row: ReturnRow): Promise<void> {
  await sql`
    insert into share_return
      (lane, out_return_no, share_id, book_id, out_refund_no, mchid, member_id, amount, state, reason, created_at)
    values (
      ${lane}, ${row.outReturnNo}, ${row.shareId}, ${row.bookId}, ${row.outRefundNo}, ${row.mchid}, ${row.memberId},
      ${row.amount}, ${row.state}, ${row.reason}, ${new Date(row.createdAt)}
    )
    on conflict do nothing`
}

/**
 * What stands in the way of one that WeChat was asked for; null: nothing does. Of two who ask at once the slower one takes back
 * neither that the payee has not enough nor that WeChat has it.
 */
export async function noteReturn(
  sql: Sql,
  lane: Lane,
  { outReturnNo: no }: Pick<ReturnRow, 'outReturnNo'>,
  { reason, isThere }: Pick<ReturnRow, 'reason' | 'isThere'>,
): Promise<void> {
  await sql`
    update share_return
    set
      reason = case when reason = ${notEnough} then reason else ${reason}::text end,
      is_there = is_there or ${isThere}::boolean
    where lane = ${lane}
      and out_return_no = ${no}
      and state = 'asked'`
}

/**
 * For which no refund waits any more, since the payee has not enough or since it was asked for before `since`: those that are
 * due, the longest first, kept from other processes for as long as `backoff` says of the calls so far.
 */
export function takeLateReturns(
  sql: Sql,
  lanes: readonly Lane[],
  { now, since }: { readonly now: Instant; readonly since: Instant },
  backoff: readonly number[],
  limit: number,
): Promise<ReturnRow[]> {
  return sql<ReturnRow[]>`
    with due as (
      select lane, out_return_no
      from share_return
      where lane = any(${intArray(lanes)}::int[])
        and state = 'asked'
        and (reason = ${notEnough} or created_at < ${new Date(since)})
        and coalesce(next_at, created_at) <= ${new Date(now)}
      order by coalesce(next_at, created_at)
      limit ${limit}
      for update skip locked
    )
    update share_return
    set
      tries = tries + 1,
      next_at = ${new Date(now)}::timestamptz + make_interval(secs => (
        ${intArray(backoff)}::int[]
      )[least(tries + 1, ${backoff.length})] / 1000.0)
    from due
    where share_return.lane = any(${intArray(lanes)}::int[])
      and share_return.lane = due.lane
      and share_return.out_return_no = due.out_return_no
    returning ${columns(sql)}`
}

/** What came, or did not come, back of these shares, the oldest first. */
export function returnsOfShares(
  sql: Sql,
  lanes: readonly Lane[],
  shareIds: readonly string[],
): Promise<ReturnRow[]> {
  return sql<ReturnRow[]>`
    select ${columns(sql)}
    from share_return
    where lane = any(${intArray(lanes)}::int[])
      and share_id = any(${uuidArray(shareIds)}::uuid[])
    order by created_at, out_return_no`
}
