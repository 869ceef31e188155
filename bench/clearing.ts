/**
 * Clearing a day: payments of yesterday by COPY into a database of its own, so that nothing else works on them; then the
 * day is closed, and every merchant settled under its contract. Beside it what PostgreSQL needs just to add the same
 * payments up by merchant.
 */
import { createHash } from 'node:crypto'
import { asId, bookOf, businessDateOf, dayMs, startOfDay } from '../contract/src/index.ts'
import { closeDay } from '../server/src/flows/close-day.ts'
import { settleBook } from '../server/src/flows/settle/run.ts'
import { portionCheck, statementCheck } from '../server/src/modules/clearing/index.ts'
import { Auditor, writeClosings } from '../server/src/modules/ledger/index.ts'
import { openMerchants } from '../server/src/modules/merchants/index.ts'
import { keyringOf } from '../server/src/platform/crypto/keyring.ts'
import { appRole, connect, type Database } from '../server/src/platform/db.ts'
import { withDatabase } from '../server/src/platform/db-url.ts'
import { newCommandId } from '../server/src/platform/ids.ts'
import { Engine, ensureLanes } from '../server/src/platform/lanes/index.ts'
import { migrate } from '../server/src/platform/migrate.ts'
import { type Day, laneCount, loadDays, nobody } from './clearing-day.ts'
import { rounded } from './figures.ts'
import type { Installation } from './installation.ts'
import { merchantAt } from './population.ts'
import { say } from './progress.ts'

export interface Cleared {
  readonly payments: number
  readonly merchants: number
  readonly statements: number
  /** `select merchant_id, sum(amount) … group by`, the best of three. */
  readonly groupBySeconds: number
  /** Reading what was taken, deciding, and writing statements and money, durably. */
  readonly settleSeconds: number
  /** The closing balances of the day, for comparison: every book needs them, settled or not. */
  readonly closingsSeconds: number
  /** By how much the process grew while it settled. */
  readonly memoryMb: number
  /** The first row that the auditor finds wrong. */
  readonly wrong: string | null
}

const databaseName = 'lika_clearing'

export async function measureClearing(
  { owner, postgres, parts }: Installation,
  payments: number,
  merchants: number,
): Promise<Cleared> {
  await owner.sql.unsafe(`drop database if exists ${databaseName} with (force)`)
  await owner.sql.unsafe(`create database ${databaseName}`)
  const url = withDatabase(postgres.ownerUrl, databaseName)
  await migrate(url)
  const loader = await connect(url, { applicationName: 'bench', pool: 4, statementTimeoutMs: 0 })
  const app = await connect(url, { applicationName: 'bench-clearing', role: appRole })
  const claims = await connect(url, {
    applicationName: 'bench-claims',
    role: appRole,
    asynchronousCommit: true,
  })
  try {
    const yesterday = startOfDay(businessDateOf(Date.now())) - dayMs / 2
    await ensureLanes(app.sql, laneCount, yesterday)
    const day = dayOf(yesterday, yesterday - 7_200_000, payments, merchants)
    // Another book is settled before: not the compiler is to be measured.
    const warmUp = dayOf(yesterday, yesterday - 14_400_000, warmUpMerchants * 5, warmUpMerchants)
    await loadDays(loader, [warmUp, day])
    return await clear({ app, claims, loader, tables: parts.flows.tables }, day, warmUp)
  } finally {
    await Promise.all([loader.close(), app.close(), claims.close()])
    await owner.sql.unsafe(`drop database if exists ${databaseName} with (force)`)
  }
}

const warmUpMerchants = 500

function dayOf(at: number, bornAt: number, payments: number, merchants: number): Day {
  const issuer = asId<'issuer'>(merchantAt({ ...nobody, bornAt: bornAt - 1 }, 0))
  // As many in each lane: ids of payments follow those of cards, and name their lanes in turn.
  const cards = Math.ceil(payments / 10 / laneCount) * laneCount
  return { book: bookOf(issuer, 'live'), at, bornAt, payments, merchants, cards }
}

interface Databases {
  readonly app: Database
  readonly claims: Database
  readonly loader: Database
  readonly tables: Installation['parts']['flows']['tables']
}

async function clear(
  { app, claims, loader, tables }: Databases,
  day: Day,
  warmUp: Day,
): Promise<Cleared> {
  const engine = await Engine.start({
    database: app,
    claimDatabase: claims,
    nameDigest: (book, kind, name) =>
      createHash('sha256').update(`${book} ${kind} ${name}`).digest().subarray(0, 16),
    newCommandId,
    realNow: Date.now,
    monotonic: () => performance.now(),
    log: { error: (_, sentence) => say(sentence) },
  })
  try {
    const lanes = engine.lanesOf('live')
    const date = businessDateOf(day.at)
    await Promise.all(lanes.map((lane) => engine.execute(closeDay('live', lane, date))))
    await loader.sql`checkpoint`
    const closingsSeconds = await timed(async () => {
      for (const { lane } of engine.lanes) await writeClosings(app, lane)
    })
    say(`closing balances of ${day.payments} payments: ${closingsSeconds} s`)
    const sums: number[] = []
    for (let turn = 0; turn < 3; turn += 1) sums.push(await timed(() => groupBy(loader)))
    const groupBySeconds = Math.min(...sums)
    const merchants = openMerchants({
      database: app,
      keyring: keyringOf(Buffer.alloc(32)),
      classes: tables.merchantClasses.classes,
      lanesOf: (mode) => engine.lanesOf(mode),
    })
    const context = { engine, database: app, merchants, tables }
    await settleBook(context, warmUp.book, { through: date })
    await loader.sql`checkpoint`
    const memory = watchMemory()
    let statements = 0
    const settleSeconds = await timed(async () => {
      const run = await settleBook(context, day.book, {
        through: date,
        onProgress: (done, total) => {
          if (done === total || done % 2_560 === 0) say(`settled ${done} of ${total} merchants`)
        },
      })
      if (run.stopped !== undefined) throw new Error(run.stopped.detail)
      statements = run.statements
    })
    const memoryMb = memory.stop()
    say(`clearing: ${settleSeconds} s for ${statements} statements; group by: ${groupBySeconds} s`)
    const auditor = new Auditor({ database: app, checks: [statementCheck, portionCheck] })
    const { ok, firstWrong } = await auditor.verify({ book: undefined })
    return {
      payments: day.payments,
      merchants: day.merchants,
      statements,
      groupBySeconds,
      settleSeconds,
      closingsSeconds,
      memoryMb,
      wrong: ok ? null : JSON.stringify(firstWrong),
    }
  } finally {
    await engine.stop()
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return rounded((performance.now() - started) / 1000, 3)
}

function groupBy({ sql }: Database): Promise<unknown> {
  return sql`
    select merchant_id, sum(amount)
    from payment
    group by merchant_id`
}

/** The most that the process held on top of what it held at first. */
function watchMemory(): { stop(): number } {
  const before = process.memoryUsage().rss
  let most = before
  const look = () => {
    most = Math.max(most, process.memoryUsage().rss)
  }
  const timer = setInterval(look, 20)
  return {
    stop: () => {
      clearInterval(timer)
      look()
      return Math.round((most - before) / 1_048_576)
    },
  }
}
