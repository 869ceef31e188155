/** The ledger: accounts, transfers, holds. The only way in which value moves. */
export { type AuditAsked, Auditor, type AuditorOptions } from './audit.ts'
export type { OwnerBooks } from './audit-lane.ts'
export type {
  AuditCheck,
  AuditedSlice,
  AuditReport,
  AuditSlice,
  WrongRow,
} from './audit-types.ts'
export {
  type AccountKind,
  type AccountKindName,
  accountId,
  accountKindNames,
  accountKinds,
  accountOverLanes,
  kindOfAccount,
  ownerOf,
} from './chart.ts'
export { writeClosings } from './closings.ts'
export { type Counter, sumCounters } from './counters.ts'
export { closeDayPlan, dayClosed, platformBook } from './day.ts'
export { readOpenDay } from './day-store.ts'
export {
  type EntriesAsked,
  type EntryPosition,
  type LedgerEntry,
  ledgerEntries,
} from './entries.ts'
export {
  accountReads,
  type HoldRecord,
  holdReads,
  LedgerDesk,
  leftOf,
  type Movement,
} from './model.ts'
export {
  type AccountBalance,
  LedgerReads,
  type Owners,
  type TrialBalance,
  type TrialBalanceLine,
} from './reads.ts'
export {
  type AccountRow,
  accounts,
  type HoldRow,
  holdKey,
  holdLines,
  holds,
  openHolds,
  transfers,
} from './store.ts'
