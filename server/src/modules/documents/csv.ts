/**
 * A statement as CSV: UTF-8 with a byte order mark, LF, three blocks with an empty line between them. Amounts are plain
 * numbers; a text that a spreadsheet would take for a formula is escaped.
 */
import { formatYuan } from '@lika/contract'
import { stringify } from 'csv-stringify/sync'
import {
  type Block,
  type Cell,
  headBlock,
  lineHeader,
  lineRow,
  type StatementHead,
  type StatementParts,
  totalsBlock,
} from './model.ts'

const byteOrderMark = '\uFEFF'

export async function* statementCsv(
  head: StatementHead,
  parts: StatementParts,
): AsyncGenerator<string> {
  yield `${byteOrderMark}${blockText(headBlock(head))}\n${rowsText([lineHeader])}`
  let number = 0
  for await (const part of parts) {
    if (part.kind === 'end') yield `\n${blockText(totalsBlock(part))}`
    else {
      yield rowsText(part.lines.map((line, index) => lineRow(line, number + index + 1)))
      number += part.lines.length
    }
  }
}

function blockText({ header, rows }: Block): string {
  return rowsText([header, ...rows])
}

function rowsText(rows: readonly (readonly Cell[])[]): string {
  return stringify(
    rows.map((row) => [...row]),
    { escape_formulas: true, record_delimiter: '\n', cast: { bigint: formatYuan } },
  )
}
