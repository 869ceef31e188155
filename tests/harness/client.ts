/**
 * A client that sends whatever a test wants and checks every answer against /openapi.json. Connections are kept and
 * shared; what the server said is given back whole, so that a failing request can be printed and sent again.
 */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { type AnswerCheck, answerCheckOf, type Json, type Operation } from './answer-check.ts'

export type Sent = {
  method: string
  /** With the query. */
  path: string
  headers: Record<string, string>
  body?: string | Buffer
}

export type ClientAnswer = {
  status: number
  headers: IncomingHttpHeaders
  /** JSON where it is, text otherwise. */
  body: Json
  operation: Operation | undefined
  complaints: string[]
}

export type Options = {
  key?: string | undefined
  body?: unknown
  form?: FormData
  headers?: Record<string, string>
  idempotencyKey?: string
}

export type Client = {
  check: AnswerCheck
  /** Complaints are in the answer. */
  send(sent: Sent): Promise<ClientAnswer>
  /** @throws AssertionError for an answer that is not documented. */
  call(method: string, path: string, options?: Options): Promise<ClientAnswer>
  close(): void
}

/** Longer than any answer may take. */
const patienceMs = 45_000

export async function openClient(url: string, connections = 16): Promise<Client> {
  const check = await answerCheckOf(url)
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const { hostname, port } = new URL(url)

  function exchange(sent: Sent): Promise<ClientAnswer> {
    const { method, path, headers, body } = sent
    return new Promise((resolve, reject) => {
      const options = { agent, hostname, port, method, path, headers: withLength(headers, body) }
      const asked = httpRequest(options, (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8')
          const { statusCode: status = 0 } = response
          const header = (name: string) => response.headers[name]?.toString()
          const isJson = header('content-type')?.includes('json') === true
          resolve({
            status,
            headers: response.headers,
            body: isJson ? parsed(text) : text,
            operation: check.operationOf(method, path),
            complaints: check.complaints(method, path, { status, header, text }),
          })
        })
      })
      asked.on('error', reject)
      asked.setTimeout(patienceMs, () => asked.destroy(new Error('there was no answer')))
      asked.end(body)
    })
  }

  /** A connection that the server closed while the request was on its way is not an answer: asked once more. */
  async function send(sent: Sent): Promise<ClientAnswer> {
    try {
      return await exchange(sent)
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ECONNRESET')
        throw error
      return exchange(sent)
    }
  }

  return {
    check,
    send,
    close: () => agent.destroy(),
    call: async (method, path, options = {}) => {
      const { key, body, form, headers = {}, idempotencyKey } = options
      const multipart = form && new Response(form)
      const content = multipart ? Buffer.from(await multipart.arrayBuffer()) : jsonOf(body)
      const type = multipart?.headers.get('content-type') ?? 'application/json'
      const answer = await send({
        method,
        path,
        headers: {
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
          ...(content !== undefined && { 'content-type': type }),
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
          ...headers,
        },
        ...(content !== undefined && { body: content }),
      })
      if (answer.complaints.length > 0)
        throw new Error(`${method} ${path}: ${answer.complaints.join('; ')}`)
      return answer
    },
  }
}

/** Text that is not JSON stays text: the check complains of it, unless it was a HEAD. */
function parsed(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function jsonOf(body: unknown): string | undefined {
  return body === undefined ? undefined : JSON.stringify(body)
}

function withLength(headers: Sent['headers'], body: Sent['body']): Sent['headers'] {
  return body === undefined
    ? headers
    : { ...headers, 'content-length': `${Buffer.byteLength(body)}` }
}
