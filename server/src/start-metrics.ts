/** A step of the start: what is counted, and how it reads for Prometheus. No label takes a value that callers make up. */
import { businessDateOf } from '@lika/contract'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Deps } from './api/deps.ts'
import {
  countStopped,
  missingYear,
  readCalendarYears,
  withYears,
} from './modules/clearing/index.ts'
import { countPayouts } from './modules/payouts/index.ts'
import type { Tables } from './modules/policy/index.ts'
import { countShares } from './modules/sharing/index.ts'
import { readDeliveryFigures } from './modules/webhooks/index.ts'
import { realNow } from './platform/clock.ts'
import type { Database } from './platform/db.ts'
import { countJobs } from './platform/jobs/index.ts'
import type { Engine, EngineMeter } from './platform/lanes/index.ts'

export interface Metrics extends Pick<Deps, 'count' | 'metrics'> {
  readonly engineMeter: EngineMeter
  /** What is only read when somebody asks. */
  readonly watch: (engine: Pick<Engine, 'load'>, database: Database, tables: Tables) => void
}

const powersOfTwo = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]
const fractionsOfSecond = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 30]

export function openMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Counter({
    name: 'lika_http_requests_total',
    help: 'Requests answered, by route and status.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const refusals = new Counter({
    name: 'lika_refusals_total',
    help: 'Requests refused, by the code of the refusal.',
    labelNames: ['code'],
    registers,
  })
  const rounds = new Histogram({
    name: 'lika_round_commands',
    help: 'Commands carried out in one transaction; its count is the number of rounds.',
    buckets: powersOfTwo,
    registers,
  })
  const claims = new Histogram({
    name: 'lika_claim_seconds',
    help: 'Time until an idempotency key was claimed.',
    buckets: fractionsOfSecond,
    registers,
  })
  return {
    count: ({ method, route = 'none', status, refusal }) => {
      // Methods without a route are the callers' own words.
      requests.inc({ method: route === 'none' ? 'any' : method, route, status: String(status) })
      if (refusal !== null) refusals.inc({ code: refusal })
    },
    engineMeter: {
      round: (commands) => rounds.observe(commands),
      claim: (tookMs) => claims.observe(tookMs / 1000),
    },
    watch: (engine, database, tables) => {
      watchLanes(registry, engine)
      watchDatabase(registry, database)
      watchSettlements(registry, database, tables)
      watchPayouts(registry, database)
      watchShares(registry, database)
    },
    metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  }
}

function watchLanes(registry: Registry, engine: Pick<Engine, 'load'>): void {
  new Gauge({
    name: 'lika_lane_queue',
    help: 'Commands that wait or run, by lane; 0 are those over several lanes.',
    labelNames: ['lane'],
    registers: [registry],
    collect() {
      for (const [lane, commands] of engine.load()) this.set({ lane: String(lane) }, commands)
    },
  })
}

/** While the database does not answer these have no value rather than an old one. */
function watchDatabase(registry: Registry, { sql }: Database): void {
  new Gauge({
    name: 'lika_webhook_backlog',
    help: 'Journal entries that webhook endpoints were not told of yet, over all of them.',
    registers: [registry],
    async collect() {
      const figures = await readDeliveryFigures(sql).catch(() => undefined)
      if (figures === undefined) this.reset()
      else this.set(figures.backlog)
    },
  })
  new Gauge({
    name: 'lika_jobs',
    help: 'Jobs, by state.',
    labelNames: ['status'],
    registers: [registry],
    async collect() {
      const counts = await countJobs(sql).catch(() => [])
      this.reset()
      for (const { status, count } of counts) this.set({ status }, count)
    },
  })
}

/** What finance must hear of before money stands still. */
function watchSettlements(registry: Registry, { sql }: Database, tables: Tables): void {
  new Gauge({
    name: 'lika_settlement_stopped_books',
    help: 'Books whose settlement waits for somebody, such as for a calendar.',
    registers: [registry],
    async collect() {
      const stopped = await countStopped(sql).catch(() => undefined)
      if (stopped === undefined) this.reset()
      else this.set(stopped)
    },
  })
  new Gauge({
    name: 'lika_calendar_missing_year',
    help: 'A year within the next quarter for which the business days are not known; 0: none.',
    registers: [registry],
    async collect() {
      const years = await readCalendarYears(sql).catch(() => [])
      this.set(missingYear(withYears(tables, years), businessDateOf(realNow())) ?? 0)
    },
  })
}

/** What is with a bank, and what of it a person has to look at. */
function watchPayouts(registry: Registry, { sql }: Database): void {
  new Gauge({
    name: 'lika_payouts_sent',
    help: 'Payouts that are with a bank and have no outcome yet; attention: the bank said what does not fit.',
    labelNames: ['mode', 'attention'],
    registers: [registry],
    async collect() {
      const figures = await countPayouts(sql).catch(() => [])
      this.reset()
      for (const { mode, sent, attention } of figures) {
        this.set({ mode, attention: 'no' }, sent - attention)
        this.set({ mode, attention: 'yes' }, attention)
      }
    },
  })
}

/** What WeChat refuses to share, or to let go of, until somebody puts it right. */
function watchShares(registry: Registry, { sql }: Database): void {
  new Gauge({
    name: 'lika_shares_attention',
    help: 'Shares of sales that WeChat refuses again and again, or for good: a person has to look.',
    labelNames: ['mode'],
    registers: [registry],
    async collect() {
      const figures = await countShares(sql).catch(() => [])
      this.reset()
      for (const { mode, attention } of figures) this.set({ mode }, attention)
    },
  })
}
