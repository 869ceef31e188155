/** Destroys sealed secrets that were revealed. The rule goes by time; this only tidies up behind it. */
import type { Instant, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray } from '../../platform/db-array.ts'

/** How long a revealed secret can be fetched again, from the first time on. */
export const revealedForMs = 10 * 60_000

/** Destroys the sealed copies whose ten minutes are over; answers how many. `now` is the lanes' time. */
export async function sweepSeals(sql: Sql, lanes: readonly Lane[], now: Instant): Promise<number> {
  const done = await sql`
    delete from card_seal
    where lane = any(${intArray(lanes)}::int[])
      and revealed_at <= ${new Date(now - revealedForMs)}::timestamptz`
  return done.count
}
