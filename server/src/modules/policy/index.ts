/** Policy: the limits that bind an issuer, as dated data with their sources. */
export {
  type BuyerIdentity,
  checkBatch,
  checkCardBalance,
  checkCash,
  checkHoldLife,
  checkIdentity,
  checkRefundWindow,
  checkSplitDepth,
  checkValidity,
  type FundingMethod,
} from './checks.ts'
export { explain } from './explain.ts'
export { loadPacks } from './load.ts'
export {
  choosePacks,
  effectiveRules,
  type Pack,
  type Packs,
  type Policy,
  requiredCount,
} from './model.ts'
