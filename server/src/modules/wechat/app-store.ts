/** The SQL of official accounts and mini-programs; what is secret comes and goes sealed. */
import type { BookId, Instant, WechatAppId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'

export const appKinds = ['official_account', 'mini_program'] as const
export type AppKind = (typeof appKinds)[number]

export const callbackModes = ['none', 'plain', 'encrypted'] as const
/** How messages are called back: not at all, in plain text, or encrypted. */
export type CallbackMode = (typeof callbackModes)[number]

/** What may be seen of an app. */
export interface App {
  readonly id: WechatAppId
  readonly book: BookId
  readonly appid: string
  readonly kind: AppKind
  readonly secretLast4: string
  readonly callbacks: CallbackMode
  /** Counts the changes, from 1. */
  readonly version: number
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Instant
  readonly changedAt: Instant
}

export interface StoredApp extends App {
  readonly credentials: Uint8Array
}

/** False: its reference or its appid is there already. */
export async function insertApp(sql: Sql, app: StoredApp): Promise<boolean> {
  const done = await sql`
    insert into wechat_app (
      id, book_id, appid, kind, credentials, secret_last4, callbacks, version, reference, metadata,
      created_at, changed_at
    )
    values (
      ${app.id}, ${app.book}, ${app.appid}, ${app.kind}, ${app.credentials}::bytea, ${app.secretLast4},
      ${app.callbacks}, ${app.version}, ${app.reference}::text,
      ${JSON.stringify(app.metadata)}::text::jsonb, ${app.createdAt}::timestamptz,
      ${app.changedAt}::timestamptz
    )
    on conflict do nothing`
  return done.count === 1
}

/** False: somebody else changed it meanwhile. */
export async function updateApp(sql: Sql, app: StoredApp, seen: number): Promise<boolean> {
  const done = await sql`
    update wechat_app
    set
      credentials = ${app.credentials}::bytea,
      secret_last4 = ${app.secretLast4},
      callbacks = ${app.callbacks},
      metadata = ${JSON.stringify(app.metadata)}::text::jsonb,
      version = version + 1,
      changed_at = ${app.changedAt}::timestamptz
    where id = ${app.id}
      and version = ${seen}`
  return done.count === 1
}

export interface AppFilter {
  readonly id?: WechatAppId | undefined
  readonly appid?: string | undefined
  readonly kind?: AppKind | undefined
  readonly reference?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export async function selectApps(
  sql: Sql,
  book: BookId,
  filter: AppFilter,
): Promise<readonly StoredApp[]> {
  return sql<StoredApp[]>`
    select ${columns(sql)}
    from wechat_app
    where book_id = ${book}
      and (${filter.id ?? null}::uuid is null or id = ${filter.id ?? null}::uuid)
      and (${filter.appid ?? null}::text is null or appid = ${filter.appid ?? null}::text)
      and (${filter.kind ?? null}::text is null or kind = ${filter.kind ?? null}::text)
      and (${filter.reference ?? null}::text is null or reference = ${filter.reference ?? null}::text)
      and (${filter.before ?? null}::uuid is null or id < ${filter.before ?? null}::uuid)
    order by id desc
    limit ${filter.limit}`
}

/** Of whatever book: callbacks name nothing but the app. */
export async function selectAppById(sql: Sql, id: WechatAppId): Promise<StoredApp | undefined> {
  const [row] = await sql<StoredApp[]>`
    select ${columns(sql)}
    from wechat_app
    where id = ${id}`
  return row
}

function columns(sql: Sql) {
  return sql`
      id, book_id as book, appid, kind, credentials, secret_last4 as "secretLast4", callbacks, version,
      reference, metadata, created_at as "createdAt", changed_at as "changedAt"`
}
