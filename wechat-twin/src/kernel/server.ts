/**
 * The HTTP server: reads a call, applies the faults of carrying, hands it to its route, and writes the answer once the
 * store has been flushed. Knows nothing of what is on the routes.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Fault, type Faults, numberOf, textOf, transportEffects } from './faults.ts'
import type { Requests } from './requests.ts'
import { type Answer, type Call, json, type Router } from './router.ts'
import type { SettingsBox } from './settings.ts'
import type { Store } from './store.ts'

export interface Served {
  store: Store
  settings: SettingsBox
  faults: Faults
  requests: Requests
  router: Router
}

export function serve(twin: Served): Server {
  const server = createServer((request, response) => {
    take(twin, request, response).catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
      if (!response.headersSent)
        send(response, json(500, { code: 'SYSTEM_ERROR', message: '系统错误' }))
    })
  })
  // Longer than any client keeps a connection, so that a call never meets one that is just being closed.
  server.keepAliveTimeout = 120_000
  return server
}

async function take(
  twin: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request, twin.settings.now.bodyBytes)
  if (body === undefined) {
    send(response, json(413, { code: 'PARAM_ERROR', message: '请求过大' }))
    return
  }
  const target = request.url ?? '/'
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  const call: Call = {
    method: request.method ?? 'GET',
    target,
    path,
    query: new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1)),
    headers: request.headers,
    body,
    address: addressOf(request),
    params: {},
  }
  const own = path === '/' || path.startsWith('/_twin')
  if (own && isForeign(request)) {
    send(response, json(403, { code: 'BAD_CONTROL', message: 'this is not said from loopback' }))
    return
  }
  const recorded = own ? undefined : twin.requests.record(call)
  const fault = own
    ? undefined
    : twin.faults.take(transportEffects, {
        method: call.method,
        paths: [path],
        mchid: mchidOf(call),
      })
  const early = fault === undefined ? undefined : before(fault, call)
  if (early === 'close') {
    twin.store.flush()
    request.socket.destroy()
    return
  }
  const answer = early ?? (await answerOf(twin, call))
  twin.store.flush()
  const last = fault === undefined ? answer : after(fault, answer)
  if (last === 'hang') {
    response.on('close', () => request.destroy())
    return
  }
  if (recorded !== undefined) recorded.status = last.status
  send(response, last)
}

/** What a fault answers before any work, if it does. */
function before(fault: Fault, call: Call): Answer | 'close' | undefined {
  if (fault.effect === 'close_before') return 'close'
  if (fault.effect === 'answer_500_before')
    return json(500, { code: 'SYSTEM_ERROR', message: '系统错误' })
  if (fault.effect !== 'status') return undefined
  // Where errors are numbers, `code` is one: {name: 'status', http: 200, code: -1}.
  if (/^\/(?:sns|cgi-bin|wxa|card)\//.test(call.path)) {
    const errcode = numberOf(fault, 'code', -1)
    return json(numberOf(fault, 'http', 200), { errcode, errmsg: 'system error' })
  }
  const [status, code] = [numberOf(fault, 'http', 500), textOf(fault, 'code', 'SYSTEM_ERROR')]
  if (!call.path.startsWith('/v3/')) return json(status, { code, message: '系统错误' })
  call.forced = { status, code }
  return undefined
}

/** What becomes of the answer after the work. */
function after(fault: Fault, answer: Answer): Answer | 'hang' {
  const { sign } = answer
  if (fault.effect === 'hang_after') return 'hang'
  if (fault.effect === 'answer_500_after')
    return json(500, { code: 'SYSTEM_ERROR', message: '系统错误' })
  if (fault.effect === 'bad_signature' && sign !== undefined)
    return { ...answer, sign: (body) => sign(body, 'bad') }
  if (fault.effect === 'probe_signature' && sign !== undefined)
    return { ...answer, sign: (body) => sign(body, 'probe') }
  return answer
}

function answerOf(twin: Served, call: Call): Answer | Promise<Answer> {
  const found = twin.router.find(call.method, call.path)
  if (found === undefined) return json(404, { code: 'RESOURCE_NOT_EXISTS', message: '接口不存在' })
  call.params = found.params
  return found.handler(call)
}

function send(response: ServerResponse, answer: Answer): void {
  const body = answer.body ?? ''
  const signed = answer.sign?.(body, false) ?? {}
  response.writeHead(answer.status, {
    ...answer.headers,
    ...signed,
    ...(answer.status !== 204 && { 'content-length': Buffer.byteLength(body) }),
  })
  response.end(answer.status === 204 ? undefined : body)
}

/** Undefined where it is longer than `most`. */
async function readBody(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= most) chunks.push(chunk)
  }
  return length <= most ? Buffer.concat(chunks) : undefined
}

/** Whose call it says it is: for faults only, nothing is believed. */
function mchidOf(call: Call): string | undefined {
  const named = /mchid="([^"]*)"/.exec(call.headers.authorization ?? '')?.[1]
  return named ?? /<mch_id>(?:<!\[CDATA\[)?(\d+)/.exec(call.body.toString('latin1'))?.[1]
}

function addressOf(request: IncomingMessage): string {
  const forwarded = request.headers['x-forwarded-for']?.toString().split(',')[0]?.trim()
  return forwarded ?? (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
}

/** Said by a page of somewhere else that runs in a browser of this machine. */
function isForeign(request: IncomingMessage): boolean {
  const { origin } = request.headers
  if (request.method === 'GET' || origin === undefined || origin === 'null') return false
  const { hostname } = URL.canParse(origin) ? new URL(origin) : { hostname: '' }
  return !['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
}
