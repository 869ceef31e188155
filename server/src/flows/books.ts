/** Reading and auditing the books: the ledger together with those who own its accounts. */
import type { BookId, Lane } from '@lika/contract'
import { loadCards } from '../modules/cards/index.ts'
import { portionCheck, statementCheck } from '../modules/clearing/index.ts'
import { type AuditCheck, Auditor, LedgerReads } from '../modules/ledger/index.ts'
import { rebateCheck } from '../modules/loyalty/index.ts'
import { booksOfMerchants } from '../modules/merchants/index.ts'
import { orderCheck } from '../modules/orders/index.ts'
import { paymentCheck } from '../modules/payments/index.ts'
import { custodyCheck, reserveCheck } from '../modules/reserve/index.ts'
import type { FlowContext } from './context.ts'

export interface Books {
  readonly reads: LedgerReads
  readonly auditor: Auditor
}

/** `checks`: what modules add to the audit by their own rows. */
export function openBooks(
  { database, engine, merchants }: Pick<FlowContext, 'database' | 'engine' | 'merchants'>,
  checks: readonly AuditCheck[] = [
    paymentCheck,
    statementCheck,
    portionCheck,
    custodyCheck,
    reserveCheck,
    rebateCheck,
    orderCheck,
  ],
): Books {
  async function booksOfCards(lane: Lane, ids: readonly string[]) {
    const rows = await loadCards(database.sql, lane, ids)
    return new Map<string, BookId>(rows.map((row) => [row.id, row.bookId]))
  }
  const reads = new LedgerReads(database, engine, {
    hasCard: async (book, lane, id) => (await booksOfCards(lane, [id])).get(id) === book,
    hasMerchant: async (book, id) => (await merchants.findMerchant(book, id)) !== undefined,
    merchantsBefore: async (book, before, limit) =>
      (await merchants.merchants(book, { before, limit })).map((merchant) => merchant.id),
  })
  const auditor = new Auditor({
    database,
    checks,
    ownerBooks: (owner, lane, ids) =>
      owner === 'card' ? booksOfCards(lane, ids) : booksOfMerchants(database.sql, ids),
  })
  return { reads, auditor }
}
