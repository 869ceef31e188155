/** Imports: the file of cards that an issuer brings along from another system. */
export {
  type ImportCounts,
  type ImportRow,
  importStatuses,
  noCounts,
  statusOfImport,
} from './import-row.ts'
export {
  findTaken,
  importedNumbers,
  isImportedNumberTaken,
  numberKey,
} from './numbers.ts'
export { readCardFile } from './reader.ts'
export type { FileChunk, ReadCard } from './reader-messages.ts'
export { type PolicyErrorCode, type RowError, rowError } from './row-errors.ts'
export {
  type ErrorRow,
  imports,
  insertErrors,
  saveCounts,
  selectErrors,
  selectImport,
  selectImportOfReversal,
  selectUnqueuedImports,
} from './store.ts'
export { dropStrayUploads, dropUpload, keepUpload, readUpload } from './uploads.ts'
