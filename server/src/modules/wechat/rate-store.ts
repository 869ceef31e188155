/** The SQL of token buckets: one row per app and call, from which every process draws before it calls WeChat. */
import type { WechatAppId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'

/** In no stretch of a second more than `burst + perSecond` permits are given. */
export interface Bucket {
  readonly burst: number
  readonly perSecond: number
}

export interface Drawn {
  readonly granted: number
  /** Until there is another one; 0 where all were granted. */
  readonly waitMs: number
}

/** A full one; again is no harm. */
export async function openBucket(
  sql: Sql,
  app: WechatAppId,
  call: string,
  { burst }: Bucket,
): Promise<void> {
  await sql`
    insert into wechat_rate (app_id, call, tokens, filled_at)
    values (${app}, ${call}, ${burst}, clock_timestamp())
    on conflict do nothing`
}

/** Undefined: there is no such bucket yet. The clock is read under the lock of the row. */
export async function drawFrom(
  sql: Sql,
  app: WechatAppId,
  call: string,
  wanted: number,
  { burst, perSecond }: Bucket,
): Promise<Drawn | undefined> {
  const [row] = await sql<{ granted: number; left: number }[]>`
    with bucket as materialized (
      select
        tokens,
        filled_at,
        clock_timestamp() as at
      from wechat_rate
      where app_id = ${app}
        and call = ${call}
      for update
    ), filled as (
      select
        least(
          ${burst}::float8,
          tokens + ${perSecond}::float8 * greatest(0, extract(epoch from at - filled_at)::float8)
        ) as tokens,
        greatest(at, filled_at) as at
      from bucket
    ), drawn as (
      select
        tokens,
        at,
        least(floor(tokens), ${wanted}::float8) as granted
      from filled
    )
    update wechat_rate
    set
      tokens = drawn.tokens - drawn.granted,
      filled_at = drawn.at
    from drawn
    where wechat_rate.app_id = ${app}
      and wechat_rate.call = ${call}
    returning drawn.granted, wechat_rate.tokens as left`
  if (row === undefined) return undefined
  const { granted, left } = row
  const waitMs = granted >= wanted ? 0 : Math.ceil(((1 - left) / perSecond) * 1000)
  return { granted, waitMs: Math.max(0, waitMs) }
}
