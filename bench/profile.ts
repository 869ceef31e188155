/** Where the microseconds of a payment go: Node's own profiler by file and function, PostgreSQL's statements by kind. */
import { Session } from 'node:inspector/promises'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Database } from '../server/src/platform/db.ts'
import { rounded } from './figures.ts'

/** Microseconds per payment. */
export interface Share {
  readonly what: string
  readonly micros: number
}

export interface Profile {
  readonly files: readonly Share[]
  readonly functions: readonly Share[]
  readonly statements: readonly (Share & { readonly calls: number })[]
}

type Sampled = {
  nodes: Node[]
  samples?: number[] | undefined
  timeDeltas?: number[] | undefined
}
type Node = { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }

const root = resolve(import.meta.dirname, '..')
const intervalMicros = 200

/** Runs `work`, which answers how many payments it made, under both profilers. */
export async function profile(owner: Database, work: () => Promise<number>): Promise<Profile> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: intervalMicros })
  await owner.sql`select public.pg_stat_statements_reset()`
  await session.post('Profiler.start')
  const payments = await work()
  const { profile: sampled } = await session.post('Profiler.stop')
  session.disconnect()
  const self = selfTimes(sampled)
  return {
    files: shares(self, payments, ({ callFrame }) => fileOf(callFrame.url, callFrame.functionName)),
    functions: shares(
      self,
      payments,
      ({ callFrame: { functionName, url, lineNumber } }) =>
        `${functionName || '(anonymous)'} ${fileOf(url, functionName)}:${lineNumber + 1}`,
    ),
    statements: await statements(owner, payments),
  }
}

function selfTimes({ nodes, samples = [], timeDeltas = [] }: Sampled): Map<Node, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const self = new Map<Node, number>()
  for (const [index, id] of samples.entries()) {
    const node = byId.get(id)
    // Stopping the profiler is no work of a payment.
    if (node === undefined || node.callFrame.url === 'node:inspector') continue
    self.set(node, (self.get(node) ?? 0) + (timeDeltas[index] ?? 0))
  }
  return self
}

function shares(
  self: ReadonlyMap<Node, number>,
  payments: number,
  nameOf: (node: Node) => string,
): Share[] {
  const sums = new Map<string, number>()
  for (const [node, micros] of self) {
    const name = nameOf(node)
    sums.set(name, (sums.get(name) ?? 0) + micros)
  }
  return [...sums]
    .map(([what, micros]) => ({ what, micros: rounded(micros / payments, 1) }))
    .filter(({ micros }) => micros >= 0.3)
    .sort((one, other) => other.micros - one.micros)
}

function fileOf(url: string, functionName: string): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'V8'
  if (!url.startsWith('file:')) return url
  const path = relative(root, fileURLToPath(url))
  return path.replace(/.*node_modules\//, '')
}

async function statements(owner: Database, payments: number) {
  const rows = await owner.sql<{ query: string; calls: bigint; micros: number }[]>`
    select regexp_replace(query, '\\s+', ' ', 'g') as query, calls, total_exec_time * 1000 as micros
    from public.pg_stat_statements
    join pg_database on pg_database.oid = dbid
    where datname = current_database()
    order by total_exec_time desc
    limit 16`
  return rows.map(({ query, calls, micros }) => ({
    what: query.slice(0, 60),
    calls: Number(calls),
    micros: rounded(micros / payments, 1),
  }))
}
