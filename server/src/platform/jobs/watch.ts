/** How many jobs there are in each state, for whoever watches. */
import type { JobState } from '@lika/contract'
import type { Sql } from '../db.ts'

export function countJobs(sql: Sql): Promise<{ status: JobState; count: number }[]> {
  return sql<{ status: JobState; count: number }[]>`
    select status, count(*)::int as count
    from job
    group by status`
}
