/**
 * The SQL of those who read the journal: entries of a lane in order, where a lane ends, and how far each consumer
 * has come. Reads take pool or transaction alike.
 */
import type { BookId, CommandId, Instant, Lane } from '@lika/contract'
import type { Sql } from '../db.ts'
import { textArray } from '../db-array.ts'
import { emptyHead } from './journal.ts'
import type { Json } from './types.ts'

export type JsonObject = { readonly [member: string]: Json | undefined }

/** One entry of the journal as its readers see it. */
export interface JournalEntry {
  readonly lane: Lane
  readonly seq: bigint
  /** yyyymm of the command id. */
  readonly month: number
  readonly commandId: CommandId
  readonly bookId: BookId
  readonly kind: string
  readonly version: number
  readonly refused: boolean
  readonly at: Instant
  /** Parsed when it is first asked for: most readers want few of the entries. */
  readonly body: JsonObject
  readonly digest: Uint8Array
}

/** A place in a lane: the last entry that was taken. `seq` 0 is before the first. */
export interface JournalCursor {
  readonly seq: bigint
  readonly digest: Uint8Array
  /** Of that entry, where it is known: it spares PostgreSQL the partitions long before it. */
  readonly month?: number | undefined
}

/** Before the first entry of a lane. */
export const laneStart: JournalCursor = { seq: 0n, digest: emptyHead }

type EntryRow = Omit<JournalEntry, 'body'> & { readonly body: string }

/**
 * Up to `limit` entries after `afterSeq`, in order; those of one book where it is named, of the given kinds where
 * they are, and none beyond `untilSeq`. The caller bounds the stretch: entries of other books are read over.
 */
export async function readEntries(
  sql: Sql,
  lane: Lane,
  afterSeq: bigint,
  bookId: BookId | undefined,
  limit: number,
  narrow: { readonly untilSeq?: bigint; readonly kinds?: readonly string[] | undefined } = {},
): Promise<JournalEntry[]> {
  const rows = await sql<EntryRow[]>`
    select
      lane, seq, month, command_id as "commandId", book_id as "bookId", kind, version, refused, at, body, digest
    from journal
    where lane = ${lane}
      and seq > ${afterSeq}
      and seq <= ${narrow.untilSeq ?? greatestSeq}
      and (${bookId === undefined} or book_id = ${bookId ?? null}::uuid)
      and (${narrow.kinds === undefined} or kind = any(${textArray(narrow.kinds ?? [])}::text[]))
    order by seq
    limit ${limit}`
  return rows.map(entryOf)
}

/** The entry at `seq` and those after it, `limit` in all, from the partitions of `fromMonth` on. */
export async function readFrom(
  sql: Sql,
  lane: Lane,
  seq: bigint,
  fromMonth: number,
  limit: number,
): Promise<JournalEntry[]> {
  const rows = await sql<EntryRow[]>`
    select
      lane, seq, month, command_id as "commandId", book_id as "bookId", kind, version, refused, at, body, digest
    from journal
    where lane = ${lane}
      and seq >= ${seq}
      and month >= ${fromMonth}
    order by seq
    limit ${limit}`
  return rows.map(entryOf)
}

/** The last entry of a lane; the start for one that is empty or does not exist. */
export async function readLaneEnd(sql: Sql, lane: Lane): Promise<JournalCursor> {
  const [row] = await sql<JournalCursor[]>`
    select next_seq - 1 as seq, head as digest
    from lane
    where lane = ${lane}`
  return row ?? laneStart
}

/** Where a consumer stands; undefined: it has taken nothing yet. */
export async function readCursor(
  sql: Sql,
  name: string,
  lane: Lane,
): Promise<JournalCursor | undefined> {
  const [row] = await sql<JournalCursor[]>`
    select seq, digest
    from consumer
    where name = ${name}
      and lane = ${lane}`
  return row
}

/** Gives the consumer a row to lock. */
export function ensureCursor(sql: Sql, name: string, lane: Lane): Promise<unknown> {
  return sql`
    insert into consumer (name, lane, seq, digest)
    values (${name}, ${lane}, 0, ${emptyHead})
    on conflict do nothing`
}

/** As `readCursor`, for whoever will move it in this transaction. undefined: another process is at it. */
export async function lockCursor(
  sql: Sql,
  name: string,
  lane: Lane,
): Promise<JournalCursor | undefined> {
  const [row] = await sql<JournalCursor[]>`
    select seq, digest
    from consumer
    where name = ${name}
      and lane = ${lane}
    for update skip locked`
  return row
}

/** Moves the cursor from where it was. False: another process has moved it meanwhile. */
export async function moveCursor(
  sql: Sql,
  name: string,
  lane: Lane,
  from: JournalCursor,
  to: JournalCursor,
): Promise<boolean> {
  const done = await sql`
    insert into consumer (name, lane, seq, digest)
    values (${name}, ${lane}, ${to.seq}, ${Buffer.from(to.digest)})
    on conflict (name, lane) do update
    set seq = excluded.seq, digest = excluded.digest
    where consumer.seq = ${from.seq}`
  return done.count === 1
}

const greatestSeq = 9_223_372_036_854_775_807n

function entryOf(row: EntryRow): JournalEntry {
  const { body: text, ...columns } = row
  let parsed: JsonObject | undefined
  return {
    ...columns,
    get body() {
      parsed ??= JSON.parse(text) as JsonObject
      return parsed
    },
  }
}
