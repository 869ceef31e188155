/** `npm start` as a process of its own, with the settings that a test gives it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanUpAfter } from './server.ts'

export type Started = {
  url: string
  /** Everything that it wrote on stdout and stderr. */
  said(): string
  child: ChildProcess
  /** By SIGTERM; the exit code. */
  stop(): Promise<number | null>
}

export const root = join(import.meta.dirname, '../..')
const main = join(root, 'server/src/main.ts')

/** Rejects, with what it said, where it ends before it is ready. */
export async function startLika(
  folder: string,
  settings: Record<string, string> = {},
): Promise<Started> {
  const child = spawn(process.execPath, [main], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      LIKA_DATA: folder,
      LIKA_PORT: '0',
      ...settings,
    },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (said += text.toString()))
  if (child.pid !== undefined) cleanUpAfter(process.pid, child.pid, folder)
  const until = Date.now() + 90_000
  while (!said.includes('\nLika is ready\n')) {
    if (child.exitCode !== null || Date.now() > until)
      throw new Error(`Lika did not start: ${said}`)
    await sleep(20)
  }
  const url = /^API +(\S+)\/v1$/m.exec(said)?.[1] ?? ''
  return {
    url,
    child,
    said: () => said,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        await exited
      }
      return child.exitCode
    },
  }
}
