/** A large top-up is looked at by a second person before it is paid. */
import { type OrderId, ok, type Result, refusal, refused } from '@lika/contract'
import { type Person, secondPerson } from '../../modules/access/index.ts'
import { moved, type OrderRow } from '../../modules/orders/index.ts'
import type { Command } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { orderBody } from '../purchase/facts.ts'
import { commandOnOrder, putOrder } from '../purchase/on-order.ts'

export type ReviewDecision = 'approve' | 'reject'

/**
 * One that is rejected is closed. Refusals: `order.not_found`, `order.not_under_review`, `approval.same_person`.

 */
export function reviewCommand(
  context: Pick<FlowContext, 'engine' | 'database'>,
  book: OrderRow['bookId'],
  person: Person,
  { orderId, decision }: { readonly orderId: OrderId; readonly decision: ReviewDecision },
  key: string,
): Result<Command> {
  const input = { decision, by: person.keyId }
  const asked = { orderId, operation: 'order.reviewed', key, input }
  return commandOnOrder(context, book, asked, () => ({
    decide: (on) => {
      const { order } = on
      const { status, review, askedBy, askedOwner } = order
      const waits = status === 'created' && review === 'pending'
      if (!waits || askedBy === null || askedOwner === null)
        return refused(
          refusal(
            'order.not_under_review',
            'Nobody has to agree to it, somebody has decided, or it was closed.',
          ),
        )
      const other = secondPerson({ keyId: askedBy, owner: askedOwner }, person)
      if (!other.ok) return other
      const by = { reviewedBy: person.keyId, reviewedOwner: person.owner }
      const decided = reviewed({ ...order, ...by }, decision)
      if (!decided.ok) return decided
      putOrder(on, decided.value)
      const body = { ...orderBody(decided.value), reviewerKeyId: person.keyId }
      return { ok: true, value: { kind: 'order.reviewed', version: 1, body } }
    },
  }))
}

function reviewed(order: OrderRow, decision: ReviewDecision): Result<OrderRow> {
  return decision === 'approve'
    ? ok({ ...order, review: 'approved' })
    : moved({ ...order, review: 'rejected' }, 'close')
}
