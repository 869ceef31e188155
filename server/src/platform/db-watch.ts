/** What of the database's own state is worth watching: transactions that stay open, consumers ahead of their journal. */
import type { Lane } from '@lika/contract'
import type { Sql } from './db.ts'

export interface OpenTransaction {
  readonly pid: number
  readonly application: string
  readonly seconds: number
}

/** The longest one of a client, backups left out; undefined: none is open. */
export async function oldestTransaction(sql: Sql): Promise<OpenTransaction | undefined> {
  const rows = await sql<OpenTransaction[]>`
    select pid, application, seconds
    from oldest_transaction()
    where pid is not null`
  return rows[0]
}

export interface Ahead {
  readonly consumer: string
  readonly lane: Lane
  readonly seq: bigint
}

/** A consumer that took what the journal no longer holds, as after the restore of an older backup; it has stopped. */
export async function consumerAhead(sql: Sql): Promise<Ahead | undefined> {
  const rows = await sql<Ahead[]>`
    select consumer.name as consumer, lane.lane, consumer.seq
    from consumer
    join lane on lane.lane = consumer.lane
    where consumer.seq >= lane.next_seq
    order by lane.lane
    limit 1`
  return rows[0]
}
