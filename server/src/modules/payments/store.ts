/** Payments, refunds and holds of merchants in rounds. What changes of them is what they gave back or set aside. */
import {
  type BookId,
  type Channel,
  type Fen,
  type HoldId,
  type HoldState,
  type Instant,
  type Lane,
  type MerchantId,
  monthOfId,
  type PaymentId,
  type PaymentState,
  type RefundId,
  type StoreId,
  type TerminalId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import {
  bigintArray,
  boolArray,
  instantArray,
  intArray,
  jsonLines,
  textArray,
  uuidArray,
} from '../../platform/db-array.ts'
import type { Json, Shelf } from '../../platform/lanes/index.ts'
import { allocationsFrom, allocationsText, type StoredAllocations } from './allocation-text.ts'
import type { Allocation } from './model.ts'

type Metadata = Readonly<Record<string, string>> | null

/** Where and under which number of the merchant. */
interface AtTill {
  readonly bookId: BookId
  readonly merchantId: MerchantId
  readonly storeId: StoreId | null
  readonly terminalId: TerminalId | null
  /** How the buyer came to the till; null: nobody said. */
  readonly channel: Channel | null
  readonly reference: string
}

export interface PaymentRow extends AtTill {
  readonly id: PaymentId
  readonly amount: Fen
  readonly refunded: Fen
  readonly status: PaymentState
  /** The hold that it was captured from. */
  readonly holdId: HoldId | null
  readonly allocations: readonly Allocation[]
  readonly receiptNumber: string
  readonly metadata: Metadata
  readonly createdAt: Instant
}

export interface RefundRow {
  readonly id: RefundId
  readonly bookId: BookId
  readonly paymentId: PaymentId
  readonly amount: Fen
  readonly reference: string
  readonly reason: string | null
  readonly allocations: readonly Allocation[]
  /** What it took back of rebates, as its journal entry tells it. */
  readonly takenBack: readonly Json[] | null
  readonly metadata: Metadata
  readonly createdAt: Instant
}

export interface PaymentHoldRow extends AtTill {
  readonly id: HoldId
  readonly amount: Fen
  readonly captured: Fen
  readonly released: Fen
  readonly status: HoldState
  readonly expiresAt: Instant
  /** It belongs to a combined payment, with which alone it ends. */
  readonly isTied: boolean
  readonly allocations: readonly Allocation[]
  readonly metadata: Metadata
  readonly createdAt: Instant
}

export const payments: Shelf<PaymentRow> = {
  name: 'payment',
  keyOf: (row) => row.id,
  load: loadPayments,
  insert: insertPayments,
  update: updatePayments,
}

export const refunds: Shelf<RefundRow> = {
  name: 'refund',
  keyOf: (row) => row.id,
  load: loadRefunds,
  insert: insertRefunds,
}

export const paymentHolds: Shelf<PaymentHoldRow> = {
  name: 'payment_hold',
  keyOf: (row) => row.id,
  load: loadPaymentHolds,
  insert: insertPaymentHolds,
  update: updatePaymentHolds,
}

type Stored<Row extends { allocations: unknown }> = Omit<Row, 'allocations'> & {
  readonly allocations: StoredAllocations
}

function rowFrom<Row extends { allocations: unknown }>(stored: Stored<Row>) {
  return { ...stored, allocations: allocationsFrom(stored.allocations) }
}

/** Of one lane, by id; unlocked reads use it too. */
export async function loadPayments(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
): Promise<PaymentRow[]> {
  const rows = await sql<Stored<PaymentRow>[]>`
    select
      id, book_id as "bookId", merchant_id as "merchantId", store_id as "storeId",
      terminal_id as "terminalId", channel, reference, amount, refunded, status, hold_id as "holdId", allocations,
      receipt_number as "receiptNumber", metadata, created_at as "createdAt"
    from payment
    where lane = ${lane}
      and month = any(${intArray([...new Set(ids.map(monthOfId))])}::int[])
      and id = any(${uuidArray(ids)}::uuid[])`
  return rows.map(rowFrom)
}

function insertPayments(sql: Sql, lane: Lane, rows: readonly PaymentRow[]): Promise<unknown> {
  return sql`
    insert into payment
      (lane, month, id, book_id, merchant_id, store_id, terminal_id, channel, reference, amount, refunded,
        status, hold_id, allocations, receipt_number, metadata, created_at)
    select
      ${lane}, month, id, book_id, merchant_id, store_id, terminal_id, channel, reference, amount, refunded,
      status, hold_id, allocations, receipt_number, metadata, created_at
    from unnest(
      ${intArray(rows.map((row) => monthOfId(row.id)))}::int[],
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.merchantId))}::uuid[],
      ${uuidArray(rows.map((row) => row.storeId))}::uuid[],
      ${uuidArray(rows.map((row) => row.terminalId))}::uuid[],
      ${textArray(rows.map((row) => row.channel))}::text[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${bigintArray(rows.map((row) => row.refunded))}::bigint[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${uuidArray(rows.map((row) => row.holdId))}::uuid[],
      string_to_array(${jsonLines(rows.map((row) => allocationsText(row.allocations)))}, E'\\n', '')::jsonb[],
      ${textArray(rows.map((row) => row.receiptNumber))}::text[],
      string_to_array(${jsonLines(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}, E'\\n', '')::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh
      (month, id, book_id, merchant_id, store_id, terminal_id, channel, reference, amount, refunded, status,
        hold_id, allocations, receipt_number, metadata, created_at)`
}

function updatePayments(sql: Sql, lane: Lane, rows: readonly PaymentRow[]): Promise<unknown> {
  return sql`
    update payment
    set
      refunded = changed.refunded,
      status = changed.status,
      allocations = changed.allocations
    from unnest(
      ${intArray(rows.map((row) => monthOfId(row.id)))}::int[],
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${bigintArray(rows.map((row) => row.refunded))}::bigint[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${textArray(rows.map((row) => allocationsText(row.allocations)))}::jsonb[]
    ) as changed (month, id, refunded, status, allocations)
    where payment.lane = ${lane}
      and payment.month = changed.month
      and payment.id = changed.id`
}

export async function loadRefunds(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
): Promise<RefundRow[]> {
  const rows = await sql<Stored<RefundRow>[]>`
    select
      id, book_id as "bookId", payment_id as "paymentId", amount, reference, reason, allocations,
      rebates as "takenBack", metadata, created_at as "createdAt"
    from refund
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
  return rows.map(rowFrom)
}

function insertRefunds(sql: Sql, lane: Lane, rows: readonly RefundRow[]): Promise<unknown> {
  return sql`
    insert into refund
      (lane, id, book_id, payment_id, amount, reference, reason, allocations, rebates, metadata, created_at)
    select
      ${lane}, id, book_id, payment_id, amount, reference, reason, allocations, rebates, metadata, created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.paymentId))}::uuid[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${textArray(rows.map((row) => allocationsText(row.allocations)))}::jsonb[],
      ${textArray(rows.map((row) => row.takenBack && JSON.stringify(row.takenBack)))}::jsonb[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh
      (id, book_id, payment_id, amount, reference, reason, allocations, rebates, metadata, created_at)`
}

export async function loadPaymentHolds(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
): Promise<PaymentHoldRow[]> {
  const rows = await sql<Stored<PaymentHoldRow>[]>`
    select
      id, book_id as "bookId", merchant_id as "merchantId", store_id as "storeId",
      terminal_id as "terminalId", channel, reference, amount, captured, released, status,
      expires_at as "expiresAt", tied as "isTied", allocations, metadata, created_at as "createdAt"
    from payment_hold
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
  return rows.map(rowFrom)
}

function insertPaymentHolds(
  sql: Sql,
  lane: Lane,
  rows: readonly PaymentHoldRow[],
): Promise<unknown> {
  return sql`
    insert into payment_hold
      (lane, id, book_id, merchant_id, store_id, terminal_id, channel, reference, amount, captured, released,
        status, expires_at, tied, allocations, metadata, created_at)
    select
      ${lane}, id, book_id, merchant_id, store_id, terminal_id, channel, reference, amount, captured, released,
      status, expires_at, tied, allocations, metadata, created_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.merchantId))}::uuid[],
      ${uuidArray(rows.map((row) => row.storeId))}::uuid[],
      ${uuidArray(rows.map((row) => row.terminalId))}::uuid[],
      ${textArray(rows.map((row) => row.channel))}::text[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${bigintArray(rows.map((row) => row.captured))}::bigint[],
      ${bigintArray(rows.map((row) => row.released))}::bigint[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${instantArray(rows.map((row) => row.expiresAt))}::timestamptz[],
      ${boolArray(rows.map((row) => row.isTied))}::boolean[],
      ${textArray(rows.map((row) => allocationsText(row.allocations)))}::jsonb[],
      ${textArray(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[]
    ) as fresh
      (id, book_id, merchant_id, store_id, terminal_id, channel, reference, amount, captured, released,
        status, expires_at, tied, allocations, metadata, created_at)`
}

function updatePaymentHolds(
  sql: Sql,
  lane: Lane,
  rows: readonly PaymentHoldRow[],
): Promise<unknown> {
  return sql`
    update payment_hold
    set
      captured = changed.captured,
      released = changed.released,
      status = changed.status
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${bigintArray(rows.map((row) => row.captured))}::bigint[],
      ${bigintArray(rows.map((row) => row.released))}::bigint[],
      ${textArray(rows.map((row) => row.status))}::text[]
    ) as changed (id, captured, released, status)
    where payment_hold.lane = ${lane}
      and payment_hold.id = changed.id`
}
