/**
 * Delivers the events of one lane to one endpoint, one after another: the next is sent when the one before it was
 * taken with a 2xx, however long that takes. The cursor moves only then, so that a process that dies sends again what
 * it may have sent before, under the same id.
 */
import { asId, type BookId, type Instant, type Lane, parseId, type Uuid } from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Sql } from '../../platform/db.ts'
import { JournalBroken } from '../../platform/lanes/tail.ts'
import { type JournalEntry, laneStart } from '../../platform/lanes/tail-store.ts'
import { Nap } from '../../platform/nap.ts'
import { moveOver, noteAttempt, readAddressee, readEndpointCursor } from './delivery-store.ts'
import { eventsOf, type PublicEvent, wants } from './events.ts'
import type { Feed } from './feed.ts'
import {
  type BackOff,
  type Delivery,
  type EndpointCursor,
  type EndpointId,
  endpointStatus,
  pauseMs,
} from './model.ts'
import type { Posted, WebhookSender } from './sender.ts'
import { signedHeaders } from './signature.ts'

export interface Delivering {
  readonly sql: Sql
  readonly keyring: Pick<Keyring, 'open'>
  readonly sender: WebhookSender
  readonly feed: Feed
  /** This process, as leases know it. */
  readonly owner: Uuid
  readonly realNow: () => Instant
  readonly newId: (lane: Lane) => Uuid
  readonly randomFraction: () => number
  readonly backOff: BackOff
  /** Longer than any attempt takes: the lease must last that long. */
  readonly attemptMs: number
  readonly log: { error(details: object, sentence: string): void }
}

export interface Route {
  readonly endpointId: EndpointId
  readonly bookId: BookId
  readonly lane: Lane
  /** What the endpoint wants; it stays as it was made. */
  readonly events: readonly string[]
  /** Called when an event got through after failures: the other lanes need not wait longer. */
  readonly onRecovered: () => void
}

export interface Deliverer {
  /** Begin again from the stored cursor: a replay has moved it. */
  reload(): void
  /** Try now what waits for its next attempt. */
  hurry(): void
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/** So many entries of no interest are passed over before that is stored. */
const passedOverAtMost = 1_000
const pauseAfterFaultMs = { first: 500, longest: 10_000 }
/** A lease that does not last for an attempt is renewed, or somebody else's, after that. */
const pauseWithoutLeaseMs = 1_000
const mostOfError = 200

export function startDeliverer(route: Route, on: Delivering): Deliverer {
  const { endpointId, bookId, lane } = route
  const nap = new Nap()
  let reloadWanted = false
  let hurried = false
  let told = false

  async function run(): Promise<void> {
    let pause = pauseAfterFaultMs.first
    while (!nap.ended) {
      try {
        reloadWanted = false
        const cursor = await readEndpointCursor(on.sql, endpointId, lane, laneStart)
        pause = pauseAfterFaultMs.first
        if (cursor === undefined) await nap.sleep(pauseWithoutLeaseMs)
        else await follow(cursor)
      } catch (error) {
        on.log.error(
          { err: error, endpointId, lane },
          'the deliveries to an endpoint are interrupted',
        )
        if (error instanceof JournalBroken) await sleepUntilReload()
        else await nap.sleep(pause)
        pause = Math.min(pause * 2, pauseAfterFaultMs.longest)
      }
    }
  }

  async function sleepUntilReload(): Promise<void> {
    while (!nap.ended && !reloadWanted) await nap.sleep(60_000)
  }

  /** Returns when the stored cursor is to be read again. */
  async function follow(from: EndpointCursor): Promise<void> {
    let at: EndpointCursor | undefined = from
    let stored = from.seq
    while (at !== undefined && !nap.ended && !reloadWanted) {
      await sleepUntilDue(at)
      const entries: readonly JournalEntry[] = await on.feed.after(lane, at)
      if (entries.length === 0) {
        on.feed.watch(lane, at.seq, nap)
        await nap.sleep(60_000)
        on.feed.unwatch(lane, nap)
        continue
      }
      at = await deliverAll(entries, at)
      if (at !== undefined && at.seq - stored >= passedOverAtMost) {
        if (!(await moveOver(on.sql, endpointId, lane, on.owner, at))) return
        stored = at.seq
      }
    }
  }

  async function sleepUntilDue({ nextAttemptAt }: EndpointCursor): Promise<void> {
    hurried = false
    while (nextAttemptAt !== null && !hurried && !nap.ended && !reloadWanted) {
      const left = nextAttemptAt - on.realNow()
      if (left <= 0) return
      await nap.sleep(left)
    }
  }

  /** Where that leaves the endpoint; undefined: the stored cursor is another one by now. */
  async function deliverAll(
    entries: readonly JournalEntry[],
    from: EndpointCursor,
  ): Promise<EndpointCursor | undefined> {
    let at = from
    for (const entry of entries) {
      for (const { event, behind } of pendingOf(entry, route, at.done)) {
        if (nap.ended || reloadWanted) return undefined
        const left = await deliver(event, at, { ...at, ...(behind ?? placeOf(entry)) })
        if (left === undefined || left.attempts > 0) return left
        at = left
      }
      at = { ...at, ...placeOf(entry) }
    }
    return at
  }

  async function deliver(
    event: PublicEvent,
    at: EndpointCursor,
    to: EndpointCursor,
  ): Promise<EndpointCursor | undefined> {
    const addressee = await readAddressee(on.sql, endpointId, on.owner, on.attemptMs)
    if (addressee === undefined) {
      await nap.sleep(pauseWithoutLeaseMs)
      return undefined
    }
    const key = on.keyring.open('webhook-secret', endpointId, addressee.sealedSecret)
    const body = JSON.stringify(event)
    const sentAt = on.realNow()
    const posted = await on.sender.post(
      addressee.url,
      {
        'content-type': 'application/json',
        'user-agent': 'Lika-Webhooks/1',
        ...signedHeaders(key, event.id, sentAt, body),
      },
      body,
    )
    return note(event, at, to, posted, sentAt)
  }

  async function note(
    event: PublicEvent,
    at: EndpointCursor,
    to: EndpointCursor,
    posted: Posted,
    sentAt: Instant,
  ): Promise<EndpointCursor | undefined> {
    const delivered = 'status' in posted && posted.status >= 200 && posted.status <= 299
    const attempt = at.attempts + 1
    const nextAttemptAt = delivered
      ? null
      : on.realNow() + pauseMs(attempt, on.randomFraction(), on.backOff)
    const left: EndpointCursor = delivered
      ? { ...to, attempts: 0, nextAttemptAt }
      : { ...at, attempts: attempt, nextAttemptAt }
    const delivery: Delivery = {
      id: asId(on.newId(lane)),
      lane,
      bookId,
      endpointId,
      eventId: parseId('event', event.id) ?? event.id,
      eventType: event.type,
      attempt,
      at: sentAt,
      status: delivered ? 'delivered' : 'failed',
      responseStatus: 'status' in posted ? posted.status : null,
      error: delivered ? null : errorOf(posted),
      nextAttemptAt,
    }
    const { moved, failingSince } = await noteAttempt(on.sql, delivery, on.owner, left)
    if (delivered && at.attempts > 0) route.onRecovered()
    tellFailing(failingSince, sentAt)
    return moved ? left : undefined
  }

  /** Once, and again after it had recovered. */
  function tellFailing(failingSince: Instant | null, now: Instant): void {
    const failing = endpointStatus({ failingSince }, now) === 'failing'
    if (failing && !told)
      on.log.error(
        { endpointId, lane },
        'a webhook endpoint has failed for three days; attempts go on',
      )
    told = failing
  }

  const running = run()
  return {
    reload: () => {
      reloadWanted = true
      nap.wake()
    },
    hurry: () => {
      hurried = true
      nap.wake()
    },
    stop: async () => {
      nap.end()
      await running
      on.feed.unwatch(lane, nap)
    },
  }
}

/** What of an entry is still to be delivered; `behind`: where that leaves the cursor, if not behind the entry. */
function pendingOf(
  entry: JournalEntry,
  { bookId, events: wanted }: Route,
  done: number,
): { event: PublicEvent; behind: { done: number } | undefined }[] {
  if (entry.bookId !== bookId) return []
  const events = eventsOf(entry)
  return events.flatMap((event, index) => {
    if (index < done || !wants(wanted, event.type)) return []
    return [{ event, behind: index === events.length - 1 ? undefined : { done: index + 1 } }]
  })
}

function placeOf({ seq, digest, month }: JournalEntry) {
  return { seq, digest, month, done: 0 }
}

function errorOf(posted: Posted): string {
  return 'status' in posted ? `status ${posted.status}` : posted.error.slice(0, mostOfError)
}
