/** PostgreSQL's log: one file that the server appends to, kept bounded, and its tail for error messages. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fstatSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs'

const largestLog = 32 * 1024 * 1024
const lookEveryMs = 60_000

/** Moves the content to `<file>.1` once it is large. The server holds the file open, so it is emptied in place. */
export function boundLog(file: string): void {
  if (!existsSync(file) || statSync(file).size < largestLog) return
  copyFileSync(file, `${file}.1`)
  truncateSync(file)
}

/** Keeps the file bounded until the returned function is called. */
export function keepLogBounded(file: string): () => void {
  const timer = setInterval(() => boundLog(file), lookEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}

export function sizeOfLog(file: string): number {
  return existsSync(file) ? statSync(file).size : 0
}

/** The last lines that were written behind byte `since`. */
export function tailOfLog(file: string, since: number, lines = 12): string {
  if (!existsSync(file)) return ''
  const log = openSync(file, 'r')
  try {
    const { size } = fstatSync(log)
    const from = Math.max(since > size ? 0 : since, size - 16_384)
    const bytes = Buffer.alloc(size - from)
    readSync(log, bytes, 0, bytes.length, from)
    return bytes.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } finally {
    closeSync(log)
  }
}
