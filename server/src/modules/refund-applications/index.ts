/** Abnormal refunds for which WeChat was given a bank card of the payer: whether it has answered, never which card. */
export {
  findRefundApplication,
  type RefundApplicationRow,
  refundApplications,
  writeApplicationAnswer,
} from './store.ts'
