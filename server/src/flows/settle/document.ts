/**
 * A statement as a document shows it: head, lines, totals. The lines are streamed from the journal in the order of time,
 * then of the order number, then of lane and entry, so that the bytes made of them do not depend on where the money lay.
 */
import {
  type BookId,
  type Fen,
  laneOfId,
  type MerchantId,
  ok,
  type Result,
  refused,
  type SettlementId,
} from '@lika/contract'
import {
  findStatement,
  linesInTime,
  netOf,
  noTakings,
  type Place,
  type PortionRow,
  type Posting,
  plus,
  portionsOf,
  postingsOf,
  type StatementLine,
  type StatementRow,
} from '../../modules/clearing/index.ts'
import { accountId, transfersOfEntries } from '../../modules/ledger/index.ts'
import type { Sql } from '../../platform/db.ts'
import type { FlowContext } from '../context.ts'
import { settlementNotFound } from './payouts.ts'

/** A merchant as documents name it. */
export interface Party {
  readonly id: MerchantId
  readonly name: string
  /** The issuer's own number for it. */
  readonly reference: string | null
}

export interface PlacedPosting extends Posting, Place {}

export interface StatementDocument {
  readonly statement: StatementRow
  readonly merchant: Party
  /** In the order of the entry. */
  readonly postings: readonly PlacedPosting[]
  /** In the order of the split. */
  readonly portions: readonly (PortionRow & { readonly payee: Party })[]
  /** Read anew each time, little at once. @throws Error where they do not sum up to the statement. */
  lines(): AsyncIterable<StatementLine>
}

type Context = Pick<FlowContext, 'database' | 'merchants'>

/** Refusals: `settlement.not_found`. */
export async function statementDocument(
  { database: { sql }, merchants }: Context,
  book: BookId,
  id: SettlementId,
): Promise<Result<StatementDocument>> {
  const statement = await findStatement(sql, book, id)
  if (statement === undefined) return refused(settlementNotFound)
  const rows = await portionsOf(sql, id)
  const partyOf = async (merchantId: MerchantId): Promise<Party> => {
    const found = await merchants.findMerchant(book, merchantId)
    if (found === undefined) throw new Error(`the book has no merchant ${merchantId}`)
    return { id: merchantId, name: found.name, reference: found.reference }
  }
  const portions = await Promise.all(
    rows.map(async (row) => ({ ...row, payee: await partyOf(row.merchantId) })),
  )
  return ok({
    statement,
    merchant: await partyOf(statement.merchantId),
    postings: await placedPostings(sql, statement, rows),
    portions,
    lines: () => checkedLines(sql, statement),
  })
}

/** The postings with their places. @throws Error where the journal says otherwise. */
export async function placedPostings(
  sql: Sql,
  statement: StatementRow,
  portions: readonly PortionRow[],
): Promise<PlacedPosting[]> {
  const lane = laneOfId(statement.id)
  const unsettled = accountId(statement.merchantId, 'merchant_unsettled', lane)
  const entries = await transfersOfEntries(sql, lane, [statement.seq])
  const transfers = entries.get(statement.seq) ?? []
  const all = postingsOf(statement, portions)
  const first = transfers.length - all.length
  return all.map((posting, index) => {
    const transfer = transfers[first + index]
    const leaves = transfer?.debit === unsettled
    const amount = transfer === undefined ? 0n : leaves ? transfer.amount : -transfer.amount
    if (transfer === undefined || amount !== posting.leaves)
      throw new Error(`the entry ${statement.seq} of lane ${lane} does not say ${posting.item}`)
    return { ...posting, lane, seq: statement.seq, line: transfer.line }
  })
}

async function* checkedLines(sql: Sql, statement: StatementRow): AsyncGenerator<StatementLine> {
  let takings = noTakings
  for await (const line of linesInTime(sql, statement)) {
    takings = plus(takings, line.kind, line.source, line.amount)
    yield line
  }
  const { taken, refunded, cancelled, adjusted } = takings
  const isSame =
    taken === statement.taken &&
    refunded === statement.refunded &&
    cancelled === statement.cancelled &&
    adjusted === statement.adjusted
  if (!isSame)
    throw new Error(`the lines of ${statement.id} sum up to ${netOf(takings)}, not to its totals`)
}

/** Taken less what was given back, before anything is deducted. */
export function netOfStatement({ taken, refunded, cancelled }: StatementRow): Fen {
  return taken - refunded - cancelled
}
