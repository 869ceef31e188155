/**
 * Shares that are due: taken within the limits that every process counts together, left to one process for a while, and
 * given back until the next time. None of it is of a round.
 */
import type { BookId, Instant, Lane, Mode, Uuid, WechatAccountId } from '@lika/contract'
import type { Database, Sql } from '../../platform/db.ts'
import { instantArray, intArray, textArray, uuidArray } from '../../platform/db-array.ts'
import { callInFlightMs, mostPerSecond, type RestState, type ShareRow } from './model.ts'
import { type StoredShare, shareColumns, shareFrom } from './share-store.ts'

/**
 * Taken to be asked for or about; `wasAsked`: WeChat may know it already. `errand`: the share itself or, once that is over,
 * that WeChat lets go of the rest.
 */
export type AskedShare = ShareRow & {
  readonly errand: 'share' | 'rest'
  readonly wasAsked: boolean
  /** When others may take it: what came of it is written down by whom it was left to, or by nobody. */
  readonly leasedUntil: Instant
}

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
    .map(shareFrom)
    .sort((one, other) => one.nextAt - other.nextAt)
}

function dueOfOne(sql: Sql, account: WechatAccountId, now: Instant): Promise<StoredShare[]> {
  return sql<StoredShare[]>`
    select ${shareColumns(sql)}
    from profit_share
    where account_id = ${account}
      and rest in ('held', 'waiting', 'asked')
      and next_at <= ${new Date(now)}::timestamptz
    order by next_at
    limit ${mostPerSecond.account}
    for update skip locked`
}

/** Counts those that it chooses. */
function choose(due: readonly ShareRow[], mode: Mode, counts: Map<string, number>): ShareRow[] {
  return due.filter(({ accountId, rest, receivers }) => {
    const payees = rest === 'held' ? receivers : []
    const limits = new Map<string, number>([
      [mode, mostPerSecond.all],
      [`${mode} ${accountId}`, mostPerSecond.account],
      ...payees.map(({ mchid, memberId }) => {
        return [`${mode} to ${mchid ?? memberId}`, mostPerSecond.payee] as const
      }),
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
        state = case state when 'waiting' then 'asked' else state end,
        rest = case rest when 'waiting' then 'asked' else rest end
      where lane = ${lane}
        and id = any(${uuidArray(some.map((row) => row.id))}::uuid[])`
  return rows.map((row) => {
    const errand = row.rest === 'held' ? 'share' : 'rest'
    const standing = errand === 'share' ? row.state : row.rest
    return {
      ...row,
      tries: row.tries + 1,
      errand,
      wasAsked: standing !== 'waiting',
      leasedUntil: until,
    }
  })
}

/** Not over yet: when it is asked about next, and whether it has to be sent anew. Not where another process has it by now. */
export async function postponeShares(
  sql: Sql,
  rows: readonly {
    readonly lane: Lane
    readonly id: Uuid
    readonly leasedUntil: Instant
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
        ${textArray(some.map((row) => row.reason))}::text[],
        ${instantArray(some.map((row) => row.leasedUntil))}::timestamptz[]
      ) as later (id, at, state, reason, leased_until)
      where profit_share.lane = ${lane}
        and profit_share.id = later.id
        and profit_share.next_at = later.leased_until
        and profit_share.rest = 'held'`
}

/** What came of letting go; `at`: when WeChat is asked next, where it is. */
export async function noteRests(
  sql: Sql,
  rows: readonly {
    readonly lane: Lane
    readonly id: Uuid
    readonly rest: RestState
    readonly reason: string | null
    readonly at: Instant
  }[],
): Promise<void> {
  for (const [lane, some] of byLane(rows))
    await sql`
      update profit_share
      set rest = later.rest, rest_reason = later.reason, next_at = later.at
      from unnest(
        ${uuidArray(some.map((row) => row.id))}::uuid[],
        ${textArray(some.map((row) => row.rest))}::text[],
        ${textArray(some.map((row) => row.reason))}::text[],
        ${instantArray(some.map((row) => row.at))}::timestamptz[]
      ) as later (id, rest, reason, at)
      where profit_share.lane = ${lane}
        and profit_share.id = later.id
        and profit_share.rest in ('waiting', 'asked')`
}

/**
 * Due at once, and tried as often as at first; where a call may be under way, only once it is over, and counted on. False:
 * there is nothing of it left to try.
 */
export async function tryShareNow(
  sql: Sql,
  { lane, id }: ShareRow,
  now: Instant,
): Promise<boolean> {
  const mayBeUnderWay = sql`(rest = 'asked' or (rest = 'held' and state <> 'waiting'))`
  const done = await sql`
    update profit_share
    set
      rest = case rest when 'refused' then 'waiting' else rest end,
      next_at = case
        when ${mayBeUnderWay} then least(next_at, ${new Date(now + callInFlightMs)}::timestamptz)
        else ${new Date(now)}::timestamptz
      end,
      tries = case when ${mayBeUnderWay} then tries else 0 end
    where lane = ${lane}
      and id = ${id}
      and rest in ('held', 'waiting', 'asked', 'refused')`
  return done.count === 1
}

function byLane<Row extends { readonly lane: Lane }>(rows: readonly Row[]): Map<Lane, Row[]> {
  return Map.groupBy(rows, (row) => row.lane)
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
        where rest in ('held', 'waiting', 'asked')
        order by account_id
        limit 1
      )
      union all
      select next.account_id, next.book_id
      from accounts
      cross join lateral (
        select account_id, book_id
        from profit_share
        where rest in ('held', 'waiting', 'asked')
          and account_id > accounts.account_id
        order by account_id
        limit 1
      ) as next
    )
    select account_id as "accountId", book_id as "bookId"
    from accounts`
}
