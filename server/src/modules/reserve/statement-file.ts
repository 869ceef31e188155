/**
 * Reads the bank's statement of one day from CSV: a header by name, one line for each movement, amounts in yuan with
 * their sign, and the balance after each. A file whose balances do not follow from one another is not read at all.
 */
import {
  type BusinessDate,
  type Fen,
  formatYuan,
  ok,
  parseBusinessDate,
  parseYuan,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { CsvReader } from '../../platform/csv-reader.ts'

export interface StatementLine {
  /** The physical line on which it starts; the header is line 1. */
  readonly line: number
  readonly amount: Fen
  readonly reference: string | null
  readonly bankNumber: string | null
  readonly balance: Fen | null
}

export interface StatementFile {
  readonly lines: readonly StatementLine[]
}

export interface StatementFrame {
  readonly day: BusinessDate
  readonly opening: Fen
  readonly closing: Fen
}

const columns = {
  day: ['日期', 'date'],
  amount: ['金额', 'amount'],
  reference: ['参考号', 'reference'],
  bankNumber: ['流水号', 'bank_number'],
  balance: ['余额', 'balance'],
} as const
/** Read over: they hold the names of others, which are not kept. */
const ignored: readonly string[] = ['摘要', 'text', '对方', 'counterparty', '对方户名', '对方账号']
type Column = keyof typeof columns
const needed: readonly Column[] = ['day', 'amount']

/** What a custody account sees in a day, many times over. */
const mostLines = 5_000
/** A hundred billion yuan: all lines of a statement still sum up within what the database holds. */
const mostAmount = 10_000_000_000_000n
const mostReference = 64

/**
 * Refusals: `bank_statement.bad_file` with the line and what is wrong with it: a header without a column, a day that is
 * not the statement's, an amount that is not one, a bank's number twice, balances that do not follow.
 */
export function readStatement(text: string, frame: StatementFrame): Result<StatementFile> {
  const reader = new CsvReader()
  const items = physicalLines(text).flatMap((line) => reader.take(line))
  const all = [...items, ...reader.end()]
  const broken = all.find(({ kind }) => kind !== 'record')
  if (broken !== undefined)
    return bad(broken.line, 'has a quote that is not closed as it should be')
  const records = all.flatMap((item) => (item.kind === 'record' ? [item] : []))
  const [header, ...rows] = records.filter(({ cells }) => cells.some((cell) => cell.trim() !== ''))
  if (header === undefined) return bad(1, 'has no header')
  const places = placesOf(header.cells)
  if (typeof places === 'string') return bad(header.line, places)
  if (rows.length > mostLines) return bad(rows.at(-1)?.line ?? 1, `is more than ${mostLines} lines`)
  const lines: StatementLine[] = []
  for (const { line, cells } of rows) {
    const read = readLine(line, (column) => cells[places[column] ?? -1]?.trim() ?? '', frame)
    if (typeof read === 'string') return bad(line, read)
    lines.push(read)
  }
  return checkSums(lines, frame)
}

function placesOf(header: readonly string[]): Partial<Record<Column, number>> | string {
  const names = header.map((name) =>
    name
      .replace(/^\uFEFF/, '')
      .trim()
      .toLowerCase(),
  )
  const places: Partial<Record<Column, number>> = {}
  for (const [at, name] of names.entries()) {
    const column = columnOf(name)
    if (column === undefined && !ignored.includes(name)) return `has an unknown column ${name}`
    if (column === undefined) continue
    if (places[column] !== undefined) return `has the column ${name} twice`
    places[column] = at
  }
  const missing = needed.filter((column) => places[column] === undefined)
  if (missing.length === 0) return places
  return `lacks ${missing.map((column) => columns[column].join(' or ')).join(', ')}`
}

function columnOf(name: string): Column | undefined {
  for (const column of ['day', 'amount', 'reference', 'bankNumber', 'balance'] as const) {
    const names: readonly string[] = columns[column]
    if (names.includes(name)) return column
  }
  return undefined
}

function readLine(
  line: number,
  cell: (column: Column) => string,
  frame: StatementFrame,
): StatementLine | string {
  const day = parseBusinessDate(cell('day'))
  if (day === undefined) return `has the day ${shown(cell('day'))}: write YYYY-MM-DD`
  if (day !== frame.day) return `is of ${day}, and the statement of ${frame.day}`
  const amount = parseYuan(cell('amount').replace(/^\+/, ''))
  if (amount === undefined || amount === 0n || amount > mostAmount || amount < -mostAmount)
    return `has the amount ${shown(cell('amount'))}: write yuan with at most two decimals, not 0, at most 100 billion`
  const balance = cell('balance') === '' ? null : parseYuan(cell('balance'))
  if (balance === undefined) return `has the balance ${shown(cell('balance'))}: write yuan`
  const reference = numberIn(cell('reference'))
  const bankNumber = numberIn(cell('bankNumber'))
  if (reference === undefined || bankNumber === undefined)
    return `has a number of more than ${mostReference} characters or with blanks in it`
  return { line, amount, reference, bankNumber, balance }
}

/** null: none. undefined: not one. */
function numberIn(text: string): string | null | undefined {
  if (text === '') return null
  return text.length <= mostReference && !/[\s\p{Cc}]/u.test(text) ? text : undefined
}

function checkSums(lines: readonly StatementLine[], frame: StatementFrame): Result<StatementFile> {
  let balance = frame.opening
  for (const one of lines) {
    balance += one.amount
    if (one.balance !== null && one.balance !== balance)
      return bad(
        one.line,
        `says a balance of ${formatYuan(one.balance)} where ${formatYuan(balance)} follows from the lines before`,
      )
  }
  if (balance !== frame.closing)
    return bad(
      lines.at(-1)?.line ?? 1,
      `leads to ${formatYuan(balance)}, and the closing balance is ${formatYuan(frame.closing)}`,
    )
  return ok({ lines })
}

function physicalLines(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/)
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40))
}

function bad(line: number, what: string): Result<never> {
  const detail = `Line ${line} ${what}.`
  return refused(refusal('bank_statement.bad_file', detail, { data: { line } }))
}
