/** What the bank says that lies on all custody accounts of a book at the end of a day. */
import { type BookId, type BusinessDate, type Fen, modeOfBook } from '@lika/contract'
import { selectAccounts, selectClosingsOfBank } from '../../modules/reserve/index.ts'
import type { FlowContext } from '../context.ts'
import { homeLaneOf } from './desk.ts'

/** undefined: not every account has a statement of that day. */
export async function bankBalanceOf(
  context: FlowContext,
  book: BookId,
  day: BusinessDate,
): Promise<Fen | undefined> {
  const { sql } = context.database
  const lane = homeLaneOf(context, modeOfBook(book))
  const accounts = await selectAccounts(sql, lane, { books: [book] })
  const ids = accounts.map(({ id }) => id)
  const closings = await selectClosingsOfBank(sql, ids, day)
  if (accounts.length === 0 || closings.length < accounts.length) return undefined
  return closings.reduce((sum, { closing }) => sum + closing, 0n)
}
