/** Which lanes there are: made at start, more of them later for new cards, and read again by every process. */
import type { IssuerId, Lane, Mode } from '@lika/contract'
import { businessDateOf, type Instant } from '@lika/contract'
import type { Sql } from '../db.ts'
import { intArray, textArray } from '../db-array.ts'
import { emptyHead } from './journal.ts'

export interface LaneInfo {
  readonly lane: Lane
  readonly pool: Mode
  readonly issuerId: IssuerId | null
  readonly acceptsNew: boolean
}

/** Test lanes have numbers of their own, so that a number shows which clock and which money it is. */
const firstOf: Record<Mode, Lane> = { live: 1, test: 601 }

/** Makes what is missing of the first `count` shared lanes of each pool. Harmless when others do it at the same time. */
export async function ensureLanes(sql: Sql, count: number, now: Instant): Promise<void> {
  const lanes = (['live', 'test'] as const).flatMap((pool) =>
    Array.from({ length: count }, (_, index) => ({ pool, lane: firstOf[pool] + index })),
  )
  await sql`
    insert into lane (lane, pool, open_day, head, last_at)
    select lane, pool, ${businessDateOf(now)}::date, ${emptyHead}, ${new Date(now)}::timestamptz
    from unnest(
      ${intArray(lanes.map(({ lane }) => lane))}::int[],
      ${textArray(lanes.map(({ pool }) => pool))}::text[]
    ) as wanted (lane, pool)
    on conflict do nothing`
}

export function readLanes(sql: Sql): Promise<LaneInfo[]> {
  return sql<LaneInfo[]>`
    select lane, pool, issuer_id as "issuerId", accepts_new as "acceptsNew"
    from lane
    order by lane`
}

export async function writeOffset(sql: Sql, offsetMs: number): Promise<void> {
  await sql`
    update test_clock
    set offset_ms = ${offsetMs}`
}
