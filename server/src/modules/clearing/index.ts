/** Clearing: what merchants are owed for each cycle, and how far it is paid. */
export {
  type AdjustmentRow,
  adjustmentStates,
  adjustments,
  findAdjustment,
  listAdjustments,
} from './adjustments.ts'
export { portionCheck, statementCheck } from './audit.ts'
export { statementBody } from './body.ts'
export {
  businessDaysAfter,
  type Calendar,
  type CalendarYear,
  hasYear,
  missingYear,
  withYears,
} from './calendar.ts'
export { readCalendarYears, writeCalendarYear } from './calendar-store.ts'
export { commandsWithLines } from './counted-store.ts'
export {
  type LineKind,
  lineKinds,
  lineSources,
  type Place,
  type Posting,
  type PostingItem,
  postingItems,
  postingsOf,
  type StatementLine,
} from './lines.ts'
export {
  type Agreed,
  type Cut,
  type MarginLot,
  noTakings,
  type PortionRow,
  portionStates,
  type Settled,
  type StatementRow,
  settle,
  settleOwn,
  statementStates,
  statusOfPortions,
  type Takings,
} from './model.ts'
export {
  advanceClearings,
  countStopped,
  firstRelease,
  merchantsWithDueMargin,
  readProgress,
  writeProgress,
  writeStopped,
} from './progress-store.ts'
export {
  type DuePortion,
  findStatement,
  listStatements,
  marginsOf,
  portionsDue,
  portionsOf,
} from './read.ts'
export {
  cutOf,
  lanesOf,
  linesInTime,
  pageOfLines,
  seqIn,
  sumOfNets,
  unsettledIn,
} from './statement-lines.ts'
export {
  clearings,
  loadClearings,
  portions,
  portionsOfStatement,
  statements,
  statementsWithMargin,
} from './store.ts'
export { netOf, plus, type Sums, sumsOfLane } from './sums.ts'
export { settledKind } from './sums-store.ts'
