/** The shapes that the routes of orders share, for staff and for the wallet. */
import {
  formatId,
  formatInstant,
  laneOfId,
  modeOfBook,
  orderChannels,
  orderKinds,
  orderRefundStates,
  orderStates,
  type Result,
  refused,
  tradeStates,
} from '@lika/contract'
import type { CardCaller } from '../../flows/cards/caller.ts'
import { membersOf } from '../../flows/cards/facts.ts'
import type { FlowContext } from '../../flows/context.ts'
import {
  presentOrder,
  presentOrderOf,
  presentRefund,
  presentRefundOf,
  presentTrade,
} from '../../flows/purchase/facts.ts'
import { type PayInput, payOrder } from '../../flows/purchase/pay.ts'
import { pursueRefundsOf } from '../../flows/purchase/runner.ts'
import {
  type OrderRow,
  orderById,
  outRefundNo as outRefundNoOf,
  outTradeNo,
  type RefundShown,
  refundBases,
  type ShippingRow,
  selectRefundsOf,
  type TradeRow,
} from '../../modules/orders/index.ts'
import type { Invitation, PayScene } from '../../modules/wechat/index.ts'
import type { Executed } from '../../platform/lanes/index.ts'
import {
  Amount,
  AmountOrZero,
  Currency,
  closed,
  idOf,
  nullable,
  oneOf,
  readId,
  type Static,
  shown,
  Timestamp,
  Type,
} from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'
import type { Refused } from '../http/spec.ts'
import { Shipping } from './shipping-shape.ts'

const payScenes = ['jsapi', 'mini_program', 'native', 'h5'] as const satisfies readonly PayScene[]

export const OrderStatusName = oneOf(
  orderStates,
  'paid, and at once delivered, in one step; completed: the hours for changing one’s mind are over',
)
export const OrderKindName = oneOf(orderKinds)
export const OrderChannelName = oneOf(orderChannels)

const orderMembers = {
  id: idOf('order'),
  kind: OrderKindName,
  status: OrderStatusName,
  channel: OrderChannelName,
  product_id: idOf('product'),
  product_version: Type.Integer({ minimum: 1 }),
  card_id: nullable(idOf('card')),
  member_id: nullable(idOf('member')),
  amount: Amount,
  bonus_amount: AmountOrZero,
  quantity: Type.Integer({ minimum: 1 }),
  total: Amount,
  refunded_amount: AmountOrZero,
  currency: Currency,
  review: nullable(oneOf(['pending', 'approved', 'rejected'])),
  cards: Type.Array(idOf('card')),
  sealed_until: nullable(Timestamp),
  undeliverable: nullable(Type.String()),
  payment: closed({
    out_trade_no: nullable(Type.String()),
    expires_at: Timestamp,
    paid_at: nullable(Timestamp),
  }),
  ...shown,
  created_at: Timestamp,
}

export const OrderBody = closed(orderMembers)

const OrderRefundBody = closed({
  out_refund_no: Type.String(),
  amount: Amount,
  basis: oneOf(refundBases),
  status: oneOf(
    orderRefundStates,
    'abnormal: the payer’s account cannot take it back, a person has to name a bank card of his; closed: WeChat did not carry it out, ask again',
  ),
  reason: nullable(Type.String()),
  problem: nullable(Type.String()),
  ended_at: nullable(Timestamp),
})

/** With everything that it has at WeChat. */
export const OrderDetail = closed({
  ...orderMembers,
  payments: Type.Array(
    closed({
      out_trade_no: Type.String(),
      scene: oneOf(payScenes),
      status: oneOf(tradeStates),
      expires_at: Timestamp,
      paid_at: nullable(Timestamp),
      shipping: Shipping,
    }),
  ),
  refunds: Type.Array(OrderRefundBody),
})

export const RefundOfOrder = closed({ ...orderMembers, refund: OrderRefundBody })

export const PayAsked = closed({
  scene: oneOf(payScenes),
  app_id: Type.Optional(idOf('wechat_app')),
  client_ip: Type.Optional(
    Type.String({
      minLength: 2,
      maxLength: 45,
      pattern: '^[0-9A-Fa-f:.]+$',
      description: 'Of the buyer; needed for h5.',
    }),
  ),
})

export const InvitationBody = closed({
  order_id: idOf('order'),
  out_trade_no: Type.String(),
  scene: oneOf(payScenes),
  expires_at: Timestamp,
  parameters: Type.Optional(
    Type.Record(Type.String({ pattern: '^[A-Za-z]{1,40}$' }), Type.String(), {
      additionalProperties: false,
      description: 'For getBrandWCPayRequest or wx.requestPayment, as they stand.',
    }),
  ),
  code_url: Type.Optional(Type.String({ description: 'To be shown as a code.' })),
  h5_url: Type.Optional(Type.String({ description: 'To be opened outside WeChat.' })),
})

export const payRefusals = [
  'order.not_found',
  'wechat_app.not_found',
  'wechat.not_connected',
  'order.payer_unknown',
  'order.wrong_status',
  'order.review_pending',
  'order.expired',
  'order.too_many_invitations',
  'order.superseded',
  'wechat.refused',
] as const

export const refundRefusals = [
  'order.not_found',
  'order.refund_under_way',
  'order.wrong_status',
  'order.not_sealed',
  'card.not_found',
  'card.replaced',
  'card.closed',
  'card.lost',
  'card.frozen',
  'card.not_active',
  'card.sealed',
  'card.has_holds',
  'policy.cooling_off_over',
  'policy.card_already_used',
  'policy.redemption_not_allowed',
  'policy.redemption_too_early',
  'redemption.nothing_due',
  'redemption.no_original_route',
  'policy.identity_required',
  'policy.account_name_differs',
  'refund.exceeds_load',
  'policy.refund_too_late',
] as const

/** What is asked of WeChat, and the invitation as it is answered. Refusals: those of `payOrder`. */
export async function inviteBuyer(
  flows: FlowContext,
  caller: Pick<CardCaller, 'book' | 'issuerId'>,
  orderId: OrderRow['id'],
  { scene, app_id, client_ip: clientIp }: Static<typeof PayAsked>,
  key: string,
): Promise<Result<Static<typeof InvitationBody>>> {
  if (scene === 'h5' && clientIp === undefined) return refused(shapeRefusal([noAddress]))
  const appId = app_id === undefined ? undefined : readId('wechat_app', app_id)
  const input: PayInput = { orderId, scene, appId, clientIp }
  const invited = await payOrder(flows, caller, input, key)
  if (!invited.ok) return invited
  const { order, trade, invitation } = invited.value
  return {
    ok: true,
    value: {
      order_id: formatId('order', order.id),
      out_trade_no: outTradeNo(trade),
      scene: invitation.scene,
      expires_at: formatInstant(trade.expiresAt),
      ...wayOf(invitation),
    },
  }
}

const noAddress = { path: 'client_ip', message: 'is needed for h5' }

function wayOf(invitation: Invitation) {
  switch (invitation.scene) {
    case 'jsapi':
    case 'mini_program':
      return { parameters: { ...invitation.parameters } }
    case 'native':
      return { code_url: invitation.codeUrl }
    case 'h5':
      return { h5_url: invitation.url }
  }
}

export function presentDetail(
  order: OrderRow,
  {
    trades,
    refunds,
    shippings,
  }: {
    readonly trades: readonly TradeRow[]
    readonly refunds: readonly RefundShown[]
    readonly shippings: readonly ShippingRow[]
  },
  at: number,
): Static<typeof OrderDetail> {
  return {
    ...presentOrder(order, at),
    payments: trades.map((trade) => ({
      ...presentTrade(trade),
      shipping: shippingOf(shippings.find(({ n }) => n === trade.n)),
    })),
    refunds: refunds.map(presentRefund),
  }
}

function shippingOf(row: ShippingRow | undefined) {
  return row === undefined
    ? null
    : { status: row.end ?? ('waiting' as const), problem: row.problem }
}

/** The outcome of a command on an order, with what of the order never changes: of `made`, where the command made it. */
export async function answerOf<S extends 200 | 201>(
  { database }: FlowContext,
  orderId: OrderRow['id'],
  executed: Executed,
  status: S,
  made?: OrderRow,
) {
  if (executed.status === 'refused') return refusedAs(executed)
  const known = executed.replayed ? undefined : made
  const order = known ?? (await agreed(database.sql, orderId))
  const { body, at, replayed } = executed
  return { status, body: presentOrderOf(body, order, at), replayed }
}

/** As `answerOf`, with the refund that was asked for; WeChat is asked for it before it is answered. */
export async function answerOfRefund(
  flows: FlowContext,
  orderId: OrderRow['id'],
  reason: string,
  executed: Executed,
) {
  if (executed.status === 'refused') return refusedAs(executed)
  const { body, at, replayed } = executed
  const refund = membersOf(body['refund'])
  await pursueRefundsOf(flows, { orderId, n: Number(refund['n']) })
  const order = await agreed(flows.database.sql, orderId)
  return {
    status: 200 as const,
    body: {
      ...presentOrderOf(body, order, at),
      refund: presentRefundOf(refund, orderId, reason),
    },
    replayed,
  }
}

/** The order as it is, with one refund of it. */
export async function answerOfApplication(
  flows: FlowContext,
  orderId: OrderRow['id'],
  outRefundNo: string,
  executed: Executed,
) {
  if (executed.status === 'refused') return refusedAs(executed)
  const { sql } = flows.database
  const order = await agreed(sql, orderId)
  const refunds = await selectRefundsOf(sql, laneOfId(orderId), orderId)
  const refund = refunds.find((one) => outRefundNoOf(one) === outRefundNo)
  if (refund === undefined) throw new Error('a refund that was just applied for is not there')
  const at = flows.engine.now(modeOfBook(order.bookId))
  return {
    status: 200 as const,
    body: { ...presentOrder(order, at), refund: presentRefund(refund) },
    replayed: executed.replayed,
  }
}

function refusedAs({ refusal, replayed }: Extract<Executed, { status: 'refused' }>): Refused {
  return { ok: false, refusal, replayed }
}

async function agreed(sql: FlowContext['database']['sql'], orderId: OrderRow['id']) {
  const order = await orderById(sql, orderId)
  if (order === undefined) throw new Error('an order that was just changed is not there')
  return order
}
