/** Merchants, their stores and terminals: who takes cards, and where. */

export type { Contract, ContractText, Proposal } from './contract-model.ts'
export type { Proposed } from './contract-proposals.ts'
export {
  type EndingCycle,
  ownerships,
  type PayoutAccount,
} from './contract-reads.ts'
export {
  basisPointsOf,
  type Commission,
  type ContractTerms,
  type Cycle,
  commissionOf,
  contractClasses,
  cycleOf,
  splitOf,
} from './contract-terms.ts'
export type { Coverage } from './coverage-store.ts'
export { documentTypeOf, documentTypes, type KeptDocument } from './document-store.ts'
export { booksOfMerchants, booksWithMerchants } from './merchant-store.ts'
export { type Merchants, openMerchants } from './merchants.ts'
export {
  checkMayTake,
  type Merchant,
  type Store,
  settlementLaneOf,
  type Terminal,
  type Till,
} from './model.ts'
export {
  type Application,
  checkApplication,
  type Deed,
  documentKinds,
} from './onboarding.ts'
export { type WhatIfResult, whatIf } from './what-if.ts'
