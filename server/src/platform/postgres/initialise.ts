/** Makes the empty cluster, in one step as seen from outside: a half-made one never has the name of the real one. */
import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Binaries } from './binaries.ts'
import { cannotStartServer } from './diagnosis.ts'
import { giveTo, type Home } from './home.ts'

export const ownerRole = 'lika_owner'

/** UTF-8, the locale C.UTF-8 that is built into the server, SCRAM for everyone. `synced: false` for throw-away books. */
export async function initialiseCluster(
  binaries: Binaries,
  home: Home,
  ownerPassword: string,
  synced: boolean,
): Promise<void> {
  const draft = `${home.data}.new`
  const passwordFile = join(home.folder, 'postgres.password')
  rmSync(draft, { recursive: true, force: true })
  try {
    mkdirSync(draft, { mode: 0o700 })
    giveTo(home.user, draft)
    writeFileSync(passwordFile, ownerPassword, { mode: 0o600 })
    giveTo(home.user, passwordFile)
    const { code, output } = await run(binaries, home, [
      `--pgdata=${draft}`,
      `--username=${ownerRole}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      ...(synced ? [] : ['--no-sync']),
    ])
    if (code !== 0) throw cannotStartServer(output, { folder: dirname(draft), doing: 'initialise' })
    renameSync(draft, home.data)
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

function run(binaries: Binaries, { folder, user }: Home, options: string[]) {
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    const child = spawn(binaries.initdb, options, {
      cwd: folder,
      env: binaries.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(user && { uid: user.uid, gid: user.gid }),
    })
    let output = ''
    const collect = (chunk: Buffer) => {
      output += chunk.toString('utf8')
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}
