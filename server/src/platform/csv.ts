/**
 * Writes CSV, streamed, safe to open in a spreadsheet: a text that would start a formula there
 * (`=`, `+`, `-`, `@`, tab, their full-width forms) gets an apostrophe before it. Numbers given as
 * numbers keep their sign, so amounts stay amounts.
 */
import { stringify } from 'csv-stringify/sync'

export type CsvCell = string | number | bigint | null | undefined

/** Lets Excel read the file as UTF-8; without it a Chinese Excel takes the text for GBK. */
const byteOrderMark = '\uFEFF'
const rowsPerPiece = 500

/**
 * The text of a CSV file, header first, in pieces of whole lines that end with LF. Null and
 * undefined are empty cells. `bom` is for people's downloads (lists, statements), not for files
 * that a machine reads. `bigint`: how they are written, such as fen as yuan; as they are unless said.
 */
export async function* csvLines(
  header: readonly string[],
  rows: Iterable<readonly CsvCell[]> | AsyncIterable<readonly CsvCell[]>,
  options: { readonly bom?: boolean; readonly bigint?: (value: bigint) => string } = {},
): AsyncGenerator<string> {
  const { bigint = String } = options
  yield (options.bom ? byteOrderMark : '') + toCsv([header], bigint)
  let piece: (readonly CsvCell[])[] = []
  for await (const row of rows) {
    piece.push(row)
    if (piece.length < rowsPerPiece) continue
    yield toCsv(piece, bigint)
    piece = []
  }
  if (piece.length > 0) yield toCsv(piece, bigint)
}

function toCsv(rows: readonly (readonly CsvCell[])[], bigint: (value: bigint) => string): string {
  return stringify(
    rows.map((row) => [...row]),
    { escape_formulas: true, record_delimiter: '\n', cast: { bigint } },
  )
}
