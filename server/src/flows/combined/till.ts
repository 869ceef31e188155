/** What a till does with a combined payment: begin it, look at it, give it up. */
import {
  asId,
  type BookId,
  type CombinedPaymentId,
  laneOfId,
  modeOfBook,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { findCall, findCombined } from '../../modules/combined/index.ts'
import { findHold, findPayment } from '../../modules/payments/index.ts'
import type { Invitation } from '../../modules/wechat/index.ts'
import type { Command, Executed } from '../../platform/lanes/index.ts'
import { executePrepared } from '../prepared.ts'
import { type Asking, askPayer, endNow, type LegContext } from './leg.ts'
import type { ShownCombined } from './present.ts'
import { combinedNotFound } from './refund.ts'

export interface Begun {
  readonly executed: Executed
  readonly shown?: ShownCombined
  readonly invitation?: Invitation | undefined
}

/**
 * Makes the payment and asks the payer. A repeat asks for the same invitation again, for the same payment at WeChat; a
 * payment code is shown to WeChat once only.
 */
export async function beginCombined(
  context: LegContext,
  execute: (command: Command) => Promise<Executed>,
  command: Command,
  asking: Asking,
): Promise<Begun> {
  const executed = await executePrepared(execute, command)
  if (executed.status === 'refused') return { executed }
  const id: CombinedPaymentId = asId(executed.commandId)
  const invitation = await ask(context, command.book, id, asking, executed.replayed)
  const shown = await showCombined(context, command.book, id)
  if (shown === undefined) throw new Error(`the combined payment ${id} is not there`)
  return { executed, shown, invitation }
}

/** Where it stays unknown what came of it, whoever looks after it finds out. */
async function ask(
  context: LegContext,
  book: BookId,
  id: CombinedPaymentId,
  asking: Asking,
  isRepeat: boolean,
): Promise<Invitation | undefined> {
  const { sql } = context.database
  const row = await findCombined(sql, book, id)
  if (row?.status !== 'waiting') return undefined
  const isOver = context.engine.now(modeOfBook(book)) >= row.legExpiresAt
  if (isRepeat && (row.scene === 'micropay' || isOver)) return undefined
  const call = await findCall(sql, laneOfId(id), id)
  if (call === undefined || call.ending !== null) return undefined
  return askPayer(context, row, { ...asking, isRepeat })
}

/** undefined: there is none in that book. */
export async function showCombined(
  { database: { sql }, engine }: Pick<LegContext, 'database' | 'engine'>,
  book: BookId,
  id: CombinedPaymentId,
): Promise<ShownCombined | undefined> {
  if (!engine.lanesOf(modeOfBook(book)).includes(laneOfId(id))) return undefined
  const row = await findCombined(sql, book, id)
  if (row === undefined) return undefined
  const hold = await findHold(sql, book, asId(id))
  if (hold === undefined) throw new Error(`the hold of ${id} is not there`)
  const payment = row.paymentId === null ? undefined : await findPayment(sql, book, row.paymentId)
  return { row, hold, payment }
}

/**
 * Gives the payment up: what may still be paid at WeChat is closed, or taken back, and asked about; then the card is free.
 * It may turn out to have been paid all the same. Refusals: `combined_payment.not_found`, `combined_payment.ended` for one
 * that succeeded.
 */
export async function cancelCombined(
  context: LegContext,
  book: BookId,
  id: CombinedPaymentId,
): Promise<Result<ShownCombined>> {
  const before = await showCombined(context, book, id)
  if (before === undefined) return refused(combinedNotFound)
  if (before.row.status === 'waiting') {
    await endNow(context, before.row, 'cancelled')
  }
  const after = await showCombined(context, book, id)
  if (after === undefined) return refused(combinedNotFound)
  return after.row.status === 'succeeded' ? refused(succeeded) : ok(after)
}

const succeeded = refusal('combined_payment.ended', 'It has succeeded: refund it.', {
  data: { status: 'succeeded' },
})
