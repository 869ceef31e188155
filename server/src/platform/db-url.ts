/** Takes a PostgreSQL URL apart into what the driver needs; never repeats its password in a message. */
import { isIP } from 'node:net'
import { CannotStart } from './cannot-start.ts'
import type { SocketTarget } from './db-socket.ts'

export type DatabaseAddress = {
  user: string
  password: string
  database: string
  /** `host:port` or the path of the socket: for messages. */
  place: string
  socket: SocketTarget
}

const tlsModes: Record<string, SocketTarget['tls']> = {
  disable: undefined,
  prefer: { required: false, options: { rejectUnauthorized: false } },
  require: { required: true, options: { rejectUnauthorized: false } },
  'verify-full': { required: true, options: { rejectUnauthorized: true } },
}

/** `postgres://user:password@host:5432/database?sslmode=verify-full`; `?host=/folder` names a Unix socket. */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  if (!URL.canParse(text)) throw badUrl('it is not a URL')
  const url = new URL(text)
  if (!['postgres:', 'postgresql:'].includes(url.protocol))
    throw badUrl(`it begins with ${url.protocol}//`)
  const mode = url.searchParams.get('sslmode') ?? 'disable'
  if (!Object.hasOwn(tlsModes, mode))
    throw badUrl(`sslmode is ${mode}, not one of ${Object.keys(tlsModes).join(', ')}`)
  const tls = tlsModes[mode]
  const user = decodeURIComponent(url.username)
  if (user === '') throw badUrl('it names no user')
  const port = url.port === '' ? 5432 : Number(url.port)
  const folder = url.searchParams.get('host')
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (folder === null && host === '') throw badUrl('it names no host')
  const servername = isIP(host) === 0 ? { servername: host } : {}
  return {
    user,
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)) || user,
    place: folder ?? `${host}:${port}`,
    socket: {
      address: folder === null ? { host, port } : { path: `${folder}/.s.PGSQL.${port}` },
      ...(tls && { tls: { ...tls, options: { ...tls.options, ...servername } } }),
    },
  }
}

/** The same server and credentials, another database. */
export function withDatabase(text: string, database: string): string {
  const url = new URL(text)
  url.pathname = `/${encodeURIComponent(database)}`
  return url.href
}

function badUrl(why: string): CannotStart {
  return new CannotStart(
    'database.url_invalid',
    `DATABASE_URL cannot be used: ${why}. It looks like postgres://user:password@host:5432/database.`,
  )
}
