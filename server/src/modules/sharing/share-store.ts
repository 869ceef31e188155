/** Shares of sales, queued behind the sale, in rounds and for those who ask. */
import type {
  BookId,
  Fen,
  Instant,
  Lane,
  MemberId,
  Mode,
  Uuid,
  WechatAccountId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  instantArray,
  intArray,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'
import { type SharePart, type ShareRow, triesBeforeAttention } from './model.ts'

export type StoredShare = Omit<ShareRow, 'receivers'> & {
  readonly receivers: readonly {
    readonly mchid?: string
    readonly memberId?: MemberId
    readonly amount: string
    readonly isClosed?: boolean
  }[]
}

export function shareFrom({ receivers, ...row }: StoredShare): ShareRow {
  return { ...row, receivers: receivers.flatMap(partFrom) }
}

function partFrom({ mchid, memberId, ...stored }: StoredShare['receivers'][number]): SharePart[] {
  const part = { ...stored, amount: BigInt(stored.amount) }
  if (mchid !== undefined) return [{ ...part, mchid }]
  return memberId === undefined ? [] : [{ ...part, memberId }]
}

function storedParts(receivers: readonly SharePart[]): string {
  return JSON.stringify(receivers.map((part) => ({ ...part, amount: String(part.amount) })))
}

export const shares: Shelf<ShareRow> = {
  name: 'profit_share',
  keyOf: (row) => row.id,
  load: loadShares,
  insert: () => Promise.reject(new Error('shares are queued, not made in rounds')),
  update: updateShares,
}

async function loadShares(sql: Sql, lane: Lane, ids: readonly string[]): Promise<ShareRow[]> {
  const rows = await sql<StoredShare[]>`
    select ${shareColumns(sql)}
    from profit_share
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
  return rows.map(shareFrom)
}

export function shareColumns(sql: Sql) {
  return sql`
    lane, id, book_id as "bookId", account_id as "accountId", appid, transaction_id as "transactionId",
    out_trade_no as "outTradeNo", total, receivers, amount, state, reason, rest, rest_reason as "restReason",
    returned, next_at as "nextAt", tries, ${needsPerson(sql)} as attention, created_at as "createdAt"`
}

/** What WeChat refuses again and again, or for good, or does not take back for a refund that waits for it. */
function needsPerson(sql: Sql) {
  return sql`
    (
      rest = 'refused'
      or (rest = 'held' and reason is not null and tries >= ${triesBeforeAttention}::int)
      or (rest in ('waiting', 'asked') and rest_reason is not null and tries >= ${triesBeforeAttention}::int)
      or ${waitsForReturn(sql)}
    )`
}

function waitsForReturn(sql: Sql) {
  return sql`
    exists (
      select from share_return
      where share_return.lane = profit_share.lane
        and share_return.share_id = profit_share.id
        and share_return.state = 'asked'
        and share_return.reason is not null
    )`
}

/** Once a share is over, what becomes of the rest is not the round's any more, and is tried from the beginning. */
function updateShares(sql: Sql, lane: Lane, rows: readonly ShareRow[]): Promise<unknown> {
  return sql`
    update profit_share
    set
      state = changed.state,
      reason = changed.reason,
      returned = changed.returned,
      receivers = changed.receivers,
      rest = case profit_share.rest when 'held' then changed.rest else profit_share.rest end,
      tries = case when profit_share.rest = 'held' and changed.rest <> 'held' then 0 else profit_share.tries end
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.state))}::text[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${textArray(rows.map((row) => row.rest))}::text[],
      ${bigintArray(rows.map((row) => row.returned))}::bigint[],
      ${textArray(rows.map((row) => storedParts(row.receivers)))}::jsonb[]
    ) as changed (id, state, reason, rest, returned, receivers)
    where profit_share.lane = ${lane}
      and profit_share.id = changed.id`
}

export interface NewShare {
  readonly lane: Lane
  readonly id: Uuid
  readonly bookId: BookId
  readonly accountId: WechatAccountId
  readonly appid: string
  readonly transactionId: string
  readonly outTradeNo: string
  readonly total: Fen
  /** None: there is nothing to share, and what WeChat keeps is to be let go. */
  readonly receivers: readonly SharePart[]
  readonly nextAt: Instant
  readonly createdAt: Instant
}

/** What is there already stays as it is. */
export async function insertShares(sql: Sql, rows: readonly NewShare[]): Promise<void> {
  for (const [lane, some] of byLane(rows)) await insertIn(sql, lane, some)
}

async function insertIn(sql: Sql, lane: Lane, rows: readonly NewShare[]): Promise<void> {
  const texts = rows.map(({ receivers }) => storedParts(receivers))
  const isNothing = rows.map(({ receivers }) => receivers.length === 0)
  await sql`
    insert into profit_share
      (lane, id, book_id, account_id, appid, transaction_id, out_trade_no, total, receivers, amount, state, reason,
        rest, next_at, created_at)
    select
      ${lane}, id, book_id, account_id, appid, transaction_id, out_trade_no, total, receivers, amount, state, reason,
      rest, next_at, created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.accountId))}::uuid[],
      ${textArray(rows.map((row) => row.appid))}::text[],
      ${textArray(rows.map((row) => row.transactionId))}::text[],
      ${textArray(rows.map((row) => row.outTradeNo))}::text[],
      ${bigintArray(rows.map((row) => row.total))}::bigint[],
      ${textArray(texts)}::jsonb[],
      ${bigintArray(rows.map((row) => row.receivers.reduce((sum, one) => sum + one.amount, 0n)))}::bigint[],
      ${textArray(isNothing.map((one) => (one ? 'cancelled' : 'waiting')))}::text[],
      ${textArray(isNothing.map((one) => (one ? 'nothing_to_share' : null)))}::text[],
      ${textArray(isNothing.map((one) => (one ? 'waiting' : 'held')))}::text[],
      ${instantArray(rows.map((row) => row.nextAt))}::timestamptz[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh
      (id, book_id, account_id, appid, transaction_id, out_trade_no, total, receivers, amount, state, reason, rest,
        next_at, created_at)
    on conflict do nothing`
}

function byLane<Row extends { readonly lane: Lane }>(rows: readonly Row[]): Map<Lane, Row[]> {
  return Map.groupBy(rows, (row) => row.lane)
}

export async function shareOfTrade(
  sql: Sql,
  accountId: WechatAccountId,
  outTradeNo: string,
): Promise<ShareRow | undefined> {
  const [row] = await sql<StoredShare[]>`
    select ${shareColumns(sql)}
    from profit_share
    where account_id = ${accountId}
      and out_trade_no = ${outTradeNo}`
  return row && shareFrom(row)
}

/** False: WeChat may have it. `freeAt`: when what WeChat keeps of the sale is to be let go. */
export async function cancelWaiting(
  sql: Sql,
  { lane, id }: ShareRow,
  freeAt: Instant,
): Promise<boolean> {
  const done = await sql`
    update profit_share
    set
      state = 'cancelled',
      reason = 'refunded',
      rest = 'waiting',
      tries = 0,
      next_at = ${new Date(freeAt)}::timestamptz
    where lane = ${lane}
      and id = ${id}
      and state = 'waiting'`
  return done.count === 1
}

export interface ShareFilter {
  /** Only those that a person has to look at. */
  readonly attention?: boolean | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export async function selectShares(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  { attention = false, before, limit }: ShareFilter,
): Promise<ShareRow[]> {
  const rows = await sql<StoredShare[]>`
    select ${shareColumns(sql)}
    from profit_share
    where lane = any(${intArray(lanes)}::int[])
      and book_id = ${book}
      and (not ${attention}::boolean or ${needsPerson(sql)})
      ${before === undefined ? sql`` : sql`and id < ${before}`}
    order by id desc
    limit ${limit}`
  return rows.map(shareFrom)
}

/** undefined: the book has no such share. */
export async function findShare(
  sql: Sql,
  lane: Lane,
  book: BookId,
  id: string,
): Promise<ShareRow | undefined> {
  const [row] = await loadShares(sql, lane, [id])
  return row?.bookId === book ? row : undefined
}

/** Of each mode, how many shares a person has to look at. */
export function countShares(sql: Sql): Promise<{ mode: Mode; attention: number }[]> {
  return sql`
    select
      case ('x' || right(book_id::text, 4))::bit(16)::int >> 10 when 1 then 'test' else 'live' end as mode,
      count(*)::int as attention
    from (
      select book_id
      from profit_share
      where rest in ('held', 'waiting', 'asked', 'refused')
        and ${needsPerson(sql)}
      union all
      select distinct on (share_id) book_id
      from share_return
      where state = 'asked'
        and reason is not null
    ) as waiting
    group by 1`
}
