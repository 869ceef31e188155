/** Profit sharing: who gets a share of what is sold by WeChat, and what is on its way to them. */
export { isShared, sharedOf } from './flag-store.ts'
export {
  askAgainMs,
  followPausesMs,
  keptForMs,
  mayArriveYet,
  mostSharedBp,
  outReturnNo,
  outShareNo,
  outUnfreezeNo,
  type Payee,
  partsOf,
  type RestState,
  relations,
  restStates,
  returnOf,
  returnWithinMs,
  type SharePart,
  type ShareRow,
  type SharingReceiver,
  type SharingRule,
  sendAgainMs,
  shareAfterMs,
  shareStates,
  shareWithinMs,
} from './model.ts'
export {
  insertReturn,
  notEnough,
  noteReturn,
  type ReturnRow,
  returnsOfShares,
  shareReturns,
  takeLateReturns,
} from './return-store.ts'
export { insertRule, rulesFor, selectRules } from './rule-store.ts'
export {
  cancelWaiting,
  countShares,
  findShare,
  insertShares,
  type NewShare,
  selectShares,
  shareOfTrade,
  shares,
} from './share-store.ts'
export {
  type AskedShare,
  accountsWaiting,
  noteRests,
  postponeShares,
  takeShares,
  tryShareNow,
} from './take-store.ts'
