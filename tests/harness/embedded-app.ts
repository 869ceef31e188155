/**
 * A process that does nothing but keep an embedded PostgreSQL: what tests start, kill, and start again. Takes its
 * options as JSON in the first argument, tells what happens as lines of JSON, and stops when its input ends with `stop`.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { CannotStart } from '../../server/src/platform/cannot-start.ts'
import { startPostgres } from '../../server/src/platform/postgres/index.ts'

export type AppEvent =
  | { event: 'log'; sentence: string }
  | { event: 'refused'; code: string; message: string }
  | { event: 'ready'; ownerUrl: string; appUrl: string; port: number; pid: number; folder: string }
  | { event: 'down' }
  | { event: 'up'; pid: number }
  | { event: 'stopped' }

const tell = (event: AppEvent) => console.log(JSON.stringify(event))
const log = (sentence: string) => tell({ event: 'log', sentence })

try {
  const options = JSON.parse(process.argv[2] ?? '{}')
  const postgres = await startPostgres({ ...options, log: { info: log, warn: log, error: log } })
  postgres.onDown(() => tell({ event: 'down' }))
  postgres.onUp(() => tell({ event: 'up', pid: postgres.pid() }))
  const { ownerUrl, appUrl, port, folder } = postgres
  tell({ event: 'ready', ownerUrl, appUrl, port, pid: postgres.pid(), folder })
  const [order] = await once(createInterface(process.stdin), 'line')
  if (order === 'exit') process.exit(0)
  await postgres.stop()
  tell({ event: 'stopped' })
  process.exit(0)
} catch (error) {
  if (!(error instanceof CannotStart)) throw error
  tell({ event: 'refused', code: error.code, message: error.message })
  process.exit(1)
}
