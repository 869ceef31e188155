/**
 * Trades: single orders of every kind (JSAPI, Native, H5, app, parts of a combined order, micropay) in one table, with
 * what is the same for all: states, expiry on the virtual clock, what the merchant has at WeChat, and its movements.
 */
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'
import type { SettingsBox } from './settings.ts'
import type { Index, Store, Table } from './store.ts'
import { formatDay } from './time.ts'
import type { User, Users } from './users.ts'

export type TradeType = 'JSAPI' | 'NATIVE' | 'APP' | 'MWEB' | 'MICROPAY'
export type TradeState =
  | 'NOTPAY'
  | 'USERPAYING'
  | 'SUCCESS'
  | 'REFUND'
  | 'CLOSED'
  | 'REVOKED'
  | 'PAYERROR'

export interface Trade {
  mchid: string
  appid: string
  out_trade_no: string
  description: string
  attach?: string
  /** Fen. */
  total: number
  trade_type: TradeType
  state: TradeState
  created_at: number
  /** After this virtual instant it cannot be paid and is closed. */
  expires_at: number
  notify_url?: string
  /** Who may pay, where the order names somebody. */
  openid?: string
  profit_sharing: boolean
  no_credit: boolean
  device_id?: string
  /** The request without what may differ between two that are the same: for idempotence. */
  terms: string
  transaction_id?: string
  payer_openid?: string
  payer_user?: string
  paid_at?: number
  bank_type?: string
  fee: number
  refunded: number
  refunds: number
  last_refund_at?: number
  /** The combined order that it is a part of. */
  combine_out_trade_no?: string
  /** Of a part that wants something of its own. */
  more?: Record<string, unknown>
}

/** A movement of what a merchant has at WeChat: what the fund bill is made of. */
export interface Movement {
  at: number
  mchid: string
  kind:
    | 'payment'
    | 'fee'
    | 'refund'
    | 'fee_return'
    | 'share'
    | 'share_return'
    | 'transfer'
    | 'other'
  /** Signed fen. */
  amount: number
  balance: number
  /** Of WeChat's: transaction_id, refund_id, order_id … */
  serial: string
  /** Of the merchant's. */
  out_no: string
  day: string
}

export class Trades {
  readonly table: Table<Trade>
  readonly byTransaction: Index<Trade>
  readonly byMerchant: Index<Trade>
  readonly movements: Table<Movement>
  readonly movementsOfDay: Index<Movement>
  /** Told of every change of a trade; profit sharing sets it. */
  watch: (trade: Trade) => void = () => undefined
  /** What of a merchant's balance waits to be shared, `but` the rest of one trade; profit sharing sets it. */
  frozenOf: (mchid: string, but?: Trade) => number = () => 0
  readonly #funds: Table<{ balance: number }>
  readonly #clock: Clock
  readonly #random: Random
  readonly #settings: SettingsBox
  readonly #users: Users

  constructor(store: Store, clock: Clock, random: Random, settings: SettingsBox, users: Users) {
    this.table = store.table('trades')
    this.byTransaction = this.table.index(({ transaction_id }) => transaction_id)
    this.byMerchant = this.table.index(({ mchid }) => mchid)
    this.movements = store.table('movements')
    this.movementsOfDay = this.movements.index(({ mchid, day }) => `${mchid}|${day}`)
    this.#funds = store.table('funds')
    this.#clock = clock
    this.#random = random
    this.#settings = settings
    this.#users = users
  }

  /** As it is now: what has run out is closed. */
  find(mchid: string, outTradeNo: string): Trade | undefined {
    const trade = this.table.get(keyOf(mchid, outTradeNo))
    return trade === undefined ? undefined : this.current(trade)
  }

  findByTransaction(transactionId: string): Trade | undefined {
    return this.byTransaction.first(transactionId)
  }

  current(trade: Trade): Trade {
    const isOver = trade.state === 'NOTPAY' && this.#clock.now() > trade.expires_at
    return isOver ? this.change(trade, { state: 'CLOSED' }) : trade
  }

  add(trade: Omit<Trade, 'created_at' | 'fee' | 'refunded' | 'refunds'>): Trade {
    const made = { ...trade, created_at: this.#clock.now(), fee: 0, refunded: 0, refunds: 0 }
    return this.table.set(keyOf(trade.mchid, trade.out_trade_no), made)
  }

  change(trade: Pick<Trade, 'mchid' | 'out_trade_no'>, members: Partial<Trade>): Trade {
    const changed = this.table.change(keyOf(trade.mchid, trade.out_trade_no), members)
    this.watch(changed)
    return changed
  }

  /** Marks an open trade as paid by `user`, whose money must have been taken already; the merchant gets it less the fee. */
  markPaid(trade: Trade, user: User, at = this.#clock.now()): Trade {
    const fee = Math.round((trade.total * this.#settings.now.feePpm) / 1_000_000)
    const transaction_id = this.newTransactionId(keyOf(trade.mchid, trade.out_trade_no))
    const paid = this.change(trade, {
      state: 'SUCCESS',
      transaction_id,
      payer_user: user.id,
      payer_openid: this.#users.openidOf(user.id, trade.appid),
      paid_at: at,
      bank_type: bankTypes[user.pays_with ?? 'debit'],
      fee,
    })
    const refs = { mchid: trade.mchid, serial: transaction_id, out_no: trade.out_trade_no, at }
    this.move({ ...refs, kind: 'payment', amount: trade.total })
    if (fee > 0) this.move({ ...refs, kind: 'fee', amount: -fee })
    return paid
  }

  /** Twenty-eight digits that begin as WeChat's do. */
  newTransactionId(of = ''): string {
    const random = of === '' ? this.#random : this.#random.of(`transaction ${of}`)
    const day = formatDay(this.#clock.now()).replaceAll('-', '')
    return `4200002${random.digits(3)}${day}${random.digits(10)}`
  }

  balanceOf(mchid: string): number {
    return this.#funds.get(mchid)?.balance ?? 0
  }

  /** What a merchant may spend: not what waits to be shared, unless it goes back out of that very trade (`of`). */
  spendable(mchid: string, of?: Trade): number {
    return this.balanceOf(mchid) - this.frozenOf(mchid, of)
  }

  /** Writes a movement and the new balance; whether it reaches is asked before, with `spendable`. */
  move(movement: Omit<Movement, 'balance' | 'day' | 'at'> & { at?: number }): void {
    const at = movement.at ?? this.#clock.now()
    const balance = this.balanceOf(movement.mchid) + movement.amount
    this.#funds.set(movement.mchid, { balance })
    const key = String(this.movements.size + 1)
    this.movements.set(key, { ...movement, at, balance, day: formatDay(at) })
  }
}

const bankTypes = { balance: 'OTHERS', debit: 'CMB_DEBIT', credit: 'CMB_CREDIT' }

export function keyOf(mchid: string, outTradeNo: string): string {
  return `${mchid}|${outTradeNo}`
}

/** The words that go with a state in a query's answer. */
export const stateWords: Record<TradeState, string> = {
  NOTPAY: '订单未支付',
  USERPAYING: '用户支付中，需要输入密码',
  SUCCESS: '支付成功',
  REFUND: '订单发生过退款，退款详情请查询退款单',
  CLOSED: '订单已关闭',
  REVOKED: '订单已撤销',
  PAYERROR: '支付失败',
}
