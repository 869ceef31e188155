/** A payment is taken back whole, as if it had not been: once, and only while nothing of it was refunded. */
import {
  type BookId,
  laneOfId,
  ok,
  type PaymentId,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  checkCancel,
  findPayment,
  giveBack,
  type PaymentRow,
  paymentHolds,
  payments,
} from '../modules/payments/index.ts'
import { type Command, type Outcome, read, type View } from '../platform/lanes/index.ts'
import type { FlowContext } from './context.ts'
import { Desks } from './payments/desks.ts'
import { giveBackToCards, type PaymentReads, readsOfPayment } from './payments/give-back.ts'
import { allocationsBody, tillBody } from './payments/outcomes.ts'
import { takeBackRebates } from './rebates/take-back-of-payment.ts'
import { paymentNotFound } from './refund.ts'

/**
 * Refusals: `payment.not_found` (not final), `payment.cancelled`, `payment.has_refunds`, `payment.is_combined`: it goes
 * back with the combined payment that it is a part of.
 */
export async function cancelPaymentCommand(
  context: FlowContext,
  { book }: { readonly book: BookId },
  { paymentId }: { readonly paymentId: PaymentId },
  key: string,
): Promise<Result<Command>> {
  const payment = await findPayment(context.database.sql, book, paymentId)
  if (payment === undefined) return refused(paymentNotFound)
  return ok({
    book,
    operation: 'payment.cancelled',
    key,
    input: { payment: paymentId },
    homeLane: () => laneOfId(paymentId),
    plan: async () => {
      const { takeBack, ...reads } = await readsOfPayment(context, payment)
      const { holdId } = payment
      const ofHold = holdId === null ? [] : [read(paymentHolds, laneOfId(paymentId), holdId)]
      return {
        lanes: reads.lanes,
        reads: [...reads.reads, ...ofHold],
        decide: (view) => {
          const current = view.get(payments, paymentId)
          if (current === undefined || current.bookId !== view.bookId)
            return { ok: false, final: false, refusal: paymentNotFound }
          const possible = checkCancel(current)
          const isPart = holdId !== null && view.get(paymentHolds, holdId)?.isTied === true
          if (possible.ok && isPart) return refused(isCombined)
          return possible.ok ? ok(reverse(view, current, takeBack)) : possible
        },
      }
    },
  })
}

const isCombined = refusal(
  'payment.is_combined',
  'The payment is the card part of a combined payment: refund that.',
)

/** Everything goes back to where it came from; what was captured from a hold is not set aside again. */
export function reverse(
  view: View,
  payment: PaymentRow,
  takeBack: PaymentReads['takeBack'],
): Outcome {
  const desks = new Desks(view)
  const { shares } = giveBack(payment.allocations, payment.amount)
  const given = giveBackToCards(view, desks, payment, shares)
  view.put(payments, laneOfId(payment.id), { ...payment, status: 'cancelled' })
  const lost = takeBackRebates(view, desks, payment, given, takeBack)
  const body = {
    paymentId: payment.id,
    ...tillBody(payment),
    amountFen: String(payment.amount),
    allocations: allocationsBody(given),
    ...lost,
    ...desks.records(),
  }
  return { kind: 'payment.cancelled', version: 1, body }
}
