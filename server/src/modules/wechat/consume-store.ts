/**
 * The SQL of codes of WeChat cards that were consumed or are being. A row is written before WeChat is asked, so that what
 * becomes of a lost answer can be found out; a code has one such row at a time.
 */
import type { BookId, Id, Instant, WechatAppId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'

export type ConsumeId = Id<'card_consume'>

export interface NewConsume {
  readonly id: ConsumeId
  readonly book: BookId
  readonly app: WechatAppId
  readonly codeDigest: Uint8Array
  /** '' where the caller named no card. */
  readonly askedCardId: string
  readonly sealedCode: Uint8Array
  readonly key: string
  readonly fingerprint: Uint8Array
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly at: Instant
}

export interface Consume {
  readonly id: ConsumeId
  readonly book: BookId
  readonly app: WechatAppId
  readonly askedCardId: string
  /** Null once the outcome is known. */
  readonly sealedCode: Uint8Array | null
  readonly fingerprint: Uint8Array
  readonly status: 'begun' | 'done' | 'refused'
  readonly cardId: string | null
  readonly refusedCode: string | null
  readonly refusedDetail: string | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAt: Instant
}

/** Who has the word about a row, and for how long. */
export interface Holding {
  readonly holder: string
  readonly leaseMs: number
}

/** False: its key, its reference or its code is taken. */
export async function beginConsume(
  sql: Sql,
  asked: NewConsume,
  { holder, leaseMs }: Holding,
): Promise<boolean> {
  const done = await sql`
    insert into wechat_consume (
      id, book_id, app_id, code_digest, asked_card_id, sealed_code, idempotency_key, fingerprint, status,
      holder, held_until, reference, metadata, created_at
    )
    values (
      ${asked.id}, ${asked.book}, ${asked.app}, ${asked.codeDigest}::bytea, ${asked.askedCardId},
      ${asked.sealedCode}::bytea, ${asked.key}, ${asked.fingerprint}::bytea, 'begun', ${holder},
      clock_timestamp() + make_interval(secs => ${leaseMs / 1000}::float8), ${asked.reference}::text,
      ${JSON.stringify(asked.metadata)}::text::jsonb, ${asked.at}::timestamptz
    )
    on conflict do nothing`
  return done.count === 1
}

export async function consumeByKey(
  sql: Sql,
  book: BookId,
  key: string,
): Promise<Consume | undefined> {
  const [row] = await sql<Consume[]>`
    select ${columns(sql)}
    from wechat_consume
    where book_id = ${book}
      and idempotency_key = ${key}`
  return row
}

export async function consumeByReference(
  sql: Sql,
  book: BookId,
  reference: string,
): Promise<Consume | undefined> {
  const [row] = await sql<Consume[]>`
    select ${columns(sql)}
    from wechat_consume
    where book_id = ${book}
      and reference = ${reference}
      and status in ('begun', 'done')`
  return row
}

/** The one that has consumed a code, or is at it; where there are several cards with own codes, of the card that was named. */
export async function consumeOfCode(
  sql: Sql,
  app: WechatAppId,
  codeDigest: Uint8Array,
  askedCardId: string,
): Promise<Consume | undefined> {
  const [row] = await sql<Consume[]>`
    select ${columns(sql)}
    from wechat_consume
    where app_id = ${app}
      and code_digest = ${codeDigest}::bytea
      and status in ('begun', 'done')
      and (
        asked_card_id = ${askedCardId}
        or card_id = ${askedCardId}
        or ${askedCardId} = ''
        or asked_card_id = ''
      )
    order by status desc, id
    limit 1`
  return row
}

export async function consumeById(
  sql: Sql,
  book: BookId,
  id: ConsumeId,
): Promise<Consume | undefined> {
  const [row] = await sql<Consume[]>`
    select ${columns(sql)}
    from wechat_consume
    where book_id = ${book}
      and id = ${id}`
  return row
}

/** Those whose answer was lost and that nobody looks after. */
export async function lostConsumes(sql: Sql, limit: number): Promise<readonly Consume[]> {
  return sql<Consume[]>`
    select ${columns(sql)}
    from wechat_consume
    where status = 'begun'
      and (held_until is null or held_until < clock_timestamp())
    order by id
    limit ${limit}`
}

/** False: somebody else has the word, or the outcome is known. */
export async function holdConsume(
  sql: Sql,
  id: ConsumeId,
  { holder, leaseMs }: Holding,
): Promise<boolean> {
  const done = await sql`
    update wechat_consume
    set
      holder = ${holder},
      held_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1000}::float8)
    where id = ${id}
      and status = 'begun'
      and (held_until is null or held_until < clock_timestamp())`
  return done.count === 1
}

/** As it stands afterwards; what is known already is not changed. */
export async function endConsume(
  sql: Sql,
  id: ConsumeId,
  end: { readonly cardId: string } | { readonly code: string; readonly detail: string },
): Promise<Consume | undefined> {
  const isDone = 'cardId' in end
  await sql`
    update wechat_consume
    set
      status = ${isDone ? 'done' : 'refused'},
      card_id = ${isDone ? end.cardId : null}::text,
      refused_code = ${isDone ? null : end.code}::text,
      refused_detail = ${isDone ? null : end.detail}::text,
      sealed_code = null,
      holder = null,
      held_until = null,
      ended_at = clock_timestamp()
    where id = ${id}
      and status = 'begun'`
  const [row] = await sql<Consume[]>`
    select ${columns(sql)}
    from wechat_consume
    where id = ${id}`
  return row
}

/** The word goes to whoever takes it next; what became of the code is still to be found out. */
export async function letConsumeGo(sql: Sql, id: ConsumeId, holder: string): Promise<void> {
  await sql`
    update wechat_consume
    set
      holder = null,
      held_until = null
    where id = ${id}
      and holder = ${holder}`
}

/** As if it had never been begun: it is known that nothing was done. */
export async function dropConsume(sql: Sql, id: ConsumeId, holder: string): Promise<void> {
  await sql`
    delete from wechat_consume
    where id = ${id}
      and status = 'begun'
      and holder = ${holder}`
}

/** Of a test book that is wiped: keys and references are free again, what WeChat did stays done. */
export async function deleteConsumes(sql: Sql, book: BookId): Promise<void> {
  await sql`
    delete from wechat_consume
    where book_id = ${book}`
}

function columns(sql: Sql) {
  return sql`
      id, book_id as book, app_id as app, asked_card_id as "askedCardId", sealed_code as "sealedCode",
      fingerprint, status, card_id as "cardId", refused_code as "refusedCode",
      refused_detail as "refusedDetail", reference, metadata, created_at as "createdAt"`
}
