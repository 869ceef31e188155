/**
 * A combined payment goes back, whole or in part, each part its own way: what came by WeChat to the payer's account there,
 * what cards gave to the cards. Decided in one step; what WeChat has to do is written down with it.
 */
import {
  asId,
  type BookId,
  type CombinedPaymentId,
  type CombinedRefundId,
  type Fen,
  type Instant,
  issuerOfBook,
  laneOfId,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  type CombinedRefundRow,
  type CombinedRow,
  calls,
  combinedPayments,
  combinedRefunds,
  divideRefund,
  findCombined,
  judgeTold,
  outNumberOf,
  type RefundTold,
} from '../../modules/combined/index.ts'
import { accountId } from '../../modules/ledger/index.ts'
import { findPayment, type PaymentRow, payments } from '../../modules/payments/index.ts'
import { checkRefundWindow } from '../../modules/policy/index.ts'
import {
  type Command,
  type Decision,
  type Executed,
  type Outcome,
  read,
  type View,
} from '../../platform/lanes/index.ts'
import { type Law, lawOf } from '../cards/law.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds, ofMerchant } from '../names.ts'
import { Desks } from '../payments/desks.ts'
import { type PaymentReads, readsOfPayment } from '../payments/give-back.ts'
import { isKnown } from '../payments/hold-lines.ts'
import { NotPrepared } from '../prepared.ts'
import { refundOf, takenBy } from '../refund.ts'
import { putRefundCall } from './end.ts'

export interface CombinedRefundInput {
  readonly combinedId: CombinedPaymentId
  /** undefined: all that is left. */
  readonly amount: Fen | undefined
  /** The merchant's own number, unique among its refunds. */
  readonly reference: string
  readonly reason?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

export const combinedNotFound = refusal(
  'combined_payment.not_found',
  'No combined payment has this id here (cpay_…).',
)

/**
 * Refusals:
 *
 * 1. `combined_payment.not_found` (not final)
 * 2. `reference.already_used`
 * 3. `combined_payment.not_succeeded`
 * 4. `refund.exceeds_payment`, with what is allowed
 * 5. `policy.refund_too_late`
 */
export async function combinedRefundCommand(
  context: FlowContext,
  { book }: { readonly book: BookId },
  input: CombinedRefundInput,
  key: string,
): Promise<Result<Command>> {
  const { sql } = context.database
  const { combinedId, amount, reference, reason, metadata } = input
  const row = await findCombined(sql, book, combinedId)
  if (row === undefined) return refused(combinedNotFound)
  const law = await lawOf(context, issuerOfBook(book))
  const lane = laneOfId(combinedId)
  return ok({
    book,
    operation: 'combined_refund.created',
    key,
    input: {
      combined: combinedId,
      ...(amount === undefined ? {} : { amount: String(amount) }),
      reference,
      ...(reason === undefined ? {} : { reason }),
      ...(metadata === undefined ? {} : { metadata }),
    },
    homeLane: () => lane,
    name: { kind: nameKinds.refund, name: ofMerchant(row.merchantId, reference) },
    plan: async (_, name) => {
      const reads = await readsOfCardPart(context, book, combinedId)
      const taken = takenBy(name)
      return {
        lanes: [...new Set([lane, ...(reads?.lanes ?? [])])],
        reads: [read(combinedPayments, lane, combinedId), ...(reads?.reads ?? [])],
        decide: (view, now) => decide(view, { input, law, taken, takeBack: reads?.takeBack }, now),
      }
    },
  })
}

/** undefined: it has not succeeded yet. */
async function readsOfCardPart(context: FlowContext, book: BookId, id: CombinedPaymentId) {
  const { sql } = context.database
  const row = await findCombined(sql, book, id)
  if (row === undefined || row.paymentId === null) return undefined
  const payment = await findPayment(sql, book, row.paymentId)
  return payment && (await readsOfPayment(context, payment))
}

interface Asked {
  readonly input: CombinedRefundInput
  readonly law: Law
  readonly taken: Refusal | undefined
  readonly takeBack: PaymentReads['takeBack']
}

function decide(view: View, { input, law, taken, takeBack }: Asked, now: Instant): Decision {
  const row = view.get(combinedPayments, input.combinedId)
  if (row === undefined || row.bookId !== view.bookId)
    return { ok: false, final: false, refusal: combinedNotFound }
  if (taken !== undefined) return refused(taken)
  const payment = cardPartOf(view, row)
  const parts = divideRefund(
    row,
    payment === undefined ? 0n : payment.amount - payment.refunded,
    input.amount,
  )
  if (!parts.ok) return parts
  const lawful = checkRefundWindow(law.at(now), { paidAt: row.endedAt ?? now, now })
  if (!lawful.ok) return lawful
  const { card, wechat } = parts.value
  const desks = new Desks(view)
  const { reference, reason, metadata } = input
  const given = { reference, reason, metadata, takeBack }
  const ofCards =
    card === 0n || payment === undefined
      ? {}
      : refundOf(view, desks, payment, { ...given, amount: card }, now)
  promise(view, desks, row, { ...input, card, wechat, now })
  return ok({
    kind: 'combined_refund.created',
    version: 1,
    body: {
      ...ofCards,
      combinedRefundId: view.commandId,
      combinedPaymentId: row.id,
      merchantId: row.merchantId,
      ...(row.paymentId === null ? {} : { paymentId: row.paymentId }),
      amountFen: String(card + wechat),
      cardAmountFen: String(card),
      wechatAmountFen: String(wechat),
      ...desks.records(),
    },
  })
}

/** @throws NotPrepared where it succeeded since the reads were chosen. */
function cardPartOf(view: View, { paymentId }: CombinedRow): PaymentRow | undefined {
  if (paymentId === null) return undefined
  if (!isKnown(() => view.get(payments, paymentId))) throw new NotPrepared(`payment ${paymentId}`)
  return view.get(payments, paymentId)
}

/** The part by WeChat leaves the merchant now; it is owed to the payer until WeChat says that he has it. */
function promise(
  view: View,
  desks: Desks,
  row: CombinedRow,
  asked: CombinedRefundInput & { card: Fen; wechat: Fen; now: Instant },
): void {
  const { card, wechat, now, reference, reason, metadata } = asked
  const id: CombinedRefundId = asId(view.commandId)
  const lane = laneOfId(id)
  const isAtWechat = wechat > 0n
  if (isAtWechat) {
    const debit = accountId(row.merchantId, 'merchant_unsettled', lane)
    const credit = accountId(issuerOfBook(view.bookId), 'order_suspense', lane)
    desks.in(lane).transfer({ debit, credit, amount: wechat })
    putRefundCall(view, id, now)
  }
  view.put(combinedRefunds, lane, {
    id,
    bookId: view.bookId,
    combinedId: row.id,
    cardAmount: card,
    wechatAmount: wechat,
    reference,
    reason: reason ?? null,
    status: isAtWechat ? 'processing' : 'succeeded',
    attempt: 1,
    outRefundNo: outNumberOf('refund', id),
    refundId: null,
    problem: null,
    refusals: 0,
    metadata: metadata ?? null,
    createdAt: now,
    endedAt: isAtWechat ? null : now,
  })
  view.put(combinedPayments, lane, { ...row, wechatRefunded: row.wechatRefunded + wechat })
}

/** What WeChat says of a refund; `processing`: again, after a person has seen to it. */
interface CameTo extends RefundTold {
  readonly refundId: string
}

/**
 * The payer has it; or WeChat cannot give it to him, or did not, and a person has to see to it. Its end comes once, that of
 * a number too, the rest in turns.
 */
export function refundCameTo(
  context: FlowContext,
  row: CombinedRefundRow,
  end: CameTo,
): Promise<Executed> {
  const lane = laneOfId(row.id)
  return context.engine.execute({
    book: row.bookId,
    operation: `combined_refund.${end.status}`,
    key: keyOf(context, row, end),
    input: {},
    homeLane: () => lane,
    plan: () => ({
      lanes: [lane],
      reads: [read(combinedRefunds, lane, row.id), read(calls, lane, row.id)],
      decide: (view, now) => {
        const current = view.get(combinedRefunds, row.id)
        if (current === undefined || current.bookId !== view.bookId)
          throw new Error(`the refund ${row.id} is not there`)
        // Since it was read it may have been asked for again, and that be sent by now.
        const isUnsent = end.isUnsent && current.attempt === row.attempt
        if (judgeTold(current, { ...end, isUnsent }) !== 'news')
          return { ok: false, final: false, refusal: over }
        return ok(come(view, current, end, now))
      },
    }),
  })
}

function keyOf(
  { newId }: FlowContext,
  { id }: CombinedRefundRow,
  { status, outRefundNo }: CameTo,
): string {
  if (status === 'succeeded') return id
  return status === 'closed' ? outRefundNo : `${id}:${newId()}`
}

const over = refusal('combined_payment.ended', 'The refund has come to its end.')

function come(
  view: View,
  row: CombinedRefundRow,
  { status, outRefundNo, refundId }: CameTo,
  now: Instant,
): Outcome {
  const lane = laneOfId(row.id)
  const isDone = status === 'succeeded'
  if (isDone) {
    const own = (kind: 'wechat' | 'order_suspense') =>
      accountId(issuerOfBook(view.bookId), kind, lane)
    const desks = new Desks(view)
    const amount = row.wechatAmount
    desks.in(lane).transfer({ debit: own('order_suspense'), credit: own('wechat'), amount })
  }
  // What is closed is owed still, and nothing of it is under way.
  if (isDone || status === 'closed') view.remove(calls, row.id)
  const endedAt = isDone ? now : null
  const taken = { problem: null, refusals: 0 }
  view.put(combinedRefunds, lane, { ...row, ...taken, status, outRefundNo, refundId, endedAt })
  return { kind: `combined_refund.${status}`, version: 1, body: refundAtWechatBody(row) }
}

export function refundAtWechatBody(row: CombinedRefundRow) {
  return {
    combinedRefundId: row.id,
    combinedPaymentId: row.combinedId,
    wechatAmountFen: String(row.wechatAmount),
  }
}
