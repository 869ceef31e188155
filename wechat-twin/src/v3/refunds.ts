/** Refunds of v3: create, ask, and send an abnormal one elsewhere. What a refund is lies in the kernel. */
import { merchantsAccount, type Refund } from '../kernel/refunds.ts'
import { refuse, suffixes } from '../kernel/refusal.ts'
import { fault, type Infer, object, optional, text } from '../kernel/shape.ts'
import { formatTime } from '../kernel/time.ts'
import type { Twin } from '../kernel/twin.ts'
import { checkNotifyUrl } from './notify-url.ts'
import { abnormalBody, refundBody } from './refund-shapes.ts'

const base = '/v3/refund/domestic/refunds'

export function register(twin: Twin): void {
  const creating = { kind: 'refund.create', body: refundBody }
  twin.v3.route('POST', base, creating, ({ merchant, body }) => {
    const { amount, notify_url, out_trade_no, transaction_id, sub_mchid } = body
    if (notify_url !== undefined) checkNotifyUrl(twin.profile, notify_url)
    if (sub_mchid !== undefined && twin.merchants.find(sub_mchid) === undefined)
      refuse(404, 'MCH_NOT_EXISTS', '商户号不存在', { suffix: suffixes.merchant })
    if ((transaction_id === undefined) === (out_trade_no === undefined))
      fault('/out_trade_no', out_trade_no, '与 transaction_id 二选一')
    return refundAnswer(
      twin.refunds.accept(merchant, {
        ...(transaction_id !== undefined && { transaction_id }),
        ...(out_trade_no !== undefined && { out_trade_no }),
        out_refund_no: body.out_refund_no,
        refund: amount.refund,
        total: amount.total,
        ...(notify_url !== undefined && { notify_url }),
        ...(amount.from !== undefined && { from: amount.from }),
      }),
    )
  })

  const asking = { kind: 'refund.query', query: object({ sub_mchid: optional(text({ max: 32 })) }) }
  twin.v3.route('GET', `${base}/{no}`, asking, ({ merchant, params }) => {
    const found = twin.refunds.find(merchant.mchid, params['no'] ?? '')
    return found === undefined ? noRefund() : refundAnswer(found)
  })

  const elsewhere = { kind: 'refund.abnormal', body: abnormalBody }
  twin.v3.route('POST', `${base}/{id}/apply-abnormal-refund`, elsewhere, (call) => {
    const found = twin.refunds.find(call.merchant.mchid, call.body.out_refund_no)
    if (found === undefined || found.refund_id !== call.params['id']) return noRefund()
    return refundAnswer(twin.refunds.redirect(found, accountOf(call.body, call.open)))
  })
}

function noRefund(): never {
  return refuse(404, 'RESOURCE_NOT_EXISTS', '退款单不存在')
}

function accountOf(
  body: Infer<typeof abnormalBody>,
  opened: (value: string, path: string) => string,
): string {
  if (body.type === 'MERCHANT_BANK_CARD') return merchantsAccount
  const { bank_type, bank_account, real_name } = body
  if (bank_type === undefined) return fault('/bank_type', undefined, '必填，未传入')
  if (bank_account === undefined) return fault('/bank_account', undefined, '必填，未传入')
  if (real_name === undefined) return fault('/real_name', undefined, '必填，未传入')
  opened(real_name, '/real_name')
  const account = opened(bank_account, '/bank_account')
  if (!/^\d{12,19}$/.test(account)) return fault('/bank_account', undefined, '银行卡号格式不正确')
  return `${bank_type}${account.slice(-4)}`
}

function refundAnswer(refund: Refund): Record<string, unknown> {
  return {
    refund_id: refund.refund_id,
    out_refund_no: refund.out_refund_no,
    transaction_id: refund.transaction_id,
    out_trade_no: refund.out_trade_no,
    channel: refund.channel,
    user_received_account: refund.user_received_account,
    ...(refund.succeeded_at !== undefined && { success_time: formatTime(refund.succeeded_at) }),
    create_time: formatTime(refund.created_at),
    status: refund.status,
    funds_account: 'AVAILABLE',
    amount: {
      total: refund.total,
      refund: refund.refund,
      from: refund.from ?? [],
      payer_total: refund.total,
      payer_refund: refund.refund,
      settlement_refund: refund.refund,
      settlement_total: refund.total,
      discount_refund: 0,
      currency: 'CNY',
      refund_fee: refund.fee_return,
    },
    promotion_detail: [],
  }
}
