/** Bills of WeChat Pay: what they say, and which of them were held against the books. */
export {
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
} from './store.ts'
