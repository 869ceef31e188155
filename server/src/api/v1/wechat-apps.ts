/** Routes of official accounts and mini-programs. Secrets come in and never go out: what is shown tells them apart. */
import { formatId, formatInstant, refusal, refused } from '@lika/contract'
import { type App, appKinds, callbackModes } from '../../modules/wechat/index.ts'
import type { Deps } from '../deps.ts'
import { created, okay } from '../http/answers.ts'
import { presentPage, readPage, uuidPart } from '../http/cursors.ts'
import type { LikaApp } from '../http/kernel.ts'
import { notFound, referenceTaken } from '../http/read-call.ts'
import {
  closed,
  given,
  idOf,
  Metadata,
  nullable,
  oneOf,
  pageOf,
  paging,
  Reference,
  shown,
  Timestamp,
  Type,
} from '../http/schemas.ts'

const Appid = Type.String({ pattern: '^wx[0-9A-Za-z]{4,30}$' })
const Kind = oneOf(appKinds)
const Secret = Type.String({
  pattern: '^[0-9A-Za-z]{16,128}$',
  description: 'the app secret; never answered',
})
const Token = Type.String({
  pattern: '^[0-9A-Za-z]{3,32}$',
  description: 'set beside the URL of message callbacks; never answered',
})
const EncodingAesKey = Type.String({
  pattern: '^[0-9A-Za-z+/]{43}$',
  description: 'with it messages come encrypted, and no others are taken; never answered',
})

const NewApp = closed({
  appid: Appid,
  kind: Kind,
  secret: Secret,
  token: Type.Optional(Token),
  encoding_aes_key: Type.Optional(EncodingAesKey),
  ...given,
})
const AppPatch = closed({
  secret: Type.Optional(Secret),
  token: Type.Optional(nullable(Token)),
  encoding_aes_key: Type.Optional(nullable(EncodingAesKey)),
  metadata: Type.Optional(Metadata),
})
const AppBody = closed({
  id: idOf('wechat_app'),
  appid: Appid,
  kind: Kind,
  secret_last4: Type.String({ minLength: 4, maxLength: 4 }),
  callbacks: oneOf(callbackModes, 'how messages come: not at all, in plain text, encrypted'),
  callback_url: Type.String({ description: 'what to set as the URL of message callbacks' }),
  ...shown,
  created_at: Timestamp,
  changed_at: Timestamp,
})

export function register(app: LikaApp, deps: Deps): void {
  registerWrites(app, deps)
  registerReads(app, deps)
}

function registerWrites(app: LikaApp, deps: Deps): void {
  const { flows, bookNow } = deps
  app.route(
    {
      method: 'POST',
      path: '/v1/wechat/apps',
      summary: 'Connects an official account or a mini-program',
      access: 'wechat:write',
      body: NewApp,
      responses: { 201: AppBody },
      refusals: [
        'wechat_app.callbacks_invalid',
        'reference.already_used',
        'wechat_app.already_exists',
      ],
    },
    async ({ caller, body }) => {
      const result = await flows.wechatApps.create({
        book: caller.book,
        appid: body.appid,
        kind: body.kind,
        secret: body.secret,
        token: body.token ?? null,
        encodingAesKey: body.encoding_aes_key ?? null,
        reference: body.reference ?? null,
        metadata: body.metadata ?? {},
        at: bookNow(caller.mode),
      })
      if (!result.ok) return result
      if ('made' in result.value) return created(presentApp(result.value.made, flows.publicUrl()))
      const { taken, existing } = result.value
      return refused(
        taken === 'reference' ? referenceTaken('wechat_app', existing) : isThere(existing),
      )
    },
  )

  app.route(
    {
      method: 'PATCH',
      path: '/v1/wechat/apps/{id}',
      summary: 'Gives an app other secrets; what is left out stays, null takes it away',
      access: 'wechat:write',
      id: 'wechat_app',
      body: AppPatch,
      responses: { 200: AppBody },
      refusals: ['wechat_app.not_found', 'wechat_app.callbacks_invalid'],
    },
    async ({ caller, id, body }) => {
      const { secret, token, encoding_aes_key: encodingAesKey, metadata } = body
      const change = { secret, token, encodingAesKey, metadata }
      const now = bookNow(caller.mode)
      const result = await flows.wechatApps.change(caller.book, id, change, now)
      return result.ok ? okay(presentApp(result.value, flows.publicUrl())) : result
    },
  )
}

function registerReads(app: LikaApp, { flows }: Deps): void {
  app.route(
    {
      method: 'GET',
      path: '/v1/wechat/apps',
      summary: 'Lists official accounts and mini-programs, the newest first',
      access: 'wechat:read',
      query: closed({
        ...paging,
        reference: Type.Optional(Reference),
        appid: Type.Optional(Appid),
        kind: Type.Optional(Kind),
      }),
      responses: { 200: pageOf(AppBody) },
      refusals: ['cursor.invalid'],
    },
    async ({ caller, query }) => {
      const asked = readPage('wechat_apps', [uuidPart], query)
      if (!asked.ok) return asked
      const { limit, afterId } = asked.value
      const { reference, appid, kind } = query
      const filter = { reference, appid, kind, before: afterId, limit: limit + 1 }
      const rows = await flows.wechatApps.list(caller.book, filter)
      const present = (row: App) => presentApp(row, flows.publicUrl())
      return okay(presentPage('wechat_apps', asked.value, rows, ({ id }) => [id], present))
    },
  )

  app.route(
    {
      method: 'GET',
      path: '/v1/wechat/apps/{id}',
      summary: 'Shows an official account or a mini-program, without its secrets',
      access: 'wechat:read',
      id: 'wechat_app',
      responses: { 200: AppBody },
      refusals: ['wechat_app.not_found'],
    },
    async ({ caller, id }) => {
      const found = await flows.wechatApps.find(caller.book, id)
      return found === undefined
        ? refused(notFound('wechat_app'))
        : okay(presentApp(found, flows.publicUrl()))
    },
  )
}

function isThere(existing: string) {
  return refusal(
    'wechat_app.already_exists',
    'The app is connected already; change that one instead.',
    { data: { existing_id: formatId('wechat_app', existing) } },
  )
}

function presentApp(app: App, publicUrl: string) {
  const id = formatId('wechat_app', app.id)
  return {
    id,
    appid: app.appid,
    kind: app.kind,
    secret_last4: app.secretLast4,
    callbacks: app.callbacks,
    callback_url: `${publicUrl}/wechat/apps/${id}/callbacks`,
    reference: app.reference,
    metadata: { ...app.metadata },
    created_at: formatInstant(app.createdAt),
    changed_at: formatInstant(app.changedAt),
  }
}
