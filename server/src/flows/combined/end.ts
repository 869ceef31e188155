/**
 * How a combined payment ends: WeChat has paid, and then the card pays in the same step; or WeChat never will, and the card
 * is free. Where WeChat paid although it had ended, the payer gets his money back.
 */
import {
  asId,
  type CombinedPaymentId,
  type CombinedRefundId,
  type Instant,
  issuerOfBook,
  laneOfId,
  ok,
  type Refusal,
  refusal,
} from '@lika/contract'
import {
  type CombinedRow,
  calls,
  combinedPayments,
  combinedRefunds,
  outNumberOf,
  refundedAtWechat,
} from '../../modules/combined/index.ts'
import { accountId } from '../../modules/ledger/index.ts'
import { findHold, holdStatusOf, paymentHolds } from '../../modules/payments/index.ts'
import {
  type Command,
  type Decision,
  type Executed,
  type Outcome,
  read,
  type View,
} from '../../platform/lanes/index.ts'
import { capture, checkCaptureOf } from '../capture.ts'
import type { FlowContext } from '../context.ts'
import { Desks } from '../payments/desks.ts'
import { type HoldReads, isWhole, openLines, readsOfHold } from '../payments/hold-lines.ts'
import { executePrepared } from '../prepared.ts'
import { GiftsOfCapture } from '../rebates/for-capture.ts'
import type { Gifts } from '../rebates/gifts.ts'
import { endHoldWith } from '../release.ts'

/** What is known to have been paid at WeChat; undefined: there was nothing to pay there. */
export type Paid = { readonly transactionId: string } | undefined

/**
 * WeChat has paid. However often it is learned, and by whatever way, it has one effect: the payment succeeds whole, or
 * where the card part is not there any more the payer gets back what came by WeChat; what he was given back there has none.
 */
export function paidAtWechat(
  context: FlowContext,
  row: CombinedRow,
  paid: Paid,
): Promise<Executed> {
  return onHold(context, row, 'combined_payment.paid', (view, reads, now) => {
    const current = rowIn(view, row.id)
    if (current.status === 'succeeded' || current.reason === refundedAtWechat) return ended(current)
    if (current.status === 'failed') return ok(paidLate(view, current, paid, now))
    return ok(succeedOrGiveBack(view, current, { paid, reads, now }))
  })
}

/** WeChat will never pay it. Refusals (not final): `combined_payment.ended`. */
export function neverPaid(
  context: FlowContext,
  row: CombinedRow,
  reason: string,
): Promise<Executed> {
  return onHold(context, row, 'combined_payment.failed', (view, { open }, now) => {
    const current = rowIn(view, row.id)
    if (current.status !== 'waiting') return ended(current)
    const desks = new Desks(view)
    const body = fail(view, desks, current, { reason, open, now })
    return ok({ kind: 'combined_payment.failed', version: 1, body })
  })
}

/**
 * WeChat was paid, and somebody gave it back there: nothing of it is taken here or goes back once more, however late it is
 * told that it was paid. Refusals (not final): `combined_payment.ended` for one that is paid in the books.
 */
export function refundedThere(context: FlowContext, row: CombinedRow): Promise<Executed> {
  return onHold(context, row, 'combined_payment.refunded_at_wechat', (view, { open }, now) => {
    const current = rowIn(view, row.id)
    const reason = refundedAtWechat
    if (current.status === 'waiting') {
      const body = fail(view, new Desks(view), current, { reason, open, now })
      return ok({ kind: 'combined_payment.failed', version: 1, body })
    }
    if (current.transactionId !== null || current.paymentId !== null) return ended(current)
    view.put(combinedPayments, laneOfId(row.id), { ...current, reason })
    const body = { ...amountsBody(current), merchantId: current.merchantId, reason }
    return ok({ kind: 'combined_payment.refunded_at_wechat', version: 1, body })
  })
}

const hasEnded: Refusal = refusal(
  'combined_payment.ended',
  'The combined payment has come to its end.',
)

function ended({ status }: CombinedRow): Decision {
  return { ok: false, final: false, refusal: { ...hasEnded, data: { status } } }
}

type Read = Pick<HoldReads, 'open'> & { readonly gifts: Gifts | undefined }

function onHold(
  context: FlowContext,
  row: CombinedRow,
  operation: string,
  decide: (view: View, reads: Read, now: Instant) => Decision,
): Promise<Executed> {
  const { id, bookId } = row
  const lane = laneOfId(id)
  const command: Command = {
    book: bookId,
    operation,
    key: id,
    input: {},
    homeLane: () => lane,
    plan: async () => {
      const hold = await findHold(context.database.sql, bookId, asId(id))
      if (hold === undefined) throw new Error(`the hold of ${id} is not there`)
      const giving = new GiftsOfCapture(context, hold)
      const { open, ...reads } = await readsOfHold(context, hold)
      const gifts = await giving.prepare()
      return {
        lanes: [...new Set([...reads.lanes, ...giving.lanes()])],
        reads: [
          ...reads.reads,
          ...giving.reads(),
          read(combinedPayments, lane, id),
          read(calls, lane, id),
        ],
        decide: (view, now) => decide(view, { open, gifts }, now),
      }
    },
  }
  return executePrepared((one) => context.engine.execute(one), command)
}

function rowIn(view: View, id: CombinedPaymentId): CombinedRow {
  const row = view.get(combinedPayments, id)
  if (row === undefined || row.bookId !== view.bookId)
    throw new Error(`the combined payment ${id} is not there`)
  return row
}

function holdIn(view: View, id: CombinedPaymentId) {
  const hold = view.get(paymentHolds, id)
  if (hold === undefined) throw new Error(`the hold of ${id} is not there`)
  return hold
}

function succeedOrGiveBack(
  view: View,
  row: CombinedRow,
  { paid, reads, now }: { paid: Paid; reads: Read; now: Instant },
): Outcome {
  const hold = holdIn(view, row.id)
  const desks = new Desks(view)
  const { open, gifts } = reads
  const parts = { amount: hold.amount, final: true, metadata: undefined, open, gifts }
  const possible = checkCaptureOf(view, hold, parts, now)
  if (!possible.ok) {
    const reason = possible.refusal.code
    const failed = fail(view, desks, row, { reason, open, now })
    const back = giveBackLate(view, desks, rowIn(view, row.id), paid, now)
    return {
      kind: 'combined_payment.failed',
      version: 1,
      body: { ...failed, ...back, ...desks.records() },
    }
  }
  const { payment, body } = capture(view, desks, possible.value)
  const lane = laneOfId(row.id)
  if (paid !== undefined) {
    const debit = accountId(issuerOfBook(view.bookId), 'wechat', lane)
    const credit = accountId(row.merchantId, 'merchant_unsettled', lane)
    desks.in(lane).transfer({ debit, credit, amount: row.wechatAmount })
  }
  view.put(combinedPayments, lane, {
    ...row,
    status: 'succeeded',
    paymentId: payment.id,
    transactionId: paid?.transactionId ?? null,
    endedAt: now,
  })
  view.remove(calls, row.id)
  return {
    kind: 'combined_payment.succeeded',
    version: 1,
    body: { ...body, ...amountsBody(row), ...desks.records() },
  }
}

function amountsBody(row: CombinedRow) {
  return {
    combinedPaymentId: row.id,
    amountFen: String(row.amount),
    cardAmountFen: String(row.cardAmount),
    wechatAmountFen: String(row.wechatAmount),
  }
}

/** The card is free again, where its hold had not died by itself. */
function fail(
  view: View,
  desks: Desks,
  row: CombinedRow,
  { reason, open, now }: { reason: string; open: HoldReads['open']; now: Instant },
): Outcome['body'] {
  const hold = holdIn(view, row.id)
  const lane = laneOfId(row.id)
  if (hold.status === 'held') {
    isWhole(hold, openLines(view, hold), open)
    endHoldWith(view, desks, hold, holdStatusOf(hold, now) === 'held' ? 'released' : 'expired')
  }
  view.put(combinedPayments, lane, { ...row, status: 'failed', reason, endedAt: now })
  view.remove(calls, row.id)
  return { ...amountsBody(row), merchantId: row.merchantId, reason, ...desks.records() }
}

function paidLate(view: View, row: CombinedRow, paid: Paid, now: Instant): Outcome {
  const desks = new Desks(view)
  const back = giveBackLate(view, desks, row, paid, now)
  return {
    kind: 'combined_payment.paid_late',
    version: 1,
    body: { ...amountsBody(row), merchantId: row.merchantId, ...back },
  }
}

/** It came, and it is owed to the payer; what has to be asked of WeChat is written down with it. */
function giveBackLate(
  view: View,
  desks: Desks,
  row: CombinedRow,
  paid: Paid,
  now: Instant,
): Outcome['body'] {
  if (paid === undefined) return {}
  const lane = laneOfId(row.id)
  const own = (kind: 'wechat' | 'order_suspense') =>
    accountId(issuerOfBook(view.bookId), kind, lane)
  const amount = row.wechatAmount
  desks.in(lane).transfer({ debit: own('wechat'), credit: own('order_suspense'), amount })
  const id: CombinedRefundId = asId(view.commandId)
  view.put(combinedRefunds, lane, {
    id,
    bookId: view.bookId,
    combinedId: row.id,
    cardAmount: 0n,
    wechatAmount: amount,
    reference: null,
    reason: null,
    status: 'processing',
    attempt: 1,
    outRefundNo: outNumberOf('refund', id),
    refundId: null,
    problem: null,
    refusals: 0,
    metadata: null,
    createdAt: now,
    endedAt: null,
  })
  putRefundCall(view, id, now)
  view.put(combinedPayments, lane, {
    ...row,
    wechatRefunded: amount,
    transactionId: paid.transactionId,
  })
  view.remove(calls, row.id)
  return { combinedRefundId: id, refundedAmountFen: String(amount) }
}

export function putRefundCall(view: View, id: CombinedRefundId, now: Instant): void {
  const lane = laneOfId(id)
  view.put(calls, lane, {
    lane,
    subjectId: id,
    bookId: view.bookId,
    kind: 'refund',
    startedAt: now,
    nextAt: now,
    tries: 0,
    ending: null,
  })
}
