/** What a route file says about a route, and what its handler gets and answers. */

import type { Readable } from 'node:stream'
import type { Id, IdKind, Refusal, RefusalCode, Scope } from '@lika/contract'
import type { FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import type { Caller, KeyCaller, OperatorCaller } from '../../modules/access/index.ts'
import type { MemberCaller } from '../../modules/members/index.ts'
import type { Command, Executed } from '../../platform/lanes/index.ts'

/**
 * Who may call: a key with the scope, any key, the operator, either the operator or a key with the scope, a member with
 * a session of the wallet, or anyone without a key.
 */
export type AccessRule =
  | Scope
  | 'key'
  | 'operator'
  | 'member'
  | 'anyone'
  | { readonly operatorOr: Scope }

export type CallerOf<A> = A extends 'anyone'
  ? undefined
  : A extends 'operator'
    ? OperatorCaller
    : A extends 'member'
      ? MemberCaller
      : A extends Scope | 'key'
        ? KeyCaller
        : Caller

/** Calls of one key, in a window that begins with its first call; answered with RateLimit headers. */
export interface RateLimit {
  readonly calls: number
  readonly perSeconds: number
}

export interface RouteSpec<
  Kind extends IdKind | undefined,
  Query extends TSchema,
  Body extends TSchema,
  Responses extends Readonly<Record<number, TSchema>>,
  Access extends AccessRule,
  Idempotent extends boolean,
> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** `/v1/cards/{id}/freeze` */
  readonly path: string
  readonly summary: string
  readonly access: Access
  /** ¤: the Idempotency-Key header is required. */
  readonly idempotent?: Idempotent
  /** The kind of `{id}` in the path. One that is malformed is answered like one that does not exist. */
  readonly id?: Kind
  readonly query?: Query
  readonly body?: Body
  /** The fields of a multipart body beside its `file`, for the reference; the handler reads `call.request`. */
  readonly upload?: TSchema
  /** By status: 200, 201, 202, 204 (`NoContent`). */
  readonly responses: Responses
  /** Media types that 200 may have instead of JSON, answered by `file()`. */
  readonly files?: readonly string[]
  /** It answers 302, by `redirect()`. */
  readonly redirects?: boolean
  /** What it can answer beside what every route can; the kernel adds shape, auth, throttled, busy, idempotency. */
  readonly refusals: readonly RefusalCode[]
  readonly rate?: RateLimit
  /** Bytes; 256 KiB unless said. */
  readonly bodyLimit?: number
}

export interface Call<Kind, Query, Body, Access, Idempotent> {
  readonly caller: CallerOf<Access>
  readonly id: Kind extends IdKind ? Id<Kind> : undefined
  readonly query: Query extends TSchema ? Static<Query> : undefined
  readonly body: Body extends TSchema ? Static<Body> : undefined
  /** Of a member's call with the member before it: what one member sends says nothing of another's. */
  readonly idempotencyKey: Idempotent extends true ? string : undefined
  /** Where the call comes from, the proxy in front looked through. */
  readonly address: string
  /** Runs a command on the lanes; within an atomic bulk together with its siblings. */
  readonly execute: (command: Command) => Promise<Executed>
  readonly request: FastifyRequest
}

export type Refused = {
  readonly ok: false
  readonly refusal: Refusal
  readonly replayed?: boolean
}

export type FileAnswer = {
  readonly status: 200
  readonly file: { readonly mediaType: string; readonly content: string | Buffer | Readable }
  readonly headers?: Readonly<Record<string, string>>
}

export type RedirectAnswer = {
  readonly status: 302
  readonly location: string
  /** `set-cookie` and the like. */
  readonly headers?: Readonly<Record<string, string | string[]>>
}

export type Answer<Responses> =
  | {
      [S in keyof Responses & number]: {
        readonly status: S
        readonly body: Responses[S] extends TSchema ? Static<Responses[S]> : never
        readonly replayed?: boolean
      }
    }[keyof Responses & number]
  | FileAnswer
  | RedirectAnswer
  | Refused

export type Handler<Kind, Query, Body, Responses, Access, Idempotent> = (
  call: Call<Kind, Query, Body, Access, Idempotent>,
) => Answer<Responses> | Promise<Answer<Responses>>

/** Any route, its types forgotten: what the kernel works with. */
export type AnySpec = RouteSpec<
  IdKind | undefined,
  TSchema,
  TSchema,
  Readonly<Record<number, TSchema>>,
  AccessRule,
  boolean
>

export interface AnyCall {
  readonly caller: Caller | MemberCaller | undefined
  readonly id: Id | undefined
  readonly query: unknown
  readonly body: unknown
  readonly idempotencyKey: string | undefined
  readonly address: string
  readonly execute: (command: Command) => Promise<Executed>
  readonly request: FastifyRequest
}

export type AnyAnswer =
  | { readonly status: number; readonly body: unknown; readonly replayed?: boolean }
  | FileAnswer
  | RedirectAnswer
  | Refused

export type AnyHandler = (call: AnyCall) => AnyAnswer | Promise<AnyAnswer>
