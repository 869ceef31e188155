/**
 * Cards as readers see them: row and balance of one moment. The accounts are the ledger's; they are joined here because
 * a balance that was read in two statements could show money twice, or nowhere.
 */
import type { BookId, CardId, CardStatus, Fen, Instant, Lane, ProductId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { uuidArray } from '../../platform/db-array.ts'
import { accountId } from '../ledger/index.ts'
import type { CardRow } from './store.ts'

/** principal + bonus = available + held */
export interface CardBalance {
  readonly principal: Fen
  readonly bonus: Fen
  /** Set aside by holds that have not expired. */
  readonly held: Fen
}

export interface CardView {
  readonly card: CardRow
  readonly balance: CardBalance
}

interface ViewRow extends CardRow, CardBalance {}

/** Cards of one lane with what is on them at `now`, in no order; those that do not exist are left out. */
export async function readCards(
  sql: Sql,
  lane: Lane,
  ids: readonly CardId[],
  now: Instant,
): Promise<CardView[]> {
  const rows = await sql<ViewRow[]>`
    select
      card.id, card.book_id as "bookId", product_id as "productId", product_version as "productVersion", state,
      number, secret_digest as "secretDigest", face_amount as "faceAmount", face_bonus as "faceBonus",
      card.expires_at as "expiresAt", parent_id as "parentId", depth, replaced_by as "replacedBy", replaces,
      batch_id as "batchId", import_id as "importId", reference, metadata,
      created_at as "createdAt", activated_at as "activatedAt", charter_id as "charterId",
      sealed_until as "sealedUntil",
      coalesce(principal.balance, 0) as principal,
      coalesce(bonus.balance, 0) as bonus,
      coalesce(principal.held, 0) + coalesce(bonus.held, 0) - coalesce(expired.amount, 0) as held
    from unnest(
      ${uuidArray(ids)}::uuid[],
      ${uuidArray(ids.map((id) => accountId(id, 'card_principal', lane)))}::uuid[],
      ${uuidArray(ids.map((id) => accountId(id, 'card_bonus', lane)))}::uuid[]
    ) as wanted (id, principal_id, bonus_id)
    join card
      on card.lane = ${lane}
      and card.id = wanted.id
    left join account as principal
      on principal.lane = ${lane}
      and principal.id = wanted.principal_id
    left join account as bonus
      on bonus.lane = ${lane}
      and bonus.id = wanted.bonus_id
    left join lateral (
      select sum(hold.amount - captured - released)::bigint as amount
      from hold
      where lane = ${lane}
        and account_id in (wanted.principal_id, wanted.bonus_id)
        and captured + released < hold.amount
        and hold.expires_at <= ${new Date(now)}::timestamptz
    ) as expired on true`
  return rows.map(({ principal, bonus, held, ...card }) => ({
    card,
    balance: { principal, bonus, held },
  }))
}

export interface CardFilter {
  /** As stored: see `normalizeNumber`. */
  readonly number?: string | undefined
  readonly last4?: string | undefined
  readonly status?: CardStatus | undefined
  readonly productId?: ProductId | undefined
  readonly batchId?: string | undefined
  readonly before?: CardId | undefined
  readonly after?: CardId | undefined
  readonly limit: number
}

/** Ids of a book's cards in one lane; the newest first, or the oldest where `after` is given. */
export async function selectCardIds(
  sql: Sql,
  lane: Lane,
  book: BookId,
  filter: CardFilter,
  now: Instant,
): Promise<CardId[]> {
  const { number, last4, status, productId, batchId, before, after, limit } = filter
  const rows = await sql<{ id: CardId }[]>`
    select id
    from card
    where lane = ${lane}
      and book_id = ${book}
      ${number === undefined ? sql`` : sql`and number = ${number}`}
      ${last4 === undefined ? sql`` : sql`and right(number, 4) = ${last4}`}
      ${productId === undefined ? sql`` : sql`and product_id = ${productId}`}
      ${batchId === undefined ? sql`` : sql`and batch_id = ${batchId}`}
      ${status === undefined ? sql`` : sql`and ${statusColumn(sql, now)} = ${status}`}
      ${before === undefined ? sql`` : sql`and id < ${before}`}
      ${after === undefined ? sql`` : sql`and id > ${after}`}
    order by ${after === undefined ? sql`id desc` : sql`id`}
    limit ${limit}`
  return rows.map(({ id }) => id)
}

/** As `statusOf` in model.ts. */
function statusColumn(sql: Sql, now: Instant) {
  return sql`
    case
      when state in ('active', 'frozen') and expires_at <= ${new Date(now)}::timestamptz then 'expired'
      else state
    end`
}

export interface Expiring {
  readonly id: CardId
  readonly bookId: BookId
  readonly expiresAt: Instant
}

/** Open cards of one product version in a lane whose time is over before `before`, the longest over first. */
export function selectExpiring(
  sql: Sql,
  lane: Lane,
  product: { readonly productId: ProductId; readonly version: number },
  before: Instant,
  limit: number,
): Promise<Expiring[]> {
  return sql<Expiring[]>`
    select id, book_id as "bookId", expires_at as "expiresAt"
    from card
    where lane = ${lane}
      and product_id = ${product.productId}
      and product_version = ${product.version}
      and state in ('active', 'frozen', 'lost')
      and expires_at <= ${new Date(before)}::timestamptz
    order by expires_at
    limit ${limit}`
}

/** The card that a command made or changed; undefined: it has not run, or was refused. */
export async function selectCardOfCommand(
  sql: Sql,
  lane: Lane,
  month: number,
  commandId: string,
): Promise<CardId | undefined> {
  const [row] = await sql<{ cardId: CardId | null }[]>`
    select coalesce(body ->> 'successorId', body ->> 'cardId') as "cardId"
    from journal
    where lane = ${lane}
      and month = ${month}
      and command_id = ${commandId}
      and not refused`
  return row?.cardId ?? undefined
}
