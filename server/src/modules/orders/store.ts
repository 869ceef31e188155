/** Orders in rounds: one row for each sale, whatever it sells and wherever the buyer is. */
import type {
  BookId,
  CardId,
  CommandId,
  Fen,
  Instant,
  Lane,
  MemberId,
  OrderChannel,
  OrderId,
  OrderKind,
  OrderState,
  ProductId,
  WechatAccountId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  instantArray,
  intArray,
  laneArray,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Shelf } from '../../platform/lanes/index.ts'
import { rowTogether } from '../../platform/together.ts'

export interface OrderRow {
  /** Of the command that made it; its lane is that of everything that it pays and delivers. */
  readonly id: OrderId
  readonly bookId: BookId
  readonly kind: OrderKind
  readonly channel: OrderChannel
  readonly status: OrderState
  readonly productId: ProductId
  readonly productVersion: number
  /** Of a top-up: the card. */
  readonly cardId: CardId | null
  readonly memberId: MemberId | null
  /** Principal and bonus of each card. */
  readonly amount: Fen
  readonly bonus: Fen
  readonly quantity: number
  /** What is paid: `amount` times `quantity`. */
  readonly total: Fen
  /** The merchant number that is paid. */
  readonly accountId: WechatAccountId | null
  /** Whether its buyer is on record, under the id of the order. */
  readonly hasBuyer: boolean
  /** Whether a person has to agree before it is paid; null: nobody has to. */
  readonly review: 'pending' | 'approved' | 'rejected' | null
  /** Who asked for it, where a second person reviews. */
  readonly askedBy: string | null
  readonly askedOwner: string | null
  readonly reviewedBy: string | null
  readonly reviewedOwner: string | null
  /** Hours for which delivered cards are sealed, as it was when the order was made. */
  readonly coolingOffHours: number
  /** How many numbers it has at WeChat, and which of them paid it. */
  readonly trades: number
  readonly paidTrade: number | null
  readonly paidAt: Instant | null
  /** How many refunds were asked of WeChat, and what of the money has arrived. */
  readonly refunds: number
  readonly refunded: Fen
  /** What was delivered: new cards, or the card that was topped up. */
  readonly cardIds: readonly CardId[]
  /** The command that delivered it. */
  readonly deliveryId: CommandId | null
  /** Until when its cards are sealed; null: they are not, or nothing was delivered. */
  readonly sealedUntil: Instant | null
  /** Why it could not be delivered: the code of a refusal. */
  readonly undeliverable: string | null
  /** Until when it can be paid. */
  readonly expiresAt: Instant
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly createdAt: Instant
}

export const orders: Shelf<OrderRow> = {
  name: 'sale_order',
  keyOf: (row) => row.id,
  load: loadOrders,
  insert: insertOrders,
  update: updateOrders,
}

/** Rows of one lane by id; unlocked reads use it too. */
export function loadOrders(sql: Sql, lane: Lane, ids: readonly string[]): Promise<OrderRow[]> {
  return sql<OrderRow[]>`
    select ${columns(sql)}
    from sale_order
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

/** As it is outside of rounds. Whoever asks at the same time asks in one statement. */
export const orderById = rowTogether(
  (sql, ids: readonly OrderId[]) => sql<OrderRow[]>`
    select ${columns(sql)}
    from sale_order
    where lane = any(${laneArray(ids)}::int[])
      and id = any(${uuidArray(ids)}::uuid[])`,
  ({ id }) => id,
)

function columns(sql: Sql) {
  return sql`
      id, book_id as "bookId", kind, channel, status, product_id as "productId",
      product_version as "productVersion", card_id as "cardId", member_id as "memberId", amount, bonus,
      quantity, total, account_id as "accountId", has_buyer as "hasBuyer", review, asked_by as "askedBy",
      asked_owner as "askedOwner", reviewed_by as "reviewedBy", reviewed_owner as "reviewedOwner",
      cooling_off_hours as "coolingOffHours", trades, paid_trade as "paidTrade", paid_at as "paidAt", refunds,
      refunded, card_ids as "cardIds", delivery_id as "deliveryId", sealed_until as "sealedUntil", undeliverable,
      expires_at as "expiresAt", reference, metadata, created_at as "createdAt"`
}

function insertOrders(sql: Sql, lane: Lane, rows: readonly OrderRow[]): Promise<unknown> {
  return sql`
    insert into sale_order
      (lane, id, book_id, kind, channel, status, product_id, product_version, card_id, member_id, amount,
        bonus, quantity, total, account_id, has_buyer, review, asked_by, asked_owner, cooling_off_hours,
        trades, paid_trade, paid_at, refunds, refunded, card_ids, delivery_id, sealed_until, undeliverable, expires_at,
        reference, metadata, created_at)
    select
      ${lane}, id, book_id, kind, channel, status, product_id, product_version, card_id, member_id, amount,
      bonus, quantity, total, account_id, has_buyer, review, asked_by, asked_owner, cooling_off_hours,
      trades, paid_trade, paid_at, refunds, refunded, card_ids::uuid[], delivery_id, sealed_until, undeliverable, expires_at,
      reference, metadata, created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${textArray(rows.map((row) => row.kind))}::text[],
      ${textArray(rows.map((row) => row.channel))}::text[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${uuidArray(rows.map((row) => row.productId))}::uuid[],
      ${intArray(rows.map((row) => row.productVersion))}::int[],
      ${uuidArray(rows.map((row) => row.cardId))}::uuid[],
      ${uuidArray(rows.map((row) => row.memberId))}::uuid[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${bigintArray(rows.map((row) => row.bonus))}::bigint[],
      ${intArray(rows.map((row) => row.quantity))}::int[],
      ${bigintArray(rows.map((row) => row.total))}::bigint[],
      ${uuidArray(rows.map((row) => row.accountId))}::uuid[],
      ${textArray(rows.map((row) => String(row.hasBuyer)))}::boolean[],
      ${textArray(rows.map((row) => row.review))}::text[],
      ${uuidArray(rows.map((row) => row.askedBy))}::uuid[],
      ${textArray(rows.map((row) => row.askedOwner))}::text[],
      ${intArray(rows.map((row) => row.coolingOffHours))}::int[],
      ${intArray(rows.map((row) => row.trades))}::int[],
      ${intArray(rows.map((row) => row.paidTrade))}::int[],
      ${instantArray(rows.map((row) => row.paidAt))}::timestamptz[],
      ${intArray(rows.map((row) => row.refunds))}::int[],
      ${bigintArray(rows.map((row) => row.refunded))}::bigint[],
      ${textArray(rows.map((row) => uuidArray(row.cardIds)))}::text[],
      ${uuidArray(rows.map((row) => row.deliveryId))}::uuid[],
      ${instantArray(rows.map((row) => row.sealedUntil))}::timestamptz[],
      ${textArray(rows.map((row) => row.undeliverable))}::text[],
      ${instantArray(rows.map((row) => row.expiresAt))}::timestamptz[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh
      (id, book_id, kind, channel, status, product_id, product_version, card_id, member_id, amount, bonus,
        quantity, total, account_id, has_buyer, review, asked_by, asked_owner, cooling_off_hours, trades,
        paid_trade, paid_at, refunds, refunded, card_ids, delivery_id, sealed_until, undeliverable, expires_at, reference,
        metadata, created_at)`
}

/** What can change in the life of an order; what was agreed never does. */
function updateOrders(sql: Sql, lane: Lane, rows: readonly OrderRow[]): Promise<unknown> {
  return sql`
    update sale_order
    set
      status = changed.status,
      account_id = changed.account_id,
      review = changed.review,
      reviewed_by = changed.reviewed_by,
      reviewed_owner = changed.reviewed_owner,
      trades = changed.trades,
      paid_trade = changed.paid_trade,
      paid_at = changed.paid_at,
      refunds = changed.refunds,
      refunded = changed.refunded,
      card_ids = changed.card_ids::uuid[],
      delivery_id = changed.delivery_id,
      sealed_until = changed.sealed_until,
      undeliverable = changed.undeliverable
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${uuidArray(rows.map((row) => row.accountId))}::uuid[],
      ${textArray(rows.map((row) => row.review))}::text[],
      ${uuidArray(rows.map((row) => row.reviewedBy))}::uuid[],
      ${textArray(rows.map((row) => row.reviewedOwner))}::text[],
      ${intArray(rows.map((row) => row.trades))}::int[],
      ${intArray(rows.map((row) => row.paidTrade))}::int[],
      ${instantArray(rows.map((row) => row.paidAt))}::timestamptz[],
      ${intArray(rows.map((row) => row.refunds))}::int[],
      ${bigintArray(rows.map((row) => row.refunded))}::bigint[],
      ${textArray(rows.map((row) => uuidArray(row.cardIds)))}::text[],
      ${uuidArray(rows.map((row) => row.deliveryId))}::uuid[],
      ${instantArray(rows.map((row) => row.sealedUntil))}::timestamptz[],
      ${textArray(rows.map((row) => row.undeliverable))}::text[]
    ) as changed
      (id, status, account_id, review, reviewed_by, reviewed_owner, trades, paid_trade, paid_at, refunds,
        refunded, card_ids, delivery_id, sealed_until, undeliverable)
    where sale_order.lane = ${lane}
      -- Held to the index while the table is young, too: docs/decisions/0021.
      and sale_order.id = any(${uuidArray(rows.map((row) => row.id))}::uuid[])
      and sale_order.id = changed.id`
}
