/**
 * What the twin remembers of profit sharing: receivers, requests, returns, what was done with each payment, and what a
 * test wants to be wrong with an account. Works off on the virtual clock what was accepted.
 */

import type { Table } from '../kernel/store.ts'
import { formatDay, formatTime } from '../kernel/time.ts'
import type { Movement, Trade } from '../kernel/trades.ts'
import type { Twin } from '../kernel/twin.ts'
import {
  emptyPot,
  type FailReason,
  failReasonOf,
  type Pot,
  type ShareDetail,
  type SharedPayment,
} from './model.ts'

export interface Receiver {
  mchid: string
  appid: string
  type: ShareDetail['type']
  account: string
  relation_type: string
  custom_relation?: string
}

export interface ShareOrder {
  mchid: string
  transaction_id: string
  out_order_no: string
  order_id: string
  /** What was asked, for idempotence. */
  terms: string
  state: 'PROCESSING' | 'FINISHED'
  receivers: ShareDetail[]
  created_at: number
}

export interface ReturnOrder {
  mchid: string
  order_id: string
  out_order_no: string
  out_return_no: string
  return_id: string
  return_mchid: string
  amount: number
  description: string
  terms: string
  result: 'PROCESSING' | 'SUCCESS' | 'FAILED'
  fail_reason?: string
  create_time: number
  finish_time?: number
}

/** What a test may want to be wrong with a merchant number or an OpenID. */
export const conditions = [
  'ACCOUNT_ABNORMAL',
  'RECEIVER_HIGH_RISK',
  'RECEIVER_REAL_NAME_NOT_VERIFIED',
  'INVALID_REQUEST',
  'NO_AUTH',
  'PAYER_ACCOUNT_ABNORMAL',
  'RETURN_NOT_AGREED',
] as const
export type Condition = (typeof conditions)[number]

export class SharingBook {
  readonly receivers: Table<Receiver>
  readonly receiversOf
  readonly orders: Table<ShareOrder>
  readonly orderById
  readonly ordersOf
  readonly #ordersOfPayment
  /** Told of the payment with which something was done. */
  onChange: (transactionId: string) => void = () => undefined
  readonly returns: Table<ReturnOrder>
  readonly returnsOf
  readonly returnsBy
  readonly #pots: Table<Pot>
  readonly #received: Table<{ amount: number }>
  readonly #conditions: Table<{ all: Condition[] }>
  readonly #twin: Twin

  constructor(twin: Twin) {
    this.#twin = twin
    this.receivers = twin.store.table('share_receivers')
    this.receiversOf = this.receivers.index(({ mchid }) => mchid)
    this.orders = twin.store.table('share_orders')
    this.orderById = this.orders.index(({ order_id }) => order_id)
    this.ordersOf = this.orders.index(({ mchid }) => mchid)
    this.#ordersOfPayment = this.orders.index(({ transaction_id, state }) =>
      state === 'PROCESSING' ? transaction_id : undefined,
    )
    this.returns = twin.store.table('share_returns')
    this.returnsOf = this.returns.index(({ order_id }) => order_id)
    this.returnsBy = this.returns.index(({ mchid }) => mchid)
    this.#pots = twin.store.table('share_pots')
    this.#received = twin.store.table('share_received')
    this.#conditions = twin.store.table('share_conditions')
    twin.schedule.on<{ key: string }>('share', ({ key }, at) => this.#workOff(key, at))
  }

  potOf(payment: SharedPayment): Pot {
    return this.#pots.get(payment.transaction_id) ?? emptyPot(payment)
  }

  keep(pot: Pot): void {
    this.#pots.set(pot.transaction_id, pot)
    this.onChange(pot.transaction_id)
  }

  /** Of a payment, what was accepted for receivers who do not have it yet. */
  promisedOf(transactionId: string): number {
    return this.#ordersOfPayment
      .all(transactionId)
      .flatMap(({ receivers }) => receivers)
      .filter(({ result }) => result === 'PENDING')
      .reduce((sum, { amount }) => sum + amount, 0)
  }

  has(account: string, condition: Condition): boolean {
    return this.#conditions.get(account)?.all.includes(condition) ?? false
  }

  setConditions(account: string, all: Condition[]): void {
    this.#conditions.set(account, { all })
  }

  receiverKey(mchid: string, type: string, account: string): string {
    return `${mchid}|${type}|${account}`
  }

  /** Takes a request in; its receivers learn the end when it is due. */
  accept(order: ShareOrder): ShareOrder {
    const key = `${order.mchid}|${order.out_order_no}`
    this.orders.set(key, order)
    this.onChange(order.transaction_id)
    if (order.state === 'PROCESSING')
      this.#twin.schedule.at(
        order.created_at + this.#twin.settings.now.shareSeconds * 1000,
        'share',
        { key },
      )
    return order
  }

  #workOff(key: string, at: number): void {
    const order = this.orders.get(key)
    if (order === undefined || order.state === 'FINISHED') return
    const receivers = order.receivers.map((detail) =>
      detail.result === 'PENDING' ? this.#give(order, detail, at) : detail,
    )
    this.orders.set(key, { ...order, state: 'FINISHED', receivers })
    this.onChange(order.transaction_id)
  }

  #give(order: ShareOrder, detail: ShareDetail, at: number): ShareDetail {
    const reason = this.#reason(order, detail, at)
    // What could not be given stays with the payer, free.
    if (reason !== undefined)
      return { ...detail, result: 'CLOSED', fail_reason: reason, finish_time: at }
    const done: ShareDetail = { ...detail, result: 'SUCCESS', finish_time: at }
    if (detail.account !== order.mchid) this.#pay(order, done, at)
    return done
  }

  #pay(order: ShareOrder, detail: ShareDetail, at: number): void {
    const { trades, users } = this.#twin
    const kind: Movement['kind'] = 'share'
    const refs = { at, kind, serial: detail.detail_id, out_no: order.out_order_no }
    trades.move({ ...refs, mchid: order.mchid, amount: -detail.amount })
    if (detail.type === 'MERCHANT_ID') {
      trades.move({ ...refs, mchid: detail.account, amount: detail.amount })
      this.#tell(order, detail, at)
      return
    }
    const user = users.byOpenid(detail.account)?.user
    if (user !== undefined) users.spend(user.id, -detail.amount)
    const month = monthOf(detail.account, at)
    this.#received.set(month, { amount: (this.#received.get(month)?.amount ?? 0) + detail.amount })
  }

  #reason(order: ShareOrder, detail: ShareDetail, at: number): FailReason | undefined {
    const { account, type } = detail
    const isPerson = type !== 'MERCHANT_ID'
    const has = (condition: Condition) => this.has(account, condition)
    const isSelf = account === order.mchid
    return failReasonOf(
      {
        payerAuthorised: !this.has(order.mchid, 'NO_AUTH'),
        payerAbnormal: this.has(order.mchid, 'PAYER_ACCOUNT_ABNORMAL'),
        related: isSelf || this.receivers.has(this.receiverKey(order.mchid, type, account)),
        accountAbnormal: has('ACCOUNT_ABNORMAL'),
        highRisk: has('RECEIVER_HIGH_RISK'),
        realNameVerified: !has('RECEIVER_REAL_NAME_NOT_VERIFIED'),
        descriptionRefused: has('INVALID_REQUEST'),
        receivedThisMonth: isPerson
          ? (this.#received.get(monthOf(account, at))?.amount ?? 0)
          : undefined,
        monthlyLimit: this.#twin.settings.now.shareMonthlyFen,
      },
      detail.amount,
    )
  }

  /** Only the receiver is told, and only where it said whither. */
  #tell(order: ShareOrder, { type, account, amount, description }: ShareDetail, at: number): void {
    const url = this.#twin.merchants.find(account)?.more['sharing_notify_url']
    if (typeof url !== 'string') return
    this.#twin.notifier.tell({
      mchid: account,
      url,
      event_type: 'PROFITSHARING',
      original_type: 'profitsharing',
      summary: '分账',
      ref: order.out_order_no,
      plain: {
        mchid: order.mchid,
        transaction_id: order.transaction_id,
        order_id: order.order_id,
        out_order_no: order.out_order_no,
        receiver: { type, account, amount, description },
        success_time: formatTime(at),
      },
    })
  }
}

function monthOf(account: string, at: number): string {
  return `${account}|${formatDay(at).slice(0, 7)}`
}

/** The payment behind a trade that was paid. */
export function paymentOf(trade: Trade): SharedPayment | undefined {
  const { transaction_id, paid_at } = trade
  if (transaction_id === undefined || paid_at === undefined) return undefined
  const { mchid, total, fee, refunded, profit_sharing } = trade
  return { transaction_id, mchid, total, fee, refunded, paid_at, profit_sharing }
}
