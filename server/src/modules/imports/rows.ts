/** One row of a card file → a card, or everything that is wrong with it. Pure. */
import type { Result } from '@lika/contract'
import { ok, refused } from '@lika/contract'
import { parseAmount, parseBonus } from './amounts.ts'
import type { Header } from './header.ts'
import {
  type Field,
  type LegacyCard,
  parseExpiry,
  parseLegacyNumber,
  parseSecret,
  toHalfWidth,
} from './model.ts'
import { type RowError, type RowErrorCode, rowError } from './row-errors.ts'

/** What a row is judged against; `encodings` are named where a byte could not be decoded. */
export interface RowContext {
  readonly header: Header
  readonly encodings: { readonly declared: string; readonly actual: string }
  /** The line on which each number of the file first stood, this row's added by `parseRow`. */
  readonly firstLines: Map<string, number>
}

/**
 * Judges the row that starts on `line`. A row whose shape is wrong has that one error; otherwise
 * each wrong cell has its own, in the order of the file's columns. A number counts as used by the
 * first row that names it, even if that row is rejected: which of the two is right, we cannot know.
 */
export function parseRow(
  cells: readonly string[],
  line: number,
  context: RowContext,
): Result<LegacyCard, RowError[]> {
  const misshapen = wrongShape(cells, line, context.header)
  if (misshapen) return refused([misshapen])
  const errors: RowError[] = []
  const read = <T>(
    field: Field,
    absent: T,
    parse: (text: string) => Result<T, RowErrorCode>,
  ): T => {
    const column = context.header.columns.get(field)
    if (!column) return absent
    const text = cells[column.index] ?? ''
    const result = text.includes('\uFFFD')
      ? refused<RowErrorCode>('import.encoding_invalid')
      : parse(toHalfWidth(text))
    if (result.ok) return result.value
    errors.push(rowError(result.refusal, line, column.name, context.encodings))
    return absent
  }
  const card: LegacyCard = {
    number: read('number', '', parseLegacyNumber),
    secret: read<string | null>('secret', null, parseSecret),
    amount: read('amount', 0n, parseAmount),
    bonusAmount: read('bonus', 0n, parseBonus),
    expiresAt: read('expires_on', null, parseExpiry),
  }
  const repeated = repeatedNumber(card.number, line, context)
  if (repeated) errors.push(repeated)
  return errors.length === 0 ? ok(card) : refused(inFileOrder(errors, context.header))
}

function wrongShape(cells: readonly string[], line: number, header: Header): RowError | undefined {
  if (cells.some((cell) => holdsRow(cell, header))) {
    const last = line + cells.join('').split('\n').length - 1
    return rowError('import.rows_in_quotes', line, null, { last })
  }
  const surplus = cells.slice(header.width)
  // Spreadsheets leave empty cells behind; a full one is an amount such as 1,234.50 without quotes.
  const isOff = cells.length < header.width || surplus.some((cell) => cell.trim() !== '')
  return isOff ? rowError('import.column_count', line) : undefined
}

/** Whether a later line of a quoted cell reads like a row: then a stray quote swallowed it. */
function holdsRow(cell: string, header: Header): boolean {
  if (!cell.includes('\n')) return false
  const textAt = (cells: readonly string[], field: Field) =>
    toHalfWidth(cells[header.columns.get(field)?.index ?? -1] ?? '')
  return cell
    .split('\n')
    .slice(1)
    .map((inner) => inner.split(','))
    .some((cells) => {
      return (
        parseLegacyNumber(textAt(cells, 'number')).ok && parseAmount(textAt(cells, 'amount')).ok
      )
    })
}

function repeatedNumber(number: string, line: number, context: RowContext): RowError | undefined {
  if (number === '') return undefined
  const first = context.firstLines.get(number)
  if (first === undefined) {
    context.firstLines.set(number, line)
    return undefined
  }
  const name = context.header.columns.get('number')?.name ?? null
  return rowError('import.number_duplicate', line, name, { first })
}

function inFileOrder(errors: readonly RowError[], header: Header): RowError[] {
  const order = new Map([...header.columns.values()].map(({ name, index }) => [name, index]))
  const indexOf = (error: RowError) => order.get(error.column ?? '') ?? 0
  return errors.toSorted((left, right) => indexOf(left) - indexOf(right))
}
