/** Writes a journal by hand, as the owner, for tests of those who read it: gap-free, with chained digests. */
import { createHash } from 'node:crypto'
import { monthOfId } from '@lika/contract'
import type { Database, Sql } from '../../server/src/platform/db.ts'
import { newCommandId } from '../../server/src/platform/ids.ts'

export type HandEntry = {
  kind?: string
  bookId?: string
  commandId?: string
  refused?: boolean
  body?: object
  at?: number
}

const someBook = '01930000-0000-7000-8000-000000000400'

/** Lanes to write to, in one pool. */
export async function makeLanes(
  owner: Database,
  lanes: number[],
  pool: 'live' | 'test' = 'live',
): Promise<void> {
  for (const lane of lanes)
    await owner.sql`
      insert into lane (lane, pool, open_day, head, last_at)
      values (${lane}, ${pool}, '2026-01-01', ${Buffer.alloc(32)}, now())`
}

/** Appends to a lane in one transaction, as a round does. `salt` makes the digests of another history. */
export function appendByHand(
  owner: Database,
  lane: number,
  entries: HandEntry[],
  salt = '',
): Promise<void> {
  return owner.transaction(async (sql) => {
    const [state] = await sql<{ seq: bigint; head: Buffer }[]>`
      select next_seq as seq, head from lane where lane = ${lane} for update`
    if (state === undefined) throw new Error(`no lane ${lane}`)
    let { seq, head } = state
    for (const entry of entries) {
      head = createHash('sha256').update(head).update(`${salt}${seq}`).digest()
      await appendOne(sql, lane, seq, head, entry)
      seq += 1n
    }
    await sql`update lane set next_seq = ${seq}, head = ${head} where lane = ${lane}`
  })
}

async function appendOne(sql: Sql, lane: number, seq: bigint, digest: Buffer, entry: HandEntry) {
  const commandId = entry.commandId ?? newCommandId(lane)
  await sql`
    insert into journal
      (lane, seq, month, command_id, book_id, kind, version, refused, at, body, digest)
    values (
      ${lane}, ${seq}, ${monthOfId(commandId)}, ${commandId}, ${entry.bookId ?? someBook},
      ${entry.kind ?? 'payment.created'}, 1, ${entry.refused ?? false},
      ${new Date(entry.at ?? Date.now())}, ${JSON.stringify(entry.body ?? {})}, ${digest}
    )`
}

/** What the restore of an older backup does: everything after `seq` never happened. */
export function rewind(owner: Database, lane: number, seq: bigint): Promise<void> {
  return owner.transaction(async (sql) => {
    await sql`delete from journal where lane = ${lane} and seq > ${seq}`
    const [last] = await sql<{ digest: Buffer }[]>`
      select digest from journal where lane = ${lane} and seq = ${seq}`
    await sql`
      update lane set next_seq = ${seq + 1n}, head = ${last?.digest ?? Buffer.alloc(32)}
      where lane = ${lane}`
  })
}
