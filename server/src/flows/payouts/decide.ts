/**
 * What a second person decides: that a batch goes to the bank, or what became of a payout about which the bank will not
 * say it in a file. Calling a batch off takes no second person: nothing leaves.
 */
import {
  type BookId,
  type Mode,
  ok,
  type PayoutBatchId,
  type PayoutId,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { secondPerson } from '../../modules/access/index.ts'
import {
  cancelBatch,
  finishBatch,
  type Hand,
  type Payout,
  type PayoutBatch,
  type PayoutEnd,
  releaseBatch,
  selectBatches,
  selectPayouts,
} from '../../modules/payouts/index.ts'
import { payoutNotFound } from './create.ts'
import type { PayoutContext } from './desk.ts'
import { endPayoutAs } from './end.ts'
import type { PayoutRunner } from './runner.ts'

export interface Decider extends Hand {
  readonly book: BookId
  readonly mode: Mode
}

/**
 * The batch goes to the bank. Refusals: `payout_batch.not_found`, `payout_batch.already_decided`, `approval.same_person`,
 * `payout.no_bank`.
 */
export async function releasePayoutBatch(
  context: PayoutContext,
  runner: PayoutRunner,
  caller: Decider,
  id: PayoutBatchId,
): Promise<Result<PayoutBatch>> {
  const batch = await findBatch(context, caller.book, id)
  if (batch === undefined) return refused(batchNotFound)
  if (batch.status !== 'created') return refused(decided(batch))
  const first = { keyId: batch.createdBy, owner: batch.createdByOwner }
  const second = secondPerson(first, caller)
  if (!second.ok) return second
  if (!runner.hasBank(caller.mode)) return refused(noBank(caller.mode))
  const { database, engine } = context
  const released = await releaseBatch(database.sql, id, caller, engine.now(caller.mode))
  if (released) runner.wake()
  return decidedNow(context, caller, id, released)
}

/** Its payouts may be in a later batch. Refusals: `payout_batch.not_found`, `payout_batch.already_decided`. */
export async function cancelPayoutBatch(
  context: PayoutContext,
  caller: Decider,
  id: PayoutBatchId,
): Promise<Result<PayoutBatch>> {
  if ((await findBatch(context, caller.book, id)) === undefined) return refused(batchNotFound)
  const { database, engine } = context
  const cancelled = await cancelBatch(database.sql, id, engine.now(caller.mode))
  return decidedNow(context, caller, id, cancelled)
}

async function decidedNow(
  context: PayoutContext,
  { book }: Decider,
  id: PayoutBatchId,
  isChanged: boolean,
): Promise<Result<PayoutBatch>> {
  const batch = await findBatch(context, book, id)
  if (batch === undefined) return refused(batchNotFound)
  return isChanged ? ok(batch) : refused(decided(batch))
}

export interface OutcomeGiven {
  readonly end: PayoutEnd
  readonly serial: string | null
  readonly reason: string
}

/**
 * What became of a payout that is with the bank, as somebody learned it from the bank: not the one who released it.
 * Refusals: `payout.not_found`, `payout.not_open` (it has an outcome, or its order has not left), `approval.same_person`.
 */
export async function givePayoutOutcome(
  context: PayoutContext,
  caller: Decider,
  id: PayoutId,
  outcome: OutcomeGiven,
): Promise<Result<Payout>> {
  const { sql } = context.database
  const payout = await findPayout(context, caller.book, id)
  if (payout === undefined) return refused(payoutNotFound)
  if (payout.status !== 'sent') return refused(notOpen(payout))
  const batch = await findBatch(context, caller.book, payout.batchId)
  const { releasedBy = null, releasedByOwner = null, delivery = 'none' } = batch ?? {}
  if (releasedBy === null || releasedByOwner === null)
    throw new Error(`payout ${id} was sent and nobody released it`)
  if (delivery === 'none') return refused(notLeft)
  const second = secondPerson({ keyId: releasedBy, owner: releasedByOwner }, caller)
  if (!second.ok) return second
  const done = await endPayoutAs(context, payout, outcome)
  const ended = await findPayout(context, caller.book, id)
  if (ended === undefined) return refused(payoutNotFound)
  if (!done.ok || ended.status !== outcome.end) return refused(notOpen(ended))
  await finishBatch(sql, payout.batchId, context.engine.now(caller.mode))
  return ok(ended)
}

async function findBatch({ database }: PayoutContext, book: BookId, id: PayoutBatchId) {
  return (await selectBatches(database.sql, book, { id, limit: 1 }))[0]
}

async function findPayout({ database }: PayoutContext, book: BookId, id: PayoutId) {
  return (await selectPayouts(database.sql, book, { id, limit: 1 }))[0]
}

const batchNotFound = refusal(
  'payout_batch.not_found',
  'No payout batch has this id here (pbat_…).',
)

function decided({ status }: PayoutBatch) {
  return refusal('payout_batch.already_decided', `The batch is ${status}.`, { data: { status } })
}

function noBank(mode: Mode) {
  return refusal('payout.no_bank', `The server knows of no bank for the ${mode} mode.`)
}

const notLeft = refusal('payout.not_open', 'Its order has not left for the bank yet.')

function notOpen({ status }: Payout) {
  return refusal('payout.not_open', `The payout is ${status}.`, { data: { status } })
}
