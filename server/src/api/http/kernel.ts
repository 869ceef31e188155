/**
 * The HTTP kernel: one place that authenticates, checks shapes, refuses, answers and documents, so that a route file
 * says only what a route takes, may answer and does.
 */
import multipart from '@fastify/multipart'
import type { IdKind, RefusalCode } from '@lika/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import type { Access, Caller } from '../../modules/access/index.ts'
import type { MemberCaller, Sessions } from '../../modules/members/index.ts'
import { databaseFaultOf } from '../../platform/db-faults.ts'
import type { Command, Executed } from '../../platform/lanes/index.ts'
import type { Log } from '../../platform/log.ts'
import { type Admission, makeDoorkeeper } from './authenticate.ts'
import { type Dispatch, makeDispatch } from './dispatch.ts'
import { busy, refusalOfError } from './faults.ts'
import { codesOf } from './openapi.ts'
import { sendFault, sendRefusal } from './problems.ts'
import { type CallReader, callReader } from './read-call.ts'
import { assertClosed } from './shapes.ts'
import type { AccessRule, AnyAnswer, AnyHandler, AnySpec, Handler, RouteSpec } from './spec.ts'
import { makeThrottle, type Throttle } from './throttle.ts'
import { makeRoutePaths, type RoutePaths } from './unmatched.ts'

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | MemberCaller | null
  }
}

export interface LikaApp {
  /**
   * Adds a route. @throws where it has no response schema, an open object, or a status that does not fit its method:
   * such a server does not start.
   */
  route<
    Responses extends Readonly<Record<number, TSchema>>,
    Access extends AccessRule,
    Kind extends IdKind | undefined = undefined,
    Query extends TSchema = never,
    Body extends TSchema = never,
    Idempotent extends boolean = false,
  >(
    spec: RouteSpec<Kind, Query, Body, Responses, Access, Idempotent>,
    handler: Handler<Kind, Query, Body, Responses, Access, Idempotent>,
  ): void
  /** Calls a ¤ route from inside another one. */
  readonly dispatch: Dispatch
}

/** A route with what is compiled once for it. */
export interface KnownRoute {
  readonly spec: AnySpec
  readonly handler: AnyHandler
  readonly read: CallReader
  readonly codes: ReadonlySet<RefusalCode>
}

export interface Kernel extends LikaApp {
  readonly routes: readonly KnownRoute[]
  readonly paths: RoutePaths
}

export interface KernelOptions {
  readonly access: Access
  /** What flows work with, of which the kernel asks for the sessions of members. */
  readonly flows?: { readonly sessions?: Pick<Sessions, 'memberOf'> }
  readonly log: Log
  readonly execute: (command: Command) => Promise<Executed>
}

const defaultBodyLimit = 262_144

export function makeKernel(fastify: FastifyInstance, options: KernelOptions): Kernel {
  const { log, execute } = options
  const doorkeeper = makeDoorkeeper(options.access, () => options.flows?.sessions)
  const paths = makeRoutePaths()
  const routes: KnownRoute[] = []
  fastify.decorateRequest('caller', null)

  // The first signature is the contract with route files. By the second the types are forgotten: what a handler
  // gets was checked by the schemas that its types were made from.
  function route<
    Responses extends Readonly<Record<number, TSchema>>,
    Access extends AccessRule,
    Kind extends IdKind | undefined = undefined,
    Query extends TSchema = never,
    Body extends TSchema = never,
    Idempotent extends boolean = false,
  >(
    spec: RouteSpec<Kind, Query, Body, Responses, Access, Idempotent>,
    handler: Handler<Kind, Query, Body, Responses, Access, Idempotent>,
  ): void
  function route(spec: AnySpec, handler: AnyHandler): void {
    assertDocumented(spec)
    const known = { spec, handler, read: callReader(spec), codes: new Set(codesOf(spec)) }
    routes.push(known)
    paths.add(spec.method, spec.path)
    if (spec.upload === undefined) mount(fastify, known)
    else void fastify.register((child) => mountUpload(child, known))
  }

  /** In a context of its own, so that no other route takes multipart bodies and this one no others. */
  async function mountUpload(child: FastifyInstance, known: KnownRoute): Promise<void> {
    child.removeAllContentTypeParsers()
    const fileSize = known.spec.bodyLimit ?? defaultBodyLimit
    await child.register(multipart, { limits: { fileSize, files: 1, fields: 20, fieldSize: 1024 } })
    mount(child, known)
  }

  function mount(where: FastifyInstance, known: KnownRoute): void {
    const { spec } = known
    where.route({
      method: spec.method,
      url: spec.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      bodyLimit: spec.bodyLimit ?? defaultBodyLimit,
      // A HEAD would read a file to its end for nothing; one that is given out once, or a login that comes back once, would
      // be gone.
      exposeHeadRoute: spec.files === undefined && spec.redirects !== true,
      schema: { response: spec.responses },
      onRequest: (request, reply, done) => {
        const enter = (admission: Admission) => {
          if ('refusal' in admission) {
            sendRefusal(reply, admission.refusal)
            return
          }
          request.caller = admission.caller ?? null
          done()
        }
        const { authorization } = request.headers
        const admission = doorkeeper.admit(authorization, request.ip, spec.access)
        if (!(admission instanceof Promise)) enter(admission)
        else admission.then(enter).catch((error: unknown) => answerError(reply, error))
      },
      handler: answering(known),
    })
  }

  /** Not async: a promise less in each request. */
  function answering(known: KnownRoute): (request: FastifyRequest, reply: FastifyReply) => void {
    const { spec, handler, read } = known
    const limit = spec.rate
    const throttle = limit && makeThrottle(limit.calls, limit.perSeconds)
    return (request, reply) => {
      const understood = read({
        idempotencyKey: request.headers['idempotency-key'],
        query: request.query,
        body: request.body,
        id: pathId(request.params),
      })
      if ('refusal' in understood) {
        answer(reply, known, { ok: false, ...understood })
        return
      }
      const caller = request.caller ?? undefined
      if (throttle !== undefined && isTooMuch(throttle, caller, request.ip, reply)) return
      const idempotencyKey = keyOf(caller, understood.idempotencyKey)
      const call = { ...understood, idempotencyKey, caller, address: request.ip, execute, request }
      try {
        const given = handler(call)
        if (given instanceof Promise) whenSettled(given, reply, known)
        else answer(reply, known, given)
      } catch (error) {
        answerError(reply, error)
      }
    }
  }

  function whenSettled(given: Promise<AnyAnswer>, reply: FastifyReply, known: KnownRoute): void {
    given
      .then((value) => answer(reply, known, value))
      .catch((error: unknown) => answerError(reply, error))
  }

  function answer(reply: FastifyReply, { spec, codes }: KnownRoute, given: AnyAnswer): void {
    if ('replayed' in given && given.replayed === true) reply.header('idempotent-replayed', 'true')
    if ('ok' in given) {
      if (!codes.has(given.refusal.code))
        log.error({ route: spec.path, code: given.refusal.code }, 'a refusal is not documented')
      sendRefusal(reply, given.refusal)
    } else if ('file' in given) {
      reply.headers(given.headers ?? {}).header('content-type', given.file.mediaType)
      reply.send(given.file.content)
    } else if ('location' in given) {
      reply.headers(given.headers ?? {}).redirect(given.location, 302)
    } else {
      reply.code(given.status).send(given.status === 204 ? undefined : given.body)
    }
  }

  function answerError(reply: FastifyReply, error: unknown): void {
    const details = {
      err: error,
      request_id: reply.request.id,
      route: reply.request.routeOptions.url,
    }
    const refused = refusalOfError(error)
    const fault = databaseFaultOf(error)
    if (refused !== undefined) {
      sendRefusal(reply, refused)
    } else if (fault !== undefined && fault !== 'data') {
      log.warn(details, 'the database could not be used')
      sendRefusal(reply, busy)
    } else {
      log.error(details, 'a request failed')
      sendFault(reply)
    }
  }

  fastify.setErrorHandler((error, _request, reply) => answerError(reply, error))
  return { route, routes, paths, dispatch: makeDispatch(routes) }
}

function pathId(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null || !('id' in params)) return undefined
  return typeof params.id === 'string' ? params.id : undefined
}

/** Claims are a book's, and in one book many members choose keys: each has keys of their own. */
function keyOf(caller: Caller | MemberCaller | undefined, key: string | undefined) {
  return caller?.kind === 'member' && key !== undefined ? `${caller.memberId} ${key}` : key
}

function throttleNameOf(caller: Caller | MemberCaller | undefined, address: string): string {
  if (caller?.kind === 'key') return caller.keyId
  return caller?.kind === 'member' ? caller.memberId : address
}

/** Says how much is left; answers when nothing is. */
function isTooMuch(
  throttle: Throttle,
  caller: Caller | MemberCaller | undefined,
  address: string,
  reply: FastifyReply,
): boolean {
  const { limit, remaining, resetSeconds } = throttle.count(throttleNameOf(caller, address))
  reply
    .header('ratelimit-limit', String(limit))
    .header('ratelimit-remaining', String(Math.max(0, remaining)))
    .header('ratelimit-reset', String(resetSeconds))
  if (remaining >= 0) return false
  sendRefusal(reply, {
    code: 'throttled',
    detail: `At most ${limit} calls are answered here in this time.`,
    retryAfterSeconds: resetSeconds,
  })
  return true
}

const statusesOf = {
  GET: [200],
  POST: [200, 201, 202],
  PATCH: [200],
  DELETE: [200, 204],
} as const satisfies Record<AnySpec['method'], readonly number[]>

/** @throws for a route that could answer what the reference does not say. */
function assertDocumented(spec: AnySpec): void {
  const place = `${spec.method} ${spec.path}`
  const statuses = Object.keys(spec.responses).map(Number)
  if (statuses.length === 0 && spec.files === undefined && spec.redirects !== true)
    throw new Error(`${place} has no response schema`)
  const allowed: readonly number[] = statusesOf[spec.method]
  for (const status of statuses) {
    if (!allowed.includes(status)) throw new Error(`${place} must not answer ${status}`)
    assertClosed(spec.responses[status], `${place} ${status}`)
  }
  if (spec.path.includes('{id}') !== (spec.id !== undefined))
    throw new Error(`${place} and the kind of its id do not go together`)
  assertClosed(spec.query, `${place} query`)
  assertClosed(spec.body, `${place} body`)
  assertClosed(spec.upload, `${place} upload`)
}
