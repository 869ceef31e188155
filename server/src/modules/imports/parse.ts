/**
 * A legacy card file, streamed: bytes in, cards and errors with their physical lines out. Memory
 * is bounded by the length of a record and by `maxRows` card numbers (about 100 bytes each), which
 * are kept to find duplicates.
 */
import { type CsvItem, CsvReader } from '../../platform/csv-reader.ts'
import { otherEncoding, type TextEncoding, textBlocks } from '../../platform/text-lines.ts'
import { parseHeader, startsWithHeader } from './header.ts'
import type { LegacyCard } from './model.ts'
import { type RowError, rowError } from './row-errors.ts'
import { parseRow, type RowContext } from './rows.ts'

/** What a file yields: one header, then one item for each row; `stopped` is always the last. */
export type ImportItem =
  | {
      kind: 'header'
      line: number
      ignored: readonly string[]
      /** How the file calls its columns. */
      columns: ColumnNames
    }
  | { kind: 'accepted'; line: number; card: LegacyCard }
  | { kind: 'rejected'; line: number; errors: readonly RowError[] }
  /** The file, or what is left of it from this line on, cannot be read. */
  | { kind: 'stopped'; line: number; error: RowError }

export interface ColumnNames {
  readonly number: string | null
  readonly amount: string | null
  readonly expiresOn: string | null
}

export interface CardFileOptions {
  readonly encoding: TextEncoding
  readonly maxRows?: number
}

const maxRowsByDefault = 1_000_000

/**
 * Reads a card file. Blank lines and rows of empty cells are skipped without a word. A file without
 * a usable header, or in another encoding, is one `stopped`; a quote that is never closed, a line
 * too long and a row too many stop the reading where they stand. Everything before counts.
 */
export async function* parseCardFile(
  chunks: AsyncIterable<Uint8Array>,
  options: CardFileOptions,
): AsyncGenerator<ImportItem> {
  const file = new CardFile(options)
  const records = new CsvReader()
  for await (const block of textBlocks(chunks, options.encoding, startsWithHeader)) {
    if (block.kind === 'unreadable') {
      yield file.unreadable(block.fault)
      return
    }
    for (const text of block.lines) {
      yield* file.take(records.take(text))
      if (file.isStopped) return
    }
  }
  yield* file.end(records.end())
}

/** What is known of the file so far: its header, its numbers, its count of rows. */
class CardFile {
  isStopped = false
  private context: RowContext | undefined
  private rows = 0
  private readonly encodings: { declared: TextEncoding; actual: TextEncoding }
  private readonly maxRows: number

  constructor(options: CardFileOptions) {
    this.encodings = { declared: options.encoding, actual: otherEncoding(options.encoding) }
    this.maxRows = options.maxRows ?? maxRowsByDefault
  }

  unreadable(fault: 'not_text' | 'other_encoding'): ImportItem {
    return fault === 'not_text'
      ? this.stop(rowError('import.not_text', 1))
      : this.stop(rowError('import.encoding_mismatch', 1, null, this.encodings))
  }

  *take(items: Iterable<CsvItem>): Generator<ImportItem> {
    for (const item of items) {
      if (item.kind === 'record' && item.cells.every((cell) => cell.trim() === '')) continue
      yield this.judge(item)
      if (this.isStopped) return
    }
  }

  *end(items: Iterable<CsvItem>): Generator<ImportItem> {
    yield* this.take(items)
    if (!this.context && !this.isStopped) yield this.readHeader([], 1)
  }

  private judge(item: CsvItem): ImportItem {
    const { line } = item
    if (item.kind === 'stopped') return this.stop(rowError(`import.${item.fault}`, line))
    if (!this.context) return this.readHeader(item.kind === 'record' ? item.cells : [], line)
    this.rows += 1
    if (this.rows > this.maxRows) {
      return this.stop(rowError('import.too_many_rows', line, null, { max: this.maxRows }))
    }
    if (item.kind === 'broken_quote') {
      return { kind: 'rejected', line, errors: [rowError('import.quote_broken', line)] }
    }
    const row = parseRow(item.cells, line, this.context)
    return row.ok
      ? { kind: 'accepted', line, card: row.value }
      : { kind: 'rejected', line, errors: row.refusal }
  }

  private readHeader(cells: readonly string[], line: number): ImportItem {
    const header = parseHeader(cells, line)
    if (!header.ok) return this.stop(header.refusal)
    this.context = { header: header.value, encodings: this.encodings, firstLines: new Map() }
    const { columns, ignored } = header.value
    const nameOf = (field: 'number' | 'amount' | 'expires_on') => columns.get(field)?.name ?? null
    return {
      kind: 'header',
      line,
      ignored,
      columns: {
        number: nameOf('number'),
        amount: nameOf('amount'),
        expiresOn: nameOf('expires_on'),
      },
    }
  }

  private stop(error: RowError): ImportItem {
    this.isStopped = true
    return { kind: 'stopped', line: error.line, error }
  }
}
