/** What WeChat told of members, each event once, and the SQL of it. */
import type { BookId, Instant, MemberId, WechatAppId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { byteaArray, instantArray, textArray, uuidArray } from '../../platform/db-array.ts'
import { type CardMeaning, stateOfCard, type WalletCardState } from './wallet-cards.ts'

export interface AboutCard {
  readonly wechatCardId: string
  readonly codeDigest: Uint8Array
  readonly codeLast4: string
  readonly means: CardMeaning
}

export interface AppEventRow {
  readonly appId: WechatAppId
  readonly bookId: BookId
  readonly memberId: MemberId
  /** 32 bytes, the same for every delivery. */
  readonly dedupeKey: Uint8Array
  readonly event: string
  readonly card: AboutCard | undefined
  readonly at: Instant
}

/** A card in somebody's WeChat. */
export interface WalletCard {
  readonly memberId: MemberId
  readonly appId: WechatAppId
  readonly wechatCardId: string
  readonly codeLast4: string
  readonly state: WalletCardState
  /** WeChat's time of the event that brought it there; undefined: the member's phone alone has told it. */
  readonly since: Instant | undefined
}

/** All in one statement. What is known already changes nothing. */
export async function insertAppEvents(sql: Sql, rows: readonly AppEventRow[]): Promise<void> {
  await sql`
    insert into app_event (
      app_id, dedupe_key, book_id, member_id, event, wechat_card_id, code_digest, code_last4, means, at
    )
    select *
    from unnest(
      ${uuidArray(rows.map((row) => row.appId))}::uuid[],
      ${byteaArray(rows.map((row) => row.dedupeKey))}::bytea[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.memberId))}::uuid[],
      ${textArray(rows.map((row) => row.event))}::text[],
      ${textArray(rows.map((row) => row.card?.wechatCardId ?? null))}::text[],
      ${byteaArray(rows.map((row) => row.card?.codeDigest ?? null))}::bytea[],
      ${textArray(rows.map((row) => row.card?.codeLast4 ?? null))}::text[],
      ${textArray(rows.map((row) => row.card?.means ?? null))}::text[],
      ${instantArray(rows.map((row) => row.at))}::timestamptz[]
    )
    on conflict do nothing`
}

/** Forgets what says nothing of a card and is older than WeChat would send it again. */
export async function deletePassingEvents(sql: Sql, before: Instant): Promise<void> {
  await sql`
    delete from app_event
    where means is null
      and at < ${new Date(before)}::timestamptz`
}

interface CardEventRow {
  readonly memberId: MemberId
  readonly appId: WechatAppId
  readonly wechatCardId: string
  readonly code: string
  readonly codeLast4: string
  readonly means: CardMeaning
  readonly at: Instant
}

/** The cards that these members have or had in WeChat, the one that changed last first. */
export async function walletCardsOf(
  sql: Sql,
  book: BookId,
  members: readonly MemberId[],
): Promise<WalletCard[]> {
  const rows = await sql<CardEventRow[]>`
    select
      member_id as "memberId", app_id as "appId", wechat_card_id as "wechatCardId",
      encode(code_digest, 'hex') as code, code_last4 as "codeLast4", means, at
    from app_event
    where member_id = any(${uuidArray(members)}::uuid[])
      and book_id = ${book}
      and means is not null`
  const byCard = new Map<string, CardEventRow[]>()
  for (const row of rows) {
    const key = `${row.memberId} ${row.code}`
    byCard.set(key, [...(byCard.get(key) ?? []), row])
  }
  return [...byCard.values()]
    .flatMap(cardOf)
    .toSorted((one, other) => (other.since ?? 0) - (one.since ?? 0))
}

function cardOf(events: readonly CardEventRow[]): WalletCard[] {
  const [first] = events
  const standing = stateOfCard(events)
  if (first === undefined || standing === undefined) return []
  const { memberId, appId, wechatCardId, codeLast4 } = first
  const since = standing.at === 0 ? undefined : standing.at
  return [{ memberId, appId, wechatCardId, codeLast4, state: standing.state, since }]
}
