/** What WeChat was first told of a payment, shared or not, and is told for ever: written down before it is told. */
import type { BookId, Lane, MerchantId, ProductId } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray, textArray, uuidArray } from '../../platform/db-array.ts'
import { together } from '../../platform/together.ts'

interface SharedTrade {
  readonly lane: Lane
  readonly bookId: BookId
  readonly outTradeNo: string
}

interface Told {
  readonly outTradeNo: string
  readonly shared: boolean
}

/** A trade that nobody may have told WeChat of yet. */
interface ToShare extends SharedTrade {
  /** What is sold, or who sells: whose rule holds. */
  readonly subject: ProductId | MerchantId
}

/**
 * Whether a sale is to be shared, which WeChat has to know before it is paid; written down before it is told. Under one
 * number WeChat is told the same for ever, whatever becomes of the rule. Whoever asks at the same time asks in one
 * statement.
 */
export const isShared: (sql: Sql, trade: ToShare) => Promise<boolean> = together(
  async (sql, trades) => {
    const fresh = await sql<Told[]>`
      insert into shared_trade (lane, out_trade_no, book_id, shared)
      select
        lane, out_trade_no, book,
        coalesce(
          (
            select jsonb_array_length(receivers) > 0
            from sharing_rule
            where book_id = book
              and (product_id = subject or merchant_id = subject)
            order by id desc
            limit 1
          ),
          false
        )
      from unnest(
        ${intArray(trades.map(({ lane }) => lane))}::int[],
        ${textArray(trades.map(({ outTradeNo }) => outTradeNo))}::text[],
        ${uuidArray(trades.map(({ bookId }) => bookId))}::uuid[],
        ${uuidArray(trades.map(({ subject }) => subject))}::uuid[]
      ) as asked (lane, out_trade_no, book, subject)
      where not exists (
        select
        from shared_trade as known
        where known.lane = asked.lane
          and known.out_trade_no = asked.out_trade_no
      )
      -- In one order whoever writes, so that no two wait for each other.
      order by out_trade_no
      on conflict do nothing
      returning out_trade_no as "outTradeNo", shared`
    const known = told(fresh)
    const others = trades.filter(({ outTradeNo }) => !known.has(outTradeNo))
    for (const [number, shared] of await toldOf(sql, others)) known.set(number, shared)
    return ({ outTradeNo }: ToShare) => {
      const shared = known.get(outTradeNo)
      if (shared === undefined) throw new Error('whether a sale is shared was not written down')
      return shared
    }
  },
)

/** Those of the numbers of which WeChat was, or may have been, told: whether they are shared. */
async function toldOf(
  sql: Sql,
  trades: readonly Pick<SharedTrade, 'lane' | 'outTradeNo'>[],
): Promise<Map<string, boolean>> {
  if (trades.length === 0) return new Map()
  return told(
    await sql<Told[]>`
    select out_trade_no as "outTradeNo", shared
    from shared_trade
    where lane = any(${intArray([...new Set(trades.map(({ lane }) => lane))])}::int[])
      and out_trade_no = any(${textArray(trades.map(({ outTradeNo }) => outTradeNo))}::text[])`,
  )
}

function told(rows: readonly Told[]): Map<string, boolean> {
  return new Map(rows.map(({ outTradeNo, shared }) => [outTradeNo, shared]))
}

/** Those of the numbers whose money WeChat keeps until it is shared or let go. */
export async function sharedOf(
  sql: Sql,
  trades: readonly Pick<SharedTrade, 'lane' | 'outTradeNo'>[],
): Promise<Set<string>> {
  const all = await toldOf(sql, trades)
  return new Set([...all].flatMap(([outTradeNo, isOne]) => (isOne ? [outTradeNo] : [])))
}
