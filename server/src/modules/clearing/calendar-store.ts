/** The SQL of calendar years that the operator laid down. */
import type { Instant } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import type { CalendarYear } from './calendar.ts'

export function readCalendarYears(sql: Sql): Promise<CalendarYear[]> {
  return sql<CalendarYear[]>`
    select year, off, work
    from calendar_year
    order by year`
}

/** What was said of the year before is replaced. */
export function writeCalendarYear(
  sql: Sql,
  { year, off, work }: CalendarYear,
  reason: string,
  at: Instant,
): Promise<unknown> {
  return sql`
    insert into calendar_year (year, off, work, reason, set_at)
    values (
      ${year}, ${JSON.stringify(off)}::text::jsonb, ${JSON.stringify(work)}::text::jsonb, ${reason},
      ${new Date(at)}
    )
    on conflict (year) do update
    set off = excluded.off, work = excluded.work, reason = excluded.reason, set_at = excluded.set_at`
}
