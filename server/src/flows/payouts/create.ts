/** A payout batch is put together: what is due on a day, or one payout anew in the place of one that came to nothing. */
import {
  asId,
  type BookId,
  type BusinessDate,
  businessDateOf,
  type MerchantId,
  type Mode,
  ok,
  type PayoutBatchId,
  type PayoutId,
  type Result,
  refusal,
  refused,
  type SettlementId,
} from '@lika/contract'
import { type DuePortion, portionsDue } from '../../modules/clearing/index.ts'
import {
  type Hand,
  insertBatch,
  insertPayouts,
  mayBeReposted,
  type NewPayout,
  type Payout,
  type PayoutChannel,
  selectPayouts,
  settledBefore,
} from '../../modules/payouts/index.ts'
import type { Sql } from '../../platform/db.ts'
import type { PayoutContext } from './desk.ts'

export interface BatchCaller extends Hand {
  readonly book: BookId
  readonly mode: Mode
}

export interface Labels {
  readonly reference: string | null
  readonly metadata: Readonly<Record<string, string>>
}

/** What is due and is not in the batch. */
export interface Skipped {
  readonly settlementId: SettlementId
  readonly merchantId: MerchantId
  /** `no_account`: the contract in force names none. Else what the bank's files cannot hold. */
  readonly reason: string
}

export type Made =
  | { readonly made: PayoutBatchId; readonly skipped: readonly Skipped[] }
  | { readonly existing: PayoutBatchId }

/** In one file; what is left goes into the next batch. */
const mostPayouts = 5_000
const pageSize = 500

/**
 * Everything of the book that is due by `day` and was in no batch yet, to the accounts of the contracts in force.
 * Refusals: `date.out_of_range` for a day to come, `payout.nothing_due`. A reference that is taken answers its batch.
 */
export async function createPayoutBatch(
  context: PayoutContext,
  channel: PayoutChannel | undefined,
  caller: BatchCaller,
  { payOn, ...labels }: Labels & { readonly payOn?: BusinessDate | undefined },
): Promise<Result<Made>> {
  const today = businessDateOf(context.engine.now(caller.mode))
  const day = payOn ?? today
  if (day > today)
    return refused(
      refusal('date.out_of_range', 'What is due on a day to come cannot be paid yet.', {
        data: { allowed: { max: today } },
      }),
    )
  const { payouts, skipped } = await collect(context, channel, caller, day, today)
  if (payouts.length === 0) return refused(nothingDue(day, skipped))
  return insert(context, caller, labels, payouts, skipped)
}

async function collect(
  context: PayoutContext,
  channel: PayoutChannel | undefined,
  { book, mode }: BatchCaller,
  day: BusinessDate,
  today: BusinessDate,
) {
  const { sql } = context.database
  const lanes = context.engine.lanesOf(mode)
  const payouts: NewPayout[] = []
  const skipped: Skipped[] = []
  for (let after: DuePortion | undefined; payouts.length < mostPayouts; ) {
    const page = await portionsDue(sql, lanes, book, day, after, pageSize)
    const known = await settledBefore(sql, page.map(keyOfPortion))
    const fresh = page.filter((one) => !known.has(keyOfPortion(one)))
    const places = await destinationsOf(context, channel, book, fresh, today)
    for (const [at, { statementId: settlementId, merchantId, amount }] of fresh.entries()) {
      const to = places[at] ?? noAccount
      if ('reason' in to) skipped.push({ settlementId, merchantId, reason: to.reason })
      else if (payouts.length < mostPayouts)
        payouts.push({
          id: asId(context.newId()),
          line: payouts.length + 1,
          settlementId,
          merchantId,
          contractVersion: to.contractVersion,
          amount,
          previousId: null,
        })
    }
    if (page.length < pageSize) break
    after = page.at(-1)
  }
  return { payouts, skipped }
}

function keyOfPortion({ statementId, merchantId }: DuePortion): string {
  return `${statementId} ${merchantId}`
}

type Destination = { readonly contractVersion: number } | { readonly reason: string }

const noAccount = { reason: 'no_account' }

/** The accounts of the contracts in force: where one was put right since the statement, the right one. */
async function destinationsOf(
  { merchants }: PayoutContext,
  channel: PayoutChannel | undefined,
  book: BookId,
  payees: readonly { readonly merchantId: MerchantId }[],
  today: BusinessDate,
): Promise<Destination[]> {
  const ids = [...new Set(payees.map(({ merchantId }) => merchantId))]
  const terms = await merchants.termsOf(book, ids, today)
  return Promise.all(
    payees.map(async ({ merchantId }): Promise<Destination> => {
      const contractVersion = terms.get(merchantId)?.version ?? 0
      const account = await merchants.payoutAccountOf(book, merchantId, contractVersion)
      if (account === undefined) return noAccount
      const reason = channel?.objectionTo(account)
      return reason === undefined ? { contractVersion } : { reason }
    }),
  )
}

function nothingDue(day: BusinessDate, skipped: readonly Skipped[]) {
  const detail =
    skipped.length === 0
      ? `Nothing is due by ${day} that is not in a payout batch already.`
      : `Of what is due by ${day} nothing can be paid: ${skipped.length} payees have no account that the bank takes.`
  return refusal('payout.nothing_due', detail, { data: { skipped: skipped.length } })
}

/** All or nothing. What another batch took in the same moment is left to it. */
async function insert(
  { database, engine, newId }: PayoutContext,
  caller: BatchCaller,
  labels: Labels,
  payouts: readonly NewPayout[],
  skipped: readonly Skipped[],
): Promise<Result<Made>> {
  const at = engine.now(caller.mode)
  const id: PayoutBatchId = asId(newId())
  const { book: bookId } = caller
  try {
    const existing = await database.transaction(async (sql: Sql) => {
      const taken = await insertBatch(sql, { id, bookId, createdAt: at, ...labels }, caller)
      if (taken !== undefined) return taken
      const made = await insertPayouts(sql, { batchId: id, bookId, at }, payouts)
      if (made.length === 0) throw new AllTaken()
      return undefined
    })
    return ok(existing === undefined ? { made: id, skipped } : { existing })
  } catch (error) {
    if (!(error instanceof AllTaken)) throw error
    return refused(
      refusal('payout.nothing_due', 'What was due is in another payout batch by now.', {
        data: { skipped: skipped.length },
      }),
    )
  }
}

class AllTaken extends Error {}

/**
 * A payout anew, in a batch of its own, to the account of the contract in force. Refusals: `payout.not_found`,
 * `payout.not_repostable` (it is not over, arrived, or has another in its place), `payout.needs_attention` unless that is
 * accepted, `payout.nothing_due` (there is no account that the bank takes).
 */
export async function repostPayout(
  context: PayoutContext,
  channel: PayoutChannel | undefined,
  caller: BatchCaller,
  { id, despiteAttention, ...labels }: Labels & { id: PayoutId; despiteAttention: boolean },
): Promise<Result<Made>> {
  const { sql } = context.database
  const [payout] = await selectPayouts(sql, caller.book, { id, limit: 1 })
  if (payout === undefined) return refused(payoutNotFound)
  if (!mayBeReposted(payout)) return refused(notRepostable(payout))
  if (payout.attention !== null && !despiteAttention) return refused(needsAttention(payout))
  const today = businessDateOf(context.engine.now(caller.mode))
  const [to = noAccount] = await destinationsOf(context, channel, caller.book, [payout], today)
  const { settlementId, merchantId, amount } = payout
  if ('reason' in to)
    return refused(nothingDue(today, [{ settlementId, merchantId, reason: to.reason }]))
  const next: NewPayout = {
    id: asId(context.newId()),
    line: 1,
    settlementId,
    merchantId,
    contractVersion: to.contractVersion,
    amount,
    previousId: id,
  }
  const inserted = await insert(context, caller, labels, [next], [])
  const isTaken = !inserted.ok && inserted.refusal.code === 'payout.nothing_due'
  return isTaken ? refused(notRepostable(payout)) : inserted
}

export const payoutNotFound = refusal('payout.not_found', 'No payout has this id here (pout_…).')

function notRepostable({ status }: Payout) {
  const isOver = status === 'failed' || status === 'returned'
  const detail = isOver
    ? 'Another payout is in its place already.'
    : `It is ${status}; only one that failed or was returned can be made anew.`
  return refusal('payout.not_repostable', detail)
}

function needsAttention({ attention }: Payout) {
  return refusal(
    'payout.needs_attention',
    `Ask the bank first (${attention}); then say despite_attention.`,
    { data: { attention } },
  )
}
