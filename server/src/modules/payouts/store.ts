/** The SQL of payouts. One that has ended stays as it is, but for money that comes back after it arrived. */
import type {
  BookId,
  Fen,
  Instant,
  MerchantId,
  Mode,
  PayoutBatchId,
  PayoutId,
  PayoutState,
  SettlementId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { bigintArray, intArray, uuidArray } from '../../platform/db-array.ts'
import type { Attention, Payout, PayoutEnd } from './model.ts'

export interface NewPayout {
  readonly id: PayoutId
  readonly line: number
  readonly settlementId: SettlementId
  readonly merchantId: MerchantId
  readonly contractVersion: number
  readonly amount: Fen
  readonly previousId: PayoutId | null
}

/**
 * Those that were made: where a statement has a payout to that merchant that waits, is under way or arrived, another one
 * is not.
 */
export async function insertPayouts(
  sql: Sql,
  { batchId, bookId, at }: { batchId: PayoutBatchId; bookId: BookId; at: Instant },
  payouts: readonly NewPayout[],
): Promise<PayoutId[]> {
  const made = await sql<{ id: PayoutId }[]>`
    insert into payout
      (id, book_id, batch_id, line, settlement_id, merchant_id, contract_version, amount, status, previous_id,
        created_at)
    select
      id, ${bookId}, ${batchId}, line, settlement_id, merchant_id, contract_version, amount, 'created', previous_id,
      ${new Date(at)}::timestamptz
    from unnest(
      ${uuidArray(payouts.map((one) => one.id))}::uuid[],
      ${intArray(payouts.map((one) => one.line))}::int[],
      ${uuidArray(payouts.map((one) => one.settlementId))}::uuid[],
      ${uuidArray(payouts.map((one) => one.merchantId))}::uuid[],
      ${intArray(payouts.map((one) => one.contractVersion))}::int[],
      ${bigintArray(payouts.map((one) => one.amount))}::bigint[],
      ${uuidArray(payouts.map((one) => one.previousId))}::uuid[]
    ) as fresh (id, line, settlement_id, merchant_id, contract_version, amount, previous_id)
    on conflict do nothing
    returning id`
  return made.map(({ id }) => id)
}

/**
 * Of these statements and payees (`<statement> <merchant>`), those that were in a batch which was not called off: what
 * came to nothing is made anew only when somebody says so.
 */
export async function settledBefore(
  sql: Sql,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const parts = keys.map((key) => key.split(' '))
  const rows = await sql<{ settlementId: string; merchantId: string }[]>`
    select distinct payout.settlement_id as "settlementId", payout.merchant_id as "merchantId"
    from unnest(
      ${uuidArray(parts.map(([id = '']) => id))}::uuid[],
      ${uuidArray(parts.map(([, id = '']) => id))}::uuid[]
    ) as wanted (settlement_id, merchant_id)
    join payout
      on payout.settlement_id = wanted.settlement_id
      and payout.merchant_id = wanted.merchant_id
      and payout.status <> 'cancelled'`
  return new Set(rows.map(({ settlementId, merchantId }) => `${settlementId} ${merchantId}`))
}

export interface PayoutFilter {
  readonly id?: PayoutId | undefined
  readonly status?: PayoutState | undefined
  readonly batchId?: PayoutBatchId | undefined
  readonly settlementId?: SettlementId | undefined
  readonly merchantId?: MerchantId | undefined
  /** Only those that a person has to look at. */
  readonly attention?: boolean | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export function selectPayouts(sql: Sql, book: BookId, filter: PayoutFilter): Promise<Payout[]> {
  const { id, status, batchId, settlementId, merchantId, attention = false, before, limit } = filter
  return sql<Payout[]>`
    select
      id, book_id as "bookId", batch_id as "batchId", line, settlement_id as "settlementId",
      merchant_id as "merchantId", contract_version as "contractVersion", amount, status,
      previous_id as "previousId", bank_serial as "bankSerial", reason, attention, created_at as "createdAt",
      sent_at as "sentAt", ended_at as "endedAt"
    from payout
    where book_id = ${book}
      and (${id ?? null}::uuid is null or id = ${id ?? null}::uuid)
      and (${status ?? null}::text is null or status = ${status ?? null}::text)
      and (${batchId ?? null}::uuid is null or batch_id = ${batchId ?? null}::uuid)
      and (${settlementId ?? null}::uuid is null or settlement_id = ${settlementId ?? null}::uuid)
      and (${merchantId ?? null}::uuid is null or merchant_id = ${merchantId ?? null}::uuid)
      and (not ${attention}::boolean or attention is not null)
      and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
    order by id desc
    limit ${limit}`
}

/** All of a batch, in the order of its lines. */
export function selectPayoutsOfBatch(sql: Sql, batchId: PayoutBatchId): Promise<Payout[]> {
  return sql<Payout[]>`
    select
      id, book_id as "bookId", batch_id as "batchId", line, settlement_id as "settlementId",
      merchant_id as "merchantId", contract_version as "contractVersion", amount, status,
      previous_id as "previousId", bank_serial as "bankSerial", reason, attention, created_at as "createdAt",
      sent_at as "sentAt", ended_at as "endedAt"
    from payout
    where batch_id = ${batchId}
    order by line`
}

/** Whatever their book: the bank knows only references. */
export function selectPayoutsByIds(sql: Sql, ids: readonly string[]): Promise<Payout[]> {
  return sql<Payout[]>`
    select
      id, book_id as "bookId", batch_id as "batchId", line, settlement_id as "settlementId",
      merchant_id as "merchantId", contract_version as "contractVersion", amount, status,
      previous_id as "previousId", bank_serial as "bankSerial", reason, attention, created_at as "createdAt",
      sent_at as "sentAt", ended_at as "endedAt"
    from payout
    where id = any(${uuidArray(ids)}::uuid[])`
}

export interface BatchSums {
  readonly batchId: PayoutBatchId
  readonly count: number
  readonly amount: Fen
  readonly confirmed: Fen
  readonly open: number
}

/** How many payouts a batch has and over how much, how much of it arrived, and how many have not ended. */
export function sumBatches(sql: Sql, batches: readonly PayoutBatchId[]): Promise<BatchSums[]> {
  return sql<BatchSums[]>`
    select
      batch_id as "batchId",
      count(*)::int as count,
      sum(amount)::bigint as amount,
      coalesce(sum(amount) filter (where status = 'confirmed'), 0)::bigint as confirmed,
      (count(*) filter (where status in ('created', 'sent')))::int as open
    from payout
    where batch_id = any(${uuidArray(batches)}::uuid[])
    group by batch_id`
}

export interface PayoutFigures {
  readonly mode: Mode
  /** With the bank, without an outcome. */
  readonly sent: number
  /** Of those that a person has to look at, the ones without an outcome. */
  readonly attention: number
}

export function countPayouts(sql: Sql): Promise<PayoutFigures[]> {
  return sql<PayoutFigures[]>`
    select
      case ('x' || right(book_id::text, 4))::bit(16)::int >> 10 when 1 then 'test' else 'live' end as mode,
      count(*)::int as sent,
      count(attention)::int as attention
    from payout
    where status = 'sent'
    group by 1`
}

/** The ledger has it as sent: from now on the bank may have been told. */
export async function markPayoutSent(sql: Sql, id: PayoutId, at: Instant): Promise<void> {
  await sql`
    update payout
    set status = 'sent', sent_at = ${new Date(at)}::timestamptz
    where id = ${id}
      and status = 'created'`
}

export interface PayoutEnded {
  readonly end: PayoutEnd
  readonly from: readonly PayoutState[]
  readonly serial: string | null
  readonly reason: string | null
  readonly at: Instant
}

/** The ledger has it so already. Only from the states that are named: a repeat changes nothing. */
export async function endPayout(sql: Sql, id: PayoutId, ended: PayoutEnded): Promise<void> {
  const { end, from, serial, reason, at } = ended
  await sql`
    update payout
    set status = ${end}, bank_serial = coalesce(${serial}::text, bank_serial), reason = ${reason}::text,
      ended_at = ${new Date(at)}::timestamptz
    where id = ${id}
      and status = any(${`{${from.join(',')}}`}::text[])`
}

/** A person has to look at it. */
export async function callAttention(sql: Sql, id: PayoutId, attention: Attention): Promise<void> {
  await sql`
    update payout
    set attention = ${attention}
    where id = ${id}`
}
