/** A merchant gives a hold up: what it still sets aside is the holder's again. */
import { type BookId, type HoldId, laneOfId, ok, type Result, refused } from '@lika/contract'
import {
  checkHeld,
  findHold,
  type PaymentHoldRow,
  paymentHolds,
} from '../modules/payments/index.ts'
import type { Command, Outcome, View } from '../platform/lanes/index.ts'
import { holdNotFound } from './capture.ts'
import type { FlowContext } from './context.ts'
import { Desks } from './payments/desks.ts'
import { assertWhole, openLines, readsOfHold, releaseLines } from './payments/hold-lines.ts'
import { tillBody } from './payments/outcomes.ts'

/**
 * Exactly once. Refusals: `hold.not_found` (not final), `hold.released`, `hold.captured`, `hold.expired`.
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
    plan: async () => ({
      ...(await readsOfHold(context, hold)),
      decide: (view, now) => {
        const current = view.get(paymentHolds, holdId)
        if (current === undefined || current.bookId !== view.bookId)
          return { ok: false, final: false, refusal: holdNotFound }
        const held = checkHeld(current, now)
        return held.ok ? ok(releaseHold(view, current)) : held
      },
    }),
  })
}

/** Frees all that a hold that has not expired still sets aside. */
export function releaseHold(view: View, hold: PaymentHoldRow): Outcome {
  const lines = openLines(view, hold)
  assertWhole(hold, lines)
  return endHold(view, hold, 'released')
}

/** Frees what is left on accounts, and ends the hold. */
export function endHold(view: View, hold: PaymentHoldRow, status: 'released' | 'expired'): Outcome {
  const desks = new Desks(view)
  releaseLines(desks, openLines(view, hold))
  const released = hold.amount - hold.captured
  view.put(paymentHolds, laneOfId(hold.id), { ...hold, released, status })
  const body = {
    holdId: hold.id,
    ...tillBody(hold),
    releasedAmountFen: String(released - hold.released),
    ...desks.records(),
  }
  return { kind: `hold.${status}`, version: 1, body }
}
