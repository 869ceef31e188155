/** Combined payments and their refunds, in rounds and for those who ask. */
import { type BookId, type CombinedPaymentId, type Lane, laneOfId } from '@lika/contract'
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
import type { Shelf } from '../../platform/lanes/index.ts'
import type { CombinedRefundRow, CombinedRow } from './model.ts'

export const combinedPayments: Shelf<CombinedRow> = {
  name: 'combined_payment',
  keyOf: (row) => row.id,
  load: loadCombined,
  insert: insertCombined,
  update: updateCombined,
}

export const combinedRefunds: Shelf<CombinedRefundRow> = {
  name: 'combined_refund',
  keyOf: (row) => row.id,
  load: loadCombinedRefunds,
  insert: insertCombinedRefunds,
  update: updateCombinedRefunds,
}

function loadCombined(sql: Sql, lane: Lane, ids: readonly string[]): Promise<CombinedRow[]> {
  return sql<CombinedRow[]>`
    select
      id, book_id as "bookId", merchant_id as "merchantId", reference, amount, card_amount as "cardAmount",
      wechat_amount as "wechatAmount", status, reason, account_id as "accountId", appid, member_id as "memberId",
      payer_digest as "payerDigest", scene, out_trade_no as "outTradeNo", leg_expires_at as "legExpiresAt", transaction_id as "transactionId",
      payment_id as "paymentId", wechat_refunded as "wechatRefunded", shipping, shipping_problem as "shippingProblem",
      metadata, created_at as "createdAt", ended_at as "endedAt"
    from combined_payment
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

function insertCombined(sql: Sql, lane: Lane, rows: readonly CombinedRow[]): Promise<unknown> {
  return sql`
    insert into combined_payment
      (lane, id, book_id, merchant_id, reference, amount, card_amount, wechat_amount, status, reason, account_id,
        appid, member_id, payer_digest, scene, out_trade_no, leg_expires_at, transaction_id, payment_id, wechat_refunded,
        metadata, created_at, ended_at)
    select
      ${lane}, id, book_id, merchant_id, reference, amount, card_amount, wechat_amount, status, reason, account_id,
      appid, member_id, payer_digest, scene, out_trade_no, leg_expires_at, transaction_id, payment_id, wechat_refunded,
      metadata, created_at, ended_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.merchantId))}::uuid[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${bigintArray(rows.map((row) => row.amount))}::bigint[],
      ${bigintArray(rows.map((row) => row.cardAmount))}::bigint[],
      ${bigintArray(rows.map((row) => row.wechatAmount))}::bigint[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${uuidArray(rows.map((row) => row.accountId))}::uuid[],
      ${textArray(rows.map((row) => row.appid))}::text[],
      ${uuidArray(rows.map((row) => row.memberId))}::uuid[],
      ${byteaArray(rows.map((row) => row.payerDigest))}::bytea[],
      ${textArray(rows.map((row) => row.scene))}::text[],
      ${textArray(rows.map((row) => row.outTradeNo))}::text[],
      ${instantArray(rows.map((row) => row.legExpiresAt))}::timestamptz[],
      ${textArray(rows.map((row) => row.transactionId))}::text[],
      ${uuidArray(rows.map((row) => row.paymentId))}::uuid[],
      ${bigintArray(rows.map((row) => row.wechatRefunded))}::bigint[],
      string_to_array(${jsonLines(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}, E'\\n', '')::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[],
      ${instantArray(rows.map((row) => row.endedAt))}::timestamptz[]
    ) as fresh
      (id, book_id, merchant_id, reference, amount, card_amount, wechat_amount, status, reason, account_id, appid,
        member_id, payer_digest, scene, out_trade_no, leg_expires_at, transaction_id, payment_id, wechat_refunded, metadata,
        created_at, ended_at)`
}

function updateCombined(sql: Sql, lane: Lane, rows: readonly CombinedRow[]): Promise<unknown> {
  return sql`
    update combined_payment
    set
      status = changed.status,
      reason = changed.reason,
      transaction_id = changed.transaction_id,
      payment_id = changed.payment_id,
      wechat_refunded = changed.wechat_refunded,
      ended_at = changed.ended_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${textArray(rows.map((row) => row.transactionId))}::text[],
      ${uuidArray(rows.map((row) => row.paymentId))}::uuid[],
      ${bigintArray(rows.map((row) => row.wechatRefunded))}::bigint[],
      ${instantArray(rows.map((row) => row.endedAt))}::timestamptz[]
    ) as changed (id, status, reason, transaction_id, payment_id, wechat_refunded, ended_at)
    where combined_payment.lane = ${lane}
      and combined_payment.id = changed.id`
}

function loadCombinedRefunds(
  sql: Sql,
  lane: Lane,
  ids: readonly string[],
): Promise<CombinedRefundRow[]> {
  return sql<CombinedRefundRow[]>`
    select
      id, book_id as "bookId", combined_id as "combinedId", card_amount as "cardAmount",
      wechat_amount as "wechatAmount", reference, reason, status, attempt, out_refund_no as "outRefundNo",
      refund_id as "refundId", problem, refusals, metadata, created_at as "createdAt", ended_at as "endedAt"
    from combined_refund
    where lane = ${lane}
      and id = any(${uuidArray(ids)}::uuid[])`
}

function insertCombinedRefunds(
  sql: Sql,
  lane: Lane,
  rows: readonly CombinedRefundRow[],
): Promise<unknown> {
  return sql`
    insert into combined_refund
      (lane, id, book_id, combined_id, card_amount, wechat_amount, reference, reason, status, attempt,
        out_refund_no, refund_id, problem, refusals, metadata, created_at, ended_at)
    select
      ${lane}, id, book_id, combined_id, card_amount, wechat_amount, reference, reason, status, attempt,
      out_refund_no, refund_id, problem, refusals, metadata, created_at, ended_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${uuidArray(rows.map((row) => row.bookId))}::uuid[],
      ${uuidArray(rows.map((row) => row.combinedId))}::uuid[],
      ${bigintArray(rows.map((row) => row.cardAmount))}::bigint[],
      ${bigintArray(rows.map((row) => row.wechatAmount))}::bigint[],
      ${textArray(rows.map((row) => row.reference))}::text[],
      ${textArray(rows.map((row) => row.reason))}::text[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${intArray(rows.map((row) => row.attempt))}::int[],
      ${textArray(rows.map((row) => row.outRefundNo))}::text[],
      ${textArray(rows.map((row) => row.refundId))}::text[],
      ${textArray(rows.map((row) => row.problem))}::text[],
      ${intArray(rows.map((row) => row.refusals))}::int[],
      string_to_array(${jsonLines(rows.map((row) => row.metadata && JSON.stringify(row.metadata)))}, E'\\n', '')::jsonb[],
      ${instantArray(rows.map((row) => row.createdAt))}::timestamptz[],
      ${instantArray(rows.map((row) => row.endedAt))}::timestamptz[]
    ) as fresh
      (id, book_id, combined_id, card_amount, wechat_amount, reference, reason, status, attempt, out_refund_no,
        refund_id, problem, refusals, metadata, created_at, ended_at)`
}

function updateCombinedRefunds(
  sql: Sql,
  lane: Lane,
  rows: readonly CombinedRefundRow[],
): Promise<unknown> {
  return sql`
    update combined_refund
    set
      status = changed.status,
      attempt = changed.attempt,
      out_refund_no = changed.out_refund_no,
      refund_id = changed.refund_id,
      problem = changed.problem,
      refusals = changed.refusals,
      ended_at = changed.ended_at
    from unnest(
      ${uuidArray(rows.map((row) => row.id))}::uuid[],
      ${textArray(rows.map((row) => row.status))}::text[],
      ${intArray(rows.map((row) => row.attempt))}::int[],
      ${textArray(rows.map((row) => row.outRefundNo))}::text[],
      ${textArray(rows.map((row) => row.refundId))}::text[],
      ${textArray(rows.map((row) => row.problem))}::text[],
      ${intArray(rows.map((row) => row.refusals))}::int[],
      ${instantArray(rows.map((row) => row.endedAt))}::timestamptz[]
    ) as changed (id, status, attempt, out_refund_no, refund_id, problem, refusals, ended_at)
    where combined_refund.lane = ${lane}
      and combined_refund.id = changed.id`
}

/** undefined: there is none in that book. */
export async function findCombined(
  sql: Sql,
  book: BookId,
  id: CombinedPaymentId,
): Promise<CombinedRow | undefined> {
  const [row] = await loadCombined(sql, laneOfId(id), [id])
  return row?.bookId === book ? row : undefined
}

export async function findCombinedRefund(
  sql: Sql,
  book: BookId,
  id: string,
): Promise<CombinedRefundRow | undefined> {
  const [row] = await loadCombinedRefunds(sql, laneOfId(id), [id])
  return row?.bookId === book ? row : undefined
}

/** What goes, went or did not go back of one by WeChat. */
export function selectWechatRefundsOf(
  sql: Sql,
  lane: Lane,
  id: CombinedPaymentId,
): Promise<Pick<CombinedRefundRow, 'status' | 'wechatAmount'>[]> {
  return sql`
    select status, wechat_amount as "wechatAmount"
    from combined_refund
    where lane = ${lane}
      and combined_id = ${id}
      and wechat_amount > 0`
}

/**
 * WeChat refused what is under way with `code`. `passing`: it is not counted, and hides no code that somebody has to see.
 * Answers how often in a row WeChat said the code that is shown.
 */
export async function writeRefundRefusal(
  sql: Sql,
  { id, outRefundNo }: Pick<CombinedRefundRow, 'id' | 'outRefundNo'>,
  { code, isPassing }: { readonly code: string; readonly isPassing: boolean },
): Promise<number> {
  const [row] = await sql<{ refusals: number }[]>`
    update combined_refund
    set
      problem = case when ${isPassing}::boolean then coalesce(problem, ${code}::text) else ${code}::text end,
      refusals = case
        when ${isPassing}::boolean then refusals
        when problem = ${code}::text then refusals + 1
        else 1
      end
    where lane = ${laneOfId(id)}
      and id = ${id}
      and status = 'processing'
      and out_refund_no = ${outRefundNo}
    returning refusals`
  return row?.refusals ?? 0
}

/** WeChat has it. */
export async function clearRefundProblem(
  sql: Sql,
  { id }: Pick<CombinedRefundRow, 'id'>,
): Promise<void> {
  await sql`
    update combined_refund
    set problem = null, refusals = 0
    where lane = ${laneOfId(id)}
      and id = ${id}
      and problem is not null`
}
