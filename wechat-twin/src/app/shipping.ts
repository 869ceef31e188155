/**
 * Shipping information of trading mini-programs: what was paid has to be reported as delivered before the money is let
 * go. An order can be reported again once; a user may confirm that he has it.
 */
import type { Table } from '../kernel/store.ts'
import { parseTime } from '../kernel/time.ts'
import type { Trade } from '../kernel/trades.ts'
import type { App, User } from '../kernel/users.ts'
import { type Asked, done } from './api.ts'
import { Refused } from './errcodes.ts'
import { type Body, flag, needParts, needText, part, text, whole } from './fields.ts'
import type { World } from './world.ts'

interface Shipment {
  readonly transaction_id: string
  readonly appid: string
  readonly logistics_type: number
  readonly delivery_mode: number
  readonly shipping_list: readonly Body[]
  readonly isComplete: boolean
  readonly uploads: number
  readonly upload_time: string
  /** 2 shipped, 3 confirmed by the user. */
  readonly order_state: 2 | 3
}

export interface Shipping {
  /** The user says that he has it. */
  confirm(user: User, transactionId: string): void
}

const longest = { item_desc: 120, express_company: 128, tracking_no: 128, shipments: 10 }
const express = 1

export function registerShipping(world: World): Shipping {
  const { api, twin } = world
  const shipments: Table<Shipment> = twin.store.table('shipments')

  api.post('/wxa/sec/order/upload_shipping_info', 'mini_program', (asked) =>
    upload(world, shipments, asked),
  )

  api.post('/wxa/sec/order/get_order', 'mini_program', ({ app, body }) => {
    const trade = tradeOf(world, app, body)
    const shipment = shipments.get(trade.transaction_id ?? '')
    return {
      ...done,
      order: {
        transaction_id: trade.transaction_id,
        merchant_id: trade.mchid,
        merchant_trade_no: trade.out_trade_no,
        description: trade.description,
        paid_amount: trade.total,
        openid: trade.payer_openid,
        trade_create_time: Math.floor(trade.created_at / 1000),
        pay_time: Math.floor((trade.paid_at ?? 0) / 1000),
        order_state: trade.state === 'REFUND' ? 5 : (shipment?.order_state ?? 1),
        in_complaint: false,
        ...(shipment !== undefined && { shipping: shown(shipment) }),
      },
    }
  })

  api.post('/wxa/sec/order/is_trade_managed', 'mini_program', ({ app, body }) => {
    if (needText(body, 'appid', 41002) !== app.appid) throw new Refused(40013)
    return { ...done, is_trade_managed: true }
  })

  api.post('/wxa/sec/order/notify_confirm_receive', 'mini_program', ({ app, body }) => {
    const trade = tradeOf(world, app, body)
    const shipment = shipments.get(trade.transaction_id ?? '')
    if (shipment?.order_state !== 2 || trade.payer_user === undefined) throw new Refused(10060004)
    const { description, payer_user } = trade
    twin.users.tell(payer_user, { from: app.appid, title: '确认收货提醒', text: description })
    return done
  })

  return {
    confirm: (user, transactionId) => {
      const trade = twin.trades.findByTransaction(transactionId)
      const shipment = shipments.get(transactionId)
      if (trade?.payer_user !== user.id || shipment === undefined) throw new Refused(10060001)
      shipments.change(transactionId, { order_state: 3 })
      const app = twin.users.apps.get(shipment.appid)
      if (app !== undefined) settled(world, app, trade)
    },
  }
}

/**
 * Refuses in this order: the order's key (268485194–268485196, 10060001), its state (10060004), the payer (10060031), the
 * kind and mode of delivery (10060005, 268485224, 10060006, 10060007), the list (10060008, 10060009, 10060014,
 * 10060024–10060026), the time (268485216), and what was said before (10060002, 10060003, 10060023).
 */
function upload(world: World, shipments: Table<Shipment>, { app, body }: Asked): object {
  const trade = tradeOf(world, app, keyOf(body))
  if (!isOpen(trade)) throw new Refused(10060004)
  const openid = needText(part(body, 'payer') ?? {}, 'openid', 10060014)
  if (openid !== trade.payer_openid) throw new Refused(10060031)
  const logistics_type = whole(body, 'logistics_type') ?? 0
  if (![1, 2, 3, 4].includes(logistics_type)) throw new Refused(10060005)
  const delivery_mode = whole(body, 'delivery_mode') ?? 0
  if (delivery_mode !== 1 && delivery_mode !== 2) throw new Refused(268485224)
  const isSplit = delivery_mode === 2
  if (isSplit && logistics_type !== express) throw new Refused(10060006)
  const isAll = flag(body, 'is_all_delivered')
  if (isSplit && isAll === undefined) throw new Refused(10060007)
  const shipping_list = readList(body, isSplit, logistics_type === express)
  const upload_time = needText(body, 'upload_time', 268485216)
  if (parseTime(upload_time) === undefined) throw new Refused(268485216)
  const transaction_id = trade.transaction_id ?? ''
  const before = shipments.get(transaction_id)
  if (before?.order_state === 3) throw new Refused(10060002)
  if (before?.isComplete === true) checkAgain(before, shipping_list)
  const partly = before?.isComplete === false ? before.shipping_list : []
  shipments.set(transaction_id, {
    transaction_id,
    appid: app.appid,
    logistics_type,
    delivery_mode,
    shipping_list: [...partly, ...shipping_list],
    isComplete: !isSplit || isAll === true,
    uploads: (before?.isComplete === true ? before.uploads : 0) + 1,
    upload_time,
    order_state: 2,
  })
  return done
}

/** What went back in part can be delivered still. Recalled. */
function isOpen({ state, refunded, total }: Trade): boolean {
  return state === 'SUCCESS' || (state === 'REFUND' && refunded < total)
}

/** What is complete may be said again once, and only otherwise. */
function checkAgain(before: Shipment, list: readonly Body[]): void {
  if (JSON.stringify(before.shipping_list) === JSON.stringify(list)) throw new Refused(10060023)
  if (before.uploads > 1) throw new Refused(10060003)
}

function readList(body: Body, isSplit: boolean, isExpress: boolean): readonly Body[] {
  const items = needParts(body, 'shipping_list', 10060014)
  if (items.length > (isSplit ? longest.shipments : 1)) throw new Refused(10060024)
  for (const item of items) checkItem(item, isExpress)
  return items
}

function checkItem(item: Body, isExpress: boolean): void {
  const words = needText(item, 'item_desc', 10060008)
  if (Array.from(words).length > longest.item_desc) throw new Refused(10060009)
  const [company, number] = [text(item, 'express_company'), text(item, 'tracking_no')]
  if (isExpress && (company === undefined || number === undefined)) throw new Refused(10060014)
  if ((company ?? '').length > longest.express_company) throw new Refused(10060025)
  if ((number ?? '').length > longest.tracking_no) throw new Refused(10060026)
}

/** Of `order_key`: by WeChat's number (type 2) or by merchant and merchant's number (type 1). */
function keyOf(body: Body): Body {
  const key = part(body, 'order_key') ?? {}
  const type = whole(key, 'order_number_type')
  if (type === 2) return { transaction_id: needText(key, 'transaction_id', 268485195) }
  if (type !== 1) throw new Refused(10060014, 'order_number_type')
  return {
    merchant_id: needText(key, 'mchid', 268485196),
    merchant_trade_no: needText(key, 'out_trade_no', 268485194),
  }
}

/** The paid order of this mini-program. Refuses 10060001; an order that nobody paid is 10060004. */
function tradeOf({ twin }: World, app: App, body: Body): Trade {
  const id = text(body, 'transaction_id')
  const trade =
    id === undefined
      ? twin.trades.find(text(body, 'merchant_id') ?? '', text(body, 'merchant_trade_no') ?? '')
      : twin.trades.findByTransaction(id)
  if (trade === undefined || trade.appid !== app.appid) throw new Refused(10060001)
  if (trade.transaction_id === undefined) throw new Refused(10060004)
  return trade
}

function shown(shipment: Shipment): object {
  const { logistics_type, delivery_mode, shipping_list, isComplete, upload_time } = shipment
  return {
    logistics_type,
    delivery_mode,
    finish_shipping: isComplete,
    finish_shipping_count: shipment.uploads,
    shipping_list: shipping_list.map((item) => ({ ...item, upload_time })),
  }
}

/** The account is told when the money is let go. */
function settled({ callbacks, people, twin }: World, app: App, trade: Trade): void {
  const user = trade.payer_user ?? ''
  callbacks.event(app, people.openidOf(app, user), 'trade_manage_order_settlement', {
    transaction_id: trade.transaction_id ?? '',
    merchant_id: trade.mchid,
    merchant_trade_no: trade.out_trade_no,
    pay_time: Math.floor((trade.paid_at ?? 0) / 1000),
    confirm_receive_method: 2,
    confirm_receive_time: Math.floor(twin.clock.now() / 1000),
    settlement_time: Math.floor(twin.clock.now() / 1000),
  })
}
