/** The reserve: what must be set aside for holders, what is, what the bank says, and what the authority is told. */
export { custodyCheck, reserveCheck } from './audit.ts'
export {
  filingDue,
  isToBeReminded,
  parseQuarter,
  type Quarter,
  quarterBefore,
  quarterOf,
  type ReportDue,
  reportDue,
} from './calendar.ts'
export {
  actionsOf,
  type CaseAction,
  type CaseKind,
  type CaseRow,
  caseActions,
  caseKinds,
  caseStates,
  cases,
  hasOpenCase,
  selectCase,
  selectCases,
} from './cases-store.ts'
export {
  type CorrectionRow,
  correctionOfEntry,
  correctionStates,
  corrections,
  type EntryToCorrect,
  readEntryToCorrect,
  selectCorrection,
  selectCorrections,
} from './correction-store.ts'
export {
  accountsOfBook,
  balanceOfAccountOn,
  type CustodyAccountRow,
  type CustodyMovementRow,
  custodyAccounts,
  custodyMovements,
  type DoneBy,
  type GuaranteeRow,
  guarantees,
  guaranteesOfBook,
  movementKinds,
  selectAccounts,
  selectGuarantees,
  selectMovements,
  selectWatchedBooks,
} from './custody-store.ts'
export { readOnFlows, selectFlows } from './day-flows.ts'
export { formFields, papersOf } from './filing-form.ts'
export {
  type FilingForm,
  type FilingRow,
  filingForms,
  insertFiling,
  selectFilings,
  selectStandingFilings,
} from './filing-store.ts'
export { carryOver, reserveFlow, unexplained } from './flows.ts'
export { compare, type Difference } from './matching.ts'
export {
  coverageOf,
  type GuaranteeKind,
  guaranteeKinds,
  isCustomerMoney,
  isPrepaid,
  issuerClasses,
  mostCustody,
  type Requirement,
  type ReserveBases,
  requirementOf,
} from './model.ts'
export {
  approveProfile,
  insertPosition,
  insertProfile,
  type PositionRow,
  type ProfileRow,
  raiseAlerted,
  selectAlerted,
  selectPositions,
  selectProfile,
  updateBank,
} from './position-store.ts'
export { byDay, netOf, type PrepaidFlow, prepaidFlow } from './reports.ts'
export { readStatement } from './statement-file.ts'
export {
  type BankLineRow,
  type BankStatementRow,
  keepStatement,
  knownDifference,
  markCase,
  markReconciled,
  readComparison,
  repairLines,
  selectClosingsOfBank,
  selectLines,
  selectStatements,
  selectUnreconciled,
  settleMatched,
  unconfirmedDeposits,
} from './statement-store.ts'
export { type Turnover, turnoverDays, turnoverOf } from './turnover.ts'
export { moveOf, selectCardsAfter, selectMoves, withAncestors } from './turnover-store.ts'
