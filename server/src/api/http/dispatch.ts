/** Calls a ¤ route from inside another one (bulk): the same checks, handler and body, without a connection. */
import { type Refusal, refusal } from '@lika/contract'
import type { FastifyRequest } from 'fastify'
import type { Caller } from '../../modules/access/index.ts'
import type { Command, Executed } from '../../platform/lanes/index.ts'
import { judge } from './authenticate.ts'
import { problemOf } from './problems.ts'
import type { CallReader } from './read-call.ts'
import type { AnyAnswer, AnyHandler, AnySpec } from './spec.ts'
import { matches } from './unmatched.ts'

export interface InnerCall {
  /** `/v1/cards/card_…/freeze`; always a POST. */
  readonly path: string
  readonly idempotencyKey: string
  readonly body: unknown
  readonly caller: Caller
  /** Where the route's commands go. */
  readonly execute: (command: Command) => Promise<Executed>
  /** The request around it: its id is in problems, its address counts. */
  readonly request: FastifyRequest
}

/** `refused` is there where the answer is a problem. */
export interface InnerAnswer {
  readonly status: number
  readonly body: unknown
  readonly refused?: Refusal
}

export type Dispatch = (call: InnerCall) => Promise<InnerAnswer>

interface DispatchRoute {
  readonly spec: AnySpec
  readonly handler: AnyHandler
  readonly read: CallReader
}

/** Rejects for faults only. Refusals: `route.not_found` for what is no ¤ route, then those of the route. */
export function makeDispatch(routes: readonly DispatchRoute[]): Dispatch {
  return async (call) => {
    const found = findRoute(routes, call.path)
    const given = found === undefined ? noRoute : await run(found, call)
    if ('ok' in given) {
      const problem = problemOf(given.refusal, call.request.id)
      return { ...problem, refused: given.refusal }
    }
    if ('file' in given || 'location' in given)
      throw new Error(`${call.path} answers a file, which has no place in a bulk`)
    return { status: given.status, body: given.body }
  }
}

const noRoute = {
  ok: false,
  refusal: refusal('route.not_found', 'A bulk takes only routes that need an Idempotency-Key.'),
} as const

async function run({ spec, handler, read }: DispatchRoute, call: InnerCall): Promise<AnyAnswer> {
  const admission = judge(call.caller, spec.access)
  if ('refusal' in admission) return { ok: false, refusal: admission.refusal }
  const { idempotencyKey, body, caller, execute, request } = call
  const id = idIn(spec.path, call.path)
  const understood = read({ idempotencyKey, body, query: {}, id })
  if ('refusal' in understood) return { ok: false, refusal: understood.refusal }
  return handler({ ...understood, caller, address: request.ip, execute, request })
}

/** The route with the fewest variables: `/v1/payments/cancel` before `/v1/payments/{id}`. */
function findRoute(routes: readonly DispatchRoute[], path: string): DispatchRoute | undefined {
  const segments = path.split('/')
  return routes
    .filter(({ spec }) => spec.method === 'POST' && spec.idempotent === true && !spec.upload)
    .filter(({ spec }) => matches(spec.path.split('/'), segments))
    .toSorted((left, right) => left.spec.path.split('{').length - right.spec.path.split('{').length)
    .at(0)
}

function idIn(pattern: string, path: string): string | undefined {
  return path.split('/')[pattern.split('/').indexOf('{id}')]
}
