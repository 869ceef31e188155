/** The last step of a start: the HTTP server, and its graceful end. */
import { readFileSync } from 'node:fs'
import { buildApp } from './api/app.ts'
import type { Deps } from './api/deps.ts'
import { CannotStart } from './platform/cannot-start.ts'
import type { Config } from './platform/config.ts'
import { codeOf } from './platform/db-faults.ts'
import type { CallOwn } from './start-demo.ts'
import type { Stop } from './stops.ts'

/** `url`: under which it answers; `call`: asks it without the network. */
export interface Listening {
  readonly url: string
  readonly call: CallOwn
}

/** @throws CannotStart `port.taken`, `host.unusable`, `tls.unreadable` */
export async function startHttp(
  config: Config,
  parts: Omit<Deps, 'trustProxy' | 'tls'>,
  onStop: (stop: Stop) => void,
): Promise<Listening> {
  const tls = config.tls && readTls(config.tls)
  const app = await buildApp({
    ...parts,
    trustProxy: config.trustProxy,
    ...(tls === undefined ? {} : { tls }),
  })
  onStop(() => app.close())
  try {
    const url = new URL(await app.listen({ host: config.host, port: config.port }))
    if (tls !== undefined) url.protocol = 'https:'
    return { url: url.origin, call: callOf(app) }
  } catch (error) {
    throw explain(config, error)
  }
}

function callOf(app: Awaited<ReturnType<typeof buildApp>>): CallOwn {
  return async ({ method, path, key, body, idempotencyKey }) => {
    const response = await app.inject({
      method,
      url: path,
      headers: {
        authorization: `Bearer ${key}`,
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      ...(body !== undefined && { payload: body }),
    })
    return { status: response.statusCode, body: response.json<unknown>() }
  }
}

function readTls({ certFile, keyFile }: NonNullable<Config['tls']>) {
  try {
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  } catch (error) {
    throw new CannotStart(
      'tls.unreadable',
      `The files of LIKA_TLS_CERT and LIKA_TLS_KEY cannot be read (${codeOf(error) ?? 'unknown reason'}). Name a certificate and its key in PEM that Lika's user may read.`,
      error,
    )
  }
}

function explain({ host, port }: Config, error: unknown): unknown {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new CannotStart(
        'port.taken',
        `Port ${port} on ${host} is taken. Stop what listens there, or set LIKA_PORT to another one.`,
        error,
      )
    case 'EACCES':
      return new CannotStart(
        'port.taken',
        `Lika may not listen on port ${port}. Set LIKA_PORT to one above 1023.`,
        error,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CannotStart(
        'host.unusable',
        `${host} is not an address of this machine. Set LIKA_HOST to one that is.`,
        error,
      )
    default:
      return error
  }
}
