/** The ledger: accounts, transfers, holds. The only way in which value moves. */
export { Auditor } from './audit.ts'
export type {
  AuditCheck,
  AuditedSlice,
  AuditReport,
  AuditSlice,
} from './audit-types.ts'
export {
  type AccountKindName,
  accountId,
  accountKindNames,
  accountKinds,
  accountOverLanes,
  kindOfAccount,
  ownerOf,
} from './chart.ts'
export { writeClosings } from './closings.ts'
export { sumCounters } from './counters.ts'
export {
  closedThrough,
  cutsAround,
  firstDaysOf,
  readCuts,
  totalsAt,
} from './cuts.ts'
export { closeDayPlan, dayClosed, platformBook } from './day.ts'
export {
  accountAtClose,
  type DayAccount,
  isDayClosed,
  kindsAtClose,
  normalBalance,
  type Sides,
} from './day-balances.ts'
export { readOpenDay } from './day-store.ts'
export {
  type LedgerEntry,
  ledgerEntries,
  transfersOfEntries,
} from './entries.ts'
export {
  accountReads,
  type HoldRecord,
  holdReads,
  LedgerDesk,
  leftOf,
} from './model.ts'
export {
  type AccountBalance,
  LedgerReads,
  type TrialBalance,
} from './reads.ts'
export {
  accounts,
  type HoldRow,
  holdLines,
  openHolds,
} from './store.ts'
