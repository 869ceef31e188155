/** Bills of WeChat Pay: what they say, and which of them were held against the books. */
export {
  type BilledPayment,
  type BilledRefund,
  type BilledRow,
  feesOf,
  fundGap,
  readFundRow,
  readTradeRow,
  readyAfterMs,
  type WechatBillRow,
} from './model.ts'
export {
  insertBill,
  lastBilledDay,
  ordersPaidOn,
  selectBills,
  tillsPaidOn,
  type WechatBillFilter,
} from './store.ts'
