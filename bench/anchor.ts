/**
 * The anchor: PostgreSQL's own `pgbench` (TPC-B, one transaction each) on the very server that Lika uses, so that the
 * ratios mean the same on every machine.
 */
import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Database } from '../server/src/platform/db.ts'
import { withDatabase } from '../server/src/platform/db-url.ts'

export interface Anchor {
  /** Path and version. */
  readonly source: string
  /** Transactions per second with so many clients. */
  run(clients: number, seconds: number): Promise<number>
}

const run = promisify(execFile)
const places = ['/usr/lib/postgresql/15/bin/pgbench', 'pgbench']
const database = 'pgbench'

/** undefined where there is no pgbench: then nothing is compared with it. */
export function findPgbench(): { program: string; source: string } | undefined {
  for (const program of places) {
    if (program.startsWith('/') && !existsSync(program)) continue
    const asked = spawnSync(program, ['--version'], { encoding: 'utf8' })
    if (asked.status === 0) return { program, source: `${program} (${asked.stdout.trim()})` }
  }
  return undefined
}

/** Makes the database of pgbench in this scale: 100,000 accounts each. */
export async function prepareAnchor(
  owner: Database,
  ownerUrl: string,
  scale: number,
): Promise<Anchor | undefined> {
  const found = findPgbench()
  if (found === undefined) return undefined
  await owner.sql.unsafe(`drop database if exists ${database} with (force)`)
  await owner.sql.unsafe(`create database ${database}`)
  const url = new URL(withDatabase(ownerUrl, database))
  const where = ['-h', url.hostname, '-p', url.port, '-U', decodeURIComponent(url.username)]
  const env = { ...process.env, PGPASSWORD: decodeURIComponent(url.password) }
  const pgbench = (options: string[]) =>
    run(found.program, [...where, ...options, database], { env, maxBuffer: 1e8 })
  await pgbench(['-i', '-q', '-s', String(scale)])
  return {
    source: found.source,
    run: async (clients, seconds) => {
      const load = ['-M', 'prepared', '-j', '2', '-c', String(clients), '-T', String(seconds)]
      const { stdout } = await pgbench(load)
      const tps = /tps = ([\d.]+) \(without/.exec(stdout)?.[1]
      if (tps === undefined) throw new Error(`pgbench said no rate: ${stdout}`)
      return Math.round(Number(tps))
    },
  }
}
