/** What WeChat was first told of a payment, shared or not, and is told for ever: written down before it is told. */
import type { BookId, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { textArray } from '../../platform/db-array.ts'

export interface SharedTrade {
  readonly lane: Lane
  readonly bookId: BookId
  readonly outTradeNo: string
}

/** The first answer of a number stays, whoever asks at once. Answers that one. */
export async function noteShared(
  sql: Sql,
  { lane, bookId, outTradeNo }: SharedTrade,
  isOne: boolean,
): Promise<boolean> {
  await sql`
    insert into shared_trade (lane, out_trade_no, book_id, shared)
    values (${lane}, ${outTradeNo}, ${bookId}, ${isOne})
    on conflict do nothing`
  const told = await toldOf(sql, lane, [outTradeNo])
  return told.get(outTradeNo) ?? isOne
}

/** Those of the numbers of which WeChat was, or may have been, told: whether they are shared. */
export async function toldOf(
  sql: Sql,
  lane: Lane,
  outTradeNos: readonly string[],
): Promise<Map<string, boolean>> {
  const rows = await sql<{ outTradeNo: string; shared: boolean }[]>`
    select out_trade_no as "outTradeNo", shared
    from shared_trade
    where lane = ${lane}
      and out_trade_no = any(${textArray(outTradeNos)}::text[])`
  return new Map(rows.map(({ outTradeNo, shared }) => [outTradeNo, shared]))
}

/** Those of the numbers whose money WeChat keeps until it is shared or let go. */
export async function sharedOf(
  sql: Sql,
  lane: Lane,
  outTradeNos: readonly string[],
): Promise<Set<string>> {
  const told = await toldOf(sql, lane, outTradeNos)
  return new Set([...told].flatMap(([outTradeNo, isOne]) => (isOne ? [outTradeNo] : [])))
}
