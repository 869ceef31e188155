/** Bodies of refunds, member by member as the interface has them. */
import { integer, list, object, oneOf, optional, text } from '../kernel/shape.ts'
import { currency } from './order-shapes.ts'

const outRefundNo = text({ max: 64, pattern: /^[0-9A-Za-z_\-|*@]+$/ })

export const refundBody = object({
  sub_mchid: optional(text({ max: 32 })),
  transaction_id: optional(text({ max: 32 })),
  out_trade_no: optional(text({ min: 6, max: 32 })),
  out_refund_no: outRefundNo,
  reason: optional(text({ max: 80 })),
  notify_url: optional(text({ max: 256 })),
  funds_account: optional(oneOf('AVAILABLE')),
  amount: object({
    refund: integer({ min: 1 }),
    total: integer({ min: 1 }),
    currency,
    from: optional(
      list(object({ account: oneOf('AVAILABLE', 'UNAVAILABLE'), amount: integer({ min: 1 }) }), {
        max: 2,
      }),
    ),
  }),
  goods_detail: optional(
    list(
      object({
        merchant_goods_id: text({ max: 32 }),
        wechatpay_goods_id: optional(text({ max: 32 })),
        goods_name: optional(text({ max: 256 })),
        unit_price: integer(),
        refund_amount: integer(),
        refund_quantity: integer({ min: 1 }),
      }),
      { max: 3_000 },
    ),
  ),
})

export const abnormalBody = object({
  out_refund_no: outRefundNo,
  type: oneOf('USER_BANK_CARD', 'MERCHANT_BANK_CARD'),
  bank_type: optional(text({ max: 16 })),
  bank_account: optional(text({ max: 1024 })),
  real_name: optional(text({ max: 1024 })),
})
