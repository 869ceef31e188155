/** A top-up is given back as a load is (docs/rebates.md): first what came with it, then the money, through WeChat. */
import { asId, type Fen, type Result, refusal, refused } from '@lika/contract'

import { type OrderRow, outRefundNo } from '../../modules/orders/index.ts'
import type { Plan } from '../../platform/lanes/index.ts'
import { type Body, fenIn } from '../cards/facts.ts'
import type { Law } from '../cards/law.ts'
import type { FlowContext } from '../context.ts'
import type { OnOrder } from '../purchase/on-order.ts'
import { prepareLoadRefund } from '../rebates/load-refund.ts'

export interface TopUpRefund {
  readonly plan: Plan
  /** What goes back. Refusals: those of a load's refund, `redemption.nothing_due`. */
  decide(on: OnOrder): Result<{ readonly amount: Fen; readonly more: Body }>
}

export async function prepareTopUpRefund(
  context: FlowContext,
  order: OrderRow,
  law: Law,
  asked: { readonly amount?: Fen | undefined; readonly reason: string },
): Promise<TopUpRefund> {
  const { id: orderId, deliveryId, paidAt, bookId: book, amount, bonus } = order
  const [cardId] = order.cardIds
  if (deliveryId === null || paidAt === null || cardId === undefined)
    throw new Error('a top-up that was not delivered cannot be given back')
  const plan = await prepareLoadRefund(context, book, {
    load: { id: deliveryId, cardId, method: 'wechat', amount, bonus, at: paidAt },
    law,
    taken: undefined,
    input: {
      loadId: asId(deliveryId),
      amount: asked.amount ?? amount,
      reference: outRefundNo({ orderId, n: order.refunds + 1 }),
      reason: asked.reason,
    },
  })
  return {
    plan,
    decide: ({ view, now }) => {
      const decided = plan.decide(view, now)
      if (!decided.ok) return refused(decided.refusal)
      const { body } = decided.value
      const back = fenIn(body, 'paidOutFen')
      if (back === 0n) return refused(nothingLeft)
      return { ok: true, value: { amount: back, more: body } }
    },
  }
}

const nothingLeft = refusal(
  'redemption.nothing_due',
  'What was given on top was spent, and is worth as much as was paid.',
)
