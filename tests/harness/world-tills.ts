/** What a book sells beside orders: payments of cards and WeChat, which nobody pays for there is no WeChat, and a scarce product. */
import { newId } from '../../server/src/platform/ids.ts'
import type { Asking } from './asking.ts'
import { wechatApp } from './world-wechat-app.ts'
import { payAccount } from './world-wechat-pay.ts'

export interface WorldTills {
  /** Bound to a merchant number. */
  tillApp: string
  /** Waits for WeChat. */
  combined: string
  /** Paid by its card alone, and refunded in part. */
  combinedPaid: string
  combinedRefund: string
  scarce: string
}

export async function makeTills(
  { ask }: Asking,
  { merchant, card, terms }: { merchant: string; card: string; terms: object },
): Promise<WorldTills> {
  const app = wechatApp()
  const { id: tillApp } = await ask('POST', '/v1/wechat/apps', app)
  await ask('POST', '/v1/wechat/pay_accounts', { ...payAccount(), appids: [app.appid] })
  const order = (card_id: string, amount: number) => ({
    amount: 300,
    merchant_id: merchant,
    reference: newId(),
    sources: [{ card_id, amount }],
    rest: { method: 'wechat', scene: 'native', app_id: tillApp },
  })
  const [combined, paid] = await Promise.all([
    ask('POST', '/v1/combined_payments', order(card, 100)),
    ask('POST', '/v1/combined_payments', order(card, 300)),
  ])
  const back = { amount: 10, reference: newId() }
  const refund = await ask('POST', `/v1/combined_payments/${paid.id}/refunds`, back)
  const { id: scarce } = await ask('POST', '/v1/products', terms)
  await ask('POST', `/v1/products/${scarce}/publish`)
  await ask('POST', `/v1/products/${scarce}/stock`, { count: 1_000_000, unpaid_minutes: 10 })
  return {
    tillApp,
    combined: combined.id,
    combinedPaid: paid.id,
    combinedRefund: refund.id,
    scarce,
  }
}
