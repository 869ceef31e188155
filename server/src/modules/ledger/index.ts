/** The ledger: accounts, transfers, holds. The only way in which value moves. */
export {
  type AccountKind,
  type AccountKindName,
  accountId,
  accountKindNames,
  accountKinds,
  kindOfAccount,
} from './chart.ts'
export {
  accountReads,
  type HoldRecord,
  holdReads,
  LedgerDesk,
  leftOf,
  type Movement,
} from './model.ts'
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
