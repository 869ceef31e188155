/**
 * Adds to what a merchant is owed, or takes from it, by two people. What is posted is a line like any other: it stands on
 * the statement of the cycle in which it was posted.
 */
import {
  asId,
  type BookId,
  type Fen,
  fenToJson,
  formatId,
  formatInstant,
  issuerOfBook,
  laneOfId,
  type MerchantId,
  modeOfBook,
  ok,
  type Result,
  refusal,
  refused,
  type SettlementAdjustmentId,
} from '@lika/contract'
import { type Person, secondPerson } from '../../modules/access/index.ts'
import { type AdjustmentRow, adjustments } from '../../modules/clearing/index.ts'
import { accountId, LedgerDesk } from '../../modules/ledger/index.ts'
import { type Command, type Decision, read, type View } from '../../platform/lanes/index.ts'
import { claimedInput } from '../cards/caller.ts'
import { currency } from '../cards/facts.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'

export interface AdjustmentCaller extends Person {
  readonly book: BookId
}

export interface AdjustmentInput {
  readonly merchantId: MerchantId
  /** Above 0 the merchant gets more. */
  readonly amount: Fen
  readonly reason: string
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * Nothing moves yet. Refusals: `amount.out_of_range` for 0 and `merchant.not_found`, which leave nothing; then
 * `reference.already_used`.
 */
export async function proposeAdjustmentCommand(
  context: FlowContext,
  caller: AdjustmentCaller,
  input: AdjustmentInput,
  key: string,
): Promise<Result<Command>> {
  const { merchantId, amount, reason, reference, metadata } = input
  if (amount === 0n)
    return refused(refusal('amount.out_of_range', 'An adjustment of 0 changes nothing.'))
  const merchant = await context.merchants.findMerchant(caller.book, merchantId)
  if (merchant === undefined)
    return refused(refusal('merchant.not_found', 'No merchant has this id here (merch_…).'))
  const lane = merchant.settlementLane
  return ok({
    book: caller.book,
    operation: 'settlement_adjustment.proposed',
    key,
    input: claimedInput(input),
    homeLane: () => lane,
    ...(reference !== undefined && {
      name: { kind: nameKinds.settlementAdjustment, name: reference },
    }),
    plan: (_, name) => ({
      lanes: [lane],
      reads: [],
      decide: (view, now) => {
        if (name !== 'own') return refused(referenceTaken(name))
        const id: SettlementAdjustmentId = asId(view.commandId)
        view.put(adjustments, lane, {
          id,
          bookId: view.bookId,
          merchantId,
          amount,
          reason,
          status: 'proposed',
          proposedBy: caller.keyId,
          proposedByOwner: caller.owner,
          proposedAt: now,
          decidedBy: null,
          decidedByOwner: null,
          decidedAt: null,
          reference: reference ?? null,
          metadata: metadata ?? null,
        })
        return told('settlement_adjustment.proposed', { id, merchantId, amount })
      },
    }),
  })
}

function referenceTaken(name: 'cancelled' | { readonly takenBy: string }) {
  const detail = 'The reference belongs to another adjustment of this issuer.'
  if (name === 'cancelled') return refusal('reference.already_used', detail)
  const data = { existing_id: formatId('settlement_adjustment', name.takenBy) }
  return refusal('reference.already_used', detail, { data })
}

/**
 * Posts or rejects what somebody else proposed. Refusals: `settlement_adjustment.not_found` (not final),
 * `settlement_adjustment.already_decided`, `approval.same_person` (not final).
 */
export function decideAdjustmentCommand(
  { engine }: FlowContext,
  caller: AdjustmentCaller,
  id: SettlementAdjustmentId,
  verdict: 'posted' | 'rejected',
  key: string,
): Result<Command> {
  const lane = laneOfId(id)
  if (!engine.lanesOf(modeOfBook(caller.book)).includes(lane)) return refused(adjustmentNotFound)
  return ok({
    book: caller.book,
    operation: `settlement_adjustment.${verdict}`,
    key,
    input: { adjustment: id },
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(adjustments, lane, id)],
      decide: (view, now) => {
        const row = view.get(adjustments, id)
        if (row === undefined || row.bookId !== view.bookId)
          return { ok: false, final: false, refusal: adjustmentNotFound }
        if (row.status !== 'proposed') return refused(alreadyDecided(row))
        const other = secondPerson({ keyId: row.proposedBy, owner: row.proposedByOwner }, caller)
        if (!other.ok) return { ...other, final: false }
        view.put(adjustments, lane, {
          ...row,
          status: verdict,
          decidedBy: caller.keyId,
          decidedByOwner: caller.owner,
          decidedAt: now,
        })
        if (verdict === 'posted') post(view, row)
        return told(`settlement_adjustment.${verdict}`, row)
      },
    }),
  })
}

export const adjustmentNotFound = refusal(
  'settlement_adjustment.not_found',
  'No adjustment of a settlement has this id here (sadj_…).',
)

function alreadyDecided({ status }: AdjustmentRow) {
  return refusal('settlement_adjustment.already_decided', `The adjustment was ${status} before.`)
}

function post(view: View, { id, merchantId, amount }: AdjustmentRow): void {
  const lane = laneOfId(id)
  const ofMerchant = accountId(merchantId, 'merchant_unsettled', lane)
  const ofIssuer = accountId(issuerOfBook(view.bookId), 'clearing_adjustment', lane)
  new LedgerDesk(view, lane).transfer(
    amount > 0n
      ? { debit: ofIssuer, credit: ofMerchant, amount }
      : { debit: ofMerchant, credit: ofIssuer, amount: -amount },
  )
}

function told(
  kind: string,
  { id, merchantId, amount }: Pick<AdjustmentRow, 'id' | 'merchantId' | 'amount'>,
): Decision {
  const body = { settlementAdjustmentId: id, merchantId, amountFen: String(amount) }
  return { ok: true, value: { kind, version: 1, body } }
}

/** As its row says. Who acted is told by owner and key. */
export function presentAdjustment(row: AdjustmentRow) {
  return {
    id: formatId('settlement_adjustment', row.id),
    merchant_id: formatId('merchant', row.merchantId),
    amount: fenToJson(row.amount),
    currency,
    reason: row.reason,
    status: row.status,
    proposed_by: { key_id: formatId('key', row.proposedBy), owner: row.proposedByOwner },
    proposed_at: formatInstant(row.proposedAt),
    decided_by_key_id: row.decidedBy === null ? null : formatId('key', row.decidedBy),
    decided_by_owner: row.decidedByOwner,
    decided_at: row.decidedAt === null ? null : formatInstant(row.decidedAt),
    reference: row.reference,
    metadata: { ...row.metadata },
  }
}
