/**
 * The connections to PostgreSQL. `sql` is a pool for single statements; `transaction` and `openSession` work
 * on one backend each and never continue on another: after a loss every statement of theirs is rejected. That is
 * why the driver's own `begin` and `reserve` are not offered, which go on writing after a loss.
 */
import type { Socket } from 'node:net'
import postgres from 'postgres'
import { CannotStart } from './cannot-start.ts'
import { textArray } from './db-array.ts'
import { codeOf } from './db-faults.ts'
import { deadSocket, openSocket, startupPadding } from './db-socket.ts'
import { databaseTypes } from './db-types.ts'
import { type DatabaseAddress, parseDatabaseUrl } from './db-url.ts'

/** Tagged template: `sql<Row[]>\`select …\``. Statements sent without awaiting the one before are pipelined. */
export type Sql = postgres.ISql<{ bigint: bigint }>
type Driver = postgres.Sql<{ bigint: bigint }>

/** The role of everything but migrations: it has only the rights that migrations grant it. */
export const appRole = 'lika_app'

export type ConnectOptions = {
  /** Shown in pg_stat_activity. */
  applicationName: string
  /** Statements run as this role (`appRole`), which the URL's user must be a member of. Absent: as the user itself. */
  role?: string
  /** Connections for single statements. */
  pool?: number
  /** Transactions at one time; more of them wait. */
  transactions?: number
  statementTimeoutMs?: number
  idleInTransactionTimeoutMs?: number
  lockTimeoutMs?: number
  /** Commits return before they are on disk: for what a later durable commit flushes along (claims). */
  asynchronousCommit?: boolean
}

/** One backend of PostgreSQL. Everything sent on `sql` runs on it, in order, or is rejected. */
export type Session = {
  sql: Sql
  /** True from the moment the connection is known to be gone. */
  isLost(): boolean
  /** Waits for what is under way, at most five seconds. */
  close(): Promise<void>
}

export type Database = {
  sql: Sql
  /** PostgreSQL's version number, such as 150020 or 180004. */
  serverVersion: number
  /**
   * Runs `work` between begin and commit on one backend, read committed. Resolves only when PostgreSQL said
   * COMMIT. A rejection for the sake of the connection (`databaseFaultOf`) may have been committed all the same.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  openSession(): Promise<Session>
  close(): Promise<void>
}

const oldestServer = 150_000
const closeWithinSeconds = 5

/** Connects and verifies that the server is new enough and took every setting. Throws CannotStart. */
export async function connect(url: string, options: ConnectOptions): Promise<Database> {
  const address = parseDatabaseUrl(url)
  const settings = sessionSettings(options)
  const pool = driver(address, settings, {
    max: options.pool ?? 8,
    socket: () => openSocket(address.socket),
  })
  const openSession = () => open(address, settings)
  const sessions = keepSessions(openSession, options.transactions ?? 4)
  try {
    const serverVersion = await verify(pool, settings)
    if (serverVersion < oldestServer) throw tooOld(serverVersion)
    return {
      sql: pool,
      serverVersion,
      transaction: (work) => sessions.use((session) => transact(session, work)),
      openSession,
      close: async () => {
        await Promise.all([pool.end({ timeout: closeWithinSeconds }), sessions.close()])
      },
    }
  } catch (error) {
    await pool.end({ timeout: 0 })
    throw error instanceof CannotStart ? error : unreachable(address, error)
  }
}

type Settings = Record<string, string>

function sessionSettings(options: ConnectOptions): Settings {
  return {
    application_name: options.applicationName,
    search_path: 'lika',
    TimeZone: 'UTC',
    DateStyle: 'ISO, MDY',
    statement_timeout: String(options.statementTimeoutMs ?? 10_000),
    idle_in_transaction_session_timeout: String(options.idleInTransactionTimeoutMs ?? 5_000),
    lock_timeout: String(options.lockTimeoutMs ?? 5_000),
    // A node that froze or vanished frees its locks within seconds: the server asks after its clients.
    tcp_keepalives_idle: '5',
    tcp_keepalives_interval: '2',
    tcp_keepalives_count: '3',
    tcp_user_timeout: '10000',
    ...(options.asynchronousCommit === true && { synchronous_commit: 'off' }),
    ...(options.role === undefined ? {} : { role: options.role }),
  }
}

function driver(
  address: DatabaseAddress,
  settings: Settings,
  options: Partial<postgres.Options<Record<string, postgres.PostgresType>>> & {
    socket: () => Promise<Socket> | Socket
  },
): Driver {
  const all = {
    host: address.place,
    database: address.database,
    user: address.user,
    pass: address.password,
    connection: { ...settings, options: startupPadding },
    types: databaseTypes,
    fetch_types: false,
    keep_alive: 5,
    connect_timeout: 10,
    max_lifetime: null,
    backoff: (attempt: number) => Math.min(0.02 * 2 ** attempt, 0.5),
    onnotice: () => {},
    ...options,
  }
  // The typing knows neither the option `socket` as a function nor what the codecs do to parameters.
  return postgres(all as object) as unknown as Driver
}

/** A driver of one connection whose socket can be opened once. */
async function open(address: DatabaseAddress, settings: Settings): Promise<Session> {
  let opened = false
  let lost = false
  const sql = driver(address, settings, {
    max: 1,
    backoff: () => 0,
    onclose: () => {
      lost = true
    },
    socket: () => {
      if (opened) return deadSocket(sessionLost())
      opened = true
      return openSocket(address.socket)
    },
  })
  const close = () => sql.end({ timeout: lost ? 0 : closeWithinSeconds })
  try {
    await verify(sql, settings)
  } catch (error) {
    await close()
    throw error
  }
  return { sql, isLost: () => lost, close }
}

/** Idle sessions for transactions: opened when needed, thrown away when lost. */
function keepSessions(openSession: () => Promise<Session>, most: number) {
  const idle: Session[] = []
  const waiting: (() => void)[] = []
  let inUse = 0
  let closed = false

  async function use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (closed) throw sessionLost()
    if (inUse >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else inUse += 1
    try {
      const session = idle.pop() ?? (await openSession())
      try {
        return await work(session)
      } finally {
        if (closed || session.isLost()) await session.close()
        else idle.push(session)
      }
    } finally {
      const next = waiting.shift()
      if (next === undefined) inUse -= 1
      else next()
    }
  }

  async function close(): Promise<void> {
    closed = true
    await Promise.all(idle.splice(0).map((session) => session.close()))
  }

  return { use, close }
}

async function transact<T>(session: Session, work: (sql: Sql) => Promise<T>): Promise<T> {
  const { sql } = session
  await sql`begin isolation level read committed`
  try {
    const value = await work(sql)
    const done = await sql`commit`
    // A transaction in which a statement failed answers a commit with ROLLBACK and no error.
    if (done.command !== 'COMMIT')
      throw new Error(`PostgreSQL answered commit with ${done.command}`)
    return value
  } catch (error) {
    await sql`rollback`.catch(() => session.close())
    throw error
  }
}

/** Asks the server what it made of the start-up packet; a pooler in between may have dropped it silently. */
async function verify(sql: Sql, settings: Settings): Promise<number> {
  const checked = ['statement_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout']
  const names = [...checked, 'search_path', 'TimeZone', 'role'].filter((name) => name in settings)
  const rows = await sql<{ name: string; setting: string; version: number }[]>`
    select
      wanted.name,
      -- role is the one that pg_settings does not list
      coalesce(pg_settings.setting, current_setting(wanted.name)) as setting,
      current_setting('server_version_num')::int as version
    from unnest(${textArray(names)}::text[]) as wanted (name)
    left join pg_settings on pg_settings.name = wanted.name`
  for (const { name, setting } of rows) {
    if (setting === settings[name]) continue
    throw new CannotStart(
      'database.setting_refused',
      `PostgreSQL did not take ${name} = ${settings[name]} (it is ${setting}). Connect to the server itself, not through a pooler that drops session settings.`,
    )
  }
  return rows[0]?.version ?? 0
}

function sessionLost(): Error {
  return Object.assign(new Error('This session of PostgreSQL has ended'), {
    code: 'CONNECTION_ENDED',
  })
}

function tooOld(version: number): CannotStart {
  return new CannotStart(
    'database.too_old',
    `This is PostgreSQL ${Math.floor(version / 10_000)}; Lika needs 15 or newer. Upgrade the server, or leave DATABASE_URL out to use the one that Lika brings.`,
  )
}

function unreachable(address: DatabaseAddress, error: unknown): CannotStart {
  const why = error instanceof Error && error.message !== '' ? error.message : codeOf(error)
  return new CannotStart(
    'database.unreachable',
    `PostgreSQL at ${address.place} does not let Lika in: ${why ?? 'no answer'}. Check that it runs, and user, password and database in DATABASE_URL.`,
    error,
  )
}
