/** Profit sharing: who gets a share of what is sold by WeChat, and what is on its way to them. */
export {
  mostSharedBp,
  outReturnNo,
  outShareNo,
  partsOf,
  relations,
  returnOf,
  type ShareRow,
  type SharingRule,
  shareAfterMs,
  shareStates,
} from './model.ts'
export { insertReturn, type ReturnRow, returnsOfShare, shareReturns } from './return-store.ts'
export { insertRule, rulesFor, selectRules } from './rule-store.ts'
export {
  type AskedShare,
  accountsWaiting,
  cancelWaiting,
  insertShares,
  type NewShare,
  postponeShares,
  selectShares,
  shareOfTrade,
  shares,
  takeShares,
} from './share-store.ts'
