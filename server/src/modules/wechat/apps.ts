/**
 * Official accounts and mini-programs that an issuer has given Lika: kept with their secrets sealed, shown without them,
 * opened for the connector alone.
 */
import {
  asId,
  type BookId,
  type Instant,
  ok,
  type Result,
  refusal,
  refused,
  type WechatAppId,
} from '@lika/contract'
import type { Keyring } from '../../platform/crypto/keyring.ts'
import type { Database } from '../../platform/db.ts'
import { newId } from '../../platform/ids.ts'
import {
  type App,
  type AppFilter,
  type AppKind,
  type CallbackMode,
  insertApp,
  type StoredApp,
  selectAppById,
  selectApps,
  updateApp,
} from './app-store.ts'

export interface AppSecrets {
  readonly secret: string
  /** Of message callbacks; null: there are none. */
  readonly token: string | null
  /** 43 characters; null: messages come in plain text. */
  readonly encodingAesKey: string | null
}

export interface NewApp extends AppSecrets {
  readonly book: BookId
  readonly appid: string
  readonly kind: AppKind
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly at: Instant
}

/** What is left out stays as it is; null takes it away. */
export interface AppChange {
  readonly secret?: string | undefined
  readonly token?: string | null | undefined
  readonly encodingAesKey?: string | null | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** An app with its secrets open: for the connector, never for an answer or a log. */
export interface AppCredentials extends AppSecrets {
  readonly app: WechatAppId
  readonly book: BookId
  readonly appid: string
  readonly kind: AppKind
  readonly version: number
}

export interface AppTaken {
  readonly existing: WechatAppId
  readonly taken: 'reference' | 'appid'
}

export interface WechatApps {
  /** Refusals: `wechat_app.callbacks_invalid`; then the app that has the reference or the appid. */
  create(app: NewApp): Promise<Result<{ made: App } | AppTaken>>
  list(book: BookId, filter: AppFilter): Promise<readonly App[]>
  find(book: BookId, id: WechatAppId): Promise<App | undefined>
  /** Refusals: `wechat_app.not_found`, `wechat_app.callbacks_invalid`. */
  change(book: BookId, id: WechatAppId, change: AppChange, at: Instant): Promise<Result<App>>
  credentials(id: WechatAppId): Promise<AppCredentials | undefined>
  /** Of whatever book, for who comes with its id and no key: WeChat, and the members of its issuer. */
  known(id: WechatAppId): Promise<App | undefined>
}

export interface WechatAppsNeeds {
  readonly database: Pick<Database, 'sql'>
  readonly keyring: Pick<Keyring, 'seal' | 'open'>
}

/** How often a change that was overtaken by another one is tried again. */
const attempts = 5

export function openWechatApps({ database: { sql }, keyring }: WechatAppsNeeds): WechatApps {
  const seal = (secrets: AppSecrets, id: WechatAppId) => sealedBy(keyring, secrets, id)
  const select = async (book: BookId, filter: Omit<AppFilter, 'limit'>) => {
    const [app] = await selectApps(sql, book, { ...filter, limit: 1 })
    return app
  }

  async function whatTook({ book, appid, reference }: NewApp): Promise<AppTaken> {
    const named = reference === null ? undefined : await select(book, { reference })
    if (named !== undefined) return { existing: named.id, taken: 'reference' }
    const same = await select(book, { appid })
    if (same === undefined) throw new Error('what stood in the way of an app is gone again')
    return { existing: same.id, taken: 'appid' }
  }

  return {
    create: async (app) => {
      if (!areWhole(app)) return refused(halfCallbacks)
      const id: WechatAppId = asId(newId())
      const { book, appid, kind, reference, metadata, at } = app
      const whole = { id, book, appid, kind, reference, metadata, version: 1 }
      const stored: StoredApp = { ...whole, ...seal(app, id), createdAt: at, changedAt: at }
      return ok((await insertApp(sql, stored)) ? { made: stored } : await whatTook(app))
    },
    list: (book, filter) => selectApps(sql, book, filter),
    find: (book, id) => select(book, { id }),
    change: async (book, id, change, at) => {
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        const before = await select(book, { id })
        if (before === undefined)
          return refused(refusal('wechat_app.not_found', 'No WeChat app has this id here.'))
        const secrets = changed(openedBy(keyring, before), change)
        if (!areWhole(secrets)) return refused(halfCallbacks)
        const metadata = change.metadata ?? before.metadata
        const after = { ...before, ...seal(secrets, id), metadata, changedAt: at }
        if (await updateApp(sql, after, before.version))
          return ok({ ...after, version: before.version + 1 })
      }
      throw new Error('a WeChat app is changed by others without end')
    },
    known: async (id) => {
      const app = await selectAppById(sql, id)
      return app === undefined ? undefined : withoutSecrets(app)
    },
    credentials: async (id) => {
      const app = await selectAppById(sql, id)
      if (app === undefined) return undefined
      const { book, appid, kind, version } = app
      return { ...openedBy(keyring, app), app: id, book, appid, kind, version }
    },
  }
}

const halfCallbacks = refusal(
  'wechat_app.callbacks_invalid',
  'An EncodingAESKey needs the token that was set beside it, and has 43 characters that stand for 32 bytes.',
)

function withoutSecrets(app: StoredApp): App {
  const { id, book, appid, kind, secretLast4, callbacks, version, reference, metadata } = app
  const { createdAt, changedAt } = app
  const named = { id, book, appid, kind, reference, metadata }
  return { ...named, secretLast4, callbacks, version, createdAt, changedAt }
}

/** Of callbacks: nothing, a token, or a token and a key that is one. */
function areWhole({ token, encodingAesKey }: AppSecrets): boolean {
  if (encodingAesKey === null) return true
  return token !== null && Buffer.from(`${encodingAesKey}=`, 'base64').length === 32
}

function changed(before: AppSecrets, change: AppChange): AppSecrets {
  const { secret, token, encodingAesKey } = change
  return {
    secret: secret ?? before.secret,
    token: token === undefined ? before.token : token,
    encodingAesKey: encodingAesKey === undefined ? before.encodingAesKey : encodingAesKey,
  }
}

/** The members of a row that secrets make. */
function sealedBy(keyring: Pick<Keyring, 'seal'>, secrets: AppSecrets, id: WechatAppId) {
  const { secret, token, encodingAesKey } = secrets
  const plain = JSON.stringify({ secret, token, encodingAesKey })
  return {
    credentials: keyring.seal('wechat-credentials', id, Buffer.from(plain)),
    secretLast4: secret.slice(-4),
    callbacks: modeOf(secrets),
  }
}

function modeOf({ token, encodingAesKey }: AppSecrets): CallbackMode {
  if (token === null) return 'none'
  return encodingAesKey === null ? 'plain' : 'encrypted'
}

/** @throws when the row was moved or changed, or the master key is another one. */
function openedBy(keyring: Pick<Keyring, 'open'>, app: StoredApp): AppSecrets {
  const plain = keyring.open('wechat-credentials', app.id, app.credentials).toString()
  const members: unknown = JSON.parse(plain)
  if (typeof members !== 'object' || members === null) throw new Error('not the secrets of an app')
  const named = new Map<string, unknown>(Object.entries(members))
  const textOf = (name: string) => {
    const value = named.get(name)
    return typeof value === 'string' ? value : null
  }
  return {
    secret: textOf('secret') ?? '',
    token: textOf('token'),
    encodingAesKey: textOf('encodingAesKey'),
  }
}
