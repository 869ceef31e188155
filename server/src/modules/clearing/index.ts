/** Clearing: what merchants are owed for each cycle, and how far it is paid. */
export {
  type LineKind,
  type LineSource,
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
  type ClearingRow,
  type Cut,
  type MarginLot,
  noTakings,
  type PortionRow,
  type PortionState,
  portionStates,
  type Settled,
  type Standing,
  type StatementRow,
  type StatementState,
  settle,
  settleOwn,
  statementStates,
  statusOfPortions,
  type Takings,
} from './model.ts'
export {
  type DuePortion,
  findStatement,
  listStatements,
  marginsOf,
  portionsDue,
  portionsOf,
  type StatementFilter,
} from './read.ts'
export {
  clearings,
  loadClearings,
  portions,
  portionsOfStatement,
  statements,
  statementsWithMargin,
} from './store.ts'
