/** Policy: the limits that bind an issuer, as dated data with their sources. */
export {
  type BuyerIdentity,
  checkBatch,
  checkCardBalance,
  checkCash,
  checkHoldLife,
  checkIdentity,
  checkRefundWindow,
  checkSale,
  checkSplitDepth,
  checkValidity,
  type FundingMethod,
} from './checks.ts'
export { type ExplainedRule, explain } from './explain.ts'
export { loadPacks } from './load.ts'
export {
  choosePacks,
  effectiveRules,
  type Pack,
  type Packs,
  type Policy,
  requiredCount,
} from './model.ts'
export {
  checkCoolingOff,
  checkOnDemand,
  checkPayout,
  checkWithdrawal,
  type Payout,
  payBy,
} from './redemption-checks.ts'
export {
  feeOf,
  type Interest,
  interestOn,
  type Prepayment,
  type RedemptionCause,
  type RefundDue,
  refundDue,
  type Valuation,
} from './refund-formula.ts'
export { loadTables, type Tables } from './tables.ts'
