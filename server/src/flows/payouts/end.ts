/** A payout comes to its end: first in the ledger, then in its row. Whatever was done already is not done again. */
import { ok, type PayoutState, type Result, refused } from '@lika/contract'
import { endPayout, type Payout, type PayoutEnd } from '../../modules/payouts/index.ts'
import type { Command } from '../../platform/lanes/index.ts'
import { insist } from '../jobs/insist.ts'
import {
  confirmPayoutCommand,
  type PayoutStep,
  paidStatementCommand,
  returnPayoutCommand,
} from '../settle/payouts.ts'
import type { PayoutContext } from './desk.ts'

export interface Ending {
  readonly end: PayoutEnd
  /** The bank's number of the payment. */
  readonly serial: string | null
  readonly reason: string | null
}

/** From which states a payout comes to that end. */
const endsFrom: Readonly<Record<PayoutEnd, readonly PayoutState[]>> = {
  confirmed: ['sent'],
  failed: ['sent'],
  returned: ['sent', 'confirmed'],
}

/** Refusals are the ledger's, where the payout has come to another end meanwhile: `settlement.not_in_flight`. */
export async function endPayoutAs(
  context: PayoutContext,
  payout: Payout,
  { end, serial, reason }: Ending,
): Promise<Result<void>> {
  const command = endCommand(context, payout, end)
  const executed = command.ok ? await insist(context, command.value) : command
  if (!('at' in executed)) return refused(executed.refusal)
  if (end === 'confirmed') await sayWhenPaid(context, payout)
  const row = { end, from: endsFrom[end], serial, reason, at: executed.at }
  await endPayout(context.database.sql, payout.id, row)
  return ok(undefined)
}

/** What the ledger is told of a payout. */
export function stepOf({ id, settlementId, merchantId, amount }: Payout): PayoutStep {
  return { payoutId: id, settlementId, merchantId, amount }
}

function endCommand(context: PayoutContext, payout: Payout, end: PayoutEnd): Result<Command> {
  const { bookId } = payout
  switch (end) {
    case 'confirmed':
      return confirmPayoutCommand(context, bookId, stepOf(payout))
    case 'failed':
      return returnPayoutCommand(context, bookId, stepOf(payout), 'payout.failed')
    case 'returned':
      return returnPayoutCommand(context, bookId, stepOf(payout), 'payout.returned')
  }
}

/** Of several payouts of a statement the last one to arrive makes it paid; before that the ledger will not say so. */
async function sayWhenPaid(context: PayoutContext, payout: Payout): Promise<void> {
  const { bookId, settlementId, id: payoutId } = payout
  const command = paidStatementCommand(context, bookId, { settlementId, payoutId })
  if (command.ok) await insist(context, command.value)
}
