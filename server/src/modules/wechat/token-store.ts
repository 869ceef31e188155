/**
 * The SQL of access tokens and tickets. Times are those of the database, so that processes whose clocks differ agree on
 * when a token has run out and who fetches the next one.
 */
import type { WechatAppId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'

export interface TokenRow {
  readonly sealed: Uint8Array | null
  /** Below 0: it has run out. */
  readonly remainingMs: number | null
  readonly version: number
  readonly forcedAgoMs: number | null
}

export async function selectToken(
  sql: Sql,
  app: WechatAppId,
  kind: string,
): Promise<TokenRow | undefined> {
  const [row] = await sql<TokenRow[]>`
    select
      sealed,
      (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as "remainingMs",
      version,
      (extract(epoch from clock_timestamp() - forced_at) * 1000)::float8 as "forcedAgoMs"
    from wechat_token
    where app_id = ${app}
      and kind = ${kind}`
  return row
}

/** False: somebody else is fetching one, or has. */
export async function leaseToken(
  sql: Sql,
  app: WechatAppId,
  kind: string,
  { version, holder, leaseMs }: { version: number; holder: string; leaseMs: number },
): Promise<boolean> {
  const done = await sql`
    insert into wechat_token (app_id, kind, version, holder, held_until)
    values (
      ${app}, ${kind}, 0, ${holder},
      clock_timestamp() + make_interval(secs => ${leaseMs / 1000}::float8)
    )
    on conflict on constraint pk_wechat_token do update
    set
      holder = excluded.holder,
      held_until = excluded.held_until
    where wechat_token.version = ${version}
      and (wechat_token.holder is null or wechat_token.held_until < clock_timestamp())`
  return done.count === 1
}

interface FetchedToken {
  readonly holder: string
  readonly sealed: Uint8Array
  readonly lifetimeMs: number
  readonly forced: boolean
}

/** Its version; undefined: the lease had run out and went to somebody else. */
export async function keepToken(
  sql: Sql,
  app: WechatAppId,
  kind: string,
  { holder, sealed, lifetimeMs, forced }: FetchedToken,
): Promise<number | undefined> {
  const [row] = await sql<{ version: number }[]>`
    update wechat_token
    set
      sealed = ${sealed}::bytea,
      expires_at = clock_timestamp() + make_interval(secs => ${lifetimeMs / 1000}::float8),
      version = version + 1,
      forced_at = case when ${forced} then clock_timestamp() else forced_at end,
      holder = null,
      held_until = null
    where app_id = ${app}
      and kind = ${kind}
      and holder = ${holder}
    returning version`
  return row?.version
}

export async function releaseToken(
  sql: Sql,
  app: WechatAppId,
  kind: string,
  holder: string,
): Promise<void> {
  await sql`
    update wechat_token
    set
      holder = null,
      held_until = null
    where app_id = ${app}
      and kind = ${kind}
      and holder = ${holder}`
}
