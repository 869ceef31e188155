/**
 * The numbers under which an order may be paid at WeChat, in rounds. Each is written before WeChat is asked, so that
 * after a crash it is known what may have been asked.
 */
import type {
  BookId,
  CommandId,
  Fen,
  Instant,
  Lane,
  OrderId,
  TradeState,
  WechatAccountId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  byteaArray,
  instantArray,
  intArray,
  jsonLines,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Json, Shelf } from '../../platform/lanes/index.ts'

export const tradeScenes = ['jsapi', 'mini_program', 'native', 'h5'] as const
/** How the buyer pays. */
export type TradeScene = (typeof tradeScenes)[number]

export interface TradeRow {
  readonly orderId: OrderId
  /** Counts the numbers of the order, from 1: with its id it makes the number. */
  readonly n: number
  readonly bookId: BookId
  readonly accountId: WechatAccountId
  readonly mchid: string
  readonly scene: TradeScene
  readonly appid: string
  /** Keyed digest of the OpenID that was invited; null: whoever scans or opens it may pay. */
  readonly payerDigest: Uint8Array | null
  readonly amount: Fen
  readonly expiresAt: Instant
  readonly state: TradeState
  readonly transactionId: string | null
  readonly paidAt: Instant | null
  /** The command that took the payment into the book. */
  readonly paidBy: CommandId | null
  readonly askedAt: Instant
  /** What the buyer was handed last; null: nothing yet. */
  readonly invitation: Json
}

export const trades: Shelf<TradeRow> = {
  name: 'order_trade',
  keyOf: tradeKey,
  load: loadTrades,
  insert: insertTrades,
  update: updateTrades,
}

/** `order:n` */
export function tradeKey({ orderId, n }: Pick<TradeRow, 'orderId' | 'n'>): string {
  return `${orderId}:${n}`
}

/** Rows of one lane by key; unlocked reads use it too. */
export function loadTrades(sql: Sql, lane: Lane, keys: readonly string[]): Promise<TradeRow[]> {
  const parts = keys.map((key) => key.split(':'))
  return sql<TradeRow[]>`
    select ${tradeColumns(sql)}
    from unnest(
      ${uuidArray(parts.map(([id = '']) => id))}::uuid[],
      ${intArray(parts.map(([, n]) => Number(n)))}::int[]
    ) as wanted (id, number)
    -- One by one, by the primary key: of a young table the planner thinks that reading all of the lane is cheaper.
    cross join lateral (
      select *
      from order_trade
      where lane = ${lane}
        and order_id = wanted.id
        and n = wanted.number
      limit 1
    ) as trade`
}

export function tradeColumns(sql: Sql) {
  return sql`
      order_id as "orderId", n, book_id as "bookId", account_id as "accountId", mchid, scene, appid,
      payer_digest as "payerDigest", amount, expires_at as "expiresAt", state,
      transaction_id as "transactionId", paid_at as "paidAt", paid_by as "paidBy", asked_at as "askedAt",
      invitation`
}

function insertTrades(sql: Sql, lane: Lane, rows: readonly TradeRow[]): Promise<unknown> {
  return sql`
    insert into order_trade
      (lane, order_id, n, book_id, account_id, mchid, scene, appid, payer_digest, amount, expires_at, state,
        transaction_id, paid_at, paid_by, asked_at, look_at)
    select
      ${lane}, order_id, n, book_id, account_id, mchid, scene, appid, payer_digest, amount, expires_at, state,
      transaction_id, paid_at, paid_by, asked_at, asked_at + interval '10 seconds'
    from unnest(
      ${uuidArray(rows.map((row) => row.orderId))}::uuid[],
      ${intArray(rows.map((row) => row.n))}::int[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.accountId))}::uuid[],
      ${textArray(rows.map((row) => row.mchid))}::text[],
      ${textArray(rows.map((row) => row.scene))}::text[],
      ${textArray(rows.map((row) => row.appid))}::text[],
      ${byteaArray(rows.map((row) => row.payerDigest))}::bytea[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${instantArray(rows.map((row) => row.expiresAt))}::timestamptz[],
      ${textArray(rows.map((row) => row.state))}::text[],
      ${textArray(rows.map((row) => row.transactionId))}::text[],
      ${instantArray(rows.map((row) => row.paidAt))}::timestamptz[],
      ${uuidArray(rows.map((row) => row.paidBy))}::uuid[],
      ${instantArray(rows.map((row) => row.askedAt))}::timestamptz[]
    ) as fresh
      (order_id, n, book_id, account_id, mchid, scene, appid, payer_digest, amount, expires_at, state,
        transaction_id, paid_at, paid_by, asked_at)`
}

/** What was asked never changes; how often it was looked at is not the round's to say. */
function updateTrades(sql: Sql, lane: Lane, rows: readonly TradeRow[]): Promise<unknown> {
  return sql`
    update order_trade
    set
      state = changed.state,
      transaction_id = changed.transaction_id,
      paid_at = changed.paid_at,
      paid_by = changed.paid_by,
      invitation = changed.invitation
    from unnest(
      ${uuidArray(rows.map((row) => row.orderId))}::uuid[],
      ${intArray(rows.map((row) => row.n))}::int[],
      ${textArray(rows.map((row) => row.state))}::text[],
      ${textArray(rows.map((row) => row.transactionId))}::text[],
      ${instantArray(rows.map((row) => row.paidAt))}::timestamptz[],
      ${uuidArray(rows.map((row) => row.paidBy))}::uuid[],
      string_to_array(${jsonLines(rows.map(({ invitation }) => jsonOrNull(invitation)))}, E'\\n', '')::jsonb[]
    ) as changed (order_id, n, state, transaction_id, paid_at, paid_by, invitation)
    where order_trade.lane = ${lane}
      -- Held to the index while the table is young, too: docs/decisions/0021.
      and order_trade.order_id = any(${uuidArray(rows.map((row) => row.orderId))}::uuid[])
      and order_trade.order_id = changed.order_id
      and order_trade.n = changed.n`
}

function jsonOrNull(value: Json): string | null {
  return value === null ? null : JSON.stringify(value)
}
