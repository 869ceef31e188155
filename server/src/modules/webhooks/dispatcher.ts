/**
 * Keeps this server process delivering to the endpoints it has a lease on. Of several processes one serves an endpoint;
 * when it ends, another takes over within the time of a lease.
 */
import type { BookId, Instant, Lane, Uuid } from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Database } from '../../platform/db.ts'
import { Nap } from '../../platform/nap.ts'
import { type Deliverer, type Delivering, startDeliverer } from './deliver.ts'
import { endLeases, giveLeases, type Leased, takeLeases } from './delivery-store.ts'
import { startFeed } from './feed.ts'
import { type BackOff, deliveriesKeptMs, type EndpointId, standardBackOff } from './model.ts'
import type { WebhookSender } from './sender.ts'
import { sweepDeliveries } from './store.ts'

export interface DispatcherOptions {
  readonly database: Database
  readonly keyring: Pick<Keyring, 'open'>
  readonly sender: WebhookSender
  /** The lanes in which a book may have entries: those of its mode's pool. */
  readonly lanesOf: (bookId: BookId) => readonly Lane[]
  /** Every lane there is. */
  readonly lanes: () => readonly Lane[]
  readonly realNow: () => Instant
  readonly newId: (lane: Lane) => Uuid
  /** The smallest id of that instant. */
  readonly idAt: (at: Instant) => Uuid
  readonly randomFraction: () => number
  readonly log: { error(details: object, sentence: string): void }
  /** Leases left over by a process that was killed are not waited for: only when no other server can be running. */
  readonly alone?: boolean
  readonly backOff?: BackOff
  readonly pollMs?: number
  readonly leaseMs?: number
  /** Longer than the sender's timeout. */
  readonly attemptMs?: number
}

export interface Dispatcher {
  /** The lane has new entries. */
  wake(lane: Lane): void
  /** Endpoints were made, deleted or replayed. */
  refresh(): void
  stop(): Promise<void>
}

interface Served {
  readonly lanes: Map<Lane, Deliverer>
  replays: number
}

const sweepEveryMs = 3_600_000
const sweptAtOnce = 5_000

export function startDispatcher(options: DispatcherOptions): Dispatcher {
  const { database, log, leaseMs = 15_000 } = options
  const owner = options.newId(0)
  const served = new Map<EndpointId, Served>()
  const ending = new Set<Promise<void>>()
  const nap = new Nap()
  let troubled = false
  const feed = startFeed(database.sql, options.pollMs ?? 200, (error) =>
    log.error({ err: error }, 'webhooks cannot look at the journal'),
  )
  const delivering: Delivering = {
    sql: database.sql,
    feed,
    owner,
    backOff: options.backOff ?? standardBackOff,
    attemptMs: options.attemptMs ?? 11_000,
    keyring: options.keyring,
    sender: options.sender,
    realNow: options.realNow,
    newId: options.newId,
    randomFraction: options.randomFraction,
    log,
  }

  async function run(): Promise<void> {
    let swept = Number.NEGATIVE_INFINITY
    if (options.alone === true) await tried(() => endLeases(database.sql))
    while (!nap.ended) {
      await tried(renew)
      if (options.realNow() - swept >= sweepEveryMs) {
        swept = options.realNow()
        await tried(sweep)
      }
      // Often enough that a lease always lasts for an attempt.
      await nap.sleep(leaseMs / 8)
    }
  }

  /** Told once until it works again. */
  async function tried(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      troubled = false
    } catch (error) {
      if (!troubled)
        log.error({ err: error }, 'webhooks: the leases or the sweep failed and are tried again')
      troubled = true
    }
  }

  async function renew(): Promise<void> {
    const mine = await takeLeases(database.sql, owner, leaseMs)
    const ids = new Set(mine.map(({ id }) => id))
    for (const id of served.keys()) if (!ids.has(id)) forget(id)
    if (nap.ended) return
    for (const endpoint of mine) {
      const one = served.get(endpoint.id) ?? { lanes: new Map(), replays: endpoint.replays }
      served.set(endpoint.id, one)
      serveLanes(endpoint, one.lanes)
      if (one.replays === endpoint.replays) continue
      one.replays = endpoint.replays
      for (const deliverer of one.lanes.values()) deliverer.reload()
    }
  }

  function serveLanes({ id, bookId, events }: Leased, lanes: Served['lanes']): void {
    for (const lane of options.lanesOf(bookId)) {
      if (lanes.has(lane)) continue
      const onRecovered = () => {
        for (const deliverer of lanes.values()) deliverer.hurry()
      }
      const route = { endpointId: id, bookId, lane, events, onRecovered }
      lanes.set(lane, startDeliverer(route, delivering))
    }
  }

  function forget(id: EndpointId): void {
    for (const deliverer of served.get(id)?.lanes.values() ?? []) {
      const end = deliverer.stop().finally(() => ending.delete(end))
      ending.add(end)
    }
    served.delete(id)
  }

  async function sweep(): Promise<void> {
    const before = options.idAt(options.realNow() - deliveriesKeptMs)
    for (const lane of options.lanes()) {
      let deleted = sweptAtOnce
      while (deleted === sweptAtOnce && !nap.ended)
        deleted = await sweepDeliveries(database.sql, lane, before, sweptAtOnce)
    }
  }

  const running = run()
  return {
    wake: (lane) => feed.wake(lane),
    refresh: () => nap.wake(),
    stop: async () => {
      nap.end()
      await running
      for (const id of served.keys()) forget(id)
      await Promise.all(ending)
      feed.stop()
      await tried(() => giveLeases(database.sql, owner))
    },
  }
}
