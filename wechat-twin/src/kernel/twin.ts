/**
 * The twin itself: everything that route files find when they register. Made once by `main.ts`, and by tests that run it
 * in their own process.
 */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { V3Gate } from '../v3/gate.ts'
import { RequestAuth } from '../v3/request-auth.ts'
import { Clock, Schedule } from './clock.ts'
import { Faults } from './faults.ts'
import { Merchants } from './merchants.ts'
import { Notifier } from './notifications.ts'
import { Prepays } from './prepays.ts'
import { Random } from './random.ts'
import { Rates } from './rates.ts'
import { Refunds } from './refunds.ts'
import { Requests } from './requests.ts'
import { Router } from './router.ts'
import { serve } from './server.ts'
import { SettingsBox } from './settings.ts'
import { Store } from './store.ts'
import { Trades } from './trades.ts'
import { type User, Users } from './users.ts'

/** `strict` demands https of every notify_url, as WeChat does; `local` allows http on loopback. */
export type Profile = 'strict' | 'local'

/** What a user is told to do: `POST /_twin/users/{id}/do {action, …}`. May throw a `WechatRefusal`. */
export type Doing = (user: User, given: Record<string, unknown>) => unknown

/** Hangs routes, doings and scheduled work into a twin; must not do anything else. */
export type Register = (twin: Twin) => void

export class Twin {
  readonly profile: Profile
  readonly store: Store
  readonly random: Random
  readonly clock: Clock
  readonly schedule: Schedule
  readonly settings: SettingsBox
  readonly rates: Rates
  readonly faults: Faults
  readonly requests: Requests
  readonly router = new Router()
  readonly merchants: Merchants
  readonly users: Users
  readonly trades: Trades
  readonly prepays: Prepays
  readonly notifier: Notifier
  readonly refunds: Refunds
  readonly auth: RequestAuth
  readonly v3: V3Gate
  readonly doings = new Map<string, Doing>()
  /** How many requests to the outside are unanswered: asked of each who makes some. */
  readonly flying: (() => number)[] = []
  /** Aborted when the twin ends: what is on its way to others then stays unanswered. */
  readonly ending = new AbortController()
  /** Of the server once it listens: `http://127.0.0.1:port`. */
  url = ''
  #server: Server | undefined

  constructor(options: { data: string; profile: Profile; seed?: string | undefined }) {
    this.profile = options.profile
    this.store = new Store(options.data)
    const starts = this.store.table<{ count: number }>('starts')
    const count = (starts.get('count')?.count ?? 0) + 1
    starts.set('count', { count })
    this.random = new Random(options.seed, count)
    this.clock = new Clock(this.store)
    this.schedule = new Schedule(this.store, this.clock, () => this.store.flush())
    this.settings = new SettingsBox(this.store)
    this.rates = new Rates(this.clock, this.settings)
    this.faults = new Faults(this.store, this.random)
    this.requests = new Requests(this.clock)
    this.merchants = new Merchants(this.store, this.clock, this.random, this.settings)
    this.users = new Users(this.store, this.clock, this.random)
    this.trades = new Trades(this.store, this.clock, this.random, this.settings, this.users)
    this.prepays = new Prepays(this.store, this.clock)
    this.notifier = new Notifier(this)
    this.refunds = new Refunds(this)
    this.auth = new RequestAuth(this.clock, this.settings, this.merchants)
    this.v3 = new V3Gate(this)
  }

  /** One action of users by name; throws where there are two. */
  doing(action: string, work: Doing): void {
    if (this.doings.has(action)) throw new Error(`two doings called ${action}`)
    this.doings.set(action, work)
  }

  /** Listens on loopback, and begins to do what is due. */
  async start(registers: readonly Register[], port: number): Promise<void> {
    for (const register of registers) register(this)
    const server = serve(this)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    this.url = `http://127.0.0.1:${address.port}`
    this.#server = server
    this.notifier.start()
    this.schedule.start()
  }

  async stop(): Promise<void> {
    this.ending.abort()
    this.schedule.stop()
    this.notifier.stop()
    const server = this.#server
    if (server !== undefined) {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }
    this.store.close()
  }
}
