/** Orders: what is sold through WeChat, under which numbers it is paid there, and what goes back. */
export { orderCheck } from './audit.ts'
export {
  askedBefore,
  callInFlightMs,
  checkRefundFact,
  checkTrade,
  isSameInvitation,
  isSealed,
  judgeRefundTold,
  lastAsked,
  lookAgainMs,
  mayBePaid,
  mostCards,
  moved,
  orderStatusOf,
  type PaidFact,
} from './model.ts'
export {
  mostRefunds,
  mostTrades,
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
  type OrderPlace,
  type RefundShown,
  selectCardsOfMembers,
  selectExpired,
  selectOrders,
  selectRefundsOf,
  selectTradesOf,
  selectUnsealed,
  type TradeShown,
  takeDueRefunds,
  takeDueTrades,
  writeRefundProblem,
  writeTradeProblem,
} from './read.ts'
export {
  type OrderRefundRow,
  orderRefunds,
  type RefundBasis,
  refundBases,
} from './refund-store.ts'
export {
  type ShippingRow,
  selectShippings,
  takeDueShippings,
  writeShipping,
} from './shipping-store.ts'
export { loadOrders, type OrderRow, orderById, orders } from './store.ts'
export { loadTrades, type TradeRow, tradeKey, trades } from './trade-store.ts'
