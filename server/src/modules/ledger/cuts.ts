/** The cut of a day over all lanes of a pool, for those who read by it: clearing, reserve, reports. */
import type { BusinessDate, Lane, Mode } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray, textArray, uuidArray } from '../../platform/db-array.ts'
import { closingsCursor } from './closings.ts'

/**
 * The last day that is closed in every lane of the mode and whose closings are written; undefined: none yet. A lane
 * that was added later counts from the day on which it was made.
 */
export async function closedThrough(sql: Sql, mode: Mode): Promise<BusinessDate | undefined> {
  const [row] = await sql<{ day: BusinessDate | null; open: bigint }[]>`
    select min(through.day) as day, count(*) filter (where through.day is null) as open
    from lane
    left join consumer on consumer.name = ${closingsCursor} and consumer.lane = lane.lane
    cross join lateral (
      select max(cut.day) as day, max(cut.seq) as seq
      from cut
      where cut.lane = lane.lane
    ) as last
    cross join lateral (
      select max(cut.day) as day
      from cut
      where cut.lane = lane.lane
        and cut.seq <= coalesce(consumer.seq, 0)
    ) as written
    cross join lateral (
      select case
        when last.seq is null or last.seq <= coalesce(consumer.seq, 0) then lane.open_day - 1
        else written.day
      end as day
    ) as through
    where lane.pool = ${mode}`
  return row === undefined || row.open > 0n ? undefined : (row.day ?? undefined)
}

/** The last entry of that day in each of these lanes: that of the last cut before, where it had none of its own. */
export async function readCuts(
  sql: Sql,
  lanes: readonly Lane[],
  day: BusinessDate,
): Promise<Map<Lane, bigint>> {
  const rows = await sql<{ lane: Lane; seq: bigint }[]>`
    select wanted.lane, coalesce(last.seq, 0) as seq
    from unnest(${intArray(lanes)}::int[]) as wanted (lane)
    left join lateral (
      select seq
      from cut
      where lane = wanted.lane
        and day <= ${day}
      order by day desc
      limit 1
    ) as last on true`
  return new Map(rows.map((row) => [row.lane, row.seq]))
}

/** The first business day on which each of these summed accounts moved, of those that have. */
export function firstDaysOf(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
): Promise<{ accountId: string; day: BusinessDate }[]> {
  return sql`
    select first.account_id as "accountId", first.day
    from unnest(${uuidArray(ids)}::uuid[]) as wanted (id)
    cross join lateral (
      select account_id, day
      from closing
      where lane = ${lane}
        and account_id = wanted.id
      order by day
      limit 1
    ) as first`
}

/** The running totals that each of these accounts had at the end of the day beside it; none where it had not moved. */
export function totalsAt(
  sql: Sql,
  lane: Lane,
  wanted: readonly { readonly accountId: string; readonly day: BusinessDate }[],
): Promise<{ accountId: string; day: BusinessDate; debits: bigint; credits: bigint }[]> {
  return sql`
    select wanted.id as "accountId", wanted.day, last.debits, last.credits
    from unnest(
      ${uuidArray(wanted.map(({ accountId }) => accountId))}::uuid[],
      ${textArray(wanted.map(({ day }) => day))}::date[]
    ) as wanted (id, day)
    cross join lateral (
      select debits, credits
      from closing
      where lane = ${lane}
        and account_id = wanted.id
        and day <= wanted.day
      order by day desc
      limit 1
    ) as last`
}

/** The days of the last cut up to `day` and of the first one behind it, over these lanes. */
export async function cutsAround(
  sql: Sql,
  lanes: readonly Lane[],
  day: BusinessDate,
): Promise<{ last: BusinessDate | null; next: BusinessDate | null }> {
  const [row] = await sql<{ last: BusinessDate | null; next: BusinessDate | null }[]>`
    select
      max(day) filter (where day <= ${day}) as last,
      min(day) filter (where day > ${day}) as next
    from cut
    where lane = any(${intArray(lanes)}::int[])`
  return row ?? { last: null, next: null }
}
