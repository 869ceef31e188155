/**
 * Brings the schema up to date: plain SQL files `NNNN-name.sql`, forward only, in order, each in a transaction of
 * its own that also records it. Run by the owner of the schema before anything else connects.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CannotStart } from './cannot-start.ts'
import { appRole, connect, type Sql } from './db.ts'
import { codeOf } from './db-faults.ts'

export type Migration = { number: number; name: string; checksum: string; sql: string }
type Applied = { number: number; name: string; checksum: string }

const migrationsFolder = resolve(import.meta.dirname, '../../db/migrations')
const filePattern = /^(\d{4})-([a-z0-9-]+)\.sql$/
/** Of the advisory lock under which one process at a time migrates a database. */
const lockKey = 0x6c696b61n

/**
 * Applies what is missing and returns the names of what it applied. Several processes may call it at once. Throws
 * CannotStart: a file changed after it was applied, the database is newer than this code, rights are missing.
 */
export async function migrate(ownerUrl: string, folder = migrationsFolder): Promise<string[]> {
  const migrations = readMigrations(folder)
  const database = await connect(ownerUrl, {
    applicationName: 'lika-migrate',
    pool: 1,
    statementTimeoutMs: 0,
    idleInTransactionTimeoutMs: 0,
    lockTimeoutMs: 0,
  })
  try {
    const session = await database.openSession()
    try {
      // Held by the session: freed at its end, whatever happens.
      await session.sql`select pg_advisory_lock(${lockKey}::bigint)`
      await ensureAppRole(session.sql)
      const missing = compare(migrations, await readApplied(session.sql))
      for (const migration of missing) await apply(session.sql, migration)
      return missing.map(fileName)
    } finally {
      await session.close()
    }
  } finally {
    await database.close()
  }
}

/** The files of the folder in order. Throws when a number is missing or taken twice. */
export function readMigrations(folder = migrationsFolder): Migration[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'))
  return files.toSorted().map((file, index) => {
    const [, digits, name = ''] = filePattern.exec(file) ?? []
    if (Number(digits) !== index) throw new Error(`${file}: migration ${index} was expected here`)
    // A checkout with other line endings is the same migration.
    const sql = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n')
    const checksum = createHash('sha256').update(sql).digest('hex')
    return { number: index, name, checksum, sql }
  })
}

/** What is still to be applied, if what was applied is a beginning of what there is. */
function compare(migrations: Migration[], applied: Applied[]): Migration[] {
  for (const [index, done] of applied.entries()) {
    const migration = migrations[index]
    if (migration === undefined) {
      throw new CannotStart(
        'database.newer',
        `The database has migration ${fileName(done)}, which this version of Lika does not know. Start the newer version that wrote it, or restore a backup from before.`,
      )
    }
    if (done.number !== migration.number || done.checksum !== migration.checksum) {
      throw new CannotStart(
        'database.migration_changed',
        `The migration ${fileName(migration)} is not the one that was applied to this database (${fileName(done)}, ${done.checksum.slice(0, 12)}). An applied migration is never edited: restore the file and write a new one.`,
      )
    }
  }
  return migrations.slice(applied.length)
}

async function readApplied(sql: Sql): Promise<Applied[]> {
  const [table] = await sql<{ exists: boolean }[]>`
    select to_regclass('lika.migration') is not null as exists`
  if (table?.exists !== true) return []
  return sql<Applied[]>`
    select number, name, checksum
    from lika.migration
    order by number`
}

async function apply(sql: Sql, migration: Migration): Promise<void> {
  await sql`begin`
  try {
    await sql`set local search_path = lika, public`
    // The whole file as one simple query: many statements, no parameters.
    await sql.unsafe(migration.sql).simple()
    await sql`
      insert into lika.migration (number, name, checksum)
      values (${migration.number}, ${migration.name}, ${migration.checksum})`
    const done = await sql`commit`
    if (done.command !== 'COMMIT') throw new Error(`commit was answered with ${done.command}`)
  } catch (error) {
    await sql`rollback`.catch(() => undefined)
    throw new Error(`migration ${fileName(migration)} failed${lineOf(error, migration)}`, {
      cause: error,
    })
  }
}

/** Roles belong to the whole server: it may be there from another database, or made by another process just now. */
async function ensureAppRole(sql: Sql): Promise<void> {
  try {
    await sql`
      do $$
      begin
        if not exists (select from pg_roles where rolname = 'lika_app') then
          create role lika_app nologin;
        end if;
      exception
        when duplicate_object or unique_violation then null;
      end
      $$`
    // Who created the role may still not act as it (PostgreSQL 16 and newer): then it grants itself the right.
    if (!(await mayActAsApp(sql)))
      await sql`
      do $$
      begin
        execute format('grant lika_app to %I', current_user);
      end
      $$`
  } catch (error) {
    if (codeOf(error) !== '42501') throw error
    throw new CannotStart(
      'database.rights_missing',
      `The user of DATABASE_URL may not set up the role ${appRole}. Let an administrator run: create role ${appRole} nologin; grant ${appRole} to <user>;`,
      error,
    )
  }
}

async function mayActAsApp(sql: Sql): Promise<boolean> {
  try {
    await sql`set role lika_app`
    await sql`reset role`
    return true
  } catch (error) {
    if (codeOf(error) === '42501') return false
    throw error
  }
}

function fileName({ number, name }: Pick<Migration, 'number' | 'name'>): string {
  return `${String(number).padStart(4, '0')}-${name}`
}

/** PostgreSQL names the character at which it stopped; people read lines. */
function lineOf(error: unknown, { sql }: Migration): string {
  const message = error instanceof Error ? `: ${error.message}` : ''
  const position =
    typeof error === 'object' && error !== null && 'position' in error ? Number(error.position) : 0
  return position > 0 ? ` in line ${sql.slice(0, position).split('\n').length}${message}` : message
}
