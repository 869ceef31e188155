/** A payment is taken back whole, as if it had not been: once, and only while nothing of it was refunded. */
import { type BookId, laneOfId, ok, type PaymentId, type Result, refused } from '@lika/contract'
import {
  checkCancel,
  findPayment,
  giveBack,
  type PaymentRow,
  payments,
} from '../modules/payments/index.ts'
import type { Command, Outcome, View } from '../platform/lanes/index.ts'
import type { FlowContext } from './context.ts'
import { Desks } from './payments/desks.ts'
import { giveBackToCards, type PaymentReads, readsOfPayment } from './payments/give-back.ts'
import { allocationsBody, tillBody } from './payments/outcomes.ts'
import { takeBackRebates } from './rebates/take-back-of-payment.ts'
import { paymentNotFound } from './refund.ts'

/** Refusals: `payment.not_found` (not final), `payment.cancelled`, `payment.has_refunds`. */
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
      return {
        ...reads,
        decide: (view) => {
          const current = view.get(payments, paymentId)
          if (current === undefined || current.bookId !== view.bookId)
            return { ok: false, final: false, refusal: paymentNotFound }
          const possible = checkCancel(current)
          return possible.ok ? ok(reverse(view, current, takeBack)) : possible
        },
      }
    },
  })
}

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
