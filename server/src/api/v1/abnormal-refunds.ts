/** Routes by which a refund that the payer's account could not take back goes to a bank card of his. */
import { applyForCombinedRefund } from '../../flows/combined/abnormal-refund.ts'
import { presentCombinedRefund } from '../../flows/combined/present.ts'
import { applyForOrderRefund } from '../../flows/purchase/abnormal-refund.ts'
import { findCombinedRefund } from '../../modules/combined/index.ts'
import type { Deps } from '../deps.ts'
import type { LikaApp } from '../http/kernel.ts'
import { closed, type Static, Type, text } from '../http/schemas.ts'
import { CombinedRefundBody } from './combined-refunds.ts'
import { answerOfApplication, RefundOfOrder } from './order-shapes.ts'

const cardMembers = {
  bank_type: Type.String({
    pattern: '^[A-Z0-9_]{1,32}$',
    description: 'WeChat’s word for the bank and the kind of card, such as ICBC_DEBIT',
  }),
  bank_account: Type.String({
    pattern: '^[0-9]{12,19}$',
    description: 'the number of the card; it goes to WeChat and is not kept',
  }),
  // What WeChat can open is at most 214 bytes.
  real_name: text(50),
}

const OrderApplication = closed({
  out_refund_no: Type.String({
    pattern: '^lr[0-9a-z]{27}$',
    description: 'as the order shows it',
  }),
  ...cardMembers,
})
const CombinedApplication = closed(cardMembers)

const applicationRefusals = [
  'refund.not_abnormal',
  'refund.already_applied',
  'wechat.refused',
] as const

export function register(app: LikaApp, { flows, database, log }: Deps): void {
  app.route(
    {
      method: 'POST',
      path: '/v1/orders/{id}/apply_abnormal_refund',
      summary: 'Sends a refund that is abnormal to a bank card of the payer',
      access: 'orders:write',
      idempotent: true,
      id: 'order',
      body: OrderApplication,
      responses: { 200: RefundOfOrder },
      refusals: ['order.not_found', 'order.refund_not_found', ...applicationRefusals],
    },
    async ({ caller, id, body, idempotencyKey, execute }) => {
      const { out_refund_no: outRefundNo } = body
      const input = { orderId: id, outRefundNo, card: cardFrom(body) }
      const done = await applyForOrderRefund(flows, caller, input, idempotencyKey, execute)
      return done.ok ? answerOfApplication(flows, id, outRefundNo, done.value) : done
    },
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/combined_refunds/{id}/apply_abnormal_refund',
      summary: 'Sends what WeChat could not give back to a bank card of the payer',
      access: 'refunds:write',
      idempotent: true,
      id: 'combined_refund',
      body: CombinedApplication,
      responses: { 200: CombinedRefundBody },
      refusals: ['combined_refund.not_found', ...applicationRefusals],
    },
    async ({ caller, id, body, idempotencyKey, execute }) => {
      const context = { ...flows, legLog: log }
      const input = { refundId: id, card: cardFrom(body) }
      const done = await applyForCombinedRefund(context, caller, input, idempotencyKey, execute)
      if (!done.ok) return done
      const { value: executed } = done
      const { replayed } = executed
      if (executed.status === 'refused') return { ok: false, refusal: executed.refusal, replayed }
      const row = await findCombinedRefund(database.sql, caller.book, id)
      if (row === undefined) throw new Error('a refund that was just applied for is not there')
      return { status: 200, body: presentCombinedRefund(row), replayed }
    },
  )
}

function cardFrom(body: Static<typeof CombinedApplication>) {
  return { bankType: body.bank_type, account: body.bank_account, name: body.real_name }
}
