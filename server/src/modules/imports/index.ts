/** Imports: the file of cards that an issuer brings along from another system. */
export { cardsPerChunk } from './chunks.ts'
export {
  type ImportCounts,
  type ImportRow,
  type ImportStatus,
  importStatuses,
  noCounts,
  statusOfImport,
} from './import-row.ts'
export {
  findTaken,
  importedNumbers,
  isImportedNumberTaken,
  type NumberRow,
  numberKey,
} from './numbers.ts'
export { readCardFile } from './reader.ts'
export type { FileChunk, ReadCard } from './reader-messages.ts'
export { type RowError, rowError } from './row-errors.ts'
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
