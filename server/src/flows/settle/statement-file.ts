/** A statement as the file that its merchant gets: what it says is put into the words and the order of documents. */
import {
  type BookId,
  type CommandId,
  type Fen,
  formatId,
  type Lane,
  laneOfId,
  ok,
  type Result,
  refusal,
  refused,
  type SettlementId,
} from '@lika/contract'
import {
  commandsWithLines,
  type LineKind,
  type PostingItem,
  type StatementLine,
  seqIn,
  unsettledIn,
} from '../../modules/clearing/index.ts'
import {
  type DocumentFormat,
  type EntryPlace,
  renderStatement,
  type StatementLine as ShownLine,
  type StatementHead,
  type StatementPart,
  type StatementTotal,
  type StatementTotals,
} from '../../modules/documents/index.ts'
import type { Sql } from '../../platform/db.ts'
import type { FlowContext } from '../context.ts'
import {
  netOfStatement,
  type Party,
  type StatementDocument,
  statementDocument,
} from './document.ts'

/** What a format takes: a workbook is made in memory, and nobody turns two thousand pages. */
const mostLines: Readonly<Record<DocumentFormat, number>> = {
  csv: Number.POSITIVE_INFINITY,
  xlsx: 100_000,
  pdf: 20_000,
}
const linesAtOnce = 500

export interface StatementFile {
  /** Without its ending. */
  readonly name: string
  readonly content: AsyncGenerator<Uint8Array>
}

/** Refusals: `settlement.not_found`, `settlement.too_long` above `most` lines. */
export async function statementFile(
  context: Pick<FlowContext, 'database' | 'merchants'>,
  book: BookId,
  id: SettlementId,
  format: DocumentFormat,
  most = mostLines[format],
): Promise<Result<StatementFile>> {
  const found = await statementDocument(context, book, id)
  if (!found.ok) return found
  const document = found.value
  if (await isLonger(document, most)) return refused(tooLong(format, most))
  const { fromDay, toDay } = document.statement
  const parts = partsOf(context.database.sql, document)
  return ok({
    name: `settlement-${formatId('settlement', id)}-${fromDay}-${toDay}`,
    content: renderStatement(format, headOf(document), parts),
  })
}

/** Reads no more than it takes to know. */
async function isLonger(document: StatementDocument, most: number): Promise<boolean> {
  if (most === Number.POSITIVE_INFINITY) return false
  let count = 0
  for await (const _ of document.lines()) {
    count += 1
    if (count > most) return true
  }
  return false
}

function tooLong(format: DocumentFormat, most: number) {
  return refusal(
    'settlement.too_long',
    `As ${format} a statement has ${most} lines at most; as csv it has any number.`,
    { data: { allowed: { max: most } } },
  )
}

function headOf({ merchant, statement }: StatementDocument): StatementHead {
  return {
    merchantNumber: numberOf(merchant),
    merchantName: merchant.name,
    fromDay: statement.fromDay,
    toDay: statement.toDay,
    contractVersion: statement.contractVersion,
    payOn: statement.payOn,
    marginReleaseOn: statement.marginWithheld > 0n ? statement.marginReleaseOn : null,
  }
}

/** The issuer's own number for it, else its id. */
function numberOf({ id, reference }: Party): string {
  return reference ?? formatId('merchant', id)
}

async function* partsOf(sql: Sql, document: StatementDocument): AsyncGenerator<StatementPart> {
  const counter = new Counter(document)
  let some: ShownLine[] = []
  for await (const line of document.lines()) {
    counter.see(line)
    some.push(shownLine(line))
    if (some.length < linesAtOnce) continue
    yield { kind: 'lines', lines: some }
    some = []
  }
  if (some.length > 0) yield { kind: 'lines', lines: some }
  yield {
    kind: 'end',
    totals: totalsOf(document, await counter.counts(sql)),
    payees: payeesOf(document),
  }
}

function shownLine(line: StatementLine): ShownLine {
  const { at, kind, reference, source, amount, lane, seq } = line
  const documentId = idShown(line)
  const entry = { lane, seq, line: line.line }
  return {
    at,
    kind,
    reference: reference ?? '',
    documentId,
    source: source ?? undefined,
    amount,
    entry,
  }
}

function idShown({ refundId, adjustmentId, paymentId, commandId }: StatementLine): string {
  if (refundId !== null) return formatId('refund', refundId)
  if (adjustmentId !== null) return formatId('settlement_adjustment', adjustmentId)
  return formatId('payment', paymentId ?? commandId)
}

/**
 * Counts commands, not lines. A command with lines in several lanes counts in its home lane where it has lines there; of
 * the others, which are few, the ids are kept until the end.
 */
class Counter {
  readonly #document: StatementDocument
  readonly #counts: Record<LineKind, number> = {
    payment: 0,
    refund: 0,
    cancellation: 0,
    adjustment: 0,
  }
  readonly #last = new Map<Lane, bigint>()
  readonly #abroad = new Map<CommandId, LineKind>()

  constructor(document: StatementDocument) {
    this.#document = document
  }

  see({ lane, seq, kind, commandId }: StatementLine): void {
    if (lane !== laneOfId(commandId)) this.#abroad.set(commandId, kind)
    else if (this.#last.get(lane) !== seq) {
      this.#last.set(lane, seq)
      this.#counts[kind] += 1
    }
  }

  async counts(sql: Sql): Promise<Readonly<Record<LineKind, number>>> {
    const { merchantId, fromCut, toCut } = this.#document.statement
    for (const [lane, ids] of Map.groupBy(this.#abroad.keys(), laneOfId)) {
      const place = {
        accountId: unsettledIn(merchantId, lane),
        after: seqIn(fromCut, lane),
        until: seqIn(toCut, lane),
      }
      const counted = await commandsWithLines(sql, lane, place, ids)
      for (const id of ids) if (!counted.has(id)) this.#count(id)
    }
    this.#abroad.clear()
    return this.#counts
  }

  #count(id: CommandId): void {
    const kind = this.#abroad.get(id)
    if (kind !== undefined) this.#counts[kind] += 1
  }
}

function totalsOf(
  { statement, postings }: StatementDocument,
  counts: Readonly<Record<LineKind, number>>,
): StatementTotals {
  const placeOf = (item: PostingItem): EntryPlace | undefined =>
    postings.find((posting) => posting.item === item)
  const posted = (item: PostingItem, amount: Fen): StatementTotal => ({
    amount,
    entry: placeOf(item),
  })
  return {
    taken: { count: counts.payment, amount: statement.taken },
    refunded: { count: counts.refund, amount: -statement.refunded },
    cancelled: { count: counts.cancellation, amount: -statement.cancelled },
    net: { amount: netOfStatement(statement) },
    commission: posted('commission', -statement.commission),
    bonusShare: posted('bonus_share', -statement.bonusShare),
    voucherShare: posted('voucher_share', -statement.voucherShare),
    adjusted: { count: counts.adjustment, amount: statement.adjusted },
    due: { amount: statement.due },
    setOff: posted('set_off', -statement.setOff),
    marginWithheld: posted('margin_withheld', -statement.marginWithheld),
    marginUsed: posted('margin_used', statement.marginUsed),
    receivableAdded: posted('receivable_added', statement.receivableAdded),
    marginReleased: posted('margin_released', statement.marginReleased),
    ownSales: statement.ownSales === 0n ? undefined : posted('own_sales', -statement.ownSales),
    payable: { amount: statement.payable },
  }
}

function payeesOf({ portions, postings }: StatementDocument) {
  return portions.map(({ payee, amount }) => ({
    name: payee.name,
    number: numberOf(payee),
    amount,
    entry: postings.find(({ item, merchantId }) => item === 'portion' && merchantId === payee.id),
  }))
}
