/** Orders: what is sold through WeChat, under which numbers it is paid there, and what goes back. */
export { orderCheck } from './audit.ts'
export {
  callInFlightMs,
  checkRefundFact,
  checkTrade,
  isSameInvitation,
  isSealed,
  lookAgainMs,
  mayBePaid,
  mostCards,
  moved,
  orderMay,
  orderStatusOf,
  type PaidFact,
} from './model.ts'
export {
  mostRefunds,
  mostTrades,
  type NumberOfOrder,
  outRefundNo,
  outTradeNo,
  readOutRefundNo,
  readOutTradeNo,
} from './numbers.ts'
export {
  type Due,
  findOrder,
  findOrderRefund,
  findTrade,
  isCardOfMembers,
  type OrderFilter,
  type OrderPlace,
  type RefundShown,
  selectCardsOfMembers,
  selectExpired,
  selectOrders,
  selectRefundsOf,
  selectTradeNotes,
  selectTradesOf,
  selectUnsealed,
  takeDueRefunds,
  takeDueTrades,
  writeInvitation,
  writeRefundProblem,
  writeTradeProblem,
} from './read.ts'
export {
  loadOrderRefunds,
  type OrderRefundRow,
  orderRefundKey,
  orderRefunds,
  type RefundBasis,
  refundBases,
} from './refund-store.ts'
export { loadOrders, type OrderRow, orders } from './store.ts'
export { loadTrades, type TradeRow, type TradeScene, tradeKey, trades } from './trade-store.ts'
