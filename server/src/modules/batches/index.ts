/** Batches: many cards of one product issued by one job, and the encrypted file for their printer. */
export { type BatchRow, cardsPerChunk, chunksOf, sizeOfChunk } from './model.ts'
export { type PrintPage, printFile } from './print-file.ts'
export { batches, selectBatch, selectUnqueuedBatches } from './store.ts'
