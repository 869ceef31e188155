/** The header of a card file: which column holds which field. Order is free. Pure. */
import type { Result } from '@lika/contract'
import { ok, refused } from '@lika/contract'
import { type Field, fieldOf, requiredFields } from './model.ts'
import { type RowError, rowError } from './row-errors.ts'

export interface Header {
  readonly width: number
  /** Where a field stands and what the file calls it. */
  readonly columns: ReadonlyMap<Field, { readonly index: number; readonly name: string }>
  /** Columns that no field is called by. They are not imported; the caller shows their names. */
  readonly ignored: readonly string[]
}

/**
 * Reads the header. Unknown columns are ignored, for a legacy file always has some (备注, 门店 …).
 * Refuses a field that is named twice, then a required field that is missing: one error in all.
 */
export function parseHeader(cells: readonly string[], line: number): Result<Header, RowError> {
  const columns = new Map<Field, { index: number; name: string }>()
  const ignored: string[] = []
  for (const [index, cell] of cells.entries()) {
    const name = cell.trim()
    const field = fieldOf(name)
    if (field === undefined) {
      if (name !== '') ignored.push(name)
    } else if (columns.has(field)) {
      return refused(rowError('import.header_duplicate', line, name))
    } else {
      columns.set(field, { index, name })
    }
  }
  const missing = [...requiredFields].filter(([field]) => !columns.has(field))
  if (missing.length > 0) {
    const names = missing.map(([, name]) => name).join(', ')
    return refused(rowError('import.header_missing', line, null, { names }))
  }
  return ok({ width: cells.length, columns, ignored })
}

/** Whether a text begins with the header of a card file: tells apart what two encodings make of it. */
export function startsWithHeader(text: string): boolean {
  const first = /\S.*/.exec(text)?.[0] ?? ''
  return parseHeader(first.replaceAll('"', '').split(','), 1).ok
}
