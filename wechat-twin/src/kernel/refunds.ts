/**
 * Refunds of every kind of trade: accepted first and done later, on the virtual clock; ABNORMAL where the payer's account
 * cannot take it, and then paid out elsewhere on demand. The same number refunds once. V3 and V2 both come here.
 */
import type { Clock, Schedule } from './clock.ts'
import type { Faults } from './faults.ts'
import type { Merchant, Merchants } from './merchants.ts'
import type { Notifier } from './notifications.ts'
import type { Random } from './random.ts'
import type { Rates } from './rates.ts'
import { refuse, suffixes, WechatRefusal } from './refusal.ts'
import type { SettingsBox } from './settings.ts'
import type { Index, Store, Table } from './store.ts'
import { formatTime } from './time.ts'
import type { Trade, Trades } from './trades.ts'
import type { Users } from './users.ts'

type Status = 'PROCESSING' | 'SUCCESS' | 'CLOSED' | 'ABNORMAL'

export interface Refund {
  refund_id: string
  mchid: string
  out_refund_no: string
  transaction_id: string
  out_trade_no: string
  total: number
  refund: number
  /** Of the merchant's fee, what comes back with it. */
  fee_return: number
  status: Status
  channel: 'ORIGINAL' | 'BALANCE' | 'OTHER_BALANCE' | 'OTHER_BANKCARD'
  user_received_account: string
  created_at: number
  succeeded_at?: number
  notify_url?: string
  /** What it comes to when it is done. */
  ends: Exclude<Status, 'PROCESSING'>
  terms: string
  from?: { account: string; amount: number }[]
}

/** What a merchant asks for; the order by exactly one of its two numbers. */
export interface RefundAsked {
  transaction_id?: string
  out_trade_no?: string
  out_refund_no: string
  /** Fen. */
  refund: number
  /** Of the whole order, in fen. */
  total: number
  notify_url?: string
  from?: { account: string; amount: number }[]
}

export interface RefundParts {
  store: Store
  clock: Clock
  schedule: Schedule
  random: Random
  rates: Rates
  settings: SettingsBox
  faults: Faults
  merchants: Merchants
  users: Users
  trades: Trades
  notifier: Notifier
}

const day = 86_400_000
/** Stands in the place of the payer's account where the money goes to one of the merchant. */
export const merchantsAccount = '商户银行账户'

export class Refunds {
  readonly table: Table<Refund>
  /** By `mchid|out_trade_no`. */
  readonly ofTrade: Index<Refund>
  readonly byId: Index<Refund>
  readonly ofMerchant: Index<Refund>
  readonly #twin: RefundParts

  constructor(twin: RefundParts) {
    this.#twin = twin
    this.table = twin.store.table('refunds')
    this.ofTrade = this.table.index(({ mchid, out_trade_no }) => `${mchid}|${out_trade_no}`)
    this.byId = this.table.index(({ refund_id }) => refund_id)
    this.ofMerchant = this.table.index(({ mchid }) => mchid)
    twin.schedule.on<{ key: string }>('refund', ({ key }, at) => this.#finish(key, at))
  }

  find(mchid: string, outRefundNo: string): Refund | undefined {
    return this.table.get(`${mchid}|${outRefundNo}`)
  }

  /**
   * The refund of this number, new or there before. Refuses in this order: other parameters, no such order, not paid, total,
   * sum, age, count, gap, the payer's account, the merchant's money; and too many refusals a second as FREQUENCY_LIMITED.
   */
  accept(merchant: Merchant, asked: RefundAsked): Refund {
    try {
      return this.#accept(merchant, asked)
    } catch (error) {
      const isFailing = error instanceof WechatRefusal && error.status < 429
      if (isFailing && !this.#twin.rates.take('refund.failing', merchant.mchid)) tooOften()
      throw error
    }
  }

  /** Sends the money of an ABNORMAL refund to `account`. */
  redirect(refund: Refund, account: string): Refund {
    const { clock, schedule, settings } = this.#twin
    if (refund.status !== 'ABNORMAL')
      return refuse(400, 'INVALID_REQUEST', '该退款单不是退款异常状态')
    const at = clock.now() + settings.now.refundSeconds * 1000
    schedule.at(at, 'refund', { key: keyOf(refund) })
    return this.table.change(keyOf(refund), {
      status: 'PROCESSING',
      ends: 'SUCCESS',
      channel: 'OTHER_BANKCARD',
      user_received_account: account,
    })
  }

  #accept(merchant: Merchant, asked: RefundAsked): Refund {
    const { trades, users } = this.#twin
    const terms = termsOf(asked)
    const before = this.find(merchant.mchid, asked.out_refund_no)
    if (before !== undefined) {
      if (before.terms === terms) return before
      return refuse(400, 'INVALID_REQUEST', '请求重入时，参数与首次请求时不一致', {
        suffix: suffixes.differentOrder,
      })
    }
    const trade = this.#tradeOf(merchant, asked)
    this.#checkAmounts(trade, asked)
    if (users.table.get(trade.payer_user ?? '')?.account === 'closed')
      return refuse(403, 'USER_ACCOUNT_ABNORMAL', '用户账户异常或已注销')
    // Counted over all refunds, so that parts never give back more than the fee was.
    const feeOf = (fen: number) => Math.round((trade.fee * fen) / trade.total)
    const feeReturn = feeOf(trade.refunded + asked.refund) - feeOf(trade.refunded)
    if (trades.spendable(merchant.mchid, trade) < asked.refund - feeReturn)
      return refuse(403, 'NOT_ENOUGH', '商户可用退款余额不足')
    return this.#open(trade, asked, terms, feeReturn)
  }

  #tradeOf(merchant: Merchant, asked: RefundAsked): Trade {
    const { trades } = this.#twin
    const found =
      asked.transaction_id === undefined
        ? trades.find(merchant.mchid, asked.out_trade_no ?? '')
        : trades.findByTransaction(asked.transaction_id)
    if (found === undefined || found.mchid !== merchant.mchid)
      return refuse(404, 'RESOURCE_NOT_EXISTS', '订单不存在', { suffix: suffixes.noOrder })
    if (found.state !== 'SUCCESS' && found.state !== 'REFUND')
      return refuse(400, 'INVALID_REQUEST', '订单未支付，不能退款')
    return found
  }

  #checkAmounts(trade: Trade, asked: RefundAsked): void {
    const { clock, rates, settings } = this.#twin
    const { refundDays, refundsPerOrder, refundGapSeconds } = settings.now
    const now = clock.now()
    const paidAt = trade.paid_at ?? now
    if (asked.total !== trade.total)
      refuse(400, 'INVALID_REQUEST', '订单金额与原订单不一致，请核实')
    if (asked.refund > trade.total - trade.refunded)
      refuse(400, 'INVALID_REQUEST', '累计退款金额大于支付金额')
    const given = asked.from?.reduce((sum, part) => sum + part.amount, 0)
    if (given !== undefined && given !== asked.refund)
      refuse(400, 'INVALID_REQUEST', '退款出资账户的金额之和与退款金额不一致')
    if (now > paidAt + refundDays * day) refuse(400, 'INVALID_REQUEST', '订单超过一年，不能退款')
    if (trade.refunds >= refundsPerOrder) refuse(400, 'INVALID_REQUEST', '退款次数超过上限')
    const soon = (trade.last_refund_at ?? Number.NEGATIVE_INFINITY) + refundGapSeconds * 1000
    const isOld = now > paidAt + 30 * day
    if (now < soon || (isOld && !rates.take('refund.old', trade.mchid))) tooOften()
  }

  #open(trade: Trade, asked: RefundAsked, terms: string, feeReturn: number): Refund {
    const { clock, random, schedule, settings, trades } = this.#twin
    const now = clock.now()
    const { mchid, out_trade_no } = trade
    const made: Refund = {
      refund_id: `50${random.of(`refund ${mchid}|${asked.out_refund_no}`).digits(27)}`,
      mchid,
      out_refund_no: asked.out_refund_no,
      transaction_id: trade.transaction_id ?? '',
      out_trade_no,
      total: trade.total,
      refund: asked.refund,
      fee_return: feeReturn,
      status: 'PROCESSING',
      channel: 'ORIGINAL',
      user_received_account: receivedBy[trade.bank_type ?? ''] ?? '支付用户零钱',
      created_at: now,
      ...(asked.notify_url !== undefined && { notify_url: asked.notify_url }),
      ends: this.#endOf(trade, asked),
      terms,
      ...(asked.from !== undefined && { from: asked.from }),
    }
    this.table.set(keyOf(made), made)
    trades.change(trade, {
      state: 'REFUND',
      refunded: trade.refunded + made.refund,
      refunds: trade.refunds + 1,
      last_refund_at: now,
    })
    const refs = { mchid, serial: made.refund_id, out_no: made.out_refund_no, at: now }
    trades.move({ ...refs, kind: 'refund', amount: -made.refund })
    if (feeReturn > 0) trades.move({ ...refs, kind: 'fee_return', amount: feeReturn })
    schedule.at(now + settings.now.refundSeconds * 1000, 'refund', { key: keyOf(made) })
    return made
  }

  #endOf(trade: Trade, asked: RefundAsked): Refund['ends'] {
    const paths = ['/v3/refund/domestic/refunds', asked.out_refund_no]
    const call = { method: 'POST', paths, mchid: trade.mchid }
    const fault = this.#twin.faults.take(['refund_abnormal', 'refund_closed'], call)
    const payer = this.#twin.users.table.get(trade.payer_user ?? '')
    if (fault?.effect === 'refund_abnormal' || payer?.account === 'blocked') return 'ABNORMAL'
    return fault?.effect === 'refund_closed' ? 'CLOSED' : 'SUCCESS'
  }

  /** The payer has the money, or it comes back to the merchant, or it waits for somebody to say where to. */
  #finish(key: string, at: number): void {
    const { notifier, trades, users } = this.#twin
    const before = this.table.get(key)
    if (before === undefined || before.status !== 'PROCESSING') return
    const isDone = before.ends === 'SUCCESS'
    const refund = this.table.change(key, {
      status: before.ends,
      ...(isDone && { succeeded_at: at }),
    })
    const trade = trades.find(refund.mchid, refund.out_trade_no)
    const isPayers = isDone && refund.user_received_account !== merchantsAccount
    if (isPayers && trade?.payer_user !== undefined) users.spend(trade.payer_user, -refund.refund)
    if (refund.status === 'CLOSED' && trade !== undefined) this.#giveBack(trade, refund, at)
    if (refund.notify_url === undefined) return
    notifier.tell({
      mchid: refund.mchid,
      url: refund.notify_url,
      event_type: `REFUND.${refund.status}`,
      original_type: 'refund',
      summary: summaries[refund.status],
      ref: refund.out_refund_no,
      plain: refundNotice(refund),
    })
  }

  #giveBack(trade: Trade, refund: Refund, at: number): void {
    const { trades } = this.#twin
    trades.change(trade, { refunded: trade.refunded - refund.refund })
    const { mchid, refund_id, out_refund_no, fee_return } = refund
    const refs = { mchid, serial: refund_id, out_no: out_refund_no, at }
    trades.move({ ...refs, kind: 'refund', amount: refund.refund })
    if (fee_return > 0) trades.move({ ...refs, kind: 'fee_return', amount: -fee_return })
  }
}

const summaries: Record<Status, string> = {
  SUCCESS: '退款成功',
  CLOSED: '退款关闭',
  ABNORMAL: '退款异常',
  PROCESSING: '退款处理中',
}

function keyOf({ mchid, out_refund_no }: Pick<Refund, 'mchid' | 'out_refund_no'>): string {
  return `${mchid}|${out_refund_no}`
}

/** What makes two requests of a number the same. */
function termsOf({ transaction_id, out_trade_no, refund, total }: RefundAsked): string {
  return JSON.stringify([transaction_id ?? '', out_trade_no ?? '', refund, total])
}

function tooOften(): never {
  return refuse(429, 'FREQUENCY_LIMITED', '频率超限，请降低请求频率', {
    suffix: suffixes.frequency,
  })
}

const receivedBy: Record<string, string> = {
  OTHERS: '支付用户零钱',
  CMB_DEBIT: '招商银行借记卡0403',
  CMB_CREDIT: '招商银行信用卡0403',
}

/** `refund_status` here, where the query says `status`. */
function refundNotice(refund: Refund): Record<string, unknown> {
  return {
    mchid: refund.mchid,
    transaction_id: refund.transaction_id,
    out_trade_no: refund.out_trade_no,
    refund_id: refund.refund_id,
    out_refund_no: refund.out_refund_no,
    refund_status: refund.status,
    ...(refund.succeeded_at !== undefined && { success_time: formatTime(refund.succeeded_at) }),
    user_received_account: refund.user_received_account,
    amount: {
      total: refund.total,
      refund: refund.refund,
      payer_total: refund.total,
      payer_refund: refund.refund,
    },
  }
}
