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

/** Which entries are wanted; a kind is `noun.verb`. */
export interface Narrowing {
  /** None beyond it. */
  readonly untilSeq?: bigint
  /** Only entries of these kinds, or of these nouns. */
  readonly kinds?: readonly string[]
  readonly nouns?: readonly string[]
}

const greatestSeq = 9_223_372_036_854_775_807n

/**
 * Up to `limit` entries after `afterSeq`, in order; those of one book where it is named. Entries of other books and
 * kinds are read over, so the caller bounds the stretch.
 */
export async function readEntries(
  sql: Sql,
  lane: Lane,
  afterSeq: bigint,
  bookId: BookId | undefined,
  limit: number,
  { untilSeq = greatestSeq, kinds, nouns }: Narrowing = {},
): Promise<JournalEntry[]> {
  const rows = await sql<EntryRow[]>`
    select
      lane, seq, month, command_id as "commandId", book_id as "bookId", kind, version, refused, at, body, digest
    from journal
    where lane = ${lane}
      and seq > ${afterSeq}
      and seq <= ${untilSeq}
      and (${bookId === undefined} or book_id = ${bookId ?? null}::uuid)
      and (
        ${kinds === undefined && nouns === undefined}
        or kind = any(${textArray(kinds ?? [])}::text[])
        or split_part(kind, '.', 1) = any(${textArray(nouns ?? [])}::text[])
      )
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

/** The entry of a command in one lane; undefined: it has none there. */
export async function findEntry(
  sql: Sql,
  lane: Lane,
  month: number,
  commandId: CommandId,
): Promise<JournalEntry | undefined> {
  const [row] = await sql<EntryRow[]>`
    select
      lane, seq, month, command_id as "commandId", book_id as "bookId", kind, version, refused, at, body, digest
    from journal
    where lane = ${lane}
      and month = ${month}
      and command_id = ${commandId}`
  return row && entryOf(row)
}

/**
 * The last entry of a lane from before `at`, found by halving: the clock of a lane does not run backwards. (That of
 * a test lane does when it is set back; then it is the place before one of the times at which it passed `at`.)
 */
export async function positionBefore(sql: Sql, lane: Lane, at: Instant): Promise<JournalCursor> {
  const [row] = await sql<{ seq: bigint; digest: Uint8Array | null }[]>`
    with recursive search (low, high) as (
      select 0::bigint, next_seq - 1
      from lane
      where lane = ${lane}
      union all
      select
        case when middle.at < ${new Date(at)} then middle.seq else search.low end,
        case when middle.at < ${new Date(at)} then search.high else middle.seq - 1 end
      from search
      cross join lateral (
        select seq, at
        from journal
        where lane = ${lane}
          and seq = (search.low + search.high + 1) / 2
      ) as middle
      where search.low < search.high
    )
    select search.low as seq, journal.digest
    from search
    left join journal on journal.lane = ${lane} and journal.seq = search.low
    where search.low = search.high`
  if (row === undefined) return laneStart
  return { seq: row.seq, digest: row.digest ?? laneStart.digest }
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
