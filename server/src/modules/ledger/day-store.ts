/** The SQL of business days: cuts, and the day that is open in a lane. */
import type { BusinessDate, Instant, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, instantArray, textArray } from '../../platform/db-array.ts'

export interface CutRow {
  readonly lane: Lane
  readonly day: BusinessDate
  /** Of the entry that closed the day: the last one of it. */
  readonly seq: bigint
  readonly at: Instant
}

export interface OpenDayRow {
  readonly lane: Lane
  readonly day: BusinessDate
}

export function loadCuts(sql: Sql, lane: Lane, keys: readonly string[]): Promise<CutRow[]> {
  const days = keys.map((key) => key.split(' ')[1] ?? '')
  return sql<CutRow[]>`
    select lane, day, seq, at
    from cut
    where lane = ${lane}
      and day = any(${textArray(days)}::date[])`
}

export function insertCuts(sql: Sql, lane: Lane, rows: readonly CutRow[]): Promise<unknown> {
  return sql`
    insert into cut (lane, day, seq, at)
    select ${lane}, day, seq, at
    from unnest(
      ${textArray(rows.map((row) => row.day))}::date[],
      ${bigintArray(rows.map((row) => row.seq))}::bigint[],
      ${instantArray(rows.map((row) => row.at))}::timestamptz[]
    ) as fresh (day, seq, at)`
}

export function loadOpenDays(sql: Sql, lane: Lane): Promise<OpenDayRow[]> {
  return sql<OpenDayRow[]>`
    select lane, open_day as day
    from lane
    where lane = ${lane}`
}

export function updateOpenDays(
  sql: Sql,
  lane: Lane,
  rows: readonly OpenDayRow[],
): Promise<unknown> {
  return sql`
    update lane
    set open_day = ${rows.at(-1)?.day ?? null}::date
    where lane = ${lane}`
}

/** The cuts of a lane behind `afterSeq`, the oldest first. */
export function readCutsAfter(
  sql: Sql,
  lane: Lane,
  afterSeq: bigint,
  limit: number,
): Promise<CutRow[]> {
  return sql<CutRow[]>`
    select lane, day, seq, at
    from cut
    where lane = ${lane}
      and seq > ${afterSeq}
    order by day
    limit ${limit}`
}

/** The last cut of a lane at `seq` or before it. */
export async function readCutBefore(
  sql: Sql,
  lane: Lane,
  seq: bigint,
): Promise<CutRow | undefined> {
  const [row] = await sql<CutRow[]>`
    select lane, day, seq, at
    from cut
    where lane = ${lane}
      and seq <= ${seq}
    order by day desc
    limit 1`
  return row
}

export async function readOpenDay(sql: Sql, lane: Lane): Promise<BusinessDate | undefined> {
  const [row] = await loadOpenDays(sql, lane)
  return row?.day
}
