/**
 * The ledger's side of a payout: a portion of a statement goes to the bank, arrives, or comes back. What was ordered of
 * the bank and what it said is the business of whoever calls; here the money moves, once for each payout and step.
 */
import {
  type AccountId,
  type BookId,
  type Fen,
  fenToJson,
  type Id,
  issuerOfBook,
  laneOfId,
  type MerchantId,
  modeOfBook,
  ok,
  type Result,
  refusal,
  refused,
  type SettlementId,
} from '@lika/contract'
import {
  type PortionRow,
  portions,
  portionsOfStatement,
  type StatementRow,
  statements,
  statusOfPortions,
} from '../../modules/clearing/index.ts'
import { accountId, accountReads, LedgerDesk } from '../../modules/ledger/index.ts'
import { type Command, type Decision, read, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'

/** One payout carries one portion: the whole of what a statement owes to one payee. */
export interface PayoutStep {
  readonly settlementId: SettlementId
  /** The payee. */
  readonly merchantId: MerchantId
  readonly payoutId: Id<'payout'>
  /** What the bank was told, or says: another amount than that of the portion is refused. */
  readonly amount: Fen
}

/** Why a payout comes back: the bank did not carry it out, or it did and the money was returned. */
export type ComingBack = 'payout.failed' | 'payout.returned'

/**
 * payable → in flight (`payout.sent`). Refusals, of which the first leaves nothing: `settlement.not_found`,
 * `amount.out_of_range`, `settlement.not_payable` where another payout carries the portion, or has.
 */
export function sendPayoutCommand(
  context: FlowContext,
  book: BookId,
  step: PayoutStep,
): Result<Command> {
  return payoutCommand(context, book, step, 'payout.sent', (on) => {
    const { desk, portion, payable, inFlight } = on
    if (portion.status !== 'payable') return refused(notPayable(portion))
    desk.transfer({ debit: payable, credit: inFlight, amount: portion.amount })
    return moved(on, 'payout.sent', { ...portion, status: 'in_flight', payoutId: step.payoutId })
  })
}

/**
 * in flight → paid, out of the issuer's bank account (`payout.confirmed`). Refusals: as for sending, but
 * `settlement.not_in_flight` where this payout does not carry the portion.
 */
export function confirmPayoutCommand(
  context: FlowContext,
  book: BookId,
  step: PayoutStep,
): Result<Command> {
  return payoutCommand(context, book, step, 'payout.confirmed', (on) => {
    const { desk, portion, inFlight, bank } = on
    if (portion.status !== 'in_flight' || portion.payoutId !== step.payoutId)
      return refused(notInFlight)
    desk.transfer({ debit: inFlight, credit: bank, amount: portion.amount })
    return moved(on, 'payout.confirmed', { ...portion, status: 'paid' })
  })
}

/**
 * Back to payable, so that another payout can carry it: out of flight, or, where the bank had confirmed it and then got
 * it back, out of the bank account (`payout.failed`, `payout.returned`). Refusals: as for confirming.
 */
export function returnPayoutCommand(
  context: FlowContext,
  book: BookId,
  step: PayoutStep,
  kind: ComingBack,
): Result<Command> {
  return payoutCommand(context, book, step, kind, (on) => {
    const { desk, portion, payable, inFlight, bank } = on
    const hasArrived = portion.status === 'paid'
    if (portion.status === 'payable' || portion.payoutId !== step.payoutId)
      return refused(notInFlight)
    // Only what came back after it had arrived leaves the bank account again.
    if (hasArrived && kind === 'payout.failed') return refused(notInFlight)
    const from = hasArrived ? bank : inFlight
    desk.transfer({ debit: from, credit: payable, amount: portion.amount })
    return moved(on, kind, { ...portion, status: 'payable', payoutId: null })
  })
}

/**
 * Says in the journal that all of a statement is paid (`settlement.paid`), once for each payout that completed it;
 * nothing moves. Refusals, which leave nothing: `settlement.not_found`, `settlement.not_in_flight` while it is not.
 */
export function paidStatementCommand(
  { engine }: FlowContext,
  book: BookId,
  { settlementId, payoutId }: Pick<PayoutStep, 'settlementId' | 'payoutId'>,
): Result<Command> {
  const lane = laneOfId(settlementId)
  if (!engine.lanesOf(modeOfBook(book)).includes(lane)) return refused(settlementNotFound)
  return ok({
    book,
    operation: 'settlement.paid',
    key: `settlement.paid:${payoutId}`,
    input: { settlement: settlementId, payout: payoutId },
    homeLane: () => lane,
    weight: 'bulk',
    plan: () => ({
      lanes: [lane],
      reads: [read(statements, lane, settlementId)],
      decide: (view) => {
        const row = view.get(statements, settlementId)
        if (row === undefined || row.bookId !== view.bookId)
          return { ok: false, final: false, refusal: settlementNotFound }
        if (row.status !== 'paid') return { ok: false, final: false, refusal: notInFlight }
        const body = {
          settlementId,
          merchantId: row.merchantId,
          fromDay: row.fromDay,
          toDay: row.toDay,
          amountFen: String(row.payable),
        }
        return { ok: true, value: { kind: 'settlement.paid', version: 1, body } }
      },
    }),
  })
}

interface OnPortion {
  readonly view: View
  readonly desk: LedgerDesk
  readonly statement: StatementRow
  readonly portion: PortionRow
  readonly payoutId: string
  readonly payable: AccountId
  readonly inFlight: AccountId
  readonly bank: AccountId
}

function payoutCommand(
  { engine }: FlowContext,
  book: BookId,
  step: PayoutStep,
  kind: string,
  decide: (on: OnPortion) => Decision,
): Result<Command> {
  const { settlementId, merchantId, payoutId, amount } = step
  const lane = laneOfId(settlementId)
  if (!engine.lanesOf(modeOfBook(book)).includes(lane)) return refused(settlementNotFound)
  const payable = accountId(merchantId, 'merchant_payable', lane)
  const inFlight = accountId(merchantId, 'merchant_in_flight', lane)
  const bank = accountId(issuerOfBook(book), 'bank', lane)
  return ok({
    book,
    operation: kind,
    key: `${kind}:${payoutId}`,
    input: {
      settlement: settlementId,
      merchant: merchantId,
      payout: payoutId,
      amount: String(amount),
    },
    homeLane: () => lane,
    weight: 'bulk',
    plan: () => ({
      lanes: [lane],
      reads: [
        read(statements, lane, settlementId),
        read(portionsOfStatement, lane, settlementId),
        ...accountReads(lane, [payable, inFlight]),
      ],
      decide: (view) => {
        const statement = view.get(statements, settlementId)
        const portion = view
          .find(portionsOfStatement, settlementId)
          .find((one) => one.merchantId === merchantId)
        if (statement?.bookId !== view.bookId || portion === undefined)
          return { ok: false, final: false, refusal: settlementNotFound }
        if (portion.amount !== amount) return refused(otherAmount(portion))
        const desk = new LedgerDesk(view, lane)
        return decide({ view, desk, statement, portion, payoutId, payable, inFlight, bank })
      },
    }),
  })
}

/** The portion as it is now, and the statement as far as its portions are. */
function moved(
  { view, statement, payoutId }: OnPortion,
  kind: string,
  portion: PortionRow,
): Decision {
  const lane = laneOfId(statement.id)
  view.put(portions, lane, portion)
  const states = view.find(portionsOfStatement, statement.id).map(({ status }) => status)
  view.put(statements, lane, { ...statement, status: statusOfPortions(states) })
  const body = {
    settlementId: statement.id,
    merchantId: portion.merchantId,
    payoutId,
    amountFen: String(portion.amount),
  }
  return { ok: true, value: { kind, version: 1, body } }
}

export const settlementNotFound = refusal(
  'settlement.not_found',
  'No statement has this id here (stl_…), or it has nothing for this payee.',
)

const notInFlight = refusal(
  'settlement.not_in_flight',
  'This payout does not carry the statement, or its money has come back already.',
)

function notPayable({ status }: PortionRow) {
  const where = status === 'paid' ? 'was paid already' : 'is on its way with another payout'
  return refusal('settlement.not_payable', `What the statement owes this payee ${where}.`)
}

function otherAmount({ amount }: PortionRow) {
  return refusal('amount.out_of_range', 'The statement owes this payee another amount.', {
    data: { allowed: { min: fenToJson(amount), max: fenToJson(amount) } },
  })
}
