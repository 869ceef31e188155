/**
 * Payments, refunds and holds as callers see them. An answer that is given again is made of the outcome and of what
 * never changes (the caller's own input, or the row's own numbers), so that it is the first one to the letter.
 */
import {
  asId,
  type Currency,
  currency,
  fenToJson,
  formatId,
  formatInstant,
  type Instant,
} from '@lika/contract'
import {
  holdStatusOf,
  type PaymentHoldRow,
  type PaymentRow,
  type RefundRow,
} from '../../modules/payments/index.ts'
import { type Body, fenIn, listIn, textIn } from '../cards/facts.ts'
import { presentTakenBack } from '../rebates/present.ts'
import { allocationsFrom, type ShownAllocation, tillFrom } from './outcomes.ts'

const inCurrency: { readonly currency: Currency } = { currency }

/** What the caller gave along; it stays out of the journal. */
export interface Given {
  readonly reference: string
  readonly metadata?: Readonly<Record<string, string>> | null | undefined
}

type Shown<Row> = Omit<Row, 'bookId' | 'allocations'> & {
  readonly allocations: readonly ShownAllocation[]
}

/** A payment as it was when it was made, of cards or out of a hold. */
export function paidFrom(body: Body, at: Instant, given: Given): Shown<PaymentRow> {
  const { holdId } = body
  return {
    ...tillFrom(body),
    id: asId(textIn(body, 'paymentId')),
    amount: fenIn(body, 'amountFen'),
    refunded: 0n,
    status: 'succeeded',
    reference: given.reference,
    holdId: typeof holdId === 'string' ? asId(holdId) : null,
    allocations: allocationsFrom(body),
    receiptNumber: textIn(body, 'receiptNumber'),
    metadata: given.metadata ?? null,
    createdAt: at,
  }
}

export function presentPayment(payment: Shown<PaymentRow>) {
  return {
    id: formatId('payment', payment.id),
    ...presentPaid(payment),
    receipt_number: payment.receiptNumber,
  }
}

/** Without what only a payment that was made has. */
function presentPaid(payment: Shown<PaymentRow>) {
  return {
    status: payment.status,
    amount: fenToJson(payment.amount),
    ...inCurrency,
    refunded_amount: fenToJson(payment.refunded),
    ...presentTill(payment),
    hold_id: payment.holdId === null ? null : formatId('hold', payment.holdId),
    allocations: payment.allocations.map(presentAllocation),
    reference: payment.reference,
    metadata: { ...payment.metadata },
    created_at: formatInstant(payment.createdAt),
  }
}

/** A payment that was not made. */
export function presentPreview(body: Body, at: Instant, given: Given) {
  return { id: null, ...presentPaid(paidFrom(body, at, given)), receipt_number: null }
}

/** A hold as it was when it was made. */
export function heldFrom(body: Body, at: Instant, given: Given): Shown<PaymentHoldRow> {
  return {
    ...tillFrom(body),
    id: asId(textIn(body, 'holdId')),
    amount: fenIn(body, 'amountFen'),
    captured: 0n,
    released: 0n,
    status: 'held',
    expiresAt: Number(body['expiresAt']),
    isTied: false,
    reference: given.reference,
    allocations: allocationsFrom(body),
    metadata: given.metadata ?? null,
    createdAt: at,
  }
}

/** `now` decides whether it reads `expired`. */
export function presentHold(hold: Shown<PaymentHoldRow>, now: Instant) {
  return { id: formatId('hold', hold.id), ...presentHeld(hold, now) }
}

function presentHeld(hold: Shown<PaymentHoldRow>, now: Instant) {
  return {
    status: holdStatusOf(hold, now),
    amount: fenToJson(hold.amount),
    ...inCurrency,
    captured_amount: fenToJson(hold.captured),
    released_amount: fenToJson(hold.released),
    ...presentTill(hold),
    allocations: hold.allocations.map(presentAllocation),
    expires_in: Math.round((hold.expiresAt - hold.createdAt) / 1_000),
    expires_at: formatInstant(hold.expiresAt),
    reference: hold.reference,
    metadata: { ...hold.metadata },
    created_at: formatInstant(hold.createdAt),
  }
}

/** A hold that was not made. */
export function presentHoldPreview(body: Body, at: Instant, given: Given) {
  return { id: null, ...presentHeld(heldFrom(body, at, given), at) }
}

export interface RefundGiven extends Given {
  readonly reason?: string | null | undefined
}

export function refundedFrom(body: Body, at: Instant, given: RefundGiven): Shown<RefundRow> {
  return {
    id: asId(textIn(body, 'refundId')),
    paymentId: asId(textIn(body, 'paymentId')),
    amount: fenIn(body, 'amountFen'),
    reference: given.reference,
    reason: given.reason ?? null,
    allocations: allocationsFrom(body),
    takenBack: body['takenBack'] === undefined ? null : listIn(body, 'takenBack'),
    metadata: given.metadata ?? null,
    createdAt: at,
  }
}

export function presentRefund(refund: Shown<RefundRow>) {
  return {
    id: formatId('refund', refund.id),
    payment_id: formatId('payment', refund.paymentId),
    status: 'succeeded' as const,
    amount: fenToJson(refund.amount),
    ...inCurrency,
    allocations: refund.allocations.map(presentAllocation),
    ...(refund.takenBack === null ? {} : presentTakenBack({ takenBack: refund.takenBack })),
    reference: refund.reference,
    reason: refund.reason,
    metadata: { ...refund.metadata },
    created_at: formatInstant(refund.createdAt),
  }
}

function presentTill({
  merchantId,
  storeId,
  terminalId,
  channel,
}: Pick<PaymentRow, 'merchantId' | 'storeId' | 'terminalId' | 'channel'>) {
  return {
    merchant_id: formatId('merchant', merchantId),
    store_id: storeId === null ? null : formatId('store', storeId),
    terminal_id: terminalId === null ? null : formatId('terminal', terminalId),
    ...(channel === null ? {} : { channel }),
  }
}

function presentAllocation(allocation: ShownAllocation) {
  return {
    card_id: formatId('card', allocation.cardId),
    sub_balance: allocation.subBalance,
    ...(allocation.voucherId === undefined
      ? {}
      : { voucher_id: formatId('voucher', allocation.voucherId) }),
    amount: fenToJson(allocation.amount),
    balance_after: fenToJson(allocation.balanceAfter),
  }
}
