/** The last calls as they came, so that a test can compare a body with the sheet. What authenticates them is left out. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from './clock.ts'

export interface RecordedRequest {
  at: number
  method: string
  path: string
  query: string
  headers: Record<string, string>
  body: string
  /** 0 while unanswered, and for ever where a fault kept the answer. */
  status: number
}

const kept = 2_000
/** In queries and bodies: what proves who calls. */
const secretMembers = /\b(secret|access_token|refresh_token)=[^&]*/g
const secretInBody = /("secret"\s*:\s*")[^"]*"/g
const longestBody = 65_536

export class Requests {
  readonly #clock: Clock
  readonly #ring: RecordedRequest[] = []
  #count = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  record(call: {
    method: string
    path: string
    target: string
    headers: IncomingHttpHeaders
    body: Buffer
  }): RecordedRequest {
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(call.headers))
      headers[name] = name === 'authorization' ? (String(value).split(' ')[0] ?? '') : String(value)
    const request: RecordedRequest = {
      at: this.#clock.real(),
      method: call.method,
      path: call.path,
      query: call.target.slice(call.path.length).replace(secretMembers, '$1=…'),
      headers,
      body: call.body.toString('utf8', 0, longestBody).replace(secretInBody, '$1…"'),
      status: 0,
    }
    this.#ring[this.#count % kept] = request
    this.#count += 1
    return request
  }

  /** Oldest first; `path` begins their path, `last` is how many at most. */
  list(path: string, last: number): RecordedRequest[] {
    const start = this.#count > kept ? this.#count % kept : 0
    const all = [...this.#ring.slice(start), ...this.#ring.slice(0, start)]
    return all.filter((request) => request.path.startsWith(path)).slice(-last)
  }
}
