/** The SQL of a round: lock a lane, read its clock, look for what already ran, append to the journal, move the lane on. */
import type { CommandId, Instant, Lane } from '@lika/contract'
import type { Sql } from '../db.ts'
import {
  bigintArray,
  boolArray,
  byteaArray,
  instantArray,
  intArray,
  jsonLines,
  textArray,
  uuidArray,
} from '../db-array.ts'
import type { JournalEntry } from './journal.ts'

export interface LaneState {
  readonly lane: Lane
  readonly pool: 'live' | 'test'
  readonly nextSeq: bigint
  readonly head: Uint8Array
  readonly lastAt: Instant
}

/** The first statement of every round. Waits for whoever has the lane. */
export async function lockLane(sql: Sql, lane: Lane): Promise<LaneState> {
  const [row] = await sql<LaneState[]>`
    select lane, pool, next_seq as "nextSeq", head, last_at as "lastAt"
    from lane
    where lane = ${lane}
    for update`
  if (row === undefined) throw new Error(`there is no lane ${lane}`)
  return row
}

/** After the lock, so that time spent waiting for it counts. */
export async function readClock(sql: Sql): Promise<{ realAt: Instant; offsetMs: bigint }> {
  const [row] = await sql<{ realAt: Instant; offsetMs: bigint }[]>`
    select real_time() as "realAt", offset_ms as "offsetMs"
    from test_clock`
  if (row === undefined) throw new Error('the row of test_clock is missing')
  return row
}

export interface ExecutedRow {
  readonly commandId: CommandId
  readonly kind: string
  readonly refused: boolean
  readonly at: Instant
  readonly body: string
}

export function findExecuted(
  sql: Sql,
  lane: Lane,
  months: readonly number[],
  commandIds: readonly string[],
): Promise<ExecutedRow[]> {
  return sql<ExecutedRow[]>`
    select command_id as "commandId", kind, refused, at, body
    from journal
    where lane = ${lane}
      and month = any(${intArray(months)}::int[])
      and command_id = any(${uuidArray(commandIds)}::uuid[])`
}

export function appendJournal(
  sql: Sql,
  lane: Lane,
  rows: readonly JournalEntry[],
): Promise<unknown> {
  return sql`
    insert into journal
      (lane, seq, month, command_id, book_id, kind, version, refused, at, body, digest)
    select
      ${lane}, seq, month, command_id, book_id, kind, version, refused, at, body::json, digest
    from unnest(
      ${bigintArray(rows.map((row) => row.seq))}::bigint[],
      ${intArray(rows.map((row) => row.month))}::int[],
      ${uuidArray(rows.map((row) => row.commandId))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${textArray(rows.map((row) => row.kind))}::text[],
      ${intArray(rows.map((row) => row.version))}::int[],
      ${boolArray(rows.map((row) => row.refused))}::boolean[],
      ${instantArray(rows.map((row) => row.at))}::timestamptz[],
      string_to_array(${jsonLines(rows.map((row) => row.body))}, E'\\n', ''),
      ${byteaArray(rows.map((row) => row.digest))}::bytea[]
    ) as entry (seq, month, command_id, book_id, kind, version, refused, at, body, digest)`
}

export function moveLane(
  sql: Sql,
  lane: Lane,
  next: { readonly seq: bigint; readonly head: Uint8Array; readonly lastAt: Instant },
): Promise<unknown> {
  return sql`
    update lane
    set next_seq = ${next.seq}, head = ${Buffer.from(next.head)}, last_at = ${new Date(next.lastAt)}
    where lane = ${lane}`
}

/** Of one command, outside a round. undefined: it has not run. */
export async function executedOutside(
  sql: Sql,
  lane: Lane,
  month: number,
  commandId: CommandId,
): Promise<ExecutedRow | undefined> {
  const [row] = await findExecuted(sql, lane, [month], [commandId])
  return row
}
