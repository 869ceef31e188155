/** Whether an issuer may sell: the operator's switch, of which every turn is kept. */
import type { Instant, IssuerId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import { codeOf } from '../../platform/db-faults.ts'
import { rowTogether } from '../../platform/together.ts'

export interface SaleSwitch {
  readonly stopped: boolean
  readonly reason: string
  readonly at: Instant
}

/** How often a number that another turn took meanwhile is given up for the next one. */
const attempts = 20

/** From its answer on no sale is begun. */
export async function turnSaleSwitch(
  sql: Sql,
  issuerId: IssuerId,
  { stopped, reason, at }: SaleSwitch,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await sql`
        insert into sale_switch (issuer_id, number, stopped, reason, at)
        select
          ${issuerId}::uuid, coalesce(max(number), 0) + 1, ${stopped}::boolean, ${reason},
          ${new Date(at)}::timestamptz
        from sale_switch
        where issuer_id = ${issuerId}`
      return
    } catch (error) {
      const isTaken = codeOf(error) === '23505'
      if (!isTaken || attempt === attempts) throw error
    }
  }
}

/**
 * As it is turned now: undefined where it never was, and the sale goes on. Whoever asks at the same time asks in one
 * statement, which is never older than the question.
 */
export const selectSaleSwitch = rowTogether(
  (sql, issuers: readonly IssuerId[]) => sql<(SaleSwitch & { issuer: IssuerId })[]>`
    select issuer, stopped, reason, at
    from unnest(${uuidArray(issuers)}::uuid[]) as issuer
    cross join lateral (
      select stopped, reason, at
      from sale_switch
      where issuer_id = issuer
      order by number desc
      limit 1
    ) as turned`,
  ({ issuer }) => issuer,
)
