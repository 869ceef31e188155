/** The calls of payments of cards and WeChat, of scarce stock, and of what WeChat shares and bills. */
import { newId } from '../../server/src/platform/ids.ts'
import type { Things } from './world.ts'

const nothing = () => [{}]

export const payersCard = {
  bank_type: 'ICBC_DEBIT',
  bank_account: '6222020200012345678',
  real_name: '李四',
}

export const tillCalls = {
  post_combined_payments: (things: Things) => {
    const { card, number, secret, payCode, merchant, store, terminal, tillApp, member } = things
    const rest = { method: 'wechat', scene: 'native', app_id: tillApp, member_id: member }
    const till = { merchant_id: merchant, store_id: store, terminal_id: terminal }
    const sources = [{ card_id: card }, { number, secret }, { pay_code: payCode }]
    return sources.map((source) => ({
      body: {
        amount: 120,
        ...till,
        reference: newId(),
        sources: [{ ...source, amount: 20 }],
        rest,
      },
    }))
  },
  get_combined_payments_id: ({ combined }: Things) => [{ id: combined }],
  post_combined_payments_id_cancel: ({ combined }: Things) => [{ id: combined }],
  post_combined_payments_id_refunds: ({ combinedPaid }: Things) => [
    { id: combinedPaid, body: { amount: 10, reference: newId() } },
  ],
  post_combined_refunds_id_apply_abnormal_refund: ({ combinedRefund }: Things) => [
    { id: combinedRefund, body: payersCard },
  ],
  post_combined_refunds_id_retry: ({ combinedRefund }: Things) => [{ id: combinedRefund }],
  get_combined_refunds_id: ({ combinedRefund }: Things) => [{ id: combinedRefund }],
  post_products_id_stock: ({ scarce }: Things) => [
    { id: scarce, body: { count: 1_000_000, unpaid_minutes: 10 } },
  ],
  get_products_id_stock: ({ scarce }: Things) => [{ id: scarce }],
  // Nobody gets anything: receivers have to be told to WeChat, and there is none in the world; the member is a guest.
  post_wechat_sharing_rules: ({ product, merchant, member }: Things) => [
    { body: { product_id: product, receivers: [] } },
    { body: { merchant_id: merchant, receivers: [] } },
    {
      body: {
        product_id: product,
        receivers: [{ member_id: member, relation: 'PARTNER', share_bp: 100 }],
      },
      refused: 'sharing.payee_unknown',
    },
  ],
  post_campaigns_id_red_packets: ({ campaign, member, tillApp }: Things) => [
    {
      id: campaign,
      body: {
        member_id: member,
        app_id: tillApp,
        amount: 10,
        remark: '红包',
        reference: newId(),
      },
    },
  ],
  get_red_packets_id: ({ redPacket }: Things) => [{ id: redPacket }],
  get_wechat_sharing_rules: nothing,
  get_wechat_shares: nothing,
  // Nothing was sold by WeChat in the world.
  post_wechat_shares_retry: ({ combined }: Things) => [{ body: { sale_id: combined } }],
  get_wechat_bills: nothing,
}

/** Of things that need a WeChat. */
export const tillRefusals = {
  // Its card has it back.
  post_combined_refunds_id_apply_abnormal_refund: 'refund.not_abnormal',
  post_combined_refunds_id_retry: 'combined_refund.not_closed',
  // A guest is known by no OpenID.
  post_campaigns_id_red_packets: 'order.payer_unknown',
  post_wechat_shares_retry: 'share.not_found',
}
