/** What a book sells beside orders: payments of cards and WeChat, which nobody pays for there is no WeChat, and a scarce product. */
import { type BookId, formatId, modeOfBook } from '@lika/contract'
import type { Sql } from '../../server/src/platform/db.ts'
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
  /** As it stands in the database: nobody could be given one. */
  redPacket: string
}

export async function makeTills(
  { ask, book, owner }: Asking & { book: BookId; owner: Sql },
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
    redPacket: await makeRedPacket(owner, book),
  }
}

async function makeRedPacket(owner: Sql, book: BookId): Promise<string> {
  const lane = modeOfBook(book) === 'test' ? 601 : 1
  const id = newId(lane)
  const other = newId()
  await owner`
    insert into red_packet (lane, id, book_id, campaign_id, budget_line, member_id, account_id, appid, amount, status,
      out_bill_no, remark, reference, created_at, ended_at, next_at)
    values (${lane}, ${id}, ${book}, ${other}, ${other}, ${other}, ${other}, 'wx1', 10, 'returned', 'LRP1', 'r', ${id},
      now(), now(), now())`
  return formatId('red_packet', id)
}
