/** Combined payments: a part of cards, the rest by WeChat. */
export {
  type CallRow,
  calls,
  dueCalls,
  findCall,
  leaseCall,
  noteAsked,
  postponeCall,
  wantEnd,
} from './call-store.ts'
export {
  askedAgain,
  type CombinedRefundRow,
  type CombinedRow,
  type CombinedScene,
  combinedRefundStates,
  combinedScenes,
  combinedStates,
  divideRefund,
  idOfOutNumber,
  judgeTold,
  outNumberOf,
  outRefundNosOf,
  type RefundTold,
  refundedAtWechat,
} from './model.ts'
export { type DueDelivery, takeDueDeliveries, writeDelivery } from './shipping-store.ts'
export {
  clearRefundProblem,
  combinedPayments,
  combinedRefunds,
  findCombined,
  findCombinedRefund,
  selectWechatRefundsOf,
  writeRefundRefusal,
} from './store.ts'
