/** A database for a test file: a copy of a template that all migrations ran on, made in a fraction of a second. */
import { createHash, randomBytes } from 'node:crypto'
import { appRole, connect, type Database, type Sql } from '../../server/src/platform/db.ts'
import { withDatabase } from '../../server/src/platform/db-url.ts'
import { migrate, readMigrations } from '../../server/src/platform/migrate.ts'
import { startTestServer, type TestServer } from './server.ts'

export type TestDatabase = {
  /** The owner's URL: what a server under test takes as DATABASE_URL. */
  url: string
  owner: Database
  /** Connected as the application's role, with its rights. */
  app: Database
  /** Closes both and removes the database; stops the server where this file started one. */
  drop(): Promise<void>
}

let ownServer: Promise<TestServer> | undefined
let databasesOfOwnServer = 0

/** `migrated: false`: an empty database. */
export async function testDatabase(options: { migrated?: boolean } = {}): Promise<TestDatabase> {
  const given = process.env['LIKA_TEST_DATABASE_URL']
  if (given !== undefined) return makeDatabase(given, options.migrated ?? true, async () => {})
  ownServer ??= startTestServer()
  databasesOfOwnServer += 1
  const server = await ownServer
  return makeDatabase(server.url, options.migrated ?? true, async () => {
    databasesOfOwnServer -= 1
    if (databasesOfOwnServer > 0) return
    ownServer = undefined
    await server.stop()
  })
}

async function makeDatabase(
  serverUrl: string,
  migrated: boolean,
  afterDrop: () => Promise<void>,
): Promise<TestDatabase> {
  const name = `lika_test_${randomBytes(6).toString('hex')}`
  await onServer(serverUrl, async (sql) => {
    const template = migrated ? await ensureTemplate(sql, serverUrl) : 'template0'
    await sql.unsafe(`create database ${name} template ${template}`)
  })
  const url = withDatabase(serverUrl, name)
  const owner = await connect(url, { applicationName: 'test-owner', pool: 2 })
  const app = migrated
    ? await connect(url, { applicationName: 'test-app', pool: 4, role: appRole })
    : owner
  return {
    url,
    owner,
    app,
    drop: async () => {
      await Promise.all([owner.close(), app.close()])
      await onServer(serverUrl, async (sql) => {
        await sql.unsafe(`drop database if exists ${name} with (force)`)
      })
      await afterDrop()
    },
  }
}

/** One template per state of the migrations, made by whichever test process comes first. */
async function ensureTemplate(sql: Sql, serverUrl: string): Promise<string> {
  const checksums = readMigrations().map(({ checksum }) => checksum)
  const digest = createHash('sha256').update(checksums.join()).digest('hex').slice(0, 12)
  const template = `lika_template_${digest}`
  const exists = async () => {
    const [row] = await sql`select from pg_database where datname = ${template}`
    return row !== undefined
  }
  await sql`select pg_advisory_lock(hashtextextended('lika test template', 0))`
  try {
    if (await exists()) return template
    const draft = `${template}_draft`
    await sql.unsafe(`drop database if exists ${draft} with (force)`)
    await sql.unsafe(`create database ${draft} template template0`)
    await migrate(withDatabase(serverUrl, draft))
    await countStatements(withDatabase(serverUrl, draft))
    await sql.unsafe(`alter database ${draft} rename to ${template}`)
    return template
  } finally {
    await sql`select pg_advisory_unlock(hashtextextended('lika test template', 0))`
  }
}

/** pg_stat_statements, where the server has it loaded: as in the embedded one. */
async function countStatements(url: string): Promise<void> {
  await onServer(url, async (sql) => {
    const [server] = await sql<{ libraries: string }[]>`
      select current_setting('shared_preload_libraries') as libraries`
    if (server?.libraries.includes('pg_stat_statements') === true)
      await sql`create extension if not exists pg_stat_statements with schema public`
  })
}

/** On one connection that waits as long as it takes for the other test processes. */
async function onServer(serverUrl: string, work: (sql: Sql) => Promise<void>): Promise<void> {
  const server = await connect(serverUrl, {
    applicationName: 'test-harness',
    pool: 1,
    statementTimeoutMs: 120_000,
    lockTimeoutMs: 0,
  })
  try {
    await work(server.sql)
  } finally {
    await server.close()
  }
}
