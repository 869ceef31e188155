/** What the auditor checks of payments: that they gave back exactly what their refunds say, and took what they say. */
import type { Fen } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import type { AuditCheck, AuditedSlice, AuditSlice } from '../ledger/index.ts'

/** `payment.refunded` is the sum of its refunds, and its allocations sum up to what it took and gave back. */
export const paymentCheck: AuditCheck = {
  name: 'payments',
  slice: async (sql, asked): Promise<AuditedSlice> => {
    const rows = await findSums(sql, asked)
    const wrong = rows.flatMap((row) => {
      const why = whyWrong(row)
      if (why === undefined) return []
      return [{ table: 'payment', lane: asked.lane, key: `id = '${row.id}'`, ...why }]
    })[0]
    const next = rows.length === asked.limit ? rows.at(-1)?.id : undefined
    return { rows: rows.length, next, wrong }
  },
}

interface Sums {
  readonly id: string
  readonly amount: Fen
  readonly refunded: Fen
  readonly byRefunds: Fen
  readonly allocated: Fen
  readonly allocatedBack: Fen
}

function whyWrong(row: Sums): { column: string; why: string } | undefined {
  if (row.refunded !== row.byRefunds)
    return { column: 'refunded', why: `its refunds sum up to ${row.byRefunds} fen` }
  if (row.allocated !== row.amount)
    return { column: 'allocations', why: `they sum up to ${row.allocated} of ${row.amount} fen` }
  if (row.allocatedBack !== row.refunded)
    return { column: 'allocations', why: `they gave back ${row.allocatedBack} fen` }
  return undefined
}

function findSums(sql: Sql, { lane, book, after, limit }: AuditSlice): Promise<Sums[]> {
  return sql<Sums[]>`
    select
      payment.id,
      payment.amount,
      payment.refunded,
      coalesce(given.amount, 0)::bigint as "byRefunds",
      parts.taken as allocated,
      parts.back as "allocatedBack"
    from payment
    cross join lateral (
      select
        sum((part ->> 'amount')::bigint)::bigint as taken,
        sum((part ->> 'refunded')::bigint)::bigint as back
      from jsonb_array_elements(payment.allocations) as part
    ) as parts
    left join lateral (
      select sum(refund.amount) as amount
      from refund
      where refund.lane = ${lane}
        and refund.payment_id = payment.id
    ) as given on true
    where payment.lane = ${lane}
      and (${book ?? null}::uuid is null or payment.book_id = ${book ?? null}::uuid)
      and (${after ?? null}::uuid is null or payment.id > ${after ?? null}::uuid)
    order by payment.id
    limit ${limit}`
}
