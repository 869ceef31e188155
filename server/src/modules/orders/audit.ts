/**
 * What the auditor checks of orders: that the book moved on the account of WeChat what their payments and refunds say,
 * and that every one of them was delivered whole, or goes back.
 */
import type { Fen, OrderState } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { type AuditCheck, type AuditedSlice, type AuditSlice, accountId } from '../ledger/index.ts'

export const orderCheck: AuditCheck = {
  name: 'orders',
  slice: async (sql, asked): Promise<AuditedSlice> => {
    const rows = await findSums(sql, asked)
    const wrong = rows.flatMap((row) => {
      const why = whyWrong(row)
      if (why === undefined) return []
      return [{ table: 'sale_order', lane: asked.lane, key: `id = '${row.id}'`, ...why }]
    })[0]
    const next = rows.length === asked.limit ? rows.at(-1)?.id : undefined
    return { rows: rows.length, next, wrong }
  },
}

interface Sums {
  readonly id: string
  readonly kind: string
  readonly status: OrderState
  readonly quantity: number
  readonly cards: number
  readonly refunded: Fen
  /** Of its refunds that have arrived, without those of a second payment. */
  readonly arrived: Fen
  /** Paid less given back, as its payments and refunds say, and as the book moved it. */
  readonly said: Fen
  readonly moved: Fen
}

function whyWrong(row: Sums): { column: string; why: string } | undefined {
  if (row.said !== row.moved)
    return {
      column: 'total',
      why: `its payments and refunds say ${row.said} fen, their entries moved ${row.moved}`,
    }
  if (row.refunded !== row.arrived)
    return { column: 'refunded', why: `refunds of ${row.arrived} fen have arrived` }
  const isDelivered = row.status === 'delivered' || row.status === 'completed'
  if (isDelivered && row.cards !== (row.kind === 'purchase' ? row.quantity : 1))
    return { column: 'card_ids', why: `${row.cards} of its cards are there` }
  return undefined
}

/** The month of an entry lies in the time of its id. */
function findSums(sql: Sql, { lane, book, after, limit }: AuditSlice): Promise<Sums[]> {
  const wechat = accountId('00000000-0000-7000-8000-000000000000', 'wechat', lane).slice(32)
  return sql<Sums[]>`
    with chosen as (
      select id, kind, status, quantity, refunded, card_ids
      from sale_order
      where lane = ${lane}
        and (${book ?? null}::uuid is null or book_id = ${book ?? null}::uuid)
        and (${after ?? null}::uuid is null or id > ${after ?? null}::uuid)
      order by id
      limit ${limit}
    ), facts as (
      select order_id, paid_by as command_id, amount, 0::bigint as arrived
      from chosen
      join order_trade on order_trade.lane = ${lane} and order_id = chosen.id
      where paid_by is not null
      union all
      select order_id, ended_by, -amount, case when basis = 'surplus' then 0 else amount end
      from chosen
      join order_refund on order_refund.lane = ${lane} and order_id = chosen.id
      where state = 'succeeded'
    ), moved as (
      select facts.order_id, sum(
        case
          when right(debit_account::text, 4) = ${wechat} then transfer.amount
          when right(credit_account::text, 4) = ${wechat} then -transfer.amount
          else 0
        end
      )::bigint as amount
      from facts
      cross join lateral (
        select to_char(
          to_timestamp(
            ('x' || left(replace(command_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0
          ) at time zone 'UTC',
          'YYYYMM'
        )::int as month
      ) as made
      join journal
        on journal.lane = ${lane}
        and journal.month = made.month
        and journal.command_id = facts.command_id
      join transfer
        on transfer.lane = ${lane}
        and transfer.seq = journal.seq
        and transfer.month = journal.month
      group by facts.order_id
    ), told as (
      select order_id, sum(amount)::bigint as amount, sum(arrived)::bigint as arrived
      from facts
      group by order_id
    )
    select
      chosen.id,
      chosen.kind,
      chosen.status,
      chosen.quantity,
      (
        select count(*)::int
        from card
        where card.lane = ${lane}
          and card.id = any(chosen.card_ids)
      ) as cards,
      chosen.refunded,
      coalesce(told.arrived, 0) as arrived,
      coalesce(told.amount, 0) as said,
      coalesce(moved.amount, 0) as moved
    from chosen
    left join told on told.order_id = chosen.id
    left join moved on moved.order_id = chosen.id
    order by chosen.id`
}
