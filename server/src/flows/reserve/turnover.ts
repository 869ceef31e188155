/** How many days money lies on cards before it is spent, over a stretch of days: read page by page through the book. */
import { type BookId, type BusinessDate, modeOfBook } from '@lika/contract'
import {
  moveOf,
  selectCardsAfter,
  selectMoves,
  type Turnover,
  turnoverOf,
  withAncestors,
} from '../../modules/reserve/index.ts'
import type { FlowContext } from '../context.ts'

const firstId = '00000000-0000-0000-0000-000000000000'
const cardsAtOnce = 500

/** `from` and `to` are among the days. What was spent on them counts, however long ago it was paid in. */
export async function turnoverBetween(
  { database: { sql }, engine }: Pick<FlowContext, 'database' | 'engine'>,
  book: BookId,
  from: BusinessDate,
  to: BusinessDate,
): Promise<Turnover> {
  const sum = { spent: 0n, fenDays: 0n }
  for (const lane of engine.lanesOf(modeOfBook(book))) {
    for (let after = firstId; ; ) {
      const page = await selectCardsAfter(sql, lane, book, after, cardsAtOnce)
      const ids = page.map(({ id }) => id)
      const last = ids.at(-1)
      if (last === undefined) break
      const family = await withAncestors(sql, lane, ids)
      const measured = new Set(ids)
      const rows = await selectMoves(sql, lane, family, to)
      const part = turnoverOf(rows.map((row) => moveOf(row, measured, from)))
      sum.spent += part.spent
      sum.fenDays += part.fenDays
      after = last
    }
  }
  return sum
}
