/** The SQL of what came to the address of an app's callbacks last: one row per app, for whoever looks for a fault. */
import type { Instant, WechatAppId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'

/** Real time. */
export interface CallbackNote {
  readonly acceptedAt: Instant | null
  readonly refusedAt: Instant | null
  readonly refusedWhy: string | null
}

/** `refused`: why; undefined: it was taken. */
export async function upsertCallbackNote(
  sql: Sql,
  app: WechatAppId,
  refused: string | undefined,
  at: Instant,
): Promise<void> {
  const acceptedAt = refused === undefined ? at : null
  const refusedAt = refused === undefined ? null : at
  await sql`
    insert into wechat_app_callback as noted (app_id, accepted_at, refused_at, refused_why)
    values (${app}, ${acceptedAt}::timestamptz, ${refusedAt}::timestamptz, ${refused ?? null}::text)
    on conflict on constraint pk_wechat_app_callback do update
    set
      accepted_at = coalesce(excluded.accepted_at, noted.accepted_at),
      refused_at = coalesce(excluded.refused_at, noted.refused_at),
      refused_why = coalesce(excluded.refused_why, noted.refused_why)`
}

export async function selectCallbackNote(sql: Sql, app: WechatAppId): Promise<CallbackNote> {
  const [row] = await sql<CallbackNote[]>`
    select accepted_at as "acceptedAt", refused_at as "refusedAt", refused_why as "refusedWhy"
    from wechat_app_callback
    where app_id = ${app}`
  return row ?? { acceptedAt: null, refusedAt: null, refusedWhy: null }
}
