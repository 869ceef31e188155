/** Bodies of combined orders: several orders, perhaps of several merchants, paid as one. Amounts are `total_amount` here. */
import { flag, instant, integer, list, object, optional, text } from '../kernel/shape.ts'
import { address, currency, h5Info, outTradeNo } from '../v3/order-shapes.ts'

const subOrder = object({
  mchid: text({ max: 32 }),
  attach: text({ max: 128 }),
  amount: object({ total_amount: integer({ min: 1, max: 1_000_000_000 }), currency }),
  out_trade_no: outTradeNo,
  description: text({ max: 127 }),
  goods_tag: optional(text({ max: 32 })),
  sub_mchid: optional(text({ max: 32 })),
  sub_appid: optional(text({ max: 32 })),
  settle_info: optional(
    object({ profit_sharing: optional(flag), subsidy_amount: optional(integer()) }),
  ),
})

const order = {
  combine_appid: text({ max: 32 }),
  combine_mchid: text({ max: 32 }),
  combine_out_trade_no: outTradeNo,
  sub_orders: list(subOrder, { min: 1, max: 50 }),
  time_start: optional(instant),
  time_expire: optional(instant),
  notify_url: text({ max: 255 }),
}

const payer = object({ openid: text({ max: 128 }) })
const scene = { device_id: optional(text({ max: 32 })), payer_client_ip: address }

export const jsapiCombine = object({
  ...order,
  combine_payer_info: payer,
  scene_info: optional(object(scene)),
})
export const plainCombine = object({
  ...order,
  combine_payer_info: optional(payer),
  scene_info: optional(object(scene)),
})
export const h5Combine = object({
  ...order,
  combine_payer_info: optional(payer),
  scene_info: object({ ...scene, h5_info: h5Info }),
})

export const closeCombine = object({
  combine_appid: text({ max: 32 }),
  sub_orders: list(
    object({
      mchid: text({ max: 32 }),
      out_trade_no: outTradeNo,
      sub_mchid: optional(text({ max: 32 })),
      sub_appid: optional(text({ max: 32 })),
    }),
    { min: 1, max: 50 },
  ),
})
