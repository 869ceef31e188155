/** Documents: statements of merchants as files that people read. */
export {
  type DocumentFormat,
  documentFormats,
  type EntryPlace,
  type StatementEnd,
  type StatementHead,
  type StatementLine,
  type StatementPart,
  type StatementPayee,
  type StatementTotal,
  type StatementTotals,
  type TotalName,
} from './model.ts'
export { renderStatement } from './render.ts'
