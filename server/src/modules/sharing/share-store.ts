/**
 * Shares on their way: queued behind the sale, taken within the limits that every process counts together, ended in
 * rounds with what they move.
 */
import type { BookId, Fen, Instant, Lane, Mode, Uuid, WechatAccountId } from '@lika/contract'
import type { Database, Sql } from '../../platform/db.ts'
import {
  bigintArray,
  instantArray,
  intArray,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'
import { mostPerSecond, type SharePart, type ShareRow } from './model.ts'

type Stored = Omit<ShareRow, 'receivers'> & {
  readonly receivers: readonly { readonly mchid: string; readonly amount: string }[]
}

function rowFrom({ receivers, ...row }: Stored): ShareRow {
  const parts = receivers.map(({ mchid, amount }) => ({ mchid, amount: BigInt(amount) }))
  return { ...row, receivers: parts }
}

export const shares: Shelf<ShareRow> = {
  name: 'profit_share',
  keyOf: (row) => row.id,
  load: loadShares,
  insert: () => Promise.reject(new Error('shares are queued, not made in rounds')),
  update: updateShares,
}

async function loadShares(sql: Sql, lane: Lane, ids: readonly string[]): Promise<ShareRow[]> {
  const rows = await sql<Stored[]>`
    select ${columns(sql)}
    from profit_share
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
  return rows.map(rowFrom)
}

function columns(sql: Sql) {
  return sql`
    lane, id, book_id as "bookId", account_id as "accountId", appid, transaction_id as "transactionId",
    out_trade_no as "outTradeNo", total, receivers, amount, state, reason, returned, next_at as "nextAt",
    tries, created_at as "createdAt"`
}

function updateShares(sql: Sql, lane: Lane, rows: readonly ShareRow[]): Promise<unknown> {
  return sql`
    update profit_share
    set state = changed.state, reason = changed.reason, returned = changed.returned
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.state))}::text[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${bigintArray(rows.map((row) => row.returned))}::bigint[]
    ) as changed (id, state, reason, returned)
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
  readonly receivers: readonly SharePart[]
  readonly nextAt: Instant
  readonly createdAt: Instant
}

/** What is there already stays as it is. */
export async function insertShares(sql: Sql, rows: readonly NewShare[]): Promise<void> {
  for (const [lane, some] of byLane(rows)) await insertIn(sql, lane, some)
}

async function insertIn(sql: Sql, lane: Lane, rows: readonly NewShare[]): Promise<void> {
  const texts = rows.map(({ receivers }) =>
    JSON.stringify(receivers.map(({ mchid, amount }) => ({ mchid, amount: String(amount) }))),
  )
  await sql`
    insert into profit_share
      (lane, id, book_id, account_id, appid, transaction_id, out_trade_no, total, receivers, amount, next_at,
        created_at)
    select
      ${lane}, id, book_id, account_id, appid, transaction_id, out_trade_no, total, receivers, amount, next_at,
      created_at
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
      ${instantArray(rows.map((row) => row.nextAt))}::timestamptz[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh
      (id, book_id, account_id, appid, transaction_id, out_trade_no, total, receivers, amount, next_at, created_at)
    on conflict do nothing`
}

/** Taken to be asked for or about; `wasAsked`: WeChat may know it already. */
export type AskedShare = ShareRow & { readonly wasAsked: boolean }

/** How long a process that died keeps the others from what it took. */
const leaseMs = 60_000

/**
 * What is due and may go out within this second, of every account in turn; counted with what other processes sent in it,
 * and left to this one until the lease is over. `now` in the time of the books of the mode.
 */
export function takeShares(
  database: Database,
  mode: Mode,
  accounts: readonly WechatAccountId[],
  now: Instant,
): Promise<AskedShare[]> {
  const second = Math.floor(now / 1_000)
  return database.transaction(async (sql) => {
    const used = await lockRates(sql, mode, second)
    if ((used.get(mode) ?? 0) >= mostPerSecond.all) return []
    const counts = new Map(used)
    const chosen = choose(await dueOf(sql, accounts, now), mode, counts)
    if (chosen.length === 0) return []
    await noteRates(sql, second, counts)
    return leaseShares(sql, chosen, now + leaseMs)
  })
}

/** Of this second, by scope. Other processes wait. */
async function lockRates(sql: Sql, mode: Mode, second: number): Promise<Map<string, number>> {
  await sql`
    insert into share_rate (scope, second, used)
    values (${mode}, ${second}, 0)
    on conflict do nothing`
  await sql`
    select from share_rate
    where scope = ${mode}
    for update`
  const rows = await sql<{ scope: string; used: number }[]>`
    select scope, used
    from share_rate
    where starts_with(scope, ${mode})
      and second = ${second}`
  return new Map(rows.map(({ scope, used }) => [scope, used]))
}

/** Of each account as many as may go out, the longest due first. */
async function dueOf(
  sql: Sql,
  accounts: readonly WechatAccountId[],
  now: Instant,
): Promise<ShareRow[]> {
  const rows = await Promise.all(accounts.map((account) => dueOfOne(sql, account, now)))
  return rows
    .flat()
    .map(rowFrom)
    .sort((one, other) => one.nextAt - other.nextAt)
}

function dueOfOne(sql: Sql, account: WechatAccountId, now: Instant): Promise<Stored[]> {
  return sql<Stored[]>`
    select ${columns(sql)}
    from profit_share
    where account_id = ${account}
      and state in ('waiting', 'asked', 'processing')
      and next_at <= ${new Date(now)}::timestamptz
    order by next_at
    limit ${mostPerSecond.account}
    for update skip locked`
}

/** Counts those that it chooses. */
function choose(due: readonly ShareRow[], mode: Mode, counts: Map<string, number>): ShareRow[] {
  return due.filter(({ accountId, receivers }) => {
    const limits = new Map<string, number>([
      [mode, mostPerSecond.all],
      [`${mode} ${accountId}`, mostPerSecond.account],
      ...receivers.map(({ mchid }) => [`${mode} to ${mchid}`, mostPerSecond.payee] as const),
    ])
    const isFull = [...limits].some(([scope, most]) => (counts.get(scope) ?? 0) >= most)
    if (!isFull) for (const scope of limits.keys()) counts.set(scope, (counts.get(scope) ?? 0) + 1)
    return !isFull
  })
}

async function noteRates(
  sql: Sql,
  second: number,
  counts: ReadonlyMap<string, number>,
): Promise<void> {
  await sql`
    insert into share_rate (scope, second, used)
    select scope, ${second}, used
    from unnest(
      ${textArray([...counts.keys()])}::text[],
      ${intArray([...counts.values()])}::int[]
    ) as counted (scope, used)
    on conflict (scope) do update
    set second = excluded.second, used = excluded.used`
}

async function leaseShares(
  sql: Sql,
  rows: readonly ShareRow[],
  until: Instant,
): Promise<AskedShare[]> {
  for (const [lane, some] of byLane(rows))
    await sql`
      update profit_share
      set
        next_at = ${new Date(until)}::timestamptz,
        tries = tries + 1,
        state = case state when 'waiting' then 'asked' else state end
      where lane = ${lane}
        and id = any(${uuidArray(some.map((row) => row.id))}::uuid[])`
  return rows.map((row) => ({ ...row, tries: row.tries + 1, wasAsked: row.state !== 'waiting' }))
}

/** Not over yet: when it is asked about next, and whether it has to be sent anew. */
export async function postponeShares(
  sql: Sql,
  rows: readonly {
    readonly lane: Lane
    readonly id: Uuid
    readonly at: Instant
    readonly state: 'waiting' | 'asked' | 'processing'
    readonly reason: string | null
  }[],
): Promise<void> {
  for (const [lane, some] of byLane(rows))
    await sql`
      update profit_share
      set next_at = later.at, state = later.state, reason = later.reason
      from unnest(
        ${uuidArray(some.map((row) => row.id))}::uuid[],
        ${instantArray(some.map((row) => row.at))}::timestamptz[],
        ${textArray(some.map((row) => row.state))}::text[],
        ${textArray(some.map((row) => row.reason))}::text[]
      ) as later (id, at, state, reason)
      where profit_share.lane = ${lane}
        and profit_share.id = later.id
        and profit_share.state in ('waiting', 'asked', 'processing')`
}

function byLane<Row extends { readonly lane: Lane }>(rows: readonly Row[]): Map<Lane, Row[]> {
  return Map.groupBy(rows, (row) => row.lane)
}

export async function shareOfTrade(
  sql: Sql,
  accountId: WechatAccountId,
  outTradeNo: string,
): Promise<ShareRow | undefined> {
  const [row] = await sql<Stored[]>`
    select ${columns(sql)}
    from profit_share
    where account_id = ${accountId}
      and out_trade_no = ${outTradeNo}`
  return row && rowFrom(row)
}

/** False: it was sent already. */
export async function cancelWaiting(sql: Sql, { lane, id }: ShareRow): Promise<boolean> {
  const done = await sql`
    update profit_share
    set state = 'cancelled', reason = 'refunded'
    where lane = ${lane}
      and id = ${id}
      and state = 'waiting'`
  return done.count === 1
}

export interface ShareFilter {
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export async function selectShares(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  { before, limit }: ShareFilter,
): Promise<ShareRow[]> {
  const rows = await sql<Stored[]>`
    select ${columns(sql)}
    from profit_share
    where lane = any(${intArray(lanes)}::int[])
      and book_id = ${book}
      ${before === undefined ? sql`` : sql`and id < ${before}`}
    order by id desc
    limit ${limit}`
  return rows.map(rowFrom)
}

/** Accounts of which something waits, found by jumping from one to the next along the index. */
export function accountsWaiting(
  sql: Sql,
): Promise<{ accountId: WechatAccountId; bookId: BookId }[]> {
  return sql`
    with recursive accounts as (
      (
        select account_id, book_id
        from profit_share
        where state in ('waiting', 'asked', 'processing')
        order by account_id
        limit 1
      )
      union all
      select next.account_id, next.book_id
      from accounts
      cross join lateral (
        select account_id, book_id
        from profit_share
        where state in ('waiting', 'asked', 'processing')
          and account_id > accounts.account_id
        order by account_id
        limit 1
      ) as next
    )
    select account_id as "accountId", book_id as "bookId"
    from accounts`
}
