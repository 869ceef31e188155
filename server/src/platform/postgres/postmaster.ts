/** One server process: started, found again, waited for, stopped. Who restarts it and when is index.ts's business. */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CannotStart } from '../cannot-start.ts'
import type { Binaries } from './binaries.ts'
import { cannotStartServer } from './diagnosis.ts'
import { giveTo, type Home } from './home.ts'
import { isServerOf } from './process-identity.ts'
import { boundLog, sizeOfLog, tailOfLog } from './server-log.ts'
import type { ServerSettings } from './settings.ts'

export type Postmaster = {
  pid: number
  port: number
  /** Resolves with how it ended: `exit code 1`, `signal SIGKILL`. */
  ended: Promise<string>
}

export type Launch = {
  binaries: Binaries
  home: Home
  port: number
  settings: ServerSettings
  logFile: string
}

type PidFile = { pid: number; port: number; status: string }

const lookEveryMs = 20
const watchEveryMs = 250
const leftoversEveryMs = 200
/** A process in the middle of a statement ends when that does: the longest may take ten seconds. */
const leftoversMs = 15_000
/** What SIGINT (fast), SIGQUIT (immediate) and SIGKILL get until the next, harder one. */
const patienceMs = { SIGINT: 30_000, SIGQUIT: 5_000, SIGKILL: 5_000 }

/**
 * Starts the server and resolves when it takes connections. Processes of one that was killed a moment ago are waited
 * for, as they may be on their way out. Throws CannotStart with the end of its log.
 */
export async function startServer(launch: Launch): Promise<Postmaster> {
  for (let waitedMs = 0; ; waitedMs += leftoversEveryMs) {
    try {
      return await tryStart(launch)
    } catch (error) {
      const isBusy = error instanceof CannotStart && error.code === 'data_folder.busy'
      if (!isBusy || waitedMs >= leftoversMs || findServer(launch.home) !== undefined) throw error
      await sleep(leftoversEveryMs)
    }
  }
}

async function tryStart(launch: Launch): Promise<Postmaster> {
  const { binaries, home, port, logFile } = launch
  disarmPidFile(home)
  boundLog(logFile)
  const logStart = sizeOfLog(logFile)
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(binaries.postgres, commandLine(launch), {
    cwd: home.folder,
    env: binaries.env,
    stdio: ['ignore', log, log],
    // Not in our process group: Ctrl-C in the terminal is for us, and we stop the server in our own order.
    detached: true,
    ...(home.user && { uid: home.user.uid, gid: home.user.gid }),
  })
  closeSync(log)
  child.unref()
  const ended = endOf(child)
  const how = await readyOrEnded(home.data, child, ended)
  if (how === undefined && child.pid !== undefined) return { pid: child.pid, port, ended }
  throw cannotStartServer(tailOfLog(logFile, logStart) || String(how), {
    folder: home.folder,
    doing: 'start',
    port,
    logFile,
  })
}

/** The server that still runs on these files, if any, whoever started it. */
export function findServer(home: Home): Postmaster | undefined {
  const file = readPidFile(home.data)
  if (file === undefined || !isServerOf(file.pid, realpathSync(home.data))) return undefined
  return { pid: file.pid, port: file.port, ended: watchEnd(file.pid, home.data) }
}

/** Whether the server takes connections and was started in just this way. */
export function isReadyAs(server: Postmaster, launch: Launch): boolean {
  if (readPidFile(launch.home.data)?.status !== 'ready') return false
  const options = join(launch.home.data, 'postmaster.opts')
  const started = existsSync(options) ? readFileSync(options, 'utf8') : ''
  const wanted = [launch.binaries.postgres, ...commandLine({ ...launch, port: server.port })]
  return started.trim() === wanted.map(quotedAsPostgres).join(' ').trim()
}

/** Fast shutdown; the harder ways only when that does not end it. */
export async function stopServer(server: Postmaster): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!sendSignal(server.pid, signal)) return
    const waiting = new AbortController()
    const done = await Promise.race([
      server.ended.then(() => true),
      sleep(patienceMs[signal], false, { signal: waiting.signal }),
    ])
    waiting.abort()
    if (done) return
  }
}

/** False when the process is gone. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

function commandLine({ home, port, settings }: Launch): string[] {
  const chosen = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', home.data, '-p', String(port), ...chosen]
}

/** postmaster.opts holds the program bare and every option in double quotes. */
function quotedAsPostgres(word: string, index: number): string {
  return index === 0 ? word : `"${word}"`
}

/** undefined: ready. Recovery after a crash may take minutes; the server is given as long as it lives. */
async function readyOrEnded(
  data: string,
  child: ChildProcess,
  ended: Promise<string>,
): Promise<string | undefined> {
  let how: string | undefined
  void ended.then((reason) => {
    how = reason
  })
  while (how === undefined) {
    const file = readPidFile(data)
    if (file?.status === 'ready' && file.pid === child.pid) return undefined
    await sleep(lookEveryMs)
  }
  return how
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('exit', (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
    )
  })
}

/** A server that is not our child says nothing when it ends: it is looked after. */
function watchEnd(pid: number, data: string): Promise<string> {
  const folder = realpathSync(data)
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (isServerOf(pid, folder)) return
      clearInterval(timer)
      resolve('unknown end')
    }, watchEveryMs)
    timer.unref()
  })
}

/**
 * PostgreSQL takes any process with the recorded pid for a server of this folder: after a restart of a container
 * that may be anyone, and a server killed a moment ago may be dead and not yet buried. Its own parent it does not take for one, and the file must stay: by its other
 * lines the server finds out whether backends of the dead server are still there.
 */
function disarmPidFile({ folder, data, user }: Home): void {
  const file = readPidFile(data)
  if (file === undefined || isServerOf(file.pid, realpathSync(data))) return
  const draft = join(folder, 'postmaster.pid.new')
  const content = readFileSync(join(data, 'postmaster.pid'), 'utf8')
  writeFileSync(draft, content.replace(/^\d+/, String(process.pid)), { mode: 0o600 })
  giveTo(user, draft)
  renameSync(draft, join(data, 'postmaster.pid'))
}

/** Lines: pid, folder, start, port, socket folder, address, shared memory, status. */
function readPidFile(data: string): PidFile | undefined {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
    return {
      pid: Number(lines[0]),
      port: Number(lines[3] ?? 0),
      status: (lines[7] ?? '').trim(),
    }
  } catch {
    return undefined
  }
}
