/**
 * What of a combined payment WeChat did not give back is asked for once more: what it closed under another number, what it
 * refuses under the same, at once.
 */
import {
  type BookId,
  type CombinedRefundId,
  type Instant,
  laneOfId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  askedAgain,
  calls,
  combinedRefunds,
  findCombinedRefund,
} from '../../modules/combined/index.ts'
import { type Command, read, type View } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { putRefundCall } from './end.ts'
import { refundAtWechatBody } from './refund.ts'

export const refundNotFound = refusal(
  'combined_refund.not_found',
  'No refund of a combined payment has this id here (crfd_…).',
)

/**
 * Nothing is sent yet: whoever looks after it asks WeChat first whether the numbers before are closed still. The money stays
 * owed to the payer throughout. Refusals:
 *
 * 1. `combined_refund.not_found` (not final)
 * 2. `combined_refund.not_closed`, with the status
 * 3. `combined_refund.asked_too_often`
 */
export async function askAgainCommand(
  { database }: FlowContext,
  { book }: { readonly book: BookId },
  refundId: CombinedRefundId,
  key: string,
): Promise<Result<Command>> {
  const known = await findCombinedRefund(database.sql, book, refundId)
  if (known === undefined) return refused(refundNotFound)
  const lane = laneOfId(refundId)
  return ok({
    book,
    operation: 'combined_refund.asked_again',
    key,
    input: { refund: refundId },
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(combinedRefunds, lane, refundId), read(calls, lane, refundId)],
      decide: (view, now) => {
        const row = view.get(combinedRefunds, refundId)
        if (row === undefined || row.bookId !== view.bookId)
          return { ok: false, final: false, refusal: refundNotFound }
        const again = askedAgain(row)
        if (!again.ok) return again
        const { attempt, outRefundNo } = again.value
        if (again.value !== row) view.put(combinedRefunds, lane, again.value)
        lookNow(view, refundId, now)
        const body = { ...refundAtWechatBody(row), attempt, outRefundNo }
        return ok({ kind: 'combined_refund.asked_again', version: 1, body })
      },
    }),
  })
}

/** Whoever looks at it meanwhile does not put off the next look. */
function lookNow(view: View, id: CombinedRefundId, now: Instant): void {
  const call = view.get(calls, id)
  if (call === undefined) putRefundCall(view, id, now)
  else view.put(calls, laneOfId(id), { ...call, nextAt: now, tries: call.tries + 1 })
}
