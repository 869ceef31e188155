/**
 * The files that go to and come from a bank: CSV with a Chinese header, CRLF, and a last line that counts the rows, so
 * that a file that was cut short is not taken for a whole one. UTF-8 without a byte order mark, or GBK. The format is
 * described in docs/operations/payouts.md.
 */
import { type Fen, formatYuan, parseYuan } from '@lika/contract'
import iconv from 'iconv-lite'
import type {
  BankAnswer,
  BankState,
  Payee,
  PayoutOrder,
  PayoutQuestion,
} from '../modules/payouts/index.ts'
import { CsvReader } from '../platform/csv-reader.ts'

export type BankEncoding = 'utf-8' | 'gbk'

const total = '合计'
const purpose = '结算款'

const orderColumns = [
  '批次号',
  '笔序号',
  '流水号',
  '收款户名',
  '收款账号',
  '开户行',
  '联行号',
  '金额',
  '币种',
  '用途',
]
const questionColumns = ['查询号', '批次号', '流水号']
const answerColumns = ['批次号', '流水号', '状态', '金额', '银行流水号', '原因', '查询号']

const states: Readonly<Record<string, BankState>> = {
  SUCCESS: 'success',
  FAILED: 'failed',
  RETURNED: 'returned',
  PROCESSING: 'processing',
  NOT_FOUND: 'not_found',
}

export function writeOrder({ batch, instructions }: PayoutOrder, encoding: BankEncoding): Buffer {
  const rows = instructions.map((one, index) => [
    batch,
    String(index + 1),
    one.reference,
    one.accountName,
    one.accountNumber,
    one.bankName,
    one.bankCode,
    formatYuan(one.amount),
    'CNY',
    purpose,
  ])
  const sum = instructions.reduce<Fen>((all, { amount }) => all + amount, 0n)
  const end = [total, String(rows.length), '', '', '', '', '', formatYuan(sum), 'CNY', '']
  return encode([orderColumns, ...rows, end], encoding)
}

export function writeQuestion(question: PayoutQuestion, encoding: BankEncoding): Buffer {
  const { number, batch, references } = question
  const rows = references.map((reference) => [number, batch, reference])
  return encode([questionColumns, ...rows, [total, String(rows.length), '']], encoding)
}

/**
 * Whether every character of the payee can be written in that encoding, and none of them would break a line. A name that
 * came out as `?` would be refused by the bank, or worse, be somebody else's.
 */
export function objectionTo(payee: Payee, encoding: BankEncoding): string | undefined {
  const texts = [payee.accountName, payee.accountNumber, payee.bankName, payee.bankCode]
  if (texts.some((text) => /\p{Cc}/u.test(text))) return 'control_character'
  const isSame = (text: string) => iconv.decode(iconv.encode(text, encoding), encoding) === text
  return texts.every(isSame) ? undefined : `not_in_${encoding.replace('-', '')}`
}

/** undefined: not a file of answers, or not a whole one. */
export function readAnswers(bytes: Buffer, encoding: BankEncoding): BankAnswer[] | undefined {
  const rows = recordsIn(iconv.decode(bytes, encoding))
  const header = rows?.shift()
  const end = rows?.pop()
  if (rows === undefined || header?.join() !== answerColumns.join()) return undefined
  if (end?.[0] !== total || end[1] !== String(rows.length)) return undefined
  const answers = rows.map(answerIn)
  const readable = answers.filter((answer) => answer !== undefined)
  return readable.length === answers.length ? readable : undefined
}

/** undefined: the text is not CSV to its end, or its last line has no end. */
function recordsIn(text: string): string[][] | undefined {
  if (!text.endsWith('\n')) return undefined
  const reader = new CsvReader()
  const lines = text.split(/\r?\n/).slice(0, -1)
  const items = [...lines.flatMap((line) => reader.take(line)), ...reader.end()]
  const records = items.flatMap((item) => (item.kind === 'record' ? [item.cells] : []))
  return records.length === items.length ? records : undefined
}

function answerIn(cells: readonly string[]): BankAnswer | undefined {
  const [batch = '', reference = '', word = '', yuan = '', serial, reason, question] = cells
  const state = states[word]
  const amount = yuan === '' ? undefined : parseYuan(yuan)
  if (cells.length !== answerColumns.length || state === undefined) return undefined
  if (amount === undefined && yuan !== '') return undefined
  return {
    batch,
    reference,
    state,
    amount,
    serial: serial || undefined,
    reason: reason || undefined,
    question: question || undefined,
  }
}

function encode(rows: readonly (readonly string[])[], encoding: BankEncoding): Buffer {
  const text = rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
  return iconv.encode(text, encoding)
}

/** As it is: a bank's machine reads it, so nothing is put before a text that a spreadsheet would take for a formula. */
function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
