/** Bodies of single orders, member by member as the interface has them; combined orders share the parts below. */
import { isIP } from 'node:net'
import {
  fault,
  flag,
  instant,
  integer,
  list,
  object,
  oneOf,
  optional,
  type Shape,
  text,
} from '../kernel/shape.ts'

export const outTradeNo = text({ min: 6, max: 32, pattern: /^[0-9A-Za-z_\-|*]+$/ })
export const currency = oneOf('CNY')

/** Of a person, in either family. */
export const address: Shape<string> = {
  read: (value, path) => {
    const given = text({ max: 45 }).read(value, path)
    return isIP(given) === 0 ? fault(path, given, '不是合法的 IP 地址') : given
  },
}

const storeInfo = object({
  id: text({ max: 32 }),
  name: optional(text({ max: 256 })),
  area_code: optional(text({ max: 32 })),
  address: optional(text({ max: 512 })),
})

export const h5Info = object({
  type: oneOf('Wap', 'iOS', 'Android'),
  app_name: optional(text({ max: 64 })),
  app_url: optional(text({ max: 128 })),
  bundle_id: optional(text({ max: 128 })),
  package_name: optional(text({ max: 128 })),
})

const scene = {
  payer_client_ip: address,
  device_id: optional(text({ max: 32 })),
  store_info: optional(storeInfo),
}

const detail = object({
  cost_price: optional(integer()),
  invoice_id: optional(text({ max: 32 })),
  goods_detail: optional(
    list(
      object({
        merchant_goods_id: text({ max: 32 }),
        wechatpay_goods_id: optional(text({ max: 32 })),
        goods_name: optional(text({ max: 256 })),
        quantity: integer({ min: 1 }),
        unit_price: integer(),
      }),
      { max: 6_000 },
    ),
  ),
})

const order = {
  appid: text({ max: 32 }),
  mchid: text({ max: 32 }),
  description: text({ max: 127 }),
  out_trade_no: outTradeNo,
  time_expire: optional(instant),
  attach: optional(text({ max: 128 })),
  notify_url: text({ max: 255 }),
  goods_tag: optional(text({ max: 32 })),
  support_fapiao: optional(flag),
  limit_pay: optional(
    list(oneOf('no_balance', 'no_credit', 'no_debit', 'balance_only'), { max: 4 }),
  ),
  amount: object({ total: integer({ min: 1, max: 1_000_000_000 }), currency: optional(currency) }),
  detail: optional(detail),
  settle_info: optional(object({ profit_sharing: optional(flag) })),
}

const payer = object({
  openid: text({ max: 128 }),
  identity: optional(
    object({ type: oneOf('IDCARD'), number: text({ max: 512 }), name: text({ max: 512 }) }),
  ),
})

export const jsapiOrder = object({ ...order, payer, scene_info: optional(object(scene)) })
export const plainOrder = object({ ...order, scene_info: optional(object(scene)) })
export const h5Order = object({ ...order, scene_info: object({ ...scene, h5_info: h5Info }) })
