/** The seal on delivered cards: their holder gives it up, or its time is over. From then on they pay and show their secret. */
import { laneOfId, type OrderId, type Result, refusal, refused } from '@lika/contract'
import { cards } from '../../modules/cards/index.ts'
import { isSealed, moved, type OrderRow } from '../../modules/orders/index.ts'
import { type Command, read } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { orderBody } from './facts.ts'
import { commandOnOrder, putOrder } from './on-order.ts'

/**
 * The refund of the seal is over with it; that by law is not. Refusals: `order.not_found`, `order.wrong_status`,
 * `order.not_sealed` where the hours are over or were none.
 */
export function unsealCommand(
  context: Pick<FlowContext, 'engine' | 'database'>,
  book: OrderRow['bookId'],
  orderId: OrderId,
  key: string,
): Result<Command> {
  const asked = { orderId, operation: 'order.unsealed', key, input: {} }
  return commandOnOrder(context, book, asked, (seen) => ({
    reads: seen.cardIds.map((id) => read(cards, laneOfId(seen.id), id)),
    decide: (on) => {
      const { view, lane, order, now } = on
      if (order.status === 'completed') return refused(notSealed)
      const complete = moved(order, 'complete')
      if (!complete.ok || order.status !== 'delivered')
        return refused(
          refusal('order.wrong_status', `The order is ${order.status}.`, {
            data: { status: order.status },
          }),
        )
      if (!isSealed(order, now)) return refused(notSealed)
      for (const id of order.cardIds) {
        const card = view.get(cards, id)
        if (card !== undefined) view.put(cards, lane, { ...card, sealedUntil: null })
      }
      const after = { ...complete.value, sealedUntil: null }
      putOrder(on, after)
      return { ok: true, value: { kind: 'order.unsealed', version: 1, body: orderBody(after) } }
    },
  }))
}

const notSealed = refusal('order.not_sealed', 'Its cards are not sealed.')

/** Says of a delivered order that its seal is over, once. Refusals, not final: `order.wrong_status`. */
export function completeCommand(
  context: Pick<FlowContext, 'engine' | 'database'>,
  book: OrderRow['bookId'],
  orderId: OrderId,
): Result<Command> {
  const asked = { orderId, operation: 'order.completed', key: orderId, input: {} }
  return commandOnOrder(context, book, asked, () => ({
    decide: (on) => {
      const complete = moved(on.order, 'complete')
      if (!complete.ok || on.order.status !== 'delivered' || isSealed(on.order, on.now))
        return { ok: false, final: false, refusal: refusal('order.wrong_status', 'Not yet.') }
      putOrder(on, complete.value)
      const body = orderBody(complete.value)
      return { ok: true, value: { kind: 'order.completed', version: 1, body } }
    },
  }))
}
