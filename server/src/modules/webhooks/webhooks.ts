/** Opens the module: what routes and the composition root do with endpoints, deliveries and events. */
import type { BookId, Instant, Lane, Result } from '@lika/contract'
import { realNow } from '../../platform/clock.ts'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import { randomBytes, randomFraction } from '../../platform/crypto/random.ts'
import type { Database } from '../../platform/db.ts'
import { idAt, newId } from '../../platform/ids.ts'
import { type DispatcherOptions, startDispatcher } from './dispatcher.ts'
import { createEndpoint, type NewEndpoint, replayEndpoint } from './endpoints.ts'
import type { Delivery, Endpoint, EndpointId } from './model.ts'
import { type EventPage, type EventPositions, readEventPage } from './read-events.ts'
import type { WebhookSender } from './sender.ts'
import {
  type DeliveryFilter,
  deleteEndpoint,
  findEndpoint,
  listDeliveries,
  listEndpoints,
  type PageWanted,
} from './store.ts'

export interface WebhooksOptions extends Pick<DispatcherOptions, 'alone' | 'log'> {
  /** As the application's role. */
  readonly database: Database
  readonly keyring: Pick<Keyring, 'open' | 'seal'>
  readonly sender: WebhookSender
  /** The lanes in which a book may have entries: those of its mode's pool. */
  readonly lanesOf: (bookId: BookId) => readonly Lane[]
  /** Every lane there is. */
  readonly lanes: () => readonly Lane[]
  /** Other times and pauses than the standard, for tests. */
  readonly tuning?: Partial<
    Pick<DispatcherOptions, 'backOff' | 'pollMs' | 'leaseMs' | 'attemptMs' | 'realNow'>
  >
}

export interface Webhooks {
  /** Refusals: `webhook.url_not_allowed`, `reference.already_used`. The secret is not shown again. */
  create(wanted: NewEndpoint): Promise<Result<{ endpoint: Endpoint; secret: string }>>
  find(bookId: BookId, id: EndpointId): Promise<Endpoint | undefined>
  /** Newest first. */
  list(bookId: BookId, page: PageWanted, reference?: string): Promise<Endpoint[]>
  /** Nothing is sent to it any more. False: there is none. */
  remove(bookId: BookId, id: EndpointId): Promise<boolean>
  /** `after`: id of an event, or RFC 3339. Refusals: `webhook_endpoint.not_found`, `event.not_found`. */
  replay(bookId: BookId, id: EndpointId, after: string): Promise<Result<Endpoint>>
  /** Every attempt, newest first. */
  deliveries(bookId: BookId, page: PageWanted, filter: DeliveryFilter): Promise<Delivery[]>
  /** `wanted`: types or `payment.*`; undefined: all. Lanes that `from` does not name are read from the beginning. */
  events(
    bookId: BookId,
    from: EventPositions,
    wanted: readonly string[] | undefined,
    limit: number,
  ): Promise<EventPage>
  /** Begins to deliver in this process. */
  start(): void
  /** The lane has new entries. */
  wake(lane: Lane): void
  /** Waits for the attempts that are under way. */
  stop(): Promise<void>
}

export function openWebhooks(options: WebhooksOptions): Webhooks {
  const { database, keyring, sender, lanesOf, tuning } = options
  const { sql } = database
  const now: () => Instant = tuning?.realNow ?? realNow
  const tools = { sql, keyring, sender, lanesOf, realNow: now, newId, randomBytes }
  let dispatcher: ReturnType<typeof startDispatcher> | undefined

  return {
    create: async (wanted) => {
      const made = await createEndpoint(wanted, tools)
      if (made.ok) dispatcher?.refresh()
      return made
    },
    find: (bookId, id) => findEndpoint(sql, bookId, id),
    list: (bookId, page, reference) => listEndpoints(sql, bookId, page, reference),
    remove: async (bookId, id) => {
      const found = await deleteEndpoint(sql, bookId, id)
      if (found) dispatcher?.refresh()
      return found
    },
    replay: async (bookId, id, after) => {
      const replayed = await replayEndpoint(bookId, id, after, tools)
      if (replayed.ok) dispatcher?.refresh()
      return replayed
    },
    deliveries: (bookId, page, filter) => listDeliveries(sql, bookId, page, filter),
    events: (bookId, from, wanted, limit) =>
      readEventPage(sql, bookId, lanesOf(bookId), from, wanted, limit),
    start: () => {
      dispatcher ??= startDispatcher({
        ...options,
        realNow: now,
        newId,
        idAt,
        randomFraction,
        ...tuning,
      })
    },
    wake: (lane) => dispatcher?.wake(lane),
    stop: async () => {
      await dispatcher?.stop()
    },
  }
}
