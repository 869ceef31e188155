/**
 * A Lika of its own for the measurements: a temporary data folder with the embedded PostgreSQL exactly as `npm start`
 * runs it, the parts of the server in this process, and a server process for the stretches over HTTP.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { readConfig } from '../server/src/platform/config.ts'
import { connect, type Database } from '../server/src/platform/db.ts'
import { openLog } from '../server/src/platform/log.ts'
import { type EmbeddedPostgres, startPostgres } from '../server/src/platform/postgres/index.ts'
import { startDatabase } from '../server/src/start-database.ts'
import { openParts, type Parts } from '../server/src/start-parts.ts'
import { startWechat } from '../server/src/start-wechat.ts'
import { makeStops } from '../server/src/stops.ts'
import { startLocalWechat } from './local-wechat.ts'
import { say } from './progress.ts'

export interface Installation {
  readonly postgres: EmbeddedPostgres
  /** The owner of the schema, who may do everything: loads, checkpoints, statistics. */
  readonly owner: Database
  readonly parts: Parts
  /** Lanes in each pool. */
  readonly lanes: number
  /** Of the local WeChat, a process of its own. */
  readonly wechatUrl: string
  /** Starts `server/src/main.ts` on the same database; answers its port. */
  startServer(): Promise<number>
  /** Ends everything and removes the folder. */
  stop(): Promise<void>
}

const main = resolve(import.meta.dirname, '../server/src/main.ts')

export async function install(): Promise<Installation> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lika-bench-'))
  const log = openLog('warn')
  const stops = makeStops(log)
  stops.add(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 }))
  const onSignal = () => void stops.run().then(() => process.exit(130))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  try {
    const reporter = { info: say, warn: say, error: say }
    const postgres = await startPostgres({ dataDir, log: reporter })
    // Its folder may lie elsewhere than in the data folder: then that is removed as well.
    stops.add(() => rmSync(postgres.folder, { recursive: true, force: true, maxRetries: 3 }))
    stops.add(() => postgres.stop())
    const wechatThere = await startLocalWechat(dataDir)
    stops.add(() => wechatThere.stop())
    const given = { ...process.env, LIKA_DATA: dataDir, LIKA_DEMO: '0', LIKA_PORT: '0' }
    const environment = {
      ...given,
      DATABASE_URL: postgres.ownerUrl,
      LIKA_WECHAT_PAY_URL: wechatThere.url,
    }
    const config = readConfig(environment)
    const onStop = (stop: () => unknown) => stops.add(stop)
    const open = await startDatabase(config, log, onStop)
    const owner = await connect(postgres.ownerUrl, {
      applicationName: 'bench',
      pool: 6,
      statementTimeoutMs: 0,
    })
    onStop(() => owner.close())
    const wechat = await startWechat(config, log, onStop)
    const parts = await openParts(config, log, open, wechat, onStop)
    return {
      postgres,
      owner,
      parts,
      lanes: config.lanes,
      wechatUrl: wechatThere.url,
      startServer: async () => {
        const server = spawn(process.execPath, [...serverFlags(), main], {
          env: environment,
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        onStop(() => end(server))
        return portOf(server)
      },
      stop: async () => {
        await stops.run()
      },
    }
  } catch (error) {
    await stops.run()
    throw error
  }
}

/** As `npm start` has them; and such as `--cpu-prof --cpu-prof-dir=…`, for whoever looks for microseconds. */
function serverFlags(): string[] {
  const own = process.execArgv.filter((flag) => flag.startsWith('--max-semi-space-size='))
  return [...own, ...(process.env['LIKA_BENCH_SERVER_FLAGS']?.split(' ') ?? [])]
}

async function portOf(server: ChildProcess): Promise<number> {
  if (server.stdout === null) throw new Error('the server has no output')
  let port: number | undefined
  for await (const line of createInterface({ input: server.stdout })) {
    const url = /https?:\/\/\S+/.exec(line)?.[0]
    if (line.startsWith('API') && url !== undefined) port = Number(new URL(url).port)
    if (line === 'Lika is ready' && port !== undefined) break
  }
  if (port === undefined) throw new Error('the server did not start')
  server.stdout.resume()
  return port
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = once(server, 'exit')
  server.kill('SIGTERM')
  await ended
}
