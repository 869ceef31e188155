/** Which payments WeChat was told are shared, and so keeps the money of: written down before WeChat is told. */
import type { BookId, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { textArray } from '../../platform/db-array.ts'

export interface SharedTrade {
  readonly lane: Lane
  readonly bookId: BookId
  readonly outTradeNo: string
}

export async function noteShared(
  sql: Sql,
  { lane, bookId, outTradeNo }: SharedTrade,
): Promise<void> {
  await sql`
    insert into shared_trade (lane, out_trade_no, book_id)
    values (${lane}, ${outTradeNo}, ${bookId})
    on conflict do nothing`
}

/** Those of the numbers of which WeChat was, or may have been, told. */
export async function sharedOf(
  sql: Sql,
  lane: Lane,
  outTradeNos: readonly string[],
): Promise<Set<string>> {
  const rows = await sql<{ outTradeNo: string }[]>`
    select out_trade_no as "outTradeNo"
    from shared_trade
    where lane = ${lane}
      and out_trade_no = any(${textArray(outTradeNos)}::text[])`
  return new Set(rows.map(({ outTradeNo }) => outTradeNo))
}
