/** Which commands have a line of a statement in a lane: what a statement counts are payments, not transfers. */
import type { CommandId, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'

export interface CountedIn {
  readonly accountId: string
  /** Not included. */
  readonly after: bigint
  readonly until: bigint
}

/** Of these commands, those that moved something on the account between the two places. */
export async function commandsWithLines(
  sql: Sql,
  lane: Lane,
  { accountId, after, until }: CountedIn,
  commandIds: readonly CommandId[],
): Promise<ReadonlySet<CommandId>> {
  const rows = await sql<{ commandId: CommandId }[]>`
    select command_id as "commandId"
    from journal
    where lane = ${lane}
      and command_id = any(${uuidArray(commandIds)}::uuid[])
      and seq > ${after}
      and seq <= ${until}
      and exists (
        select from transfer
        where transfer.lane = ${lane}
          and transfer.seq = journal.seq
          and transfer.month = journal.month
          and (debit_account = ${accountId} or credit_account = ${accountId})
      )`
  return new Set(rows.map(({ commandId }) => commandId))
}
