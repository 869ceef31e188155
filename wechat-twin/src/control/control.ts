/** What every route of the control API has in common: loopback only, JSON in and out, and plain words where it is wrong. */
import { WechatRefusal } from '../kernel/refusal.ts'
import { type Answer, type Call, json } from '../kernel/router.ts'
import type { Shape } from '../kernel/shape.ts'
import type { Twin } from '../kernel/twin.ts'

/** What the caller did wrong, answered as 400 `{code: "BAD_CONTROL", message}`. */
export class ControlMistake extends Error {}

export interface ControlCall<B> {
  body: B
  params: Readonly<Record<string, string>>
  query: URLSearchParams
}

/** Answers what `work` returns as JSON; undefined as 204. */
export function control<B = unknown>(
  twin: Twin,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  shape: Shape<B> | undefined,
  work: (call: ControlCall<B>) => unknown,
): void {
  twin.router.route(method, path, async (call) => {
    try {
      const body = shape === undefined ? (undefined as B) : shape.read(readBody(call), '')
      const done = await work({ body, params: call.params, query: call.query })
      return done === undefined ? { status: 204 } : json(200, done)
    } catch (error) {
      return mistake(error)
    }
  })
}

function mistake(error: unknown): Answer {
  if (error instanceof ControlMistake)
    return json(400, { code: 'BAD_CONTROL', message: error.message })
  if (error instanceof WechatRefusal) {
    const { status, code, message, detail } = error
    return json(status, { code, message, ...(detail !== undefined && { detail }) })
  }
  throw error
}

function readBody(call: Call): unknown {
  if (call.body.length === 0) return {}
  try {
    return JSON.parse(call.body.toString('utf8'))
  } catch {
    throw new ControlMistake('the body is not JSON')
  }
}

/** What is given as an object, whatever its members: for what goes on to others. */
export const anything: Shape<Record<string, unknown>> = {
  read: (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ControlMistake('the body is an object')
    return value as Record<string, unknown>
  },
}
