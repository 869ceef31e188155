/** Makes monthly partitions ahead of time: journal, transfer and payment have one per month (yyyymm). */

import type { Sql } from './db.ts'
import { intArray } from './db-array.ts'

/**
 * Every table partitioned by month has a partition for each month from `fromMonth` to `toMonth` (yyyymm, both
 * included). Safe to call at once from several processes, and cheap when there is nothing to do. Returns how
 * many partitions were made.
 */
export async function ensureMonths(sql: Sql, fromMonth: number, toMonth: number): Promise<number> {
  const made = await sql<{ made: boolean }[]>`
    select lika.ensure_month(parent.relname::text, wanted.month) as made
    from pg_catalog.pg_partitioned_table as partitioned
    join pg_catalog.pg_class as parent on parent.oid = partitioned.partrelid
    join pg_catalog.pg_attribute as key on key.attrelid = parent.oid and key.attnum = partitioned.partattrs[0]
    cross join unnest(${intArray(monthsBetween(fromMonth, toMonth))}::int[]) as wanted (month)
    where parent.relnamespace = 'lika'::regnamespace
      and key.attname = 'month'
    order by parent.relname, wanted.month`
  return made.filter((row) => row.made).length
}

/** 202611, 202702 → 202611, 202612, 202701, 202702. */
function monthsBetween(fromMonth: number, toMonth: number): number[] {
  const months: number[] = []
  for (let month = fromMonth; month <= toMonth; month = nextMonth(month)) months.push(month)
  return months
}

function nextMonth(month: number): number {
  return month % 100 === 12 ? month + 89 : month + 1
}
