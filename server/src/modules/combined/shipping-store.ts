/** Which payments at tills in mini-programs WeChat has yet to be told the delivery of, and what came of it: outside rounds. */
import {
  type BookId,
  type CombinedPaymentId,
  type Instant,
  type Lane,
  laneOfId,
  type ShippingEnd,
} from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray } from '../../platform/db-array.ts'

export interface DueDelivery {
  readonly id: CombinedPaymentId
  readonly bookId: BookId
}

/** Those that are due, kept from other processes for as long as `backoff` says of the calls so far. */
export function takeDueDeliveries(
  sql: Sql,
  lanes: readonly Lane[],
  now: Instant,
  backoff: readonly number[],
  limit: number,
): Promise<DueDelivery[]> {
  return sql<DueDelivery[]>`
    with due as (
      select lane, id
      from combined_payment
      where lane = any(${intArray(lanes)}::int[])
        and scene = 'mini_program'
        and status = 'succeeded'
        and wechat_amount > 0
        and shipping is null
        and coalesce(shipping_look_at, ended_at) <= ${new Date(now)}
      order by coalesce(shipping_look_at, ended_at)
      limit ${limit}
      for update skip locked
    )
    update combined_payment
    set
      shipping_looks = shipping_looks + 1,
      shipping_look_at = ${new Date(now)}::timestamptz + make_interval(secs => (
        ${intArray(backoff)}::int[]
      )[least(shipping_looks + 1, ${backoff.length})] / 1000.0)
    from due
    where combined_payment.lane = any(${intArray(lanes)}::int[])
      and combined_payment.lane = due.lane
      and combined_payment.id = due.id
    returning combined_payment.id, book_id as "bookId"`
}

/** `end` null: it is told again later. */
export async function writeDelivery(
  sql: Sql,
  id: CombinedPaymentId,
  { end, problem }: { readonly end: ShippingEnd | null; readonly problem: string | null },
): Promise<void> {
  await sql`
    update combined_payment
    set shipping = ${end}, shipping_problem = ${problem}
    where lane = ${laneOfId(id)}
      and id = ${id}`
}
