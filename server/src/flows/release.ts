/** A merchant gives a hold up: what it still sets aside is the holder's again. */
import {
  type BookId,
  type HoldId,
  type Instant,
  laneOfId,
  ok,
  type Result,
  refused,
} from '@lika/contract'
import {
  checkFree,
  checkHeld,
  findHold,
  type PaymentHoldRow,
  paymentHolds,
} from '../modules/payments/index.ts'
import type { Command, Decision, Outcome, View } from '../platform/lanes/index.ts'
import { holdNotFound } from './capture.ts'
import type { FlowContext } from './context.ts'
import { Desks } from './payments/desks.ts'
import {
  type HoldReads,
  isWhole,
  openLines,
  readsOfHold,
  releaseLines,
} from './payments/hold-lines.ts'
import { tillBody } from './payments/outcomes.ts'

/**
 * Exactly once. Refusals: `hold.not_found` (not final), `hold.tied`, `hold.released`, `hold.captured`, `hold.expired`.
 */
export async function releaseCommand(
  context: FlowContext,
  { book }: { readonly book: BookId },
  { holdId }: { readonly holdId: HoldId },
  key: string,
): Promise<Result<Command>> {
  const hold = await findHold(context.database.sql, book, holdId)
  if (hold === undefined) return refused(holdNotFound)
  return ok({
    book,
    operation: 'hold.released',
    key,
    input: { hold: holdId },
    homeLane: () => laneOfId(holdId),
    plan: async () => {
      const { open, ...reads } = await readsOfHold(context, hold)
      return { ...reads, decide: (view, now) => decide(view, holdId, open, now) }
    },
  })
}

function decide(view: View, holdId: HoldId, open: HoldReads['open'], now: Instant): Decision {
  const hold = view.get(paymentHolds, holdId)
  if (hold === undefined || hold.bookId !== view.bookId)
    return { ok: false, final: false, refusal: holdNotFound }
  const free = checkFree(hold)
  if (!free.ok) return free
  const held = checkHeld(hold, now)
  return held.ok ? ok(releaseHold(view, hold, open)) : held
}

/** Frees all that a hold that has not expired still sets aside. */
export function releaseHold(view: View, hold: PaymentHoldRow, open: HoldReads['open']): Outcome {
  // What is not there any more is free already; what moved meanwhile is looked for again.
  isWhole(hold, openLines(view, hold), open)
  return endHold(view, hold, 'released')
}

/** Frees what is left on accounts, and ends the hold. */
export function endHold(view: View, hold: PaymentHoldRow, status: 'released' | 'expired'): Outcome {
  const desks = new Desks(view)
  const body = endHoldWith(view, desks, hold, status)
  return { kind: `hold.${status}`, version: 1, body }
}

/** As a part of a command that does more. */
export function endHoldWith(
  view: View,
  desks: Desks,
  hold: PaymentHoldRow,
  status: 'released' | 'expired',
): Outcome['body'] {
  releaseLines(desks, openLines(view, hold))
  const released = hold.amount - hold.captured
  view.put(paymentHolds, laneOfId(hold.id), { ...hold, released, status })
  return {
    holdId: hold.id,
    ...tillBody(hold),
    releasedAmountFen: String(released - hold.released),
    ...desks.records(),
  }
}
