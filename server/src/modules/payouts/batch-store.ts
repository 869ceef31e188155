/** The SQL of payout batches. A state is changed only from the one that it is known to be in. */
import type { BookId, Instant, Mode, PayoutBatchId, PayoutBatchState } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import type { Hand, PayoutBatch } from './model.ts'

export type NewBatch = Pick<PayoutBatch, 'id' | 'bookId' | 'createdAt' | 'reference' | 'metadata'>

/** undefined: made; else the batch that has the reference already. */
export async function insertBatch(
  sql: Sql,
  { id, bookId, createdAt, reference, metadata }: NewBatch,
  { keyId, owner }: Hand,
): Promise<PayoutBatchId | undefined> {
  const made = await sql`
    insert into payout_batch (id, book_id, status, created_by, created_by_owner, created_at, reference, metadata)
    values (
      ${id}, ${bookId}, 'created', ${keyId}, ${owner}, ${new Date(createdAt)}::timestamptz, ${reference},
      ${JSON.stringify(metadata)}::text::jsonb
    )
    on conflict on constraint uq_payout_batch_reference do nothing`
  if (made.count > 0) return undefined
  const [existing] = await sql<{ id: PayoutBatchId }[]>`
    select id
    from payout_batch
    where book_id = ${bookId}
      and reference = ${reference}`
  return existing?.id
}

export interface BatchFilter {
  readonly id?: PayoutBatchId | undefined
  readonly status?: PayoutBatchState | undefined
  readonly reference?: string | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first. */
export function selectBatches(
  sql: Sql,
  book: BookId,
  { id, status, reference, before, limit }: BatchFilter,
): Promise<PayoutBatch[]> {
  return sql<PayoutBatch[]>`
    select
      id, book_id as "bookId", status, created_by as "createdBy", created_by_owner as "createdByOwner",
      created_at as "createdAt", released_by as "releasedBy", released_by_owner as "releasedByOwner",
      released_at as "releasedAt", sent_at as "sentAt", ended_at as "endedAt", delivery, questions,
      open_question as "openQuestion", reference, metadata
    from payout_batch
    where book_id = ${book}
      and (${id ?? null}::uuid is null or id = ${id ?? null}::uuid)
      and (${status ?? null}::text is null or status = ${status ?? null}::text)
      and (${reference ?? null}::text is null or reference = ${reference ?? null}::text)
      and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
    order by id desc
    limit ${limit}`
}

/** Whatever its book: the bank knows only references. */
export async function selectBatchById(
  sql: Sql,
  id: PayoutBatchId,
): Promise<PayoutBatch | undefined> {
  const [row] = await sql<PayoutBatch[]>`
    select
      id, book_id as "bookId", status, created_by as "createdBy", created_by_owner as "createdByOwner",
      created_at as "createdAt", released_by as "releasedBy", released_by_owner as "releasedByOwner",
      released_at as "releasedAt", sent_at as "sentAt", ended_at as "endedAt", delivery, questions,
      open_question as "openQuestion", reference, metadata
    from payout_batch
    where id = ${id}`
  return row
}

/** Released or sent, the oldest first: those about which something may be to do. The mode is in the book's id. */
export function selectOpenBatches(sql: Sql, mode: Mode): Promise<PayoutBatch[]> {
  return sql<PayoutBatch[]>`
    select
      id, book_id as "bookId", status, created_by as "createdBy", created_by_owner as "createdByOwner",
      created_at as "createdAt", released_by as "releasedBy", released_by_owner as "releasedByOwner",
      released_at as "releasedAt", sent_at as "sentAt", ended_at as "endedAt", delivery, questions,
      open_question as "openQuestion", reference, metadata
    from payout_batch
    where status in ('released', 'sent')
      and ('x' || right(book_id::text, 4))::bit(16)::int >> 10 = ${mode === 'test' ? 1 : 2}
    order by id`
}

/** False: it is not (any more) a batch that waits to be released. */
export async function releaseBatch(
  sql: Sql,
  id: PayoutBatchId,
  { keyId, owner }: Hand,
  at: Instant,
): Promise<boolean> {
  const changed = await sql`
    update payout_batch
    set status = 'released', released_by = ${keyId}, released_by_owner = ${owner},
      released_at = ${new Date(at)}::timestamptz
    where id = ${id}
      and status = 'created'`
  return changed.count > 0
}

/** With its payouts. False: it is not (any more) a batch that waits to be released. */
export async function cancelBatch(sql: Sql, id: PayoutBatchId, at: Instant): Promise<boolean> {
  const changed = await sql`
    with cancelled as (
      update payout_batch
      set status = 'cancelled', ended_at = ${new Date(at)}::timestamptz
      where id = ${id}
        and status = 'created'
      returning id
    ), payouts as (
      update payout
      set status = 'cancelled', ended_at = ${new Date(at)}::timestamptz
      from cancelled
      where batch_id = cancelled.id
        and status = 'created'
    )
    select from cancelled`
  return changed.count > 0
}

/** All its payouts are in the ledger as sent, or failed before: what is left is the order itself. */
export async function markSent(sql: Sql, id: PayoutBatchId, at: Instant): Promise<void> {
  await sql`
    update payout_batch
    set status = 'sent', sent_at = coalesce(sent_at, ${new Date(at)}::timestamptz)
    where id = ${id}
      and status = 'released'`
}

/** False: another delivery of it is under way, or it lies with the bank. */
export async function beginDelivery(sql: Sql, id: PayoutBatchId): Promise<boolean> {
  const changed = await sql`
    update payout_batch
    set delivery = 'begun', open_question = null
    where id = ${id}
      and delivery = 'none'`
  return changed.count > 0
}

/** It lies with the bank, which is asked about it when nothing was heard until `askAt`. */
export async function markDelivered(sql: Sql, id: PayoutBatchId, askAt: Instant): Promise<void> {
  await sql`
    update payout_batch
    set delivery = 'delivered', ask_at = ${new Date(askAt)}::timestamptz
    where id = ${id}`
}

/** The bank has not got it, for certain: it goes there again, the same. */
export async function markNotDelivered(sql: Sql, id: PayoutBatchId): Promise<void> {
  await sql`
    update payout_batch
    set delivery = 'none', open_question = null
    where id = ${id}`
}

/** The number of the question, which is written down before it is put; the next one is put when `askAt` has come. */
export async function openQuestion(sql: Sql, id: PayoutBatchId, askAt: Instant): Promise<number> {
  const [row] = await sql<{ questions: number }[]>`
    update payout_batch
    set questions = questions + 1, open_question = (questions + 1)::text,
      ask_at = ${new Date(askAt)}::timestamptz
    where id = ${id}
    returning questions`
  if (row === undefined) throw new Error(`there is no payout batch ${id}`)
  return row.questions
}

/** Whether it is time to ask, by the real clock. */
export async function isTimeToAsk(sql: Sql, id: PayoutBatchId, now: Instant): Promise<boolean> {
  const [row] = await sql<{ due: boolean }[]>`
    select coalesce(ask_at <= ${new Date(now)}::timestamptz, true) as due
    from payout_batch
    where id = ${id}`
  return row?.due ?? false
}

/** When it was sent and has no payout left without an end. */
export async function finishBatch(sql: Sql, id: PayoutBatchId, at: Instant): Promise<void> {
  await sql`
    update payout_batch
    set status = 'finished', ended_at = ${new Date(at)}::timestamptz, open_question = null
    where id = ${id}
      and status = 'sent'
      and not exists (
        select from payout
        where batch_id = ${id}
          and status in ('created', 'sent')
      )`
}
