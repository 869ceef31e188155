/** Which handler answers which call: methods and paths with `{names}` for parts that vary. */
import type { IncomingHttpHeaders } from 'node:http'

export interface Call {
  method: string
  /** Path and query exactly as sent. */
  target: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
  /** Of the caller: `127.0.0.1`, or what it says in `X-Forwarded-For`, since every caller of a twin is on loopback. */
  address: string
  params: Readonly<Record<string, string>>
  /** What a fault wants the call to be refused with, once it is known who calls. */
  forced?: { status: number; code: string }
}

export interface Answer {
  status: number
  headers?: Record<string, string>
  body?: string | Buffer
  /** Called last, over the body as it goes out: returns the headers of the signature. `broken` asks for one that does not hold. */
  sign?:
    | ((body: string | Buffer, broken: false | 'bad' | 'probe') => Record<string, string>)
    | undefined
}

export type Handler = (call: Call) => Answer | Promise<Answer>

type Route = { parts: string[]; handler: Handler }

export class Router {
  readonly #routes = new Map<string, Route[]>()

  route(method: string, path: string, handler: Handler): void {
    const parts = path.split('/')
    const key = `${method} ${parts.length}`
    const routes = this.#routes.get(key) ?? []
    routes.push({ parts, handler })
    // What is written out goes before what has names.
    routes.sort((one, other) => namesIn(one.parts) - namesIn(other.parts))
    this.#routes.set(key, routes)
  }

  /** Every route, with its names in braces. */
  list(): { method: string; path: string }[] {
    return [...this.#routes].flatMap(([key, routes]) =>
      routes.map(({ parts }) => ({ method: key.split(' ')[0] ?? '', path: parts.join('/') })),
    )
  }

  find(
    method: string,
    path: string,
  ): { handler: Handler; params: Record<string, string> } | undefined {
    const parts = path.split('/')
    for (const route of this.#routes.get(`${method} ${parts.length}`) ?? []) {
      const params = matchParts(route.parts, parts)
      if (params !== undefined) return { handler: route.handler, params }
    }
    return undefined
  }
}

function namesIn(parts: string[]): number {
  return parts.filter((part) => part.startsWith('{')).length
}

function matchParts(wanted: string[], given: string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {}
  for (const [place, part] of wanted.entries()) {
    const found = given[place] ?? ''
    if (part.startsWith('{')) {
      const value = decoded(found)
      if (value === undefined || value === '') return undefined
      params[part.slice(1, -1)] = value
    } else if (part !== found) return undefined
  }
  return params
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/** An answer in JSON, not signed: of the control API, and of the hosts beside v3. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  }
}
