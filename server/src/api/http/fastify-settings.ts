/** Fastify as we run it: cheap request ids, our JSON reader, problems instead of its own error bodies. */
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { refusal } from '@lika/contract'
import { type FastifyInstance, type FastifyServerOptions, fastify } from 'fastify'
import { newId } from '../../platform/ids.ts'
import { RefusedRequest } from './faults.ts'
import { readJson } from './json-body.ts'
import { problemOf, problemType, sendRefusal } from './problems.ts'
import { type RoutePaths, sendUnmatched } from './unmatched.ts'

export interface ServerSettings {
  readonly trustProxy: boolean | string
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined
}

export function makeFastify(settings: ServerSettings): FastifyInstance {
  const nextRequestId = requestIds()
  const { tls } = settings
  const options: FastifyServerOptions = {
    logger: false,
    trustProxy: settings.trustProxy,
    genReqId: nextRequestId,
    requestIdHeader: false,
    // More than a request line may have: an id of whatever length is one that nothing has.
    routerOptions: { maxParamLength: 65_536 },
    // A connection that is still open when the server stops gets its answer, and then the end.
    return503OnClosing: false,
    frameworkErrors: (_error, _request, reply) => {
      sendRefusal(reply, refusal('route.not_found', 'The path is not a valid one.'))
    },
    clientErrorHandler: (_error, socket) => answerRaw(socket, nextRequestId()),
    ...(tls === undefined
      ? {}
      : {
          serverFactory: (handler) => createTlsServer({ ...tls, minVersion: 'TLSv1.2' }, handler),
        }),
  }
  const app = fastify(options)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const read = readJson(Buffer.isBuffer(body) ? body : Buffer.from(body))
    if (read.ok) done(null, read.value)
    else done(new RefusedRequest(read.refusal))
  })
  // What is checked here is checked by the kernel, with paths and words of its own.
  app.setValidatorCompiler(() => () => true)
  return app
}

/** Before everything else: the id of the request on every answer, and the end for what no route takes. */
export function addFirstHook(app: FastifyInstance, paths: RoutePaths): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('request-id', request.id)
    if (request.is404) sendUnmatched(reply, paths)
    else done()
  })
  app.setNotFoundHandler((_request, reply) => sendUnmatched(reply, paths))
}

/** `req_` and a count behind what is random in each process. */
function requestIds(): () => string {
  const start = newId().replaceAll('-', '').slice(16, 28)
  let count = 0
  return () => {
    count += 1
    return `req_${start}${count.toString(36).padStart(6, '0')}`
  }
}

/** For what is not even HTTP: there is no request to answer with, only a socket. */
function answerRaw(socket: Socket, requestId: string): void {
  if (socket.destroyed || !socket.writable) return
  const { body } = problemOf(
    refusal('request.malformed', 'This is not a request that the server can read.'),
    requestId,
  )
  const text = JSON.stringify(body)
  const head = [
    'HTTP/1.1 400 Bad Request',
    `Content-Type: ${problemType}`,
    `Request-Id: ${requestId}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
}
