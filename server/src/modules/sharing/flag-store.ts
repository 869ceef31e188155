/** What WeChat was first told of a payment, shared or not, and is told for ever: written down before it is told. */
import type { BookId, Lane } from '@lika/contract'
import type { Sql } from '../../platform/db.ts'
import { intArray, textArray, uuidArray } from '../../platform/db-array.ts'

export interface SharedTrade {
  readonly lane: Lane
  readonly bookId: BookId
  readonly outTradeNo: string
}

interface Told {
  readonly outTradeNo: string
  readonly shared: boolean
}

/** The first answer of a number stays, whoever asks at once. Answers that one, by number. */
export async function noteShared(
  sql: Sql,
  trades: readonly (SharedTrade & { readonly isOne: boolean })[],
): Promise<Map<string, boolean>> {
  if (trades.length === 0) return new Map()
  // In one order whoever writes, so that none of two waits for the other.
  const sorted = trades.toSorted((one, other) => (one.outTradeNo < other.outTradeNo ? -1 : 1))
  const fresh = await sql<Told[]>`
    insert into shared_trade (lane, out_trade_no, book_id, shared)
    select *
    from unnest(
      ${intArray(sorted.map(({ lane }) => lane))}::int[],
      ${textArray(sorted.map(({ outTradeNo }) => outTradeNo))}::text[],
      ${uuidArray(sorted.map(({ bookId }) => bookId))}::uuid[],
      ${textArray(sorted.map(({ isOne }) => String(isOne)))}::boolean[]
    )
    on conflict do nothing
    returning out_trade_no as "outTradeNo", shared`
  const noted = told(fresh)
  const others = trades.filter(({ outTradeNo }) => !noted.has(outTradeNo))
  for (const [number, shared] of await toldOf(sql, others)) noted.set(number, shared)
  return noted
}

/** Those of the numbers of which WeChat was, or may have been, told: whether they are shared. */
export async function toldOf(
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
