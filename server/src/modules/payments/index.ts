/** Payments, refunds and holds: what merchants took from cards, set aside, and gave back. */
export { paymentCheck } from './audit.ts'
export {
  type Allocation,
  accountOf,
  accountOfShare,
  cardOfAccount,
  checkCancel,
  checkCapture,
  checkFree,
  checkHeld,
  checkRefund,
  checkSources,
  contradiction,
  giveBack,
  holdExpired,
  holdStatusOf,
  leftOfHold,
  mostSources,
  type PaidFrom,
  type Share,
  type SourcePots,
  takeFrom,
  takeFromLines,
  wasCancelled,
} from './model.ts'
export {
  dueHolds,
  findHold,
  findPayment,
  findRefund,
  listPayments,
  type PaymentFilter,
  paymentsOfOwner,
} from './read.ts'
export { receiptNumberOf } from './receipt.ts'
export {
  loadPayments,
  type PaymentHoldRow,
  type PaymentRow,
  paymentHolds,
  payments,
  type RefundRow,
  refunds,
} from './store.ts'
