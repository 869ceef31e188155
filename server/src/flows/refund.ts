/** A merchant gives money of a payment back, in part or whole: to the sub-balances that it came from, last taken first. */
import {
  asId,
  type BookId,
  type CommandId,
  type Fen,
  formatId,
  type Instant,
  issuerOfBook,
  laneOfId,
  ok,
  type PaymentId,
  type RefundId,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  checkRefund,
  findPayment,
  giveBack,
  type PaymentRow,
  payments,
  type RefundRow,
  refunds,
} from '../modules/payments/index.ts'
import { checkRefundWindow } from '../modules/policy/index.ts'
import type { Command, Decision, NameState, Outcome, View } from '../platform/lanes/index.ts'
import { type Law, lawOf } from './cards/law.ts'
import type { FlowContext } from './context.ts'
import { nameKinds, ofMerchant } from './names.ts'
import { Desks } from './payments/desks.ts'
import { giveBackToCards, type PaymentReads, readsOfPayment } from './payments/give-back.ts'
import { allocationsBody } from './payments/outcomes.ts'
import { takeBackRebates } from './rebates/take-back-of-payment.ts'

export interface RefundInput {
  readonly paymentId: PaymentId
  readonly amount: Fen
  /** The merchant's own number, unique among its refunds. */
  readonly reference: string
  readonly reason?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * Refusals:
 *
 * 1. `payment.not_found` (not final)
 * 2. `reference.already_used`
 * 3. `payment.cancelled`
 * 4. `refund.exceeds_payment`, with what is allowed
 * 5. `policy.refund_too_late`
 */
export async function refundCommand(
  context: FlowContext,
  { book }: { readonly book: BookId },
  input: RefundInput,
  key: string,
): Promise<Result<Command>> {
  const { paymentId, amount, reference, reason, metadata } = input
  const payment = await findPayment(context.database.sql, book, paymentId)
  if (payment === undefined) return refused(paymentNotFound)
  const law = await lawOf(context, issuerOfBook(book))
  return ok({
    book,
    operation: 'refund.created',
    key,
    input: { payment: paymentId, amount: String(amount), reference, reason, metadata },
    homeLane: () => laneOfId(paymentId),
    name: { kind: nameKinds.refund, name: ofMerchant(payment.merchantId, reference) },
    plan: async (_: CommandId, name: NameState) => {
      const { takeBack, ...reads } = await readsOfPayment(context, payment)
      const asked = { input, law, taken: takenBy(name), takeBack }
      return { ...reads, decide: (view, now) => decide(view, asked, now) }
    },
  })
}

export const paymentNotFound = refusal('payment.not_found', 'No payment has this id here (pay_…).')

/** Of the merchant's own number for the refund. */
export function takenBy(name: NameState): Refusal | undefined {
  if (name === 'own') return undefined
  const detail = 'The merchant already used this reference for a refund.'
  if (name === 'cancelled') return refusal('reference.already_used', detail)
  const data = { existing_id: formatId('refund', name.takenBy) }
  return refusal('reference.already_used', detail, { data })
}

interface Asked {
  readonly input: RefundInput
  readonly law: Law
  readonly taken: Refusal | undefined
  readonly takeBack: PaymentReads['takeBack']
}

function decide(view: View, { input, law, taken, takeBack }: Asked, now: Instant): Decision {
  const payment = view.get(payments, input.paymentId)
  if (payment === undefined || payment.bookId !== view.bookId)
    return { ok: false, final: false, refusal: paymentNotFound }
  if (taken !== undefined) return refused(taken)
  const possible = checkRefund(payment, input.amount)
  if (!possible.ok) return possible
  const lawful = checkRefundWindow(law.at(now), { paidAt: payment.createdAt, now })
  if (!lawful.ok) return lawful
  const body = refundOf(view, new Desks(view), payment, { ...input, takeBack }, now)
  return { ok: true, value: { kind: 'refund.created', version: 1, body } }
}

/** Gives back what was found possible; the refund has the id of the command. What the journal keeps of it. */
export function refundOf(
  view: View,
  desks: Desks,
  payment: PaymentRow,
  input: Omit<RefundInput, 'paymentId'> & Pick<Asked, 'takeBack'>,
  now: Instant,
): Outcome['body'] {
  const { amount, reference, reason, metadata } = input
  const id: RefundId = asId(view.commandId)
  const { allocations, shares } = giveBack(payment.allocations, amount)
  const given = giveBackToCards(view, desks, payment, shares)
  const home = laneOfId(payment.id)
  view.put(payments, home, { ...payment, refunded: payment.refunded + amount, allocations })
  const lost = takeBackRebates(view, desks, payment, given, input.takeBack)
  const row: RefundRow = {
    id,
    bookId: view.bookId,
    paymentId: payment.id,
    amount,
    reference,
    reason: reason ?? null,
    allocations: given.map((share) => ({ ...share, refunded: 0n })),
    takenBack: lost.takenBack ?? null,
    metadata: metadata ?? null,
    createdAt: now,
  }
  view.put(refunds, home, row)
  return {
    refundId: id,
    paymentId: payment.id,
    merchantId: payment.merchantId,
    amountFen: String(amount),
    allocations: allocationsBody(given),
    ...lost,
    ...desks.records(),
  }
}
