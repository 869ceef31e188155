/** Scarce stock in rounds: counts of products, counters of members, what orders keep. */
import type { BookId, Lane, ProductId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  instantArray,
  intArray,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'
import { rowTogether } from '../../platform/together.ts'
import type { ReservationRow, StockMemberRow, StockRow } from './model.ts'

export const stocks: Shelf<StockRow> = {
  name: 'product_stock',
  keyOf: (row) => row.productId,
  load: loadStocks,
  insert: insertStocks,
  update: updateStocks,
}

export const stockMembers: Shelf<StockMemberRow> = {
  name: 'stock_member',
  keyOf: stockMemberKey,
  load: loadMembers,
  insert: insertMembers,
  update: updateMembers,
}

export const reservations: Shelf<ReservationRow> = {
  name: 'stock_reservation',
  keyOf: (row) => row.orderId,
  load: loadReservations,
  insert: insertReservations,
  update: updateReservations,
}

/** `product:member` */
export function stockMemberKey({
  productId,
  memberId,
}: Pick<StockMemberRow, 'productId' | 'memberId'>): string {
  return `${productId}:${memberId}`
}

function loadStocks(sql: Sql, lane: Lane, ids: readonly string[]): Promise<StockRow[]> {
  return sql<StockRow[]>`
    select
      product_id as "productId", book_id as "bookId", count, reserved, sold, per_member as "perMember",
      unpaid_seconds as "unpaidSeconds", changed_at as "changedAt"
    from product_stock
    where lane = ${lane}
      and product_id = any(${uuidArray(ids)}::uuid[])`
}

function insertStocks(sql: Sql, lane: Lane, rows: readonly StockRow[]): Promise<unknown> {
  return sql`
    insert into product_stock
      (lane, product_id, book_id, count, reserved, sold, per_member, unpaid_seconds, changed_at)
    select ${lane}, product_id, book_id, count, reserved, sold, per_member, unpaid_seconds, changed_at
    from unnest(
      ${uuidArray(rows.map((row) => row.productId))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${bigintArray(rows.map((row) => row.count))}::bigint[],
      ${bigintArray(rows.map((row) => row.reserved))}::bigint[],
      ${bigintArray(rows.map((row) => row.sold))}::bigint[],
      ${intArray(rows.map((row) => row.perMember))}::int[],
      ${intArray(rows.map((row) => row.unpaidSeconds))}::int[],
      ${instantArray(rows.map((row) => row.changedAt))}::timestamptz[]
    ) as fresh (product_id, book_id, count, reserved, sold, per_member, unpaid_seconds, changed_at)`
}

function updateStocks(sql: Sql, lane: Lane, rows: readonly StockRow[]): Promise<unknown> {
  return sql`
    update product_stock
    set
      count = changed.count,
      reserved = changed.reserved,
      sold = changed.sold,
      per_member = changed.per_member,
      unpaid_seconds = changed.unpaid_seconds,
      changed_at = changed.changed_at
    from unnest(
      ${uuidArray(rows.map((row) => row.productId))}::uuid[],
      ${bigintArray(rows.map((row) => row.count))}::bigint[],
      ${bigintArray(rows.map((row) => row.reserved))}::bigint[],
      ${bigintArray(rows.map((row) => row.sold))}::bigint[],
      ${intArray(rows.map((row) => row.perMember))}::int[],
      ${intArray(rows.map((row) => row.unpaidSeconds))}::int[],
      ${instantArray(rows.map((row) => row.changedAt))}::timestamptz[]
    ) as changed (product_id, count, reserved, sold, per_member, unpaid_seconds, changed_at)
    where product_stock.lane = ${lane}
      and product_stock.product_id = changed.product_id`
}

function loadMembers(sql: Sql, lane: Lane, keys: readonly string[]): Promise<StockMemberRow[]> {
  const parts = keys.map((key) => key.split(':'))
  return sql<StockMemberRow[]>`
    select product_id as "productId", member_id as "memberId", book_id as "bookId", taken
    from unnest(
      ${uuidArray(parts.map(([productId]) => productId ?? null))}::uuid[],
      ${uuidArray(parts.map(([, memberId]) => memberId ?? null))}::uuid[]
    ) as wanted (product, member)
    -- One by one, by the primary key: of a young table the planner thinks that reading all of it is cheaper.
    cross join lateral (
      select *
      from stock_member
      where lane = ${lane}
        and product_id = wanted.product
        and member_id = wanted.member
      limit 1
    ) as one`
}

function insertMembers(sql: Sql, lane: Lane, rows: readonly StockMemberRow[]): Promise<unknown> {
  return sql`
    insert into stock_member (lane, product_id, member_id, book_id, taken)
    select ${lane}, product_id, member_id, book_id, taken
    from unnest(
      ${uuidArray(rows.map((row) => row.productId))}::uuid[],
      ${uuidArray(rows.map((row) => row.memberId))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${bigintArray(rows.map((row) => row.taken))}::bigint[]
    ) as fresh (product_id, member_id, book_id, taken)`
}

function updateMembers(sql: Sql, lane: Lane, rows: readonly StockMemberRow[]): Promise<unknown> {
  return sql`
    update stock_member
    set taken = changed.taken
    from unnest(
      ${uuidArray(rows.map((row) => row.productId))}::uuid[],
      ${uuidArray(rows.map((row) => row.memberId))}::uuid[],
      ${bigintArray(rows.map((row) => row.taken))}::bigint[]
    ) as changed (product_id, member_id, taken)
    where stock_member.lane = ${lane}
      -- Held to the index while the table is young, too: docs/decisions/0021.
      and stock_member.member_id = any(${uuidArray(rows.map((row) => row.memberId))}::uuid[])
      and stock_member.product_id = changed.product_id
      and stock_member.member_id = changed.member_id`
}

function loadReservations(sql: Sql, lane: Lane, ids: readonly string[]): Promise<ReservationRow[]> {
  return sql<ReservationRow[]>`
    select
      order_id as "orderId", product_id as "productId", member_id as "memberId", book_id as "bookId", quantity,
      state
    from stock_reservation
    where lane = ${lane}
      and order_id = any(${uuidArray(ids)}::uuid[])`
}

function insertReservations(
  sql: Sql,
  lane: Lane,
  rows: readonly ReservationRow[],
): Promise<unknown> {
  return sql`
    insert into stock_reservation (lane, order_id, product_id, member_id, book_id, quantity, state)
    select ${lane}, order_id, product_id, member_id, book_id, quantity, state
    from unnest(
      ${uuidArray(rows.map((row) => row.orderId))}::uuid[],
      ${uuidArray(rows.map((row) => row.productId))}::uuid[],
      ${uuidArray(rows.map((row) => row.memberId))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${intArray(rows.map((row) => row.quantity))}::int[],
      ${textArray(rows.map((row) => row.state))}::text[]
    ) as fresh (order_id, product_id, member_id, book_id, quantity, state)`
}

function updateReservations(
  sql: Sql,
  lane: Lane,
  rows: readonly ReservationRow[],
): Promise<unknown> {
  return sql`
    update stock_reservation
    set state = changed.state
    from unnest(
      ${uuidArray(rows.map((row) => row.orderId))}::uuid[],
      ${textArray(rows.map((row) => row.state))}::text[]
    ) as changed (order_id, state)
    where stock_reservation.lane = ${lane}
      -- As above.
      and stock_reservation.order_id = any(${uuidArray(rows.map((row) => row.orderId))}::uuid[])
      and stock_reservation.order_id = changed.order_id`
}

export type PlacedStock = StockRow & { readonly lane: Lane }

/** undefined: the product has no limited stock, or is not in that book. */
export async function findStock(
  sql: Sql,
  book: BookId,
  productId: ProductId,
): Promise<PlacedStock | undefined> {
  const [row] = await sql<PlacedStock[]>`
    select
      lane, product_id as "productId", book_id as "bookId", count, reserved, sold, per_member as "perMember",
      unpaid_seconds as "unpaidSeconds", changed_at as "changedAt"
    from product_stock
    where product_id = ${productId}
      and book_id = ${book}`
  return row
}

/** In which lane a product's stock is, if it has one. Whoever asks at the same time asks in one statement. */
export const placeOfStock = rowTogether(
  (sql, ids: readonly ProductId[]) => sql<{ productId: ProductId; lane: Lane }[]>`
    select product_id as "productId", kept_in as lane
    from stock_place
    where product_id = any(${uuidArray(ids)}::uuid[])`,
  ({ productId }) => productId,
)

/** The lane of a product's stock: the one proposed, unless another was said before. */
export async function placeStock(sql: Sql, productId: ProductId, proposed: Lane): Promise<Lane> {
  await sql`
    insert into stock_place (product_id, kept_in)
    values (${productId}, ${proposed})
    on conflict do nothing`
  const [place] = await sql<{ lane: Lane }[]>`
    select kept_in as lane
    from stock_place
    where product_id = ${productId}`
  return place?.lane ?? proposed
}
