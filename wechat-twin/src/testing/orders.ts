/** For tests: ordinary orders and refunds, of which a test states only what matters. */
import type { User } from '../kernel/users.ts'
import { appid, type TestMerchant, type World } from './world.ts'

let numbers = 0

/** A number that no order of this process had. */
export function newNumber(prefix = 'T'): string {
  numbers += 1
  return `${prefix}${String(numbers).padStart(9, '0')}`
}

const unreachable = 'http://127.0.0.1:9/wechat/notify'

export function orderBody(merchant: TestMerchant, more: Record<string, unknown> = {}) {
  return {
    appid,
    mchid: merchant.mchid,
    description: '礼品卡',
    out_trade_no: newNumber(),
    notify_url: unreachable,
    amount: { total: 10_000, currency: 'CNY' },
    ...more,
  }
}

export function jsapiBody(
  world: World,
  merchant: TestMerchant,
  user: User,
  more: Record<string, unknown> = {},
) {
  return orderBody(merchant, { payer: { openid: world.openid(user) }, ...more })
}

/** An order paid by the user, as its merchant made it. */
export async function paidOrder(
  world: World,
  merchant: TestMerchant,
  user: User,
  more: Record<string, unknown> = {},
) {
  const body = jsapiBody(world, merchant, user, more)
  const made = await world.v3(merchant, 'POST', '/v3/pay/transactions/jsapi', body)
  const paid = world.twin.prepays.pay(made.body.prepay_id, user)
  if (!paid.paid) throw new Error(paid.why)
  return { ...body, transaction_id: paid.transaction_id }
}

export function refundBody(
  order: { out_trade_no: string; amount: { total: number } },
  refund: number,
  more: Record<string, unknown> = {},
) {
  return {
    out_trade_no: order.out_trade_no,
    out_refund_no: newNumber('R'),
    amount: { refund, total: order.amount.total, currency: 'CNY' },
    ...more,
  }
}
