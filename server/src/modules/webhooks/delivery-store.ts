/** The SQL of delivering: which process serves which endpoint, where it stands, and what came of each attempt. */
import type { BookId, Instant, Lane, Uuid } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import type { JournalCursor } from '../../platform/lanes/tail-store.ts'
import type { Delivery, EndpointCursor, EndpointId } from './model.ts'

export interface Leased {
  readonly id: EndpointId
  readonly bookId: BookId
  readonly events: readonly string[]
  /** Grows with each replay of the endpoint. */
  readonly replays: number
}

/**
 * Renews the leases of this process and takes those that are free or have run out. All that it has now, with the
 * replays of their cursors together, so that a replay asked of another process is noticed.
 */
export function takeLeases(sql: Sql, owner: Uuid, leaseMs: number): Promise<Leased[]> {
  return sql<Leased[]>`
    with taken as (
      insert into webhook_lease as lease (endpoint_id, owner, until)
      select id, ${owner}::uuid, clock_timestamp() + make_interval(secs => ${leaseMs / 1000})
      from webhook_endpoint
      order by id
      on conflict (endpoint_id) do update
      set owner = excluded.owner, until = excluded.until
      where lease.owner = excluded.owner
        or lease.until < clock_timestamp()
      returning endpoint_id
    )
    select
      webhook_endpoint.id,
      webhook_endpoint.book_id as "bookId",
      webhook_endpoint.events,
      (
        select coalesce(sum(webhook_cursor.replays), 0)::int
        from webhook_cursor
        where webhook_cursor.endpoint_id = webhook_endpoint.id
      ) as replays
    from taken
    join webhook_endpoint on webhook_endpoint.id = taken.endpoint_id`
}

/** Gives up what this process has, so that another one need not wait. */
export async function giveLeases(sql: Sql, owner: Uuid): Promise<void> {
  await sql`
    delete from webhook_lease
    where owner = ${owner}`
}

/** Ends every lease: only where no other process can be alive. */
export async function endLeases(sql: Sql): Promise<void> {
  await sql`delete from webhook_lease`
}

/** A lane that is newer than the endpoint begins at its start. */
export async function readEndpointCursor(
  sql: Sql,
  id: EndpointId,
  lane: Lane,
  start: JournalCursor,
): Promise<EndpointCursor | undefined> {
  const find = () => sql<EndpointCursor[]>`
    select seq, digest, done, replays, attempts, next_attempt_at as "nextAttemptAt"
    from webhook_cursor
    where lane = ${lane}
      and endpoint_id = ${id}`
  const [row] = await find()
  if (row !== undefined) return row
  await sql`
    insert into webhook_cursor (lane, endpoint_id, seq, digest)
    select ${lane}, id, ${start.seq}, ${Buffer.from(start.digest)}
    from webhook_endpoint
    where id = ${id}
    on conflict do nothing`
  const [made] = await find()
  return made
}

export interface Addressee {
  readonly url: string
  readonly sealedSecret: Uint8Array
}

/** Whom to send to; undefined: the endpoint is gone, or its lease does not last for another attempt. */
export async function readAddressee(
  sql: Sql,
  id: EndpointId,
  owner: Uuid,
  attemptMs: number,
): Promise<Addressee | undefined> {
  const [row] = await sql<Addressee[]>`
    select endpoint.url, endpoint.sealed_secret as "sealedSecret"
    from webhook_endpoint as endpoint
    join webhook_lease as lease on lease.endpoint_id = endpoint.id
    where endpoint.id = ${id}
      and lease.owner = ${owner}
      and lease.until > clock_timestamp() + make_interval(secs => ${attemptMs / 1000})`
  return row
}

/**
 * Notes an attempt and puts the cursor where it leaves the endpoint; not `moved` when a replay has put it elsewhere
 * or another process has the endpoint now.
 */
export async function noteAttempt(
  sql: Sql,
  delivery: Delivery,
  owner: Uuid,
  to: EndpointCursor,
): Promise<{ moved: boolean; failingSince: Instant | null }> {
  const [row] = await sql<{ moved: boolean; failingSince: Instant | null }[]>`
    with moved as (
      update webhook_cursor
      set
        seq = ${to.seq},
        digest = ${Buffer.from(to.digest)},
        done = ${to.done},
        attempts = ${to.attempts},
        failing_since = case
          when ${to.attempts === 0} then null
          else coalesce(failing_since, ${new Date(delivery.at)}::timestamptz)
        end,
        next_attempt_at = ${to.nextAttemptAt === null ? null : new Date(to.nextAttemptAt)}::timestamptz
      where lane = ${delivery.lane}
        and endpoint_id = ${delivery.endpointId}
        and replays = ${to.replays}
        and exists (
          select
          from webhook_lease
          where webhook_lease.endpoint_id = ${delivery.endpointId}
            and webhook_lease.owner = ${owner}
        )
      returning failing_since
    )
    insert into webhook_delivery (
      lane, id, book_id, endpoint_id, event_id, event_type, attempt, at, status, response_status, error,
      next_attempt_at
    )
    values (
      ${delivery.lane}, ${delivery.id}, ${delivery.bookId}, ${delivery.endpointId}, ${delivery.eventId},
      ${delivery.eventType}, ${delivery.attempt}, ${new Date(delivery.at)}, ${delivery.status},
      ${delivery.responseStatus}, ${delivery.error},
      ${delivery.nextAttemptAt === null ? null : new Date(delivery.nextAttemptAt)}::timestamptz
    )
    returning
      exists (select from moved) as moved,
      (select failing_since from moved) as "failingSince"`
  return row ?? { moved: false, failingSince: null }
}

/** Moves the cursor over entries of which the endpoint wants nothing. False as in `noteAttempt`. */
export async function moveOver(
  sql: Sql,
  id: EndpointId,
  lane: Lane,
  owner: Uuid,
  to: EndpointCursor,
): Promise<boolean> {
  const done = await sql`
    update webhook_cursor
    set seq = ${to.seq}, digest = ${Buffer.from(to.digest)}, done = 0
    where lane = ${lane}
      and endpoint_id = ${id}
      and replays = ${to.replays}
      and exists (
        select
        from webhook_lease
        where webhook_lease.endpoint_id = ${id}
          and webhook_lease.owner = ${owner}
      )`
  return done.count === 1
}
