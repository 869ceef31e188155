/** A card's statement: what happened to its money, with whom, under which of the caller's numbers. */
import {
  type CardId,
  type CommandId,
  fenToJson,
  formatId,
  formatInstant,
  laneOfId,
  ok,
  type Result,
  withKindAndLane,
} from '@lika/contract'
import {
  cancelledPayments,
  ownReferences,
  readStatement,
  type StatementLine,
  type StatementRange,
} from '../../modules/cards/index.ts'
import { accountKinds, kindOfAccount } from '../../modules/ledger/index.ts'
import { payments, refunds } from '../../modules/payments/index.ts'
import type { FlowContext } from '../context.ts'
import type { CardCaller } from './caller.ts'
import { findCard } from './find.ts'

export interface ReferredLine extends StatementLine {
  /** The merchant's order or refund number, the issuer's number of a load; null: none. */
  readonly reference: string | null
}

/** Oldest first. Refusals: `card.not_found`. */
export async function cardStatement(
  context: FlowContext,
  caller: CardCaller,
  cardId: CardId,
  range: StatementRange,
): Promise<Result<ReferredLine[]>> {
  const found = await findCard(context, caller, cardId)
  if (!found.ok) return found
  const lines = await withPayments(
    context,
    await readStatement(context.database.sql, cardId, range),
  )
  const references = await referencesOf(context, cardId, lines)
  return ok(lines.map((line) => ({ ...line, reference: references.get(line.commandId) ?? null })))
}

/** With the payment of every cancellation, also where it was paid in another lane. */
async function withPayments(
  { database: { sql } }: FlowContext,
  lines: readonly StatementLine[],
): Promise<StatementLine[]> {
  const open = lines.filter(({ kind, paymentId }) => kind === cancelled && paymentId === null)
  if (open.length === 0) return [...lines]
  const ids = open.map(({ commandId }) => commandId)
  const payments = await cancelledPayments(sql, ids)
  return lines.map((line) => ({
    ...line,
    paymentId: line.paymentId ?? payments.get(line.commandId) ?? null,
  }))
}

const cancelled = 'payment.cancelled'

/** The whole statement in pieces of a few hundred lines, however long it is. The card is known to be the caller's. */
export async function* wholeStatement(
  context: FlowContext,
  caller: CardCaller,
  cardId: CardId,
  range: Pick<StatementRange, 'from' | 'until'>,
): AsyncGenerator<ReferredLine> {
  const limit = 500
  for (let after: StatementRange['after']; ; ) {
    const piece = await cardStatement(context, caller, cardId, { ...range, after, limit })
    if (!piece.ok) return
    yield* piece.value
    const last = piece.value.at(-1)
    if (last === undefined || piece.value.length < limit) return
    after = { seq: last.seq, line: last.line }
  }
}

const paymentKinds = ['payment.created', cancelled, 'hold.captured', 'combined_payment.succeeded']
const refundKinds = ['refund.created', 'combined_refund.created']

async function referencesOf(
  { database: { sql } }: FlowContext,
  cardId: CardId,
  lines: readonly StatementLine[],
): Promise<Map<string, string>> {
  const paid = lines.filter(({ kind }) => paymentKinds.includes(kind)).map(paymentOf)
  const refunded = lines
    .filter(({ kind }) => refundKinds.includes(kind))
    .map((line) => line.commandId)
  const others = lines.map((line) => line.commandId)
  const [own, ofPayments, ofRefunds] = await Promise.all([
    ownReferences(sql, laneOfId(cardId), others),
    byLane(paid, (lane, ids) => payments.load(sql, lane, ids)),
    byLane(refunded, (lane, ids) => refunds.load(sql, lane, ids)),
  ])
  const all = new Map<string, string>(own)
  for (const { id, reference } of [...ofPayments, ...ofRefunds]) all.set(id, reference)
  for (const line of lines) {
    const reference = line.paymentId === null ? undefined : all.get(line.paymentId)
    if (reference !== undefined && line.kind === 'payment.cancelled')
      all.set(line.commandId, reference)
  }
  return all
}

function paymentOf({ kind, paymentId, commandId }: StatementLine): string {
  return kind === 'payment.cancelled' ? (paymentId ?? commandId) : commandId
}

/** The home lane of each is in its id: a payment may have taken from cards of several lanes. */
async function byLane<Row>(
  ids: readonly string[],
  load: (lane: number, ids: readonly string[]) => Promise<readonly Row[]>,
): Promise<Row[]> {
  const lanes = Map.groupBy(new Set(ids), laneOfId)
  const found = await Promise.all([...lanes].map(([lane, some]) => load(lane, some)))
  return found.flat()
}

/** `id` is of this very line; `source_id` of what it belongs to, which has several lines when it moved both sub-balances. */
export function presentLine(cardId: CardId, line: ReferredLine) {
  const lane = laneOfId(cardId)
  return {
    id: `${formatId('entry', withKindAndLane(line.commandId, 0, lane))}_${line.line}`,
    at: formatInstant(line.at),
    kind: line.kind,
    source_id: sourceOf(cardId, line),
    reference: line.reference,
    counterparty: counterpartyOf(line),
    sub_balance: line.subBalance,
    amount: fenToJson(line.amount),
    balance_before: fenToJson(line.balanceBefore),
    balance_after: fenToJson(line.balanceAfter),
  }
}

function sourceOf(cardId: CardId, line: StatementLine): string {
  const { kind, commandId, paymentId, batchId, importId } = line
  if (kind === 'payment.cancelled' && paymentId !== null) return formatId('payment', paymentId)
  if (kind === 'batch.issued' && batchId !== null) return formatId('batch', batchId)
  if (kind.startsWith('import.') && importId !== null) return formatId('import', importId)
  return sourceByKind(kind, commandId) ?? formatId('card', cardId)
}

function sourceByKind(kind: string, id: CommandId): string | undefined {
  switch (kind) {
    case 'payment.created':
    case 'hold.captured':
    case 'combined_payment.succeeded':
      return formatId('payment', id)
    case 'refund.created':
    case 'combined_refund.created':
      return formatId('refund', id)
    case 'load.created':
    case 'order.topped_up':
      return formatId('load', id)
    case 'adjustment.created':
      return formatId('adjustment', id)
    case 'card.redeemed':
      return formatId('redemption', id)
    case 'load.refunded':
      return formatId('load_refund', id)
    case 'rebate.granted':
      return formatId('rebate', id)
    default:
      return undefined
  }
}

/** The merchant or card on the other side; of the issuer's own accounts the kind: `bank`. */
function counterpartyOf({ counterAccount }: StatementLine): string {
  const kind = kindOfAccount(counterAccount)
  if (kind === undefined) return 'unknown'
  const { owner } = accountKinds[kind]
  if (owner === 'merchant') return formatId('merchant', withKindAndLane(counterAccount, 0, 0))
  if (owner === 'card')
    return formatId('card', withKindAndLane(counterAccount, 0, laneOfId(counterAccount)))
  return kind
}
