/** Policy: the limits that bind an issuer, as dated data with their sources. */
export {
  checkBatch,
  checkCardBalance,
  checkCash,
  checkHoldLife,
  checkIdentity,
  checkRefundWindow,
  checkSale,
  checkSplitDepth,
  checkValidity,
} from './checks.ts'
export { type ExplainedRule, explain } from './explain.ts'
export { loadPacks } from './load.ts'
export {
  choosePacks,
  countLimit,
  type EffectiveRule,
  effectiveRules,
  fenLimit,
  type Packs,
  type Policy,
  type RuleId,
  requiredCount,
  ruleKinds,
} from './model.ts'
export { checkCashBackRate, checkRandomRebate, checkVoucherValidity } from './rebate-checks.ts'
export {
  checkCoolingOff,
  checkOnDemand,
  checkPayout,
  checkWithdrawal,
  payBy,
} from './redemption-checks.ts'
export {
  feeOf,
  type Interest,
  interestOn,
  type RedemptionCause,
  type RefundDue,
  refundDue,
  type Valuation,
} from './refund-formula.ts'
export {
  addDays,
  type Elasticity,
  isRestDay,
  loadTables,
  type MerchantClass,
  type Tables,
} from './tables.ts'
