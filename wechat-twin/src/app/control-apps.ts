/** Control of apps: registration with a check of their callback, their templates, tokens and cards, what was posted to them. */
import { ControlMistake, control } from '../control/control.ts'
import { flag, list, object, oneOf, optional, text } from '../kernel/shape.ts'
import type { App } from '../kernel/users.ts'
import { particularsOf } from './app-record.ts'
import type { Posted } from './callbacks.ts'
import { isBody } from './fields.ts'
import type { Members, Value } from './message-body.ts'
import { isEncodingAesKey } from './message-crypto.ts'
import type { World } from './world.ts'

const hosts = list(text({ max: 255 }), { min: 0, max: 20 })
const paths = list(text({ max: 255 }), { min: 0, max: 100 })

const given = object({
  appid: text({ max: 32, pattern: /^wx[0-9a-z]{6,30}$/ }),
  secret: text({ max: 64 }),
  kind: oneOf('official_account', 'mini_program'),
  /** Empty: belongs to no open-platform account. */
  subject: optional(text({ min: 0, max: 64 })),
  token: optional(text({ min: 3, max: 32 })),
  encoding_aes_key: optional(text({ min: 43, max: 43 })),
  callback_url: optional(text({ max: 255 })),
  redirect_hosts: optional(hosts),
  ip_allow_list: optional(list(text({ max: 64 }), { min: 0, max: 100 })),
  account_id: optional(text({ max: 32 })),
  message_mode: optional(oneOf('plain', 'compatible', 'safe')),
  message_format: optional(oneOf('xml', 'json')),
  js_hosts: optional(hosts),
  oauth_scopes: optional(list(oneOf('snsapi_base', 'snsapi_userinfo'), { min: 0, max: 2 })),
  card_rights: optional(list(oneOf('custom_code', 'stored_value'), { min: 0, max: 2 })),
  card_review: optional(oneOf('at_once', 'by_hand')),
  unauthorized_paths: optional(paths),
  banned_paths: optional(paths),
})

const template = object({
  template_id: text({ max: 64 }),
  keys: optional(list(text({ max: 32 }), { min: 1, max: 20 })),
})

const happening = object({
  /** Left out: of the account itself. */
  user: optional(text({ max: 64 })),
  event: text({ max: 64, pattern: /^\w+$/ }),
  fields: optional<Members>({ read: (value) => readFields(value) }),
})

const verdict = object({ passes: flag, reason: optional(text({ max: 200 })) })

export function registerControl(world: World): void {
  const { callbacks, cards, consents, tickets, tokens, twin } = world
  const { apps } = twin.users
  const known = (params: Readonly<Record<string, string>>) => {
    const app = apps.get(params['appid'] ?? '')
    if (app === undefined) throw new ControlMistake(`no app ${params['appid']}`)
    return app
  }

  // Registering again changes the app; a callback that does not prove that it knows the token is not taken.
  control(twin, 'POST', '/_twin/apps', given, async ({ body }) => {
    const app = readApp(body)
    if (app.callback_url !== undefined && !(await callbacks.proves(app, app.callback_url)))
      throw new ControlMistake('callback_url did not answer echostr: the token is not verified')
    return shown(apps.set(app.appid, app))
  })
  control(twin, 'GET', '/_twin/apps', undefined, () => ({ data: [...apps.values()].map(shown) }))
  control(twin, 'GET', '/_twin/apps/{appid}', undefined, ({ params }) => shown(known(params)))

  control(twin, 'POST', '/_twin/apps/{appid}/templates', template, ({ body, params }) => {
    consents.addTemplate(known(params), body)
    return body
  })
  control(twin, 'POST', '/_twin/apps/{appid}/expire_tokens', object({}), ({ params }) => {
    tokens.expireAll(known(params).appid)
    tickets.expireAll(known(params).appid)
  })
  control(twin, 'POST', '/_twin/apps/{appid}/cards/{card}/review', verdict, ({ body, params }) => {
    const app = known(params)
    const card = cards.get(params['card'] ?? '')
    if (card?.appid !== app.appid) throw new ControlMistake(`no card ${params['card']}`)
    const refusal = body.passes ? undefined : (body.reason ?? '')
    return { status: cards.review(app, card, refusal).status }
  })
  // Any event by hand, as `card_pay_order`, which nothing here causes.
  control(twin, 'POST', '/_twin/apps/{appid}/events', happening, ({ body, params }) => {
    const app = known(params)
    const { user, event, fields = {} } = body
    if (user !== undefined && !twin.users.table.has(user))
      throw new ControlMistake(`no user ${user}`)
    const openid =
      user === undefined ? particularsOf(app).account_id : twin.users.openidOf(user, app.appid)
    return { id: callbacks.event(app, openid, event, fields).id }
  })
  control(twin, 'GET', '/_twin/callbacks', undefined, ({ query }) => {
    const appid = query.get('appid')
    const all = appid === null ? [...callbacks.table.values()] : callbacks.ofApp(appid)
    return { data: all.map(shownPosted) }
  })
}

/** Strings, numbers, and objects of such. */
function readFields(value: unknown): Members {
  if (!isBody(value)) throw new ControlMistake('fields is an object')
  const entries = Object.entries(value).map(([name, one]): [string, Value] => {
    if (!/^\w+$/.test(name)) throw new ControlMistake(`${name} is no name of a field`)
    return [name, typeof one === 'string' || typeof one === 'number' ? one : readFields(one)]
  })
  return Object.fromEntries(entries)
}

type Given = ReturnType<typeof given.read>

function readApp(body: Given): App {
  const { appid, secret, kind, subject = 'default', redirect_hosts = [] } = body
  const { token, encoding_aes_key, callback_url, ip_allow_list } = body
  if (encoding_aes_key !== undefined && !isEncodingAesKey(encoding_aes_key))
    throw new ControlMistake('encoding_aes_key has 43 letters and digits')
  const isAddress = callback_url !== undefined && URL.canParse(callback_url)
  if (callback_url !== undefined && !(isAddress && /^https?:/.test(callback_url)))
    throw new ControlMistake('callback_url begins with http:// or https://')
  if (callback_url !== undefined && token === undefined)
    throw new ControlMistake('a callback needs a token')
  const { message_mode = 'plain' } = body
  if (message_mode !== 'plain' && encoding_aes_key === undefined)
    throw new ControlMistake(`${message_mode} needs an encoding_aes_key`)
  const kept = ['appid', 'secret', 'kind', 'subject', 'redirect_hosts', 'token']
  const own = [...kept, 'encoding_aes_key', 'callback_url', 'ip_allow_list']
  const more = Object.entries(body).filter(([name]) => !own.includes(name))
  return {
    appid,
    secret,
    kind,
    subject,
    redirect_hosts,
    ...(token !== undefined && { token }),
    ...(encoding_aes_key !== undefined && { encoding_aes_key }),
    ...(callback_url !== undefined && { callback_url }),
    ...(ip_allow_list !== undefined && { ip_allow_list }),
    more: Object.fromEntries(more),
  }
}

/** Without what proves who somebody is. */
function shown(app: App): object {
  const { secret: _, token: __, encoding_aes_key: ___, more: ____, ...open } = app
  return { ...open, ...particularsOf(app) }
}

function shownPosted(posted: Posted): object {
  const { copies: _, dropped_tries: __, sending: ___, created_at, ...rest } = posted
  return { ...rest, created_at: new Date(created_at).toISOString() }
}
