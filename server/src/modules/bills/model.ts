/**
 * Bills of WeChat Pay, read: rows under Chinese headers with amounts in yuan become payments, refunds and movements in
 * fen. Pure.
 */
import {
  type BookId,
  type BusinessDate,
  type Fen,
  type Instant,
  parseYuan,
  type WechatAccountId,
} from '@lika/contract'

export interface WechatBillRow {
  readonly accountId: WechatAccountId
  readonly day: BusinessDate
  readonly bookId: BookId
  readonly state: 'reconciled' | 'empty'
  readonly payments: number
  readonly paid: Fen
  readonly refunds: number
  readonly refunded: Fen
  readonly fees: Fen
  readonly funds: Fen
  readonly learnt: number
  readonly exceptions: number
  readonly reconciledAt: Instant
}

/** Hundred-thousandths of a yuan: fees stand in bills with five decimals. */
type Mills = bigint

export interface BilledPayment {
  readonly kind: 'payment'
  readonly outTradeNo: string
  readonly transactionId: string
  readonly appid: string
  readonly mchid: string
  readonly openid: string
  readonly amount: Fen
  readonly paidAt: Instant | undefined
  readonly fee: Mills
}

export interface BilledRefund {
  readonly kind: 'refund'
  readonly outTradeNo: string
  readonly outRefundNo: string
  readonly refundId: string
  readonly amount: Fen
  /** `SUCCESS`, `PROCESSING`, `CHANGE` (abnormal) or `FAIL` (closed). */
  readonly status: string
  /** A payment by code that was taken back by its own number: nobody asked for a refund. */
  readonly isReversal: boolean
  readonly fee: Mills
}

export type BilledRow = BilledPayment | BilledRefund

type Row = Readonly<Record<string, string>>

/** undefined: it is neither a payment nor a refund, or cannot be read. */
export function readTradeRow(row: Row): BilledRow | undefined {
  const text = (name: string) => row[name] ?? ''
  const fee = millsOf(text('手续费') || '0')
  if (fee === undefined) return undefined
  if (text('交易状态') === 'SUCCESS') {
    const amount = parseYuan(text('订单金额') || text('应结订单金额'))
    if (amount === undefined) return undefined
    return {
      kind: 'payment',
      outTradeNo: text('商户订单号'),
      transactionId: text('微信订单号'),
      appid: text('公众账号ID'),
      mchid: text('商户号'),
      openid: text('用户标识'),
      amount,
      paidAt: readTime(text('交易时间')),
      fee,
    }
  }
  const isReversal = text('交易状态') === 'REVOKED'
  if (!isReversal && text('交易状态') !== 'REFUND') return undefined
  const amount = parseYuan(text('申请退款金额') || text('退款金额'))
  if (amount === undefined) return undefined
  return {
    kind: 'refund',
    outTradeNo: text('商户订单号'),
    outRefundNo: text('商户退款单号'),
    refundId: text('微信退款单号'),
    amount,
    status: text('退款状态'),
    isReversal,
    fee,
  }
}

/** `2026-11-25 08:00:01` in Shanghai. */
function readTime(text: string): Instant | undefined {
  const at = Date.parse(`${text.replace(' ', 'T')}+08:00`)
  return Number.isNaN(at) ? undefined : at
}

function millsOf(text: string): Mills | undefined {
  const [, sign, whole, part = ''] = /^(-?)(\d{1,12})(?:\.(\d{1,5}))?$/.exec(text) ?? []
  if (whole === undefined) return undefined
  const value = BigInt(whole) * 100_000n + BigInt(part.padEnd(5, '0'))
  return sign === '-' ? -value : value
}

export interface BilledMovement {
  readonly serial: string
  /** `交易`, `退款`, `扣除交易手续费` … */
  readonly type: string
  /** WeChat's number of what moved it: of a refund its `refundId`. */
  readonly cause: string
  /** The merchant's number of the same. */
  readonly number: string
  /** Fen; below 0 it left the account. */
  readonly amount: Fen
}

/** undefined: it cannot be read. */
export function readFundRow(row: Row): BilledMovement | undefined {
  const amount = parseYuan(row['收支金额(元)'] ?? '')
  const direction = row['收支类型']
  if (amount === undefined || (direction !== '收入' && direction !== '支出')) return undefined
  return {
    serial: row['资金流水单号'] ?? '',
    type: row['业务类型'] ?? '',
    cause: row['微信支付业务单号'] ?? '',
    number: row['业务凭证号'] ?? '',
    amount: direction === '收入' ? amount : -amount,
  }
}

/** What trades do to the account: the rest is shares, withdrawals and the like. */
const ofTrades = ['交易', '退款', '扣除交易手续费', '退还交易手续费']

/** What each payment and refund did to the account on the day, by WeChat's number of it. */
function netByCause(movements: readonly BilledMovement[]): ReadonlyMap<string, Fen> {
  const net = new Map<string, Fen>()
  for (const { cause, type, amount } of movements)
    if (ofTrades.includes(type)) net.set(cause, (net.get(cause) ?? 0n) + amount)
  return net
}

/**
 * The rows whose money moved. WeChat takes a refund out of the account when it accepts it, so one that is on its way or
 * abnormal has left; one that was closed is back, unless that was after midnight: then it left on the day of its row, and
 * comes back in the funds of the next.
 */
export function movedRows(
  rows: readonly BilledRow[],
  movements: readonly BilledMovement[],
): BilledRow[] {
  const net = netByCause(movements)
  return rows.filter(
    (row) =>
      row.kind === 'payment' || row.status === 'SUCCESS' || (net.get(row.refundId) ?? 0n) < 0n,
  )
}

/** A refund of a day before that was closed, and whose money came back. */
export interface ReturnedRefund {
  /** What was to go back to the payer. */
  readonly amount: Fen
  /** What came back into the account: less the fee that WeChat had given back with it, and keeps now. */
  readonly moved: Fen
}

/** Money of refunds that came into the account and had not left it on the same day. */
export function cameBack(movements: readonly BilledMovement[]): BilledMovement[] {
  const net = netByCause(movements)
  return movements.filter(
    ({ type, amount, cause }) => type === '退款' && amount > 0n && (net.get(cause) ?? 0n) > 0n,
  )
}

/** undefined: no fee comes to a twentieth, so it is not all of the refund, or more. */
export function returnedOf(amount: Fen, moved: Fen): ReturnedRefund | undefined {
  const fee = amount - moved
  return fee >= 0n && fee * 20n <= amount ? { amount, moved } : undefined
}

/** In fen, half a fen away from zero. */
export function feesOf(rows: readonly BilledRow[], returned: readonly ReturnedRefund[] = []): Fen {
  const mills = rows.reduce((sum, { fee }) => sum + fee, 0n)
  const billed = mills >= 0n ? (mills + 500n) / 1_000n : -((500n - mills) / 1_000n)
  return returned.reduce((sum, { amount, moved }) => sum + amount - moved, billed)
}

/**
 * What the movements of trades in the bill of funds come to beyond what the rows whose money moved, and the refunds that
 * came back, say: 0 where they agree.
 */
export function fundGap(
  rows: readonly BilledRow[],
  movements: readonly BilledMovement[],
  returned: readonly ReturnedRefund[] = [],
): Fen {
  const sum = (some: readonly { readonly amount: Fen }[]) =>
    some.reduce((total, { amount }) => total + amount, 0n)
  const paid = sum(rows.filter(({ kind }) => kind === 'payment'))
  const refunded = sum(rows.filter(({ kind }) => kind === 'refund')) - sum(returned)
  const moved = sum(movements.filter(({ type }) => ofTrades.includes(type)))
  return moved - (paid - refunded - feesOf(rows, returned))
}

/** How long after a day its bills are there: at ten in the morning in Shanghai. */
export const readyAfterMs = 10 * 3_600_000
