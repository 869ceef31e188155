/**
 * Holds the bills of a day against the books, to the fen. A payment that the books did not know is learned from the bill,
 * by the same command as from a notice or a question; what cannot be learned or does not fit opens a case. Can be broken
 * off anywhere and done again: each case, fee and fact goes into the book once.
 */
import {
  type BookId,
  type BusinessDate,
  endOfDay,
  type Fen,
  type Instant,
  issuerOfBook,
  modeOfBook,
  ok,
  startOfDay,
  type WechatAccountId,
} from '@lika/contract'
import {
  type BilledMovement,
  type BilledRow,
  cameBack,
  feesOf,
  fundGap,
  insertBill,
  movedRows,
  ordersPaidOn,
  type ReturnedRefund,
  readFundRow,
  readTradeRow,
  returnedOf,
  tillsPaidOn,
  type WechatBillRow,
} from '../../modules/bills/index.ts'
import { accountId as accountOf, LedgerDesk } from '../../modules/ledger/index.ts'
import { outTradeNo } from '../../modules/orders/index.ts'
import type { Answer, Bill } from '../../modules/wechat/index.ts'
import { isNotThere } from '../combined/leg.ts'
import type { FlowContext } from '../context.ts'
import { carriedOut } from '../prepared.ts'
import { openCase } from '../reserve/case.ts'
import type { CaseFacts } from '../reserve/case-row.ts'
import { homeLaneOf } from '../reserve/desk.ts'
import { type NoticeTaken, takeRefund, takeTrade } from '../wechat-notices.ts'
import { amountInBook, isByCode, isOurs, paidInBook } from './known.ts'

export interface BillLog {
  error(details: object, sentence: string): void
}

export interface BillOf {
  readonly book: BookId
  readonly accountId: WechatAccountId
  readonly mchid: string
  readonly day: BusinessDate
}

/** False: the bills are not there yet, or WeChat does not answer; asked again later. */
export async function reconcileBills(
  context: FlowContext,
  log: BillLog,
  of: BillOf,
): Promise<boolean> {
  const { wechatPay, database, engine } = context
  const { accountId, day, book } = of
  const trade = await wechatPay.bill(accountId, { kind: 'trade', date: day, type: 'ALL' })
  if (trade.status !== 'done' && !isEmpty(trade)) return false
  const fund = await wechatPay.bill(accountId, { kind: 'fund', date: day, account: 'BASIC' })
  if (fund.status !== 'done' && !isEmpty(fund)) return false
  const bills = {
    trade: trade.status === 'done' ? trade.value : nothing,
    fund: fund.status === 'done' ? fund.value : nothing,
  }
  const found = await compare(context, log, of, bills)
  await insertBill(database.sql, {
    accountId,
    day,
    bookId: book,
    state: trade.status === 'done' || fund.status === 'done' ? 'reconciled' : 'empty',
    ...found,
    reconciledAt: engine.now(modeOfBook(book)),
  })
  return true
}

const nothing: Bill = { rows: [], summary: {} }

function isEmpty(answer: { readonly status: string; readonly code?: string }): boolean {
  return answer.status === 'refused' && answer.code === 'NO_STATEMENT_EXIST'
}

type Found = Pick<
  WechatBillRow,
  'payments' | 'paid' | 'refunds' | 'refunded' | 'fees' | 'funds' | 'learnt' | 'exceptions'
>

async function compare(
  context: FlowContext,
  log: BillLog,
  of: BillOf,
  { trade, fund }: { readonly trade: Bill; readonly fund: Bill },
): Promise<Found> {
  const rows = trade.rows.flatMap((row) => readTradeRow(row) ?? [])
  const movements = fund.rows.flatMap((row) => readFundRow(row) ?? [])
  const moved = movedRows(rows, movements)
  const payments = moved.filter(({ kind }) => kind === 'payment')
  const refunds = moved.filter(({ kind }) => kind === 'refund')
  const returned = await returnedIn(context, of, movements)
  const desk = new Exceptions(context, of)
  let learnt = 0
  const reversed = reversedIn(rows)
  const paidHere = new Set(rows.flatMap((row) => (row.kind === 'payment' ? row.outTradeNo : [])))
  for (const row of rows)
    if (reversed.has(row.outTradeNo))
      await takeReversed(context, of, row, paidHere.has(row.outTradeNo), desk)
    else if (await takeRow(context, log, of, row, desk)) learnt += 1
  await lookForMissing(context, of, rows, desk)
  const gap = fundGap(moved, movements, returned)
  if (gap !== 0n) await desk.open(`funds ${of.day}`, 'wechat_fund_gap', gap, of.day)
  const fees = feesOf(moved, returned)
  await bookFees(context, of, fees)
  return {
    payments: payments.length,
    paid: sumOf(payments),
    refunds: refunds.length,
    refunded: sumOf(refunds),
    fees,
    funds: sumOf(movements),
    learnt,
    exceptions: desk.opened,
  }
}

/** Refunds of days before whose money came back, where WeChat says that it has closed them; what else came is a gap. */
async function returnedIn(
  { wechatPay }: FlowContext,
  { accountId }: BillOf,
  movements: readonly BilledMovement[],
): Promise<ReturnedRefund[]> {
  const returned: ReturnedRefund[] = []
  for (const { number, cause, amount } of cameBack(movements)) {
    const asked = await wechatPay.queryRefund(accountId, number)
    if (!isThere(number, asked)) continue
    const { state, refundId } = asked.value
    if (state !== 'closed' || refundId !== cause) continue
    const one = returnedOf(asked.value.amount, amount)
    if (one !== undefined) returned.push(one)
  }
  return returned
}

/** False: WeChat has never heard of it. Throws for every other answer but that it is there: it says nothing of it. */
function isThere<T>(
  number: string,
  asked: Answer<T>,
): asked is Extract<Answer<T>, { readonly status: 'done' }> {
  if (asked.status === 'done') return true
  if (asked.status === 'refused' && isNotThere(asked.code)) return false
  const why = asked.status === 'refused' ? asked.code : asked.why
  throw new Error(`WeChat does not say what became of ${number}: ${why}`)
}

function sumOf(some: readonly { readonly amount: Fen }[]): Fen {
  return some.reduce((sum, { amount }) => sum + amount, 0n)
}

/** Cases of one bill, each under a key of its own. */
class Exceptions {
  opened = 0
  readonly #context: FlowContext
  readonly #of: BillOf

  constructor(context: FlowContext, of: BillOf) {
    this.#context = context
    this.#of = of
  }

  async open(key: string, kind: CaseFacts['kind'], amount: Fen, subject: string): Promise<void> {
    const { book, accountId, day } = this.#of
    const facts: CaseFacts = { kind, day, amount, subject: subject.slice(0, 100) }
    await openCase(this.#context, book, `wechat ${accountId} ${key}`, facts)
    this.opened += 1
  }
}

function reversedIn(rows: readonly BilledRow[]): ReadonlySet<string> {
  return new Set(
    rows.flatMap((row) => (row.kind === 'refund' && row.isReversal ? row.outTradeNo : [])),
  )
}

/** A payment by code that was taken back: the books have neither the payment nor that it went back. */
async function takeReversed(
  context: FlowContext,
  { book }: BillOf,
  { kind, outTradeNo: number, amount }: BilledRow,
  isPaidHere: boolean,
  exceptions: Exceptions,
): Promise<void> {
  if (kind === 'payment') return
  const known = await paidInBook(context, book, number)
  const key = `reversed ${number}`
  if (known !== undefined) await exceptions.open(key, 'wechat_row_differs', -known, number)
  // Of a till that is not ours: the bill of the day before has the payment, and a case for it.
  else if (!isPaidHere && !(await isOurs(context, book, number)))
    await exceptions.open(key, 'wechat_unknown_row', -amount, number)
}

/** True: the books learned it from here. */
async function takeRow(
  context: FlowContext,
  log: BillLog,
  of: BillOf,
  row: BilledRow,
  exceptions: Exceptions,
): Promise<boolean> {
  const number = row.kind === 'payment' ? row.outTradeNo : row.outRefundNo
  const known = await amountInBook(context, of.book, row)
  if (known !== undefined) {
    const isClosed = row.kind === 'refund' && row.status === 'FAIL'
    if (isClosed) await exceptions.open(number, 'wechat_row_differs', known, number)
    else if (known !== row.amount)
      await exceptions.open(number, 'wechat_row_differs', row.amount - known, number)
    return false
  }
  // What is still on its way back, or failed, is followed up by whoever asked for it.
  if (row.kind === 'refund' && row.status !== 'SUCCESS') return false
  if (row.kind === 'payment' && (await isByCode(context, of.book, number))) {
    const asked = await context.wechatPay.queryMicropay(of.accountId, number)
    // Nobody can be asked whether it was taken back.
    if (asked.status === 'refused' && unaskable.includes(asked.code)) {
      await exceptions.open(number, 'wechat_row_differs', row.amount, number)
      return false
    }
    // Taken back after midnight: it stands in the bill of its day as any that was paid.
    if (isThere(number, asked) && asked.value.state === 'revoked') return false
  }
  const taken = await learn(context, log, of, row)
  await report(exceptions, taken, number, row.kind === 'payment' ? row.amount : -row.amount)
  return taken === 'in_book'
}

/** The merchant number has no API v2 key any more, or may not ask about codes. */
const unaskable = ['API_V2_KEY_MISSING', 'NO_AUTH']

function learn(
  context: FlowContext,
  log: BillLog,
  { book, accountId, mchid }: BillOf,
  row: BilledRow,
): Promise<NoticeTaken> {
  const told = { book, accountId }
  if (row.kind === 'payment') {
    const { outTradeNo: no, appid, amount, transactionId, openid, paidAt } = row
    const rest = { amount, transactionId, openid, paidAt }
    const trade = { outTradeNo: no, state: 'paid', mchid: row.mchid || mchid, appid } as const
    return takeTrade(context, log, told, { ...trade, ...rest })
  }
  const { outTradeNo: no, outRefundNo, refundId, amount } = row
  const refund = { outRefundNo, outTradeNo: no, refundId, state: 'succeeded', amount } as const
  return takeRefund(context, log, told, refund)
}

async function report(
  exceptions: Exceptions,
  taken: NoticeTaken,
  number: string,
  amount: Fen,
): Promise<void> {
  if (taken === 'later') throw new Error(`${number} of a bill could not be recorded just now`)
  if (taken === 'differs') await exceptions.open(number, 'wechat_row_differs', amount, number)
  if (taken === 'foreign') await exceptions.open(number, 'wechat_unknown_row', amount, number)
}

/** What the books have of the day and the bill has not: asked of WeChat, which may count it to another day. */
async function lookForMissing(
  context: FlowContext,
  { book, accountId, day }: BillOf,
  rows: readonly BilledRow[],
  exceptions: Exceptions,
): Promise<void> {
  const { sql } = context.database
  const lanes = context.engine.lanesOf(modeOfBook(book))
  const billed = new Set(rows.flatMap((row) => (row.kind === 'payment' ? row.outTradeNo : [])))
  const span = { from: startOfDay(day), until: endOfDay(day) }
  const [orders, tills] = await Promise.all([
    ordersPaidOn(sql, lanes, accountId, span),
    tillsPaidOn(sql, lanes, accountId, span),
  ])
  const paid = [
    ...orders.map(({ amount, ...number }) => ({ number: outTradeNo(number), amount })),
    ...tills.map(({ outTradeNo: number, amount }) => ({ number, amount })),
  ]
  for (const { number, amount } of paid) {
    if (billed.has(number)) continue
    const asked = await context.wechatPay.query(accountId, number)
    const paidAt: Instant | undefined = isThere(number, asked) ? asked.value.paidAt : undefined
    const isOfOtherDay = paidAt !== undefined && (paidAt < span.from || paidAt >= span.until)
    if (!isOfOtherDay) await exceptions.open(number, 'wechat_missing_row', -amount, number)
  }
}

/** What WeChat kept for itself is an expense of the day's; once, whoever compares. */
async function bookFees(
  context: FlowContext,
  { book, accountId, day }: BillOf,
  fees: Fen,
): Promise<void> {
  if (fees === 0n) return
  const lane = homeLaneOf(context, modeOfBook(book))
  const own = (kind: 'channel_fee' | 'wechat') => accountOf(issuerOfBook(book), kind, lane)
  const done = await context.engine.execute({
    book,
    operation: 'wechat_bill.fees',
    key: `${accountId} ${day}`,
    input: {},
    homeLane: () => lane,
    weight: 'bulk',
    plan: () => ({
      lanes: [lane],
      reads: [],
      decide: (view) => {
        const [debit, credit] =
          fees > 0n ? [own('channel_fee'), own('wechat')] : [own('wechat'), own('channel_fee')]
        const amount = fees > 0n ? fees : -fees
        new LedgerDesk(view, lane).transfer({ debit, credit, amount })
        const body = { day, feesFen: String(fees) }
        return ok({ kind: 'wechat_bill.fees', version: 1, body })
      },
    }),
  })
  // The day is not done before its fees are in the book.
  carriedOut(done)
}
