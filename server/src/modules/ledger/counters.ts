/** What has moved on guarded accounts of a lane over all their time, by the account on the other side. */
import type { AccountId, Fen, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'

export interface Counter {
  readonly account: AccountId
  /** The account on the other side. */
  readonly counter: AccountId
  /** Fen that left the account, and that came onto it. */
  readonly debits: Fen
  readonly credits: Fen
}

/** Up to the journal entry `until` of the lane. */
export function sumCounters(
  sql: Sql,
  lane: Lane,
  ids: readonly AccountId[],
  until: bigint,
): Promise<Counter[]> {
  return sql<Counter[]>`
    select account, counter, sum(debits)::bigint as debits, sum(credits)::bigint as credits
    from (
      select debit_account as account, credit_account as counter, amount as debits, 0 as credits
      from transfer
      where lane = ${lane}
        and debit_account = any(${uuidArray(ids)}::uuid[])
        and debit_balance is not null
        and seq <= ${until}
      union all
      select credit_account, debit_account, 0, amount
      from transfer
      where lane = ${lane}
        and credit_account = any(${uuidArray(ids)}::uuid[])
        and credit_balance is not null
        and seq <= ${until}
    ) as moved
    group by account, counter`
}
