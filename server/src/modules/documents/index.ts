/** Documents: statements of merchants as files that people read. */
export {
  type DocumentFormat,
  documentFormats,
  type EntryPlace,
  type StatementHead,
  type StatementLine,
  type StatementPart,
  type StatementTotal,
  type StatementTotals,
} from './model.ts'
export { renderStatement } from './render.ts'
