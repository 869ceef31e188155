/**
 * A bank that pays what it is ordered to, and answers as it is told: well, badly, late, twice or not at all. It refuses
 * a batch or a reference that it has already, as banks do, and keeps count of such attempts: an order that comes twice
 * is a fault of the sender, whatever the bank makes of it.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type BookedRow, type Books, openBooks, saveBooks } from './books.ts'
import {
  type AnswerRow,
  type Encoding,
  type Order,
  type OrderRow,
  type Question,
  readOrder,
  readQuestion,
  writeAnswers,
} from './file-format.ts'

/**
 * What becomes of an order. `success`: all is paid. `failure`: nothing. `partial`: every other row. `late`: all is paid,
 * and said when the bank delivers. `doubled`: all is paid, and said twice in each of two files. `lost_answer`: all is
 * paid, and said only when asked. `lost_file`: the order is swallowed. `returned`: all is paid and said, and comes back
 * when the bank delivers. `unattended`: the order stays where it was put, unread, until the bank delivers.
 */
export const answers = [
  'success',
  'failure',
  'partial',
  'late',
  'doubled',
  'lost_answer',
  'lost_file',
  'returned',
  'unattended',
] as const
export type Answer = (typeof answers)[number]

const folders = ['in', 'query', 'out', 'taken', 'control', 'ledger', 'archive'] as const

const wrongName = '户名不符'
const accountClosed = '账户已销户'

export class Bank {
  readonly #root: string
  readonly #encoding: Encoding
  readonly #booksFile: string
  readonly #books: Books

  constructor(root: string, encoding: Encoding) {
    for (const folder of folders) mkdirSync(join(root, folder), { recursive: true })
    this.#root = root
    this.#encoding = encoding
    this.#booksFile = join(root, 'ledger/books.json')
    this.#books = openBooks(this.#booksFile)
  }

  /** A file lies whole under its name: what the bank does about it. Names that begin with a dot are still being written. */
  arrived(folder: string, name: string): void {
    if (name.startsWith('.')) return
    if (folder === 'in') this.#orderArrived(name)
    else if (folder === 'query') this.#answerQuestion(name)
    else if (folder === 'control' && name === 'deliver') this.#deliver()
    else return
    saveBooks(this.#booksFile, this.#books)
  }

  #orderArrived(name: string): void {
    const answer = this.#nextAnswer()
    if (answer !== 'unattended') this.#takeOrder(name, answer)
  }

  #takeOrder(name: string, answer: Exclude<Answer, 'unattended'>): void {
    const order = readOrder(this.#read('in', name), this.#encoding)
    this.#archive('in', name)
    if (order === undefined) this.#complain(name)
    else if (this.#books.orders[order.batch] !== undefined) this.#books.duplicates.push(order.batch)
    else if (answer === 'lost_file') this.#books.swallowed.push(order.batch)
    else this.#pay(order, answer)
  }

  #pay({ batch, rows }: Order, answer: Exclude<Answer, 'lost_file' | 'unattended'>): void {
    const isSecret = answer === 'late'
    const booked = rows.map((row, index): BookedRow => {
      if (this.#isKnown(row.reference)) {
        this.#books.duplicates.push(row.reference)
        return { ...row, state: 'FAILED', serial: '', reason: '重复流水号', isSecret }
      }
      const isPaid = answer !== 'failure' && (answer !== 'partial' || index % 2 === 0)
      if (!isPaid) return { ...row, state: 'FAILED', serial: '', reason: wrongName, isSecret }
      return { ...row, state: 'SUCCESS', serial: this.#book(row), reason: '', isSecret }
    })
    this.#books.orders[batch] = booked
    const said = booked.map((row) => answerOf(batch, row))
    switch (answer) {
      case 'lost_answer':
        return
      case 'late':
        this.#books.withheld.push(said)
        return
      case 'doubled':
        this.#say([...said, ...said])
        this.#say(said)
        return
      case 'returned':
        this.#say(said)
        this.#books.withheld.push(
          said.map((row) => ({ ...row, state: 'RETURNED', reason: accountClosed })),
        )
        return
      default:
        this.#say(said)
    }
  }

  #isKnown(reference: string): boolean {
    return Object.values(this.#books.orders).some((rows) =>
      rows.some((row) => row.reference === reference),
    )
  }

  /** The payment itself: a line in the bank's own ledger, which nothing takes out again. */
  #book({ reference, account, name, amount }: OrderRow): string {
    this.#books.payments += 1
    const serial = `B${String(this.#books.payments).padStart(8, '0')}`
    const line = `${[serial, reference, account, name, amount].join(',')}\n`
    writeFileSync(join(this.#root, 'ledger/paid.csv'), line, { flag: 'a' })
    return serial
  }

  #answerQuestion(name: string): void {
    const question = readQuestion(this.#read('query', name), this.#encoding)
    this.#archive('query', name)
    if (question === undefined) this.#complain(name)
    else this.#say(this.#answersTo(question))
  }

  #answersTo({ number, batch, references }: Question): AnswerRow[] {
    const known = this.#books.orders[batch] ?? []
    return references.map((reference): AnswerRow => {
      const row = known.find((one) => one.reference === reference)
      if (row === undefined)
        return { ...nothing, batch, reference, state: 'NOT_FOUND', question: number }
      if (row.isSecret)
        return { ...nothing, batch, reference, state: 'PROCESSING', question: number }
      return { ...answerOf(batch, row), question: number }
    })
  }

  /** Says what was withheld, and reads what was left unattended. */
  #deliver(): void {
    for (const name of readdirSync(join(this.#root, 'in')))
      if (!name.startsWith('.')) this.#takeOrder(name, 'success')
    for (const rows of this.#books.withheld.splice(0)) {
      for (const { batch, reference, state, reason } of rows) {
        const booked = this.#books.orders[batch] ?? []
        const at = booked.findIndex((row) => row.reference === reference)
        const row = booked[at]
        if (row === undefined || state === 'PROCESSING' || state === 'NOT_FOUND') continue
        booked[at] = { ...row, state, reason, isSecret: false }
      }
      this.#say(rows)
    }
  }

  /** One answer file, which appears whole. */
  #say(rows: readonly AnswerRow[]): void {
    this.#books.files += 1
    const name = `ANSWER-${String(this.#books.files).padStart(6, '0')}.csv`
    const hidden = join(this.#root, 'out', `.${name}`)
    writeFileSync(hidden, writeAnswers(rows, this.#encoding))
    renameSync(hidden, join(this.#root, 'out', name))
  }

  /** The first of `control/next.json`, which is taken off; without one all goes well. */
  #nextAnswer(): Answer {
    const file = join(this.#root, 'control/next.json')
    if (!existsSync(file)) return 'success'
    const [first = 'success', ...rest]: string[] = JSON.parse(readFileSync(file, 'utf8'))
    const answer = answers.find((one) => one === first)
    if (answer === undefined)
      throw new Error(`control/next.json: ${first} is none of ${answers.join(', ')}`)
    writeFileSync(file, JSON.stringify(rest))
    return answer
  }

  #complain(name: string): void {
    writeFileSync(join(this.#root, 'ledger/unreadable.txt'), `${name}\n`, { flag: 'a' })
  }

  #read(folder: string, name: string): Buffer {
    return readFileSync(join(this.#root, folder, name))
  }

  #archive(folder: string, name: string): void {
    this.#books.files += 1
    const to = `${String(this.#books.files).padStart(6, '0')}-${name}`
    renameSync(join(this.#root, folder, name), join(this.#root, 'archive', to))
  }
}

const nothing = { amount: '', serial: '', reason: '', question: '' }

function answerOf(batch: string, row: BookedRow): AnswerRow {
  const { reference, state, amount, serial, reason } = row
  return { batch, reference, state, amount, serial, reason, question: '' }
}
