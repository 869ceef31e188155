/** The PostgreSQL that tests run on: thrown away afterwards, whatever way the tests end. */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../../server/src/platform/postgres/index.ts'

export type TestServer = {
  /** A superuser's URL. */
  url: string
  stop(): Promise<void>
}

/** What crashes of the machine could destroy is not worth waiting for here; crashes of processes stay harmless. */
export const throwAwaySettings = {
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '256MB',
  max_connections: '300',
  max_wal_size: '1GB',
}

/** An embedded server in a folder of its own. */
export async function startTestServer(): Promise<TestServer> {
  const dataDir = temporaryFolder('lika-test-')
  const postgres = await startPostgres({
    dataDir,
    log: { info: () => {}, warn: console.error, error: console.error },
    settings: throwAwaySettings,
    syncOnInitialise: false,
  })
  cleanUpAfter(process.pid, postgres.pid(), dataDir)
  return {
    url: postgres.ownerUrl,
    stop: async () => {
      await postgres.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Other users may pass through it, as the server needs when the tests run as root. */
export function temporaryFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  chmodSync(folder, 0o711)
  return folder
}

/** Even after a SIGKILL of the tests: a watch in a process of its own stops the server and removes its folder. */
export function cleanUpAfter(tests: number, server: number, folder: string): void {
  watchInShell(
    `tests=$(started ${tests}); server=$(started ${server})
    while same ${tests} "$tests"; do sleep 0.5; done
    same ${server} "$server" && kill -INT ${server}
    for i in $(seq 100); do same ${server} "$server" || break; sleep 0.1; done
    rm -rf "$0"`,
    folder,
  )
}

/**
 * Runs a script that outlives the tests, `$0` being the folder. `same <pid> <what started said>` tells whether the
 * process is still the one it was: pids come back, and then belong to somebody else.
 */
export function watchInShell(script: string, folder: string): void {
  const functions = `
    started() {
      if [ ! -e /proc/self/stat ]; then ps -o lstart= -p "$1"; return; fi
      { read -r line < "/proc/$1/stat"; } 2>/dev/null || return 0
      set -- \${line##*) }
      [ "$1" = Z ] || echo "\${20}"
    }
    same() { [ -n "$2" ] && [ "$(started "$1")" = "$2" ]; }`
  spawn('sh', ['-c', `${functions}\n${script}`, folder], {
    detached: true,
    stdio: 'ignore',
  }).unref()
}
