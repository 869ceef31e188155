/** Rows by COPY, the fastest way into PostgreSQL. Values are written in its text format. */
import { once } from 'node:events'
import type { Sql } from '../server/src/platform/db.ts'

/** `columns`: as in `copy card (lane, id) from stdin`. The text has a line for each row. */
export async function copyIn(sql: Sql, target: string, text: string | Buffer): Promise<void> {
  const stream = await sql.unsafe(`copy ${target} from stdin`).writable()
  // The driver says nothing of a COPY that PostgreSQL refuses; PostgreSQL's log says why.
  const finished = once(stream, 'finish', { signal: AbortSignal.timeout(longestCopyMs) })
  stream.end(text)
  await finished
}

const longestCopyMs = 300_000

export async function copyOut(sql: Sql, query: string): Promise<Buffer> {
  const stream = await sql.unsafe(`copy (${query}) to stdout`).readable()
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** One line. Only for values without tabs, line ends and backslashes, but for the bytes of `hexBytes`. */
export function row(...values: readonly (string | number | bigint | null)[]): string {
  let line = ''
  for (const value of values) line += `${line === '' ? '' : '\t'}${value ?? '\\N'}`
  return `${line}\n`
}

export function hexBytes(bytes: Uint8Array): string {
  return `\\\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`
}
