/** Vouchers in rounds and for those who ask. What is left of one is the balance of its account. */
import {
  type AccountId,
  type BookId,
  type CampaignId,
  type CardId,
  type Fen,
  type Instant,
  type Lane,
  laneOfId,
  type MerchantId,
  type VoucherId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, instantArray, textArray, uuidArray } from '../../platform/db-array.ts'
import type { Finder, Shelf } from '../../platform/lanes/index.ts'
import { accountId } from '../ledger/index.ts'

export interface VoucherRow {
  readonly id: VoucherId
  readonly bookId: BookId
  readonly campaignId: CampaignId
  readonly cardId: CardId
  readonly face: Fen
  readonly minAmount: Fen
  readonly merchants: readonly MerchantId[]
  /** The first instant at which it no longer pays. */
  readonly expiresAt: Instant
  readonly status: 'open' | 'revoked' | 'expired'
  /** What was left of it when its time was over. */
  readonly lapsed: Fen
  readonly createdAt: Instant
}

export const vouchers: Shelf<VoucherRow> = {
  name: 'voucher',
  keyOf: (row) => row.id,
  load: loadVouchers,
  insert: insertVouchers,
  update: updateVouchers,
}

/** The open vouchers of a card. */
export const vouchersOfCard: Finder<VoucherRow> = {
  name: 'open vouchers of a card',
  shelf: vouchers,
  find: async (sql, lane, keys) =>
    (await findVouchers(sql, lane, keys)).map((row) => ({ key: row.cardId, row })),
}

export function accountOfVoucher(id: VoucherId): AccountId {
  return accountId(id, 'voucher', laneOfId(id))
}

export function loadVouchers(sql: Sql, lane: Lane, ids: readonly string[]): Promise<VoucherRow[]> {
  return sql<VoucherRow[]>`
    select
      id, book_id as "bookId", campaign_id as "campaignId", card_id as "cardId", face, min_amount as "minAmount",
      merchants, expires_at as "expiresAt", status, lapsed, created_at as "createdAt"
    from voucher
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

function findVouchers(sql: Sql, lane: Lane, cards: readonly string[]): Promise<VoucherRow[]> {
  return sql<VoucherRow[]>`
    select
      id, book_id as "bookId", campaign_id as "campaignId", card_id as "cardId", face, min_amount as "minAmount",
      merchants, expires_at as "expiresAt", status, lapsed, created_at as "createdAt"
    from voucher
    where lane = ${lane}
      and card_id = any(${uuidArray(cards)}::uuid[])
      and status = 'open'
    order by id`
}

/** `merchants` travels as text: a column of lists has no array of its own. */
function insertVouchers(sql: Sql, lane: Lane, rows: readonly VoucherRow[]): Promise<unknown> {
  return sql`
    insert into voucher
      (lane, id, book_id, campaign_id, card_id, face, min_amount, merchants, expires_at, status, created_at)
    select
      ${lane}, id, book_id, campaign_id, card_id, face, min_amount, merchants::uuid[], expires_at, status,
      created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.campaignId))}::uuid[],
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${bigintArray(rows.map((row) => row.face))}::bigint[],
      ${bigintArray(rows.map((row) => row.minAmount))}::bigint[],
      ${textArray(rows.map((row) => uuidArray(row.merchants)))}::text[],
      ${instantArray(rows.map((row) => row.expiresAt))}::timestamptz[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh
      (id, book_id, campaign_id, card_id, face, min_amount, merchants, expires_at, status, created_at)`
}

function updateVouchers(sql: Sql, lane: Lane, rows: readonly VoucherRow[]): Promise<unknown> {
  return sql`
    update voucher
    set card_id = changed.card_id, status = changed.status, lapsed = changed.lapsed
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${bigintArray(rows.map((row) => row.lapsed))}::bigint[]
    ) as changed (id, card_id, status, lapsed)
    where voucher.lane = ${lane}
      and voucher.id = changed.id`
}

export type VoucherView = VoucherRow & { readonly left: Fen }

/** With what is left of each, the newest first. */
export async function selectVouchers(
  sql: Sql,
  lane: Lane,
  book: BookId,
  { id, cardId }: { readonly id?: VoucherId; readonly cardId?: CardId },
): Promise<VoucherView[]> {
  const rows = await sql<VoucherRow[]>`
    select
      id, book_id as "bookId", campaign_id as "campaignId", card_id as "cardId", face, min_amount as "minAmount",
      merchants, expires_at as "expiresAt", status, lapsed, created_at as "createdAt"
    from voucher
    where lane = ${lane}
      and book_id = ${book}
      and (${id ?? null}::uuid is null or id = ${id ?? null}::uuid)
      and (${cardId ?? null}::uuid is null or card_id = ${cardId ?? null}::uuid)
    order by id desc
    limit 200`
  const balances = await sql<{ id: AccountId; balance: Fen }[]>`
    select id, balance
    from account
    where lane = ${lane}
      and id = any(${uuidArray(rows.map((row) => accountOfVoucher(row.id)))}::uuid[])`
  const byId = new Map(balances.map((row) => [row.id, row.balance]))
  return rows.map((row) => ({ ...row, left: byId.get(accountOfVoucher(row.id)) ?? 0n }))
}

/** Vouchers of a lane whose time is over and that nobody has closed yet. */
export function dueVouchers(
  sql: Sql,
  lane: Lane,
  now: Instant,
  limit: number,
): Promise<Pick<VoucherRow, 'id' | 'bookId'>[]> {
  return sql`
    select id, book_id as "bookId"
    from voucher
    where lane = ${lane}
      and status = 'open'
      and expires_at <= ${new Date(now)}::timestamptz
    order by expires_at
    limit ${limit}`
}
