/** The SQL of endpoints, of the list of deliveries, and of a replay's cursors. */
import type { BookId, Lane, Uuid } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, byteaArray, intArray, textArray } from '../../platform/db-array.ts'
import type { JournalCursor } from '../../platform/lanes/tail-store.ts'
import type { Delivery, Endpoint, EndpointId } from './model.ts'

/** False: the reference is taken. The endpoint is told of what happens from now on, in every lane of the book. */
export async function insertEndpoint(
  sql: Sql,
  endpoint: Omit<Endpoint, 'failingSince'>,
  sealedSecret: Buffer,
  lanes: readonly Lane[],
): Promise<boolean> {
  const done = await sql`
    with made as (
      insert into webhook_endpoint (id, book_id, url, events, sealed_secret, reference, metadata, created_at)
      values (
        ${endpoint.id}, ${endpoint.bookId}, ${endpoint.url}, ${textArray(endpoint.events)}::text[],
        ${sealedSecret}, ${endpoint.reference}, ${JSON.stringify(endpoint.metadata)}::text::jsonb,
        ${new Date(endpoint.createdAt)}
      )
      on conflict (book_id, reference) do nothing
      returning id
    ), placed as (
      insert into webhook_cursor (lane, endpoint_id, seq, digest)
      select lane.lane, made.id, lane.next_seq - 1, lane.head
      from made
      cross join lane
      where lane.lane = any(${intArray(lanes)}::int[])
    )
    select from made`
  return done.count === 1
}

export async function findEndpointByReference(
  sql: Sql,
  bookId: BookId,
  reference: string,
): Promise<EndpointId | undefined> {
  const [row] = await sql<{ id: EndpointId }[]>`
    select id
    from webhook_endpoint
    where book_id = ${bookId}
      and reference = ${reference}`
  return row?.id
}

export async function findEndpoint(
  sql: Sql,
  bookId: BookId,
  id: EndpointId,
): Promise<Endpoint | undefined> {
  const [row] = await sql<Endpoint[]>`
    select
      id, book_id as "bookId", url, events, reference, metadata, created_at as "createdAt",
      (
        select min(failing_since)
        from webhook_cursor
        where webhook_cursor.endpoint_id = webhook_endpoint.id
      ) as "failingSince"
    from webhook_endpoint
    where book_id = ${bookId}
      and id = ${id}`
  return row
}

/** A stretch of a list whose newest come first. */
export interface PageWanted {
  /** Only what is older than this one. */
  readonly afterId: string | undefined
  readonly limit: number
}

export function listEndpoints(
  sql: Sql,
  bookId: BookId,
  { afterId, limit }: PageWanted,
  reference: string | undefined,
): Promise<Endpoint[]> {
  return sql<Endpoint[]>`
    select
      id, book_id as "bookId", url, events, reference, metadata, created_at as "createdAt",
      (
        select min(failing_since)
        from webhook_cursor
        where webhook_cursor.endpoint_id = webhook_endpoint.id
      ) as "failingSince"
    from webhook_endpoint
    where book_id = ${bookId}
      and id < ${afterId ?? greatestId}
      and (${reference === undefined} or reference = ${reference ?? null}::text)
    order by id desc
    limit ${limit}`
}

/** With its cursors and its lease; what was tried stays listed. False: there is none. */
export async function deleteEndpoint(sql: Sql, bookId: BookId, id: EndpointId): Promise<boolean> {
  const done = await sql`
    delete from webhook_endpoint
    where book_id = ${bookId}
      and id = ${id}`
  return done.count === 1
}

export interface DeliveryFilter {
  readonly endpointId?: EndpointId | undefined
  readonly eventId?: Uuid | undefined
  readonly status?: 'delivered' | 'failed' | undefined
}

export function listDeliveries(
  sql: Sql,
  bookId: BookId,
  { afterId, limit }: PageWanted,
  filter: DeliveryFilter,
): Promise<Delivery[]> {
  return sql<Delivery[]>`
    select
      id, lane, book_id as "bookId", endpoint_id as "endpointId", event_id as "eventId",
      event_type as "eventType", attempt, at, status, response_status as "responseStatus", error,
      next_attempt_at as "nextAttemptAt"
    from webhook_delivery
    where book_id = ${bookId}
      and id < ${afterId ?? greatestId}
      and (${filter.endpointId === undefined} or endpoint_id = ${filter.endpointId ?? null}::uuid)
      and (${filter.eventId === undefined} or event_id = ${filter.eventId ?? null}::uuid)
      and (${filter.status === undefined} or status = ${filter.status ?? null}::text)
    order by id desc
    limit ${limit}`
}

/** Deletes up to `limit` deliveries that are older than `beforeId`; how many it were. */
export async function sweepDeliveries(
  sql: Sql,
  lane: Lane,
  beforeId: Uuid,
  limit: number,
): Promise<number> {
  const done = await sql`
    delete from webhook_delivery
    where lane = ${lane}
      and id in (
        select id
        from webhook_delivery
        where lane = ${lane}
          and id < ${beforeId}
        order by id
        limit ${limit}
      )`
  return done.count
}

/** Up to `done` events of the entry after it are not wanted again. */
export interface ReplayPosition extends JournalCursor {
  readonly lane: Lane
  readonly done: number
}

/**
 * Puts the cursors back to the given places, and lets failing ones be tried at once. A cursor that has not come that
 * far stays: a replay never skips what was not delivered yet.
 */
export async function rewindCursors(
  sql: Sql,
  id: EndpointId,
  positions: readonly ReplayPosition[],
): Promise<void> {
  await sql`
    update webhook_cursor
    set
      seq = case when back then target.seq else webhook_cursor.seq end,
      digest = case when back then target.digest else webhook_cursor.digest end,
      done = case when back then target.done else webhook_cursor.done end,
      replays = replays + 1,
      attempts = case when back then 0 else attempts end,
      next_attempt_at = null
    from (
      select
        place.*,
        (cursor.seq, cursor.done) > (place.seq, place.done) as back
      from unnest(
        ${intArray(positions.map(({ lane }) => lane))}::int[],
        ${bigintArray(positions.map(({ seq }) => seq))}::bigint[],
        ${byteaArray(positions.map(({ digest }) => digest))}::bytea[],
        ${intArray(positions.map(({ done }) => done))}::int[]
      ) as place (lane, seq, digest, done)
      join webhook_cursor as cursor on cursor.lane = place.lane and cursor.endpoint_id = ${id}
    ) as target
    where webhook_cursor.lane = target.lane
      and webhook_cursor.endpoint_id = ${id}`
}

const greatestId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
