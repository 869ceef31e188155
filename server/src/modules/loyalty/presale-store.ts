/** Pre-sales in rounds and for those who ask. */
import type {
  BookId,
  CampaignId,
  CardId,
  CharterId,
  Fen,
  Instant,
  Lane,
  PresaleId,
  ProductId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  instantArray,
  intArray,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'

export interface PresaleRow {
  readonly id: PresaleId
  readonly bookId: BookId
  readonly campaignId: CampaignId
  readonly version: number
  readonly productId: ProductId
  readonly productVersion: number
  readonly price: Fen
  readonly face: Fen
  /** How it was paid. */
  readonly method: string
  readonly fundingReference: string | null
  readonly personId: string | null
  readonly charterId: CharterId | null
  readonly status: 'sold' | 'delivered' | 'refunded'
  readonly cardId: CardId | null
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly createdAt: Instant
}

export const presales: Shelf<PresaleRow> = {
  name: 'presale',
  keyOf: (row) => row.id,
  load: loadPresales,
  insert: insertPresales,
  update: updatePresales,
}

export function loadPresales(sql: Sql, lane: Lane, ids: readonly string[]): Promise<PresaleRow[]> {
  return sql<PresaleRow[]>`
    select
      id, book_id as "bookId", campaign_id as "campaignId", version, product_id as "productId",
      product_version as "productVersion", price, face, method, funding_reference as "fundingReference",
      person_id as "personId", charter_id as "charterId", status, card_id as "cardId", reference, metadata,
      created_at as "createdAt"
    from presale
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

function insertPresales(sql: Sql, lane: Lane, rows: readonly PresaleRow[]): Promise<unknown> {
  return sql`
    insert into presale (
      lane, id, book_id, campaign_id, version, product_id, product_version, price, face, method,
      funding_reference, person_id, charter_id, status, card_id, reference, metadata, created_at
    )
    select
      ${lane}, id, book_id, campaign_id, version, product_id, product_version, price, face, method,
      funding_reference, person_id, charter_id, status, card_id, reference, metadata, created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.campaignId))}::uuid[],
      ${intArray(rows.map((row) => row.version))}::int[],
      ${uuidArray(rows.map((row) => row.productId))}::uuid[],
      ${intArray(rows.map((row) => row.productVersion))}::int[],
      ${bigintArray(rows.map((row) => row.price))}::bigint[],
      ${bigintArray(rows.map((row) => row.face))}::bigint[],
      ${textArray(rows.map((row) => row.method))}::text[],
      ${textArray(rows.map((row) => row.fundingReference))}::text[],
      ${uuidArray(rows.map((row) => row.personId))}::uuid[],
      ${uuidArray(rows.map((row) => row.charterId))}::uuid[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh (
      id, book_id, campaign_id, version, product_id, product_version, price, face, method, funding_reference,
      person_id, charter_id, status, card_id, reference, metadata, created_at
    )`
}

function updatePresales(sql: Sql, lane: Lane, rows: readonly PresaleRow[]): Promise<unknown> {
  return sql`
    update presale
    set status = changed.status, card_id = changed.card_id
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[]
    ) as changed (id, status, card_id)
    where presale.lane = ${lane}
      and presale.id = changed.id`
}
