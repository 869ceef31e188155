/** Imports: the file of cards that an issuer brings along from another system. */
export { type LegacyCard, parseLegacyNumber, parseSecret, toHalfWidth } from './model.ts'
export { type CardFileOptions, type ImportItem, parseCardFile } from './parse.ts'
export type { RowError, RowErrorCode } from './row-errors.ts'
