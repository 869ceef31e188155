/**
 * Compares the bank's statement of a day with the books: what fits is settled, everything else opens a case. Can be
 * interrupted anywhere and done again: it settles and opens what is missing and nothing twice.
 */
import { asId, type BookId, type BusinessDate, laneOfId } from '@lika/contract'
import {
  type BankStatementRow,
  balanceOfAccountOn,
  compare,
  type Difference,
  knownDifference,
  markCase,
  markReconciled,
  mostCustody,
  readComparison,
  repairLines,
  selectPositions,
  settleMatched,
  updateBank,
} from '../../modules/reserve/index.ts'
import type { FlowContext } from '../context.ts'
import { bankBalanceOf } from './bank-balance.ts'
import { openCase } from './case.ts'
import { reportShort } from './position.ts'

/** One account after the other in this process: a second statement sees what the first one settled. */
const underWay = new Map<string, Promise<unknown>>()

export function reconcile(context: FlowContext, statement: BankStatementRow): Promise<void> {
  const before = underWay.get(statement.accountId) ?? Promise.resolve()
  const mine = before.then(
    () => run(context, statement),
    () => run(context, statement),
  )
  underWay.set(statement.accountId, mine)
  const clear = () => {
    if (underWay.get(statement.accountId) === mine) underWay.delete(statement.accountId)
  }
  mine.then(clear, clear)
  return mine
}

async function run(context: FlowContext, statement: BankStatementRow): Promise<void> {
  const { database } = context
  const { accountId, bookId, day } = statement
  const lane = laneOfId(accountId)
  await repairLines(database.sql, lane, accountId)
  const { lines, movements, settled } = await readComparison(database.sql, lane, statement)
  const comparison = compare(day, lines, movements, settled)
  await settleMatched(database, lane, comparison)
  for (const some of inParts(comparison.differences, casesAtOnce))
    await Promise.all(some.map((difference) => report(context, statement, difference)))
  await reportGap(context, statement)
  await noteBankBalance(context, bookId, day)
  await markReconciled(database.sql, statement.id)
}

/** So that a statement of the wrong account does not fill the lane's queue. */
const casesAtOnce = 50

function inParts<T>(all: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let at = 0; at < all.length; at += size) parts.push(all.slice(at, at + size))
  return parts
}

/** The key is the line's or the movement's own: two that compare at the same time open one case. */
async function report(
  context: FlowContext,
  { bookId, accountId, day }: BankStatementRow,
  { kind, lines, movement, amount }: Difference,
): Promise<void> {
  const [first] = lines
  const key =
    first === undefined ? `movement:${movement?.id}` : `line:${first.statementId}:${first.line}`
  const places = lines.map(({ statementId, line }) => [statementId, line] as const)
  const id = await openCase(context, bookId, key, {
    kind,
    day: first?.day ?? movement?.day ?? day,
    accountId,
    movementId: movement && asId<'movement'>(movement.id),
    lines: places,
    amount,
  })
  if (id !== undefined) await markCase(context.database.sql, places, id)
}

/**
 * What the closing balance differs from the books by, beyond the lines and movements that are known to differ: a
 * statement that is missing in between, or a bank whose balances do not follow from one another.
 */
async function reportGap(context: FlowContext, statement: BankStatementRow): Promise<void> {
  const { sql } = context.database
  const { accountId, bookId, day, closing, id } = statement
  const lane = laneOfId(accountId)
  const [books, known] = await Promise.all([
    balanceOfAccountOn(sql, lane, accountId, day),
    knownDifference(sql, lane, accountId, day),
  ])
  const gap = closing - (books + known.atBankOnly - known.inBooksOnly)
  if (gap === 0n) return
  const bounded = gap > mostCustody ? mostCustody : gap < -mostCustody ? -mostCustody : gap
  await openCase(context, bookId, `gap:${id}`, {
    kind: 'balance_gap',
    day,
    accountId,
    amount: bounded,
  })
}

/** Once every account of the book has its statement of the day, the position of that day knows what the bank says. */
async function noteBankBalance(
  context: FlowContext,
  book: BookId,
  day: BusinessDate,
): Promise<void> {
  const { sql } = context.database
  const [position] = await selectPositions(sql, book, { from: day, to: day, limit: 1 })
  if (position === undefined) return
  const bank = await bankBalanceOf(context, book, day)
  if (bank === undefined) return
  const lower = bank < position.custody ? bank : position.custody
  const short = position.required - position.guarantees - lower
  const shortfall = short > 0n ? short : 0n
  await updateBank(sql, { bookId: book, day, bank, shortfall })
  await reportShort(context, book, day, shortfall)
}
