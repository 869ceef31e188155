/** Runs the whole bench: everything on one server, ours and the anchor in turn, a checkpoint before each stretch. */
import { connect, type Database } from '../server/src/platform/db.ts'
import { type Anchor, prepareAnchor } from './anchor.ts'
import { type Audited, audit } from './audit.ts'
import { type Cleared, measureClearing } from './clearing.ts'
import { closedLoop, openLoop, type Pay, payThroughEngine } from './engine-load.ts'
import { median, type Stretch } from './figures.ts'
import type { Order } from './http-client.ts'
import { type HttpLoad, startHttpLoad } from './http-load.ts'
import { type Installation, install } from './installation.ts'
import { type Issued, measureIssue } from './issue.ts'
import { loadCards } from './load-cards.ts'
import { type PaymentOptions, paymentsOf } from './payments.ts'
import { measurePgledger } from './pgledger.ts'
import type { BenchPlan } from './plan.ts'
import { type Profile, profile } from './profile.ts'
import { say } from './progress.ts'
import { measurePurchase, type Purchased } from './purchase.ts'
import { payRowByRow, prepareRowByRow } from './row-by-row.ts'
import { type Surroundings, surroundings } from './surroundings.ts'
import { makeWorld, type World } from './world.ts'

/** Clients or connections of the things compared with. */
const clients = [8, 32, 1] as const
type ByClients = Partial<Record<(typeof clients)[number], number>>

export interface Latency {
  readonly share: number
  readonly offered: number
  readonly measured: Stretch
}

export interface Loaded {
  readonly stretches: readonly Stretch[]
  readonly hotMerchant: Stretch
  readonly hotCard: Stretch
  readonly latency: readonly Latency[]
}

export interface Size {
  readonly cards: number
  readonly engine: readonly number[]
  readonly pgbench: readonly number[]
}

export interface Measured {
  readonly plan: BenchPlan
  readonly surroundings: Surroundings
  readonly pgbenchSource: string | null
  /** Transactions or payments per second. */
  readonly pgbench: ByClients
  readonly rowByRow: ByClients
  readonly pgledger: ByClients
  readonly engine: Loaded
  readonly http: Loaded
  readonly issue: Issued
  readonly clearing: Cleared
  readonly purchase: Purchased
  readonly growth: readonly Size[]
  readonly profile: Profile | null
  readonly audit: Audited
  readonly seconds: number
}

export interface RunOptions {
  readonly profiled: boolean
  readonly pgledgerUrl: string | undefined
}

/** A stretch of payments on the same book, whichever way they get there. */
interface Road {
  readonly name: string
  top(seconds: number, options?: PaymentOptions): Promise<Stretch>
  at(perSecond: number, seconds: number): Promise<Stretch>
}

export async function run(plan: BenchPlan, options: RunOptions): Promise<Measured> {
  const started = performance.now()
  const installation = await install()
  try {
    const bench = new Bench(installation, plan)
    const measured = await bench.measure(options)
    return { ...measured, seconds: Math.round((performance.now() - started) / 1000) }
  } finally {
    await installation.stop()
  }
}

class Bench {
  readonly #installation: Installation
  readonly #owner: Database
  readonly #plan: BenchPlan
  #anchor: Anchor | undefined

  constructor(installation: Installation, plan: BenchPlan) {
    this.#installation = installation
    this.#owner = installation.owner
    this.#plan = plan
  }

  async measure({ profiled, pgledgerUrl }: RunOptions): Promise<Omit<Measured, 'seconds'>> {
    const plan = this.#plan
    const { postgres } = this.#installation
    say(`making the book: ${plan.cards} cards, ${plan.merchants} merchants; pgbench -i`)
    const anchored = prepareAnchor(this.#owner, postgres.ownerUrl, plan.anchor.scale)
    // Looked at below; a failure of the loading must not leave it without a listener.
    anchored.catch(() => undefined)
    let world = await makeWorld(this.#installation, plan.merchants)
    const growth: Size[] = []
    const before = plan.growth.filter((size) => size < plan.cards)
    if (before.length > 0) this.#anchor = await anchored
    for (const size of before) {
      world = await this.#grow(world, size)
      growth.push(await this.#size(world))
    }
    world = await this.#grow(world, plan.cards)
    this.#anchor = await anchored
    const issue = await this.#issue(world)
    await prepareRowByRow(this.#owner)
    const http = startHttpLoad()
    try {
      const compared = await this.#compare(world, http)
      const ledger = pgledgerUrl === undefined ? {} : await this.#pgledger(pgledgerUrl)
      const profiles = profiled ? await this.#profile(world) : null
      await this.#owner.sql`drop schema by_hand cascade`
      for (const size of plan.growth.filter((size) => size > plan.cards)) {
        world = await this.#grow(world, size)
        growth.push(await this.#size(world))
      }
      const clearing = await this.#clearing()
      say('auditing')
      return {
        plan,
        surroundings: await surroundings(this.#installation),
        pgbenchSource: this.#anchor?.source ?? null,
        ...compared,
        pgledger: ledger,
        issue,
        clearing,
        growth,
        profile: profiles,
        audit: await audit(this.#owner),
      }
    } finally {
      await http.stop()
    }
  }

  async #compare(world: World, http: HttpLoad) {
    const { warmUpSeconds, seconds, rowSeconds } = this.#plan
    const port = await this.#installation.startServer()
    const roads = { engine: this.#engine(world), http: this.#http(world, http, port) }
    const tops: Record<keyof typeof roads, Stretch[]> = { engine: [], http: [] }
    const pgbench: ByClients = {}
    const rowByRow: ByClients = {}
    // At once: what matters is that both processes have their code compiled.
    await Promise.all(Object.values(roads).map((road) => road.top(warmUpSeconds)))
    for (const count of clients) {
      const tps = await this.#anchorAt(count)
      if (tps !== undefined) pgbench[count] = tps
      for (const name of ['engine', 'http'] as const)
        tops[name].push(await this.#top(roads[name], seconds))
      rowByRow[count] = await this.#rowByRow(world, count, rowSeconds)
    }
    const engine = await this.#more(roads.engine, tops.engine)
    const overHttp = await this.#more(roads.http, tops.http)
    const { wechatUrl } = this.#installation
    const purchase = await measurePurchase(world, { wechatUrl, port }, this.#plan.bought)
    return { pgbench, rowByRow, engine, http: overHttp, purchase }
  }

  #engine({ population, ...world }: World): Road {
    const { flows } = this.#installation.parts
    const pay = payThroughEngine(flows, { population, ...world })
    return {
      name: 'engine',
      top: (seconds, options) =>
        closedLoop(pay, paymentsOf(population, options), this.#plan.callers, seconds),
      at: (perSecond, seconds) => openLoop(pay, paymentsOf(population), perSecond, seconds),
    }
  }

  #http({ population, token }: World, load: HttpLoad, port: number): Road {
    const { connections } = this.#plan
    const order = { port, token, population, connections, options: {} } satisfies Partial<Order>
    return {
      name: 'HTTP',
      top: (seconds, options = {}) => load.run({ ...order, seconds, options }),
      at: (perSecond, seconds) => load.run({ ...order, seconds, perSecond }),
    }
  }

  async #top(road: Road, seconds: number, options?: PaymentOptions): Promise<Stretch> {
    await this.#owner.sql`checkpoint`
    const measured = await road.top(seconds, options)
    const { card, merchant } = options ?? {}
    const hot = card !== undefined ? ', one card' : merchant !== undefined ? ', one merchant' : ''
    say(`${road.name}${hot}: ${measured.perSecond} payments/s`)
    return measured
  }

  async #more(road: Road, stretches: readonly Stretch[]): Promise<Loaded> {
    const { hotSeconds, latencySeconds } = this.#plan
    const hotMerchant = await this.#top(road, hotSeconds, { merchant: 0 })
    const hotCard = await this.#top(road, hotSeconds, { card: 0 })
    const top = median(stretches.map(({ perSecond }) => perSecond))
    const latency: Latency[] = []
    for (const share of [0.5, 0.9]) {
      await this.#owner.sql`checkpoint`
      const measured = await road.at(top * share, latencySeconds)
      say(`${road.name} at ${share * 100} %: p50 ${measured.p50} ms, p99 ${measured.p99} ms`)
      latency.push({ share, offered: Math.round(top * share), measured })
    }
    return { stretches, hotMerchant, hotCard, latency }
  }

  async #anchorAt(count: number): Promise<number | undefined> {
    if (this.#anchor === undefined) return undefined
    await this.#owner.sql`checkpoint`
    const tps = await this.#anchor.run(count, this.#plan.anchor.seconds)
    say(`pgbench with ${count} clients: ${tps} transactions/s`)
    return tps
  }

  async #rowByRow(world: World, connections: number, seconds: number): Promise<number> {
    const database = await connect(this.#installation.postgres.ownerUrl, {
      applicationName: 'bench-by-hand',
      pool: 1,
      transactions: connections,
    })
    try {
      const pay: Pay = payRowByRow(database, world)
      const next = paymentsOf(world.population)
      await closedLoop(pay, next, connections, seconds / 10)
      await this.#owner.sql`checkpoint`
      const { perSecond } = await closedLoop(pay, next, connections, seconds)
      say(`row by row with ${connections} connections: ${perSecond} payments/s`)
      return perSecond
    } finally {
      await database.close()
    }
  }

  async #issue(world: World): Promise<Issued> {
    const issued = await measureIssue(this.#installation, world, this.#plan.issued)
    const { perSecond, copyPerSecond, parallelCopyPerSecond } = issued
    say(`issuing: ${perSecond} cards/s, COPY: ${copyPerSecond}, at once: ${parallelCopyPerSecond}`)
    return issued
  }

  #clearing(): Promise<Cleared> {
    const { payments, merchants } = this.#plan.cleared
    say(`making a day of ${payments} payments at ${merchants} merchants`)
    return measureClearing(this.#installation, payments, merchants)
  }

  async #pgledger(url: string): Promise<ByClients> {
    const rates: ByClients = {}
    for (const count of clients) {
      rates[count] = await measurePgledger(url, count, this.#plan.seconds)
      say(`pgledger with ${count} connections: ${rates[count]} transfers/s`)
    }
    return rates
  }

  async #profile(world: World): Promise<Profile> {
    say('profiling')
    const road = this.#engine(world)
    await this.#owner.sql`checkpoint`
    return profile(this.#owner, async () => (await road.top(this.#plan.seconds)).done)
  }

  async #grow(world: World, cards: number): Promise<World> {
    const grown = await loadCards(this.#installation, world, world.population.cards, cards)
    say(`${cards} cards`)
    return grown
  }

  /** Three stretches at this size, each with the anchor beside it. */
  async #size(world: World): Promise<Size> {
    const { warmUpSeconds, seconds } = this.#plan
    const road = this.#engine(world)
    await road.top(warmUpSeconds)
    const [engine, pgbench]: [number[], number[]] = [[], []]
    for (let turn = 0; turn < 3; turn += 1) {
      const tps = await this.#anchorAt(8)
      if (tps !== undefined) pgbench.push(tps)
      engine.push((await this.#top(road, seconds)).perSecond)
    }
    return { cards: world.population.cards, engine, pgbench }
  }
}
