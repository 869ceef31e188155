/** Payments, refunds and holds as readers ask for them, outside rounds. */
import {
  type BookId,
  type CommandId,
  type HoldId,
  type Instant,
  type Lane,
  laneOfId,
  type MerchantId,
  type PaymentId,
  type RefundId,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray } from '../../platform/db-array.ts'
import {
  loadPaymentHolds,
  loadPayments,
  loadRefunds,
  type PaymentHoldRow,
  type PaymentRow,
  type RefundRow,
} from './store.ts'

/** undefined: there is none in that book; so for refunds and holds. */
export async function findPayment(
  sql: Sql,
  book: BookId,
  id: PaymentId,
): Promise<PaymentRow | undefined> {
  const [row] = await loadPayments(sql, laneOfId(id), [id])
  return row?.bookId === book ? row : undefined
}

export async function findRefund(
  sql: Sql,
  book: BookId,
  id: RefundId,
): Promise<RefundRow | undefined> {
  const [row] = await loadRefunds(sql, laneOfId(id), [id])
  return row?.bookId === book ? row : undefined
}

export async function findHold(
  sql: Sql,
  book: BookId,
  id: HoldId,
): Promise<PaymentHoldRow | undefined> {
  const [row] = await loadPaymentHolds(sql, laneOfId(id), [id])
  return row?.bookId === book ? row : undefined
}

export interface PaymentFilter {
  readonly merchantId?: MerchantId | undefined
  readonly reference?: string | undefined
  /** An id. */
  readonly before?: string | undefined
  readonly limit: number
}

/** The newest first: ids grow with time, so a page never shifts under what is written meanwhile. */
export async function listPayments(
  sql: Sql,
  lanes: readonly Lane[],
  book: BookId,
  { merchantId, reference, before, limit }: PaymentFilter,
): Promise<PaymentRow[]> {
  const found = await sql<{ lane: Lane; id: PaymentId }[]>`
    select wanted.lane, newest.id
    from unnest(${intArray(lanes)}::int[]) as wanted (lane)
    cross join lateral (
      select id
      from payment
      where payment.lane = wanted.lane
        and book_id = ${book}
        ${merchantId === undefined ? sql`` : sql`and merchant_id = ${merchantId}`}
        ${reference === undefined ? sql`` : sql`and reference = ${reference}`}
        ${before === undefined ? sql`` : sql`and id < ${before}`}
      order by id desc
      limit ${limit}
    ) as newest
    order by newest.id desc
    limit ${limit}`
  const byLane = Map.groupBy(found, ({ lane }) => lane)
  const rows = await Promise.all(
    [...byLane].map(([lane, some]) =>
      loadPayments(
        sql,
        lane,
        some.map(({ id }) => id),
      ),
    ),
  )
  return rows.flat().sort(newestFirst)
}

/** Holds of a lane whose time is over and that still set something aside, the longest expired first. */
export function dueHolds(
  sql: Sql,
  lane: Lane,
  now: Instant,
  limit: number,
): Promise<{ id: HoldId; bookId: BookId }[]> {
  return sql`
    select id, book_id as "bookId"
    from payment_hold
    where lane = ${lane}
      and status = 'held'
      and expires_at <= ${new Date(now)}::timestamptz
    order by expires_at
    limit ${limit}`
}

/**
 * Payments of the command that has a reference: itself, or what was captured from it where it is a hold. The newest
 * first; all of them lie in its lane.
 */
export async function paymentsOfOwner(
  sql: Sql,
  book: BookId,
  owner: CommandId,
  { before, limit }: Pick<PaymentFilter, 'before' | 'limit'>,
): Promise<PaymentRow[]> {
  const lane = laneOfId(owner)
  const found = await sql<{ id: PaymentId }[]>`
    select id
    from payment
    where lane = ${lane}
      and book_id = ${book}
      and (id = ${owner} or hold_id = ${owner})
      ${before === undefined ? sql`` : sql`and id < ${before}`}
    order by id desc
    limit ${limit}`
  const ids = found.map(({ id }) => id)
  const rows = ids.length === 0 ? [] : await loadPayments(sql, lane, ids)
  return rows.sort(newestFirst)
}

function newestFirst(one: PaymentRow, other: PaymentRow): number {
  return one.id < other.id ? 1 : -1
}
