/**
 * What a failed statement means for what comes next. `connection`, `serialisation` and `resources`: the
 * same work may succeed when it is done again; `data`: it fails again however often it is repeated.
 */
export type DatabaseFault = 'connection' | 'serialisation' | 'resources' | 'data'

const byClass: Record<string, DatabaseFault> = {
  '08': 'connection',
  '53': 'resources',
  '58': 'resources',
}

const byCode: Record<string, DatabaseFault> = {
  // ended or refused by the server: shutdown, crash, start-up, idle in transaction, idle session
  '57P01': 'connection',
  '57P02': 'connection',
  '57P03': 'connection',
  '57P05': 'connection',
  '25P03': 'connection',
  '40001': 'serialisation',
  '40P01': 'serialisation',
  '55P03': 'serialisation',
  // statement timeout, or another statement of a transaction that already failed
  '57014': 'resources',
  '25P02': 'resources',
}

const sqlState = /^[0-9A-Z]{5}$/

/** undefined: not an error of the database at all. */
export function databaseFaultOf(error: unknown): DatabaseFault | undefined {
  const code = codeOf(error)
  if (code === undefined) return undefined
  const known = byCode[code]
  if (known !== undefined) return known
  // ECONNRESET, EPIPE … of the socket, CONNECTION_CLOSED, CONNECT_TIMEOUT … of the driver
  if (/^(E[A-Z]+|CONNECT\w*|CONNECTION_\w+)$/.test(code) && !isServerError(error))
    return 'connection'
  return sqlState.test(code) ? (byClass[code.slice(0, 2)] ?? 'data') : undefined
}

/** SQLSTATE, the system's code, or the driver's own. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

function isServerError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'severity' in error
}
