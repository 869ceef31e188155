/** Merchants, their stores and terminals: who takes cards, and where. */
export {
  basisPointsOf,
  type Commission,
  type ContractClass,
  type ContractTerms,
  type Cycle,
  type CycleDays,
  commissionOf,
  cycleOf,
  defaultTerms,
  type Margin,
  type SplitPart,
  type SplitShare,
  splitOf,
  type Tier,
} from './contract-terms.ts'
export type { ContractReads, EndingCycle, PayoutAccount, SettledMerchant } from './contract-reads.ts'
export { type Merchants, openMerchants } from './merchants.ts'
export type { Merchant, Store, Terminal, Till } from './model.ts'
export { booksOfMerchants } from './store.ts'
