/** Debian's PostgreSQL 15, the oldest that Lika supports, started in a temporary folder where it is installed. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { giveTo } from '../../server/src/platform/postgres/home.ts'
import { freePort } from '../../server/src/platform/postgres/ports.ts'
import { serverUser } from '../../server/src/platform/postgres/server-user.ts'
import { cleanUpAfter, type TestServer, temporaryFolder, throwAwaySettings } from './server.ts'

const debian15Programs = '/usr/lib/postgresql/15/bin'

export function isDebian15Installed(): boolean {
  return existsSync(join(debian15Programs, 'postgres'))
}

/** `settings` on top of those for throw-away servers. */
export async function startDebian15(settings: Record<string, string> = {}): Promise<TestServer> {
  const folder = temporaryFolder('lika-debian15-')
  const data = join(folder, 'data')
  const user = serverUser()
  const identity = { cwd: folder, ...(user && { uid: user.uid, gid: user.gid }) }
  const password = 'lika'
  writeFileSync(join(folder, 'password'), password)
  giveTo(user, folder)
  giveTo(user, join(folder, 'password'))
  const initdb = ['-D', data, '-U', 'lika_owner', '-A', 'scram-sha-256', '-E', 'UTF8', '-N']
  execFileSync(
    join(debian15Programs, 'initdb'),
    [...initdb, '--locale=C.UTF-8', `--pwfile=${join(folder, 'password')}`],
    { ...identity, stdio: 'ignore' },
  )
  const port = await freePort(undefined)
  const log = openSync(join(folder, 'log'), 'a')
  const chosen = {
    ...throwAwaySettings,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    shared_preload_libraries: 'pg_stat_statements',
    ...settings,
  }
  const options = Object.entries(chosen).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(
    join(debian15Programs, 'postgres'),
    ['-D', data, '-p', String(port), ...options],
    { ...identity, stdio: ['ignore', log, log], detached: true },
  )
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  while (!isReady(data)) {
    if (child.exitCode !== null) throw new Error(readFileSync(join(folder, 'log'), 'utf8'))
    await sleep(20)
  }
  if (child.pid !== undefined) cleanUpAfter(process.pid, child.pid, folder)
  child.unref()
  return {
    url: `postgres://lika_owner:${password}@127.0.0.1:${port}/postgres`,
    stop: async () => {
      child.ref()
      child.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function isReady(data: string): boolean {
  const file = join(data, 'postmaster.pid')
  return existsSync(file) && readFileSync(file, 'utf8').split('\n')[7]?.trim() === 'ready'
}
