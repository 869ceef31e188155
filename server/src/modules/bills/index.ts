/** Bills of WeChat Pay: what they say, and which of them were held against the books. */
export {
  type BilledMovement,
  type BilledRow,
  cameBack,
  feesOf,
  fundGap,
  movedRows,
  type ReturnedRefund,
  readFundRow,
  readTradeRow,
  readyAfterMs,
  returnedOf,
  type WechatBillRow,
} from './model.ts'
export {
  insertBill,
  lastBilledDay,
  ordersPaidOn,
  selectBills,
  tillsPaidOn,
} from './store.ts'
