/**
 * The SQL of nonces. A nonce lies in the slot that it names, and a slot is free again when its nonce has expired: there
 * are never more rows than slots, however many are asked for.
 */
import type { WechatAppId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { byteaArray, intArray, textArray } from '../../platform/db-array.ts'

export interface NonceKept {
  /** From 0 to 65,535, as the table's check has it. */
  readonly slot: number
  readonly nonce: string
  /** SHA-256 of everything that goes with it. */
  readonly digest: Uint8Array
}

/** What became of a nonce that came back. `forged`: it was never given out, or other things go with it. */
export type NonceUse = 'accepted' | 'forged' | 'expired' | 'replayed'

/** The slots that took theirs. */
export async function insertNonces(
  sql: Sql,
  app: WechatAppId,
  nonces: readonly NonceKept[],
  lifetimeMs: number,
): Promise<readonly number[]> {
  const rows = await sql<{ slot: number }[]>`
    insert into wechat_nonce (app_id, slot, nonce, digest, expires_at)
    select
      ${app}, given.slot, given.nonce, given.digest,
      clock_timestamp() + make_interval(secs => ${lifetimeMs / 1000}::float8)
    from unnest(
      ${intArray(nonces.map(({ slot }) => slot))}::int[],
      ${textArray(nonces.map(({ nonce }) => nonce))}::text[],
      ${byteaArray(nonces.map(({ digest }) => digest))}::bytea[]
    ) as given (slot, nonce, digest)
    order by given.slot
    on conflict on constraint pk_wechat_nonce do update
    set
      nonce = excluded.nonce,
      digest = excluded.digest,
      expires_at = excluded.expires_at,
      used_at = null
    where wechat_nonce.expires_at < clock_timestamp()
    returning slot`
  return rows.map(({ slot }) => slot)
}

/** Takes it as used where it is what was given out, in time, for the first time. */
export async function spendNonce(
  sql: Sql,
  app: WechatAppId,
  { slot, nonce, digest }: NonceKept,
): Promise<NonceUse> {
  const done = await sql`
    update wechat_nonce
    set used_at = clock_timestamp()
    where app_id = ${app}
      and slot = ${slot}
      and nonce = ${nonce}
      and digest = ${digest}::bytea
      and expires_at >= clock_timestamp()
      and used_at is null`
  if (done.count === 1) return 'accepted'
  const [row] = await sql<{ same: boolean; used: boolean }[]>`
    select
      digest = ${digest}::bytea as same,
      used_at is not null as used
    from wechat_nonce
    where app_id = ${app}
      and slot = ${slot}
      and nonce = ${nonce}`
  if (row?.same !== true) return 'forged'
  return row.used ? 'replayed' : 'expired'
}
