/**
 * Lika as it is run, `server/src/main.ts` as a process, on its own PostgreSQL or on one that is given: what tests kill,
 * freeze and start again. Ends with the tests, whatever way they end, and so does the PostgreSQL that it leaves behind.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../server/src/platform/postgres/ports.ts'
import { startOfProcess } from '../../server/src/platform/postgres/process-identity.ts'
import { temporaryFolder, watchInShell } from './server.ts'

export type AppOptions = {
  /** LIKA_DATA; a temporary folder unless given. */
  dataDir?: string
  /** Of the process, on top of what every test needs. */
  env?: Record<string, string>
}

export type AppAnswer = {
  status: number
  /** Whatever JSON: tests look into it. */
  body: ReturnType<typeof JSON.parse>
  headers: Headers
}

export type AppCall = {
  key?: string
  body?: unknown
  idempotencyKey?: string
  signal?: AbortSignal
}

const main = resolve(import.meta.dirname, '../../server/src/main.ts')
const readyWithinMs = 90_000
const answerWithinMs = 60_000

const apps = new Set<AppProcess>()
after(() => Promise.all([...apps].map((app) => app.end())))

export class AppProcess {
  readonly dataDir: string
  readonly url: string
  readonly #port: number
  readonly #env: Record<string, string>
  readonly #isOwnFolder: boolean
  #child: ChildProcess | undefined
  #exited: Promise<unknown> = Promise.resolve()
  #said = ''
  #up = Promise.withResolvers<void>()

  private constructor(options: AppOptions, port: number) {
    this.#isOwnFolder = options.dataDir === undefined
    this.dataDir = options.dataDir ?? temporaryFolder('lika-app-')
    this.#port = port
    this.url = `http://127.0.0.1:${port}`
    this.#env = options.env ?? {}
  }

  /** Resolves when it serves. The port stays the same over all starts. @throws with what it said when it does not start. */
  static async start(options: AppOptions = {}): Promise<AppProcess> {
    const app = new AppProcess(options, await freePort(undefined))
    apps.add(app)
    await app.start()
    return app
  }

  async start(): Promise<void> {
    const { DATABASE_URL: _, LIKA_MASTER_KEY: __, ...outer } = process.env
    const child = spawn(process.execPath, [main], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...outer,
        LIKA_DATA: this.dataDir,
        LIKA_PORT: String(this.#port),
        LIKA_DEMO: '0',
        LIKA_LANES: '4',
        ...this.#env,
      },
    })
    this.#child = child
    if (child.pid !== undefined) stopWithTests(child.pid, this.dataDir)
    this.#exited = once(child, 'close')
    this.#said = ''
    const ready = Promise.withResolvers<'ready'>()
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => {
        this.#said += text.toString()
        if (this.#said.includes('Lika is ready')) ready.resolve('ready')
      })
    const waiting = new AbortController()
    const late = sleep(readyWithinMs, 'late', { signal: waiting.signal }).catch(() => 'late')
    const how = await Promise.race([ready.promise, this.#exited.then(() => 'exited'), late])
    waiting.abort()
    if (how !== 'ready') throw new Error(`Lika did not start (${how}): ${this.#said}`)
    this.#up.resolve()
  }

  /** What it wrote on stdout and stderr since its last start. */
  get said(): string {
    return this.#said
  }

  get pid(): number {
    const pid = this.#child?.pid
    assert.ok(pid !== undefined, 'it runs')
    return pid
  }

  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves when it has been started, at once while it runs. */
  get up(): Promise<void> {
    return this.#up.promise
  }

  /** SIGKILL; its PostgreSQL lives on. */
  async kill(): Promise<void> {
    this.#up = Promise.withResolvers()
    this.#child?.kill('SIGKILL')
    await this.#exited
  }

  /** In good order. */
  async stop(): Promise<void> {
    if (!this.isRunning) return
    this.#up = Promise.withResolvers()
    this.#child?.kill('SIGTERM')
    await this.#exited
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  wake(): void {
    this.#child?.kill('SIGCONT')
  }

  /** PGDATA of its own PostgreSQL. */
  get postgresData(): string {
    const where = join(this.dataDir, 'where')
    const folder = existsSync(where) ? readFileSync(where, 'utf8').trim() : this.dataDir
    return join(folder, 'postgres')
  }

  /** As postmaster.pid says; undefined where there is none. */
  get postgresPid(): number | undefined {
    const file = join(this.postgresData, 'postmaster.pid')
    const pid = existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : Number.NaN
    return Number.isInteger(pid) && startOfProcess(pid) !== undefined ? pid : undefined
  }

  /** The pid that it had. */
  killPostgres(): number {
    const pid = this.postgresPid
    assert.ok(pid !== undefined, 'PostgreSQL runs')
    process.kill(pid, 'SIGKILL')
    return pid
  }

  /** One process that serves a connection: PostgreSQL then ends all of them and recovers by itself. */
  killBackend(): number {
    const postmaster = this.postgresPid
    const backend = processes().find(
      ({ parent, title }) => parent === postmaster && / lika_app lika /.test(title),
    )
    assert.ok(backend !== undefined, 'PostgreSQL serves somebody')
    process.kill(backend.pid, 'SIGKILL')
    return backend.pid
  }

  /** Every PostgreSQL server on these data, however it came to run. */
  postmasters(): number[] {
    const servers = processes().filter(({ title }) => title.includes(` -D ${this.postgresData} `))
    // A process that was forked a moment ago still bears the name of its parent.
    const pids = new Set(servers.map(({ pid }) => pid))
    return servers.filter(({ parent }) => !pids.has(parent)).map(({ pid }) => pid)
  }

  /** Rejects where no whole answer came. */
  async call(method: string, path: string, options: AppCall = {}): Promise<AppAnswer> {
    const { key, body, idempotencyKey, signal } = options
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: signal ?? AbortSignal.timeout(answerWithinMs),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    const { status, headers } = response
    return { status, headers, body: isJson ? JSON.parse(text) : text }
  }

  get operatorKey(): string {
    return readFileSync(join(this.dataDir, 'operator.key'), 'utf8').trim()
  }

  /** SIGKILL for what is left of it, and its folder removed. */
  async end(): Promise<void> {
    apps.delete(this)
    if (this.isRunning) {
      // Frozen, it would not hear of anything but this.
      this.wake()
      const stopped = this.stop()
      const waiting = new AbortController()
      const late = sleep(20_000, true, { signal: waiting.signal }).catch(() => true)
      if ((await Promise.race([stopped.then(() => false), late])) === true) await this.kill()
      waiting.abort()
    }
    for (const pid of this.postmasters()) await endOf(pid)
    if (!this.isRunning && this.#isOwnFolder)
      rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Even after a SIGKILL of the tests: a watch in a process of its own, as long as the app lives. */
function stopWithTests(app: number, folder: string): void {
  watchInShell(
    `tests=$(started ${process.pid}); app=$(started ${app})
    while same ${process.pid} "$tests" && same ${app} "$app"; do sleep 0.5; done
    same ${app} "$app" || exit
    kill -CONT ${app}; kill -INT ${app}
    for i in $(seq 100); do same ${app} "$app" || break; sleep 0.1; done
    rm -rf "$0"`,
    folder,
  )
}

async function endOf(pid: number): Promise<void> {
  process.kill(pid, 'SIGINT')
  for (let waited = 0; startOfProcess(pid) !== undefined; waited += 50) {
    if (waited === 20_000) process.kill(pid, 'SIGKILL')
    await sleep(50)
  }
}

type RunningProcess = { pid: number; parent: number; title: string }

function processes(): RunningProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const title = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
      if (!title.includes('postgres')) return []
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      return [{ pid: Number(name), parent, title }]
    } catch {
      // It ended while we looked.
      return []
    }
  })
}
