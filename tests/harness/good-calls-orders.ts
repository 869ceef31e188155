/** The calls of orders. */
import { payersCard } from './good-calls-tills.ts'
import type { Things } from './world.ts'

export const orderCalls = {
  post_orders: ({ product, card, member }: Things) => [
    {
      body: {
        kind: 'purchase',
        product_id: product,
        amount: 1_000,
        channel: 'h5',
        member_id: member,
      },
    },
    { body: { kind: 'top_up', card_id: card, amount: 1_000, channel: 'h5' } },
  ],
  post_orders_id_pay: ({ order: id, wechatApp: app_id }: Things) => [
    { id, body: { scene: 'native', app_id } },
  ],
  post_orders_id_review: ({ orderUnderReview }: Things) => [
    { id: orderUnderReview, body: { decision: 'approve' } },
  ],
  post_orders_id_close: ({ orderToClose }: Things) => [{ id: orderToClose }],
  post_orders_id_unseal: ({ order }: Things) => [{ id: order }],
  post_orders_id_refunds: ({ order }: Things) => [{ id: order, body: { reason: 'asked for' } }],
  post_orders_id_apply_abnormal_refund: ({ order }: Things) => [
    { id: order, body: { out_refund_no: `lr${'0'.repeat(25)}01`, ...payersCard } },
  ],
  get_orders: ({ member }: Things) => [{ query: { member_id: member } }],
  get_orders_id: ({ order }: Things) => [{ id: order }],
}

/** Of what nobody has paid. */
export const orderRefusals = {
  post_orders_id_unseal: 'order.wrong_status',
  post_orders_id_refunds: 'order.wrong_status',
  post_orders_id_apply_abnormal_refund: 'order.refund_not_found',
  post_orders_id_pay: 'wechat.not_connected',
}
