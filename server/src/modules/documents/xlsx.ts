/**
 * A statement as a workbook of one sheet, with the rows that the CSV has. Amounts are numbers with two decimals; every
 * other cell is text as it is, so that nothing is taken for a formula, and no number of an order loses a digit.
 */
import { formatYuan } from '@lika/contract'
import writeXlsxFile, { type CellObject } from 'write-excel-file/node'
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

type Row = (CellObject | null)[]

const widths = [16, 20, 14, 24, 40, 12, 14, 16]

export async function* statementXlsx(
  head: StatementHead,
  parts: StatementParts,
): AsyncGenerator<Uint8Array> {
  const rows: Row[] = [...blockRows(headBlock(head)), [], headerRow(lineHeader)]
  let number = 0
  for await (const part of parts) {
    if (part.kind === 'end') rows.push([], ...blockRows(totalsBlock(part)))
    else
      for (const line of part.lines) {
        number += 1
        rows.push(lineRow(line, number).map(cellOf))
      }
  }
  const file = writeXlsxFile(rows, {
    sheet: '结算单',
    columns: widths.map((width) => ({ width })),
    orientation: 'landscape',
  })
  yield withoutTimes(await file.toBuffer())
}

function blockRows({ header, rows }: Block): Row[] {
  return [headerRow(header), ...rows.map((row) => row.map(cellOf))]
}

function headerRow(header: readonly string[]): Row {
  return header.map((value) => ({ value, type: String, fontWeight: 'bold' }))
}

function cellOf(cell: Cell): CellObject | null {
  if (cell === '') return null
  if (typeof cell === 'string') return { value: cell, type: String }
  if (typeof cell === 'number') return { value: cell, type: Number }
  // A workbook has no other numbers: fifteen digits are exact, which is more than a statement ever comes to.
  return { value: Number(formatYuan(cell)), type: Number, format: '#,##0.00' }
}

const centralEntry = 0x02014b50
const endOfCentral = 22
/** The first day that a ZIP archive can name. */
const day1980 = 0x21

/** The same statement is the same bytes: the times at which the parts of the archive were made are taken out. */
function withoutTimes(archive: Buffer): Buffer {
  const bytes = Buffer.from(archive)
  let at = bytes.readUInt32LE(bytes.length - endOfCentral + 16)
  while (bytes.readUInt32LE(at) === centralEntry) {
    const local = bytes.readUInt32LE(at + 42)
    for (const time of [at + 12, local + 10]) {
      bytes.writeUInt16LE(0, time)
      bytes.writeUInt16LE(day1980, time + 2)
    }
    const lengths = [28, 30, 32].map((place) => bytes.readUInt16LE(at + place))
    at += 46 + lengths.reduce((all, length) => all + length, 0)
  }
  return bytes
}
