/** The first step of a start: a PostgreSQL that has the schema of this version, and partitions for the months to come. */
import { mkdirSync } from 'node:fs'
import { dayMs, type Instant } from '@lika/contract'
import { CannotStart } from './platform/cannot-start.ts'
import { realNow } from './platform/clock.ts'
import type { Config } from './platform/config.ts'
import { appRole, type ConnectOptions, connect, type Database } from './platform/db.ts'
import { codeOf } from './platform/db-faults.ts'
import type { Log } from './platform/log.ts'
import { migrate } from './platform/migrate.ts'
import { ensureMonths } from './platform/partitions.ts'
import { startPostgres } from './platform/postgres/index.ts'
import type { Stop } from './stops.ts'

/** Opens a connection pool as the application's role; whoever opens closes. */
export type OpenDatabase = (options: Omit<ConnectOptions, 'role'>) => Promise<Database>

/** Months after the present one that have their partitions. */
const monthsAhead = 3

/** @throws CannotStart */
export async function startDatabase(
  config: Config,
  log: Log,
  onStop: (stop: Stop) => void,
): Promise<OpenDatabase> {
  const urls = await findServer(config, log, onStop)
  await migrate(urls.owner)
  // The owner of the schema acts as the role, whatever user DATABASE_URL names.
  const role = urls.app === urls.owner ? { role: appRole } : {}
  const open: OpenDatabase = (options) => connect(urls.app, { ...options, ...role })
  const database = await open({ applicationName: 'lika-partitions', pool: 1 })
  onStop(() => database.close())
  await makePartitions(database, realNow())
  const timer = setInterval(() => {
    makePartitions(database, realNow()).catch((error: unknown) =>
      log.error({ err: error }, 'no partitions could be made for the months ahead'),
    )
  }, dayMs).unref()
  onStop(() => clearInterval(timer))
  return open
}

async function findServer(
  config: Config,
  log: Log,
  onStop: (stop: Stop) => void,
): Promise<{ owner: string; app: string }> {
  if (config.databaseUrl !== undefined) {
    ensureFolder(config.dataDir)
    return { owner: config.databaseUrl, app: config.databaseUrl }
  }
  const postgres = await startPostgres({
    dataDir: config.dataDir,
    log: {
      info: (sentence) => process.stdout.write(`${sentence}\n`),
      warn: (sentence) => log.warn(sentence),
      error: (sentence) => log.error(sentence),
    },
  })
  onStop(() => postgres.stop())
  return { owner: postgres.ownerUrl, app: postgres.appUrl }
}

/** For the keys, where no embedded PostgreSQL has made the data folder. */
function ensureFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o711 })
  } catch (error) {
    throw new CannotStart(
      'data_folder.unusable',
      `The data folder ${folder} cannot be made (${codeOf(error) ?? 'unknown reason'}). Set LIKA_DATA to a folder that Lika may write to.`,
      error,
    )
  }
}

async function makePartitions({ sql }: Database, now: Instant): Promise<void> {
  const date = new Date(now)
  const first = date.getUTCFullYear() * 12 + date.getUTCMonth()
  await ensureMonths(sql, monthNumber(first), monthNumber(first + monthsAhead))
}

/** yyyymm from months since the year 0. */
function monthNumber(months: number): number {
  return Math.floor(months / 12) * 100 + (months % 12) + 1
}
