/**
 * A merchant whose answer was lost takes an order back by its own number, not knowing whether it was paid (冲正). Before
 * the payment comes, the number is taken out of the world; after it, the payment is reversed.
 */
import {
  asId,
  type BookId,
  type CommandId,
  type HoldId,
  type Lane,
  laneOfId,
  type MerchantId,
  modeOfBook,
  ok,
  type PaymentId,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  checkCancel,
  checkFree,
  findHold,
  findPayment,
  holdStatusOf,
  type PaymentHoldRow,
  type PaymentRow,
  paymentHolds,
  payments,
  wasCancelled,
} from '../modules/payments/index.ts'
import type { Command, Decision, Outcome, Plan, Read } from '../platform/lanes/index.ts'
import { reverse } from './cancel-payment.ts'
import { holdNotFound } from './capture.ts'
import type { FlowContext } from './context.ts'
import { orderName } from './payments/charge.ts'
import { type PaymentReads, readsOfPayment } from './payments/give-back.ts'
import { type HoldReads, readsOfHold } from './payments/hold-lines.ts'
import { paymentNotFound } from './refund.ts'
import { releaseHold } from './release.ts'

export interface CancelByReference {
  readonly merchantId: MerchantId
  readonly reference: string
}

/**
 * A payment or hold that is under way is either found to have run or refused from now on with `payment.cancelled`. The
 * outcome's body names the payment that was reversed, or had been already; it names none where none had come, or where
 * it was a hold, which is released. Refusals:
 *
 * 1. `merchant.not_found` (leaves nothing)
 * 2. `payment.has_refunds`
 * 3. `hold.captured`: its payments are cancelled one by one, by their ids
 * 4. `hold.tied`: the combined payment is cancelled by its own id
 */
export async function cancelByReferenceCommand(
  context: FlowContext,
  { book }: { readonly book: BookId },
  input: CancelByReference,
  key: string,
): Promise<Result<Command>> {
  const { merchantId, reference } = input
  const till = await context.merchants.tillOf(book, { merchantId })
  if (!till.ok) return till
  const { engine } = context
  const owner = await engine.names.ownerOf(book, orderName(merchantId, reference))
  const home: Lane = owner === undefined ? engine.laneForNew(modeOfBook(book)) : laneOfId(owner.id)
  return ok({
    book,
    operation: 'reference.cancelled',
    key,
    input: { merchant: merchantId, reference },
    homeLane: () => home,
    plan: async (commandId) => {
      const ran = await takeOut(context, book, input, commandId)
      return ran === undefined
        ? nothingRan(commandId, input)
        : planFor(context, book, ran, commandId)
    },
  })
}

/** From here on nobody pays under this reference any more; answers who did before. */
async function takeOut(
  { engine }: FlowContext,
  book: BookId,
  { merchantId, reference }: CancelByReference,
  by: CommandId,
): Promise<CommandId | undefined> {
  const name = orderName(merchantId, reference)
  for (;;) {
    const owner = await engine.names.cancelUnlessTaken(book, name, by)
    if (owner === undefined || owner.cancelled) return undefined
    const outcome = await engine.outcomeOf(owner.id)
    const isRefused =
      outcome === undefined
        ? (await engine.tombstone(owner.id, book, wasCancelled)).status === 'refused'
        : outcome.refused
    if (!isRefused) return owner.id
    if (await engine.names.cancel(owner)) return undefined
    // The name passed to somebody else meanwhile.
  }
}

function nothingRan(commandId: CommandId, { merchantId }: CancelByReference): Plan {
  return {
    lanes: [laneOfId(commandId)],
    reads: [],
    decide: () => ({ ok: true, value: nothingMoved({ merchantId }) }),
  }
}

function nothingMoved(body: Outcome['body']): Outcome {
  return { kind: 'reference.cancelled', version: 1, body }
}

async function planFor(
  context: FlowContext,
  book: BookId,
  ran: CommandId,
  commandId: CommandId,
): Promise<Plan> {
  const { sql } = context.database
  const payment = await findPayment(sql, book, asId(ran))
  if (payment !== undefined) {
    const reads = await readsOfPayment(context, payment)
    return withHome(commandId, reads, paymentPlan(payment.id, reads.takeBack))
  }
  const hold = await findHold(sql, book, asId(ran))
  if (hold === undefined) throw new Error(`command ${ran} is neither a payment nor a hold`)
  const reads = await readsOfHold(context, hold)
  return withHome(commandId, reads, holdPlan(hold.id, reads.open))
}

function withHome(
  commandId: CommandId,
  { lanes, reads }: { lanes: readonly Lane[]; reads: readonly Read[] },
  decide: Plan['decide'],
): Plan {
  return { lanes: [...new Set([laneOfId(commandId), ...lanes])], reads, decide }
}

function paymentPlan(id: PaymentId, takeBack: PaymentReads['takeBack']): Plan['decide'] {
  return (view): Decision => {
    const payment: PaymentRow | undefined = view.get(payments, id)
    if (payment === undefined) return { ok: false, final: false, refusal: paymentNotFound }
    if (payment.status === 'cancelled') return ok(nothingMoved({ paymentId: id }))
    const possible = checkCancel(payment)
    return possible.ok ? ok(reverse(view, payment, takeBack)) : possible
  }
}

function holdPlan(id: HoldId, open: HoldReads['open']): Plan['decide'] {
  return (view, now): Decision => {
    const hold: PaymentHoldRow | undefined = view.get(paymentHolds, id)
    if (hold === undefined) return { ok: false, final: false, refusal: holdNotFound }
    if (hold.captured > 0n) {
      const detail = 'The reference is that of a hold that was captured: cancel its payments.'
      return refused(refusal('hold.captured', detail))
    }
    if (holdStatusOf(hold, now) !== 'held') return ok(nothingMoved({ holdId: id }))
    const free = checkFree(hold)
    if (!free.ok) return free
    return ok(releaseHold(view, hold, open))
  }
}
