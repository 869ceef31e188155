/**
 * The bank's side of the files, as docs/operations/payouts.md describes them: orders and questions come in, answers go
 * out. Written from that page and not from the code of the platform, so that each side shows up a mistake of the other.
 */
import iconv from 'iconv-lite'

export type Encoding = 'utf-8' | 'gbk'

export interface OrderRow {
  readonly reference: string
  readonly name: string
  readonly account: string
  readonly bank: string
  readonly bankCode: string
  /** Yuan with two decimals, as it came. */
  readonly amount: string
}

export interface Order {
  readonly batch: string
  readonly rows: readonly OrderRow[]
}

export interface Question {
  readonly number: string
  readonly batch: string
  readonly references: readonly string[]
}

export interface AnswerRow {
  readonly batch: string
  readonly reference: string
  readonly state: 'SUCCESS' | 'FAILED' | 'RETURNED' | 'PROCESSING' | 'NOT_FOUND'
  readonly amount: string
  readonly serial: string
  readonly reason: string
  readonly question: string
}

const total = '合计'
const orderHeader = '批次号,笔序号,流水号,收款户名,收款账号,开户行,联行号,金额,币种,用途'
const questionHeader = '查询号,批次号,流水号'
const answerHeader = '批次号,流水号,状态,金额,银行流水号,原因,查询号'

/** undefined: not a whole order, or one whose totals do not fit its rows. */
export function readOrder(bytes: Buffer, encoding: Encoding): Order | undefined {
  const table = readTable(bytes, encoding, orderHeader)
  if (table === undefined) return undefined
  const { rows, end } = table
  const [first] = rows
  const fits =
    rows.every((row, index) => row[0] === first?.[0] && row[1] === String(index + 1)) &&
    rows.every((row) => row.length === 10 && row[8] === 'CNY' && /^\d+\.\d\d$/.test(row[7] ?? ''))
  const sum = rows.reduce((all, row) => all + fen(row[7]), 0n)
  if (first === undefined || !fits || fen(end[7]) !== sum) return undefined
  return {
    batch: first[0] ?? '',
    rows: rows.map((row) => ({
      reference: row[2] ?? '',
      name: row[3] ?? '',
      account: row[4] ?? '',
      bank: row[5] ?? '',
      bankCode: row[6] ?? '',
      amount: row[7] ?? '',
    })),
  }
}

/** undefined: not a whole question. */
export function readQuestion(bytes: Buffer, encoding: Encoding): Question | undefined {
  const table = readTable(bytes, encoding, questionHeader)
  const [first] = table?.rows ?? []
  if (table === undefined || first === undefined) return undefined
  return {
    number: first[0] ?? '',
    batch: first[1] ?? '',
    references: table.rows.map((row) => row[2] ?? ''),
  }
}

export function writeAnswers(rows: readonly AnswerRow[], encoding: Encoding): Buffer {
  const lines = rows.map(({ batch, reference, state, amount, serial, reason, question }) =>
    [batch, reference, state, amount, serial, reason, question].map(cell).join(','),
  )
  const text = [answerHeader, ...lines, `${total},${rows.length},,,,,`].join('\r\n')
  return iconv.encode(`${text}\r\n`, encoding)
}

/** A table with this header and a last line that counts the rows. */
function readTable(bytes: Buffer, encoding: Encoding, header: string) {
  const lines = iconv.decode(bytes, encoding).split('\r\n')
  if (lines.shift() !== header || lines.pop() !== '') return undefined
  const cells = lines.map(cellsOf)
  const end = cells.pop()
  if (end?.[0] !== total || end[1] !== String(cells.length)) return undefined
  return { rows: cells, end }
}

function cellsOf(line: string): string[] {
  const cells = line.matchAll(/("(?:[^"]|"")*"|[^,]*)(,|$)/g)
  const found: string[] = []
  for (const [, text = '', border] of cells) {
    found.push(text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text)
    if (border === '') break
  }
  return found
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function fen(yuan: string | undefined): bigint {
  return BigInt((yuan ?? '').replace('.', '') || '-1')
}
