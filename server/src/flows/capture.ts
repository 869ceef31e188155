/** A merchant takes of a hold what it is owed, in one part or several; each part is a payment of its own. */
import {
  asId,
  type BookId,
  type Fen,
  type HoldId,
  type Instant,
  laneOfId,
  ok,
  type PaymentId,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { cards } from '../modules/cards/index.ts'
import { type HoldRow, leftOf } from '../modules/ledger/index.ts'
import {
  type Allocation,
  checkCapture,
  checkFree,
  checkHeld,
  findHold,
  holdExpired,
  type PaymentHoldRow,
  type PaymentRow,
  paymentHolds,
  payments,
  receiptNumberOf,
  takeFromLines,
} from '../modules/payments/index.ts'
import type { Command, Decision, Outcome, View } from '../platform/lanes/index.ts'
import type { FlowContext } from './context.ts'
import { paymentBody } from './pay.ts'
import { Desks, takeFromAccount } from './payments/desks.ts'
import {
  type HoldReads,
  isWhole,
  openLines,
  readsOfHold,
  releaseLines,
  shareOfLine,
} from './payments/hold-lines.ts'
import { GiftsOfCapture } from './rebates/for-capture.ts'
import { giveFor } from './rebates/for-payment.ts'
import type { Gifts } from './rebates/gifts.ts'
import { rebatesBody } from './rebates/grant.ts'

export interface CaptureInput {
  readonly holdId: HoldId
  readonly amount: Fen
  /** Whether the rest is released. */
  readonly final: boolean
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * A card that was frozen, expired or replaced since the hold was made still pays: its holder agreed to it then. A
 * merchant that was suspended since is still paid: it delivered. A card that was reported lost pays no more until it is
 * replaced: from the report on, nothing is debited. Refusals:
 *
 * 1. `hold.not_found` (not final)
 * 2. `hold.tied`
 * 3. `hold.released`, `hold.captured`, `hold.expired`
 * 4. `hold.exceeded`, with what is allowed
 * 5. `card.lost`
 */
export async function captureCommand(
  context: FlowContext,
  { book }: { readonly book: BookId },
  input: CaptureInput,
  key: string,
): Promise<Result<Command>> {
  const hold = await findHold(context.database.sql, book, input.holdId)
  if (hold === undefined) return refused(holdNotFound)
  const { holdId, amount, final, metadata } = input
  const giving = new GiftsOfCapture(context, hold)
  return ok({
    book,
    operation: 'hold.captured',
    key,
    input: { hold: holdId, amount: String(amount), final, metadata },
    homeLane: () => laneOfId(holdId),
    plan: async () => {
      const { open, ...reads } = await readsOfHold(context, hold)
      const gifts = await giving.prepare()
      return {
        lanes: [...new Set([...reads.lanes, ...giving.lanes()])],
        reads: [...reads.reads, ...giving.reads()],
        decide: (view, now) => decide(view, { ...input, open, gifts }, now),
      }
    },
  })
}

export const holdNotFound = refusal('hold.not_found', 'No hold has this id here (hold_…).')

export interface CaptureParts
  extends Pick<CaptureInput, 'amount' | 'final' | 'metadata'>,
    Pick<HoldReads, 'open'> {
  readonly gifts: Gifts | undefined
}

type Prepared = CaptureParts & Pick<CaptureInput, 'holdId'>

function decide(view: View, input: Prepared, now: Instant): Decision {
  const hold = view.get(paymentHolds, input.holdId)
  if (hold === undefined || hold.bookId !== view.bookId)
    return { ok: false, final: false, refusal: holdNotFound }
  const free = checkFree(hold)
  if (!free.ok) return free
  const possible = checkCaptureOf(view, hold, input, now)
  if (!possible.ok) return possible
  const { body } = capture(view, new Desks(view), possible.value)
  return { ok: true, value: { kind: 'hold.captured', version: 1, body } }
}

/** Refusals: `hold.released`, `hold.captured`, `hold.expired`, `hold.exceeded`, `card.lost`. */
export function checkCaptureOf(
  view: View,
  hold: PaymentHoldRow,
  input: CaptureParts,
  now: Instant,
): Result<Capture> {
  const held = checkHeld(hold, now)
  if (!held.ok) return held
  const enough = checkCapture(hold, input.amount)
  if (!enough.ok) return enough
  const lines = openLines(view, hold)
  if (!isWhole(hold, lines, input.open)) return refused(holdExpired)
  const parts = takeFromLines(lines, leftOf, input.amount)
  const isLost = parts.some(({ line }) => isOnLostCard(view, line))
  if (isLost) return refused(refusal('card.lost', 'The card was reported lost after the hold.'))
  return ok({ hold, lines, parts, input, now })
}

function isOnLostCard(view: View, line: HoldRow): boolean {
  return view.get(cards, shareOfLine(line).cardId)?.state === 'lost'
}

interface Capture {
  readonly hold: PaymentHoldRow
  readonly lines: readonly HoldRow[]
  readonly parts: readonly { readonly line: HoldRow; readonly amount: Fen }[]
  readonly input: CaptureParts
  readonly now: Instant
}

/** Takes what was found possible: a payment with the id of the command, and what the journal keeps of both. */
export function capture(
  view: View,
  desks: Desks,
  { hold, lines, parts, input, now }: Capture,
): { readonly payment: PaymentRow; readonly body: Outcome['body'] } {
  const id: PaymentId = asId(view.commandId)
  const home = laneOfId(id)
  const parties = { book: view.bookId, merchantId: hold.merchantId, home }
  const after = new Map(lines.map((line) => [line, line]))
  const allocations = parts.map(({ line, amount }): Allocation => {
    after.set(line, desks.in(laneOfId(line.accountId)).capture(line, amount))
    const balanceAfter = takeFromAccount(desks, parties, line.accountId, amount)
    return { ...shareOfLine(line), amount, refunded: 0n, balanceAfter }
  })
  const released = input.final ? releaseLines(desks, [...after.values()]) : 0n
  putHold(view, hold, input.amount, released)
  const row: PaymentRow = {
    id,
    bookId: view.bookId,
    merchantId: hold.merchantId,
    storeId: hold.storeId,
    terminalId: hold.terminalId,
    channel: hold.channel,
    reference: hold.reference,
    amount: input.amount,
    refunded: 0n,
    status: 'succeeded',
    holdId: hold.id,
    allocations,
    receiptNumber: receiptNumberOf(id),
    metadata: input.metadata ?? hold.metadata,
    createdAt: now,
  }
  view.put(payments, home, row)
  const given = input.gifts === undefined ? [] : giveFor(view, desks, input.gifts, row)
  const body = {
    holdId: hold.id,
    releasedAmountFen: String(released),
    ...paymentBody(row, desks),
    ...rebatesBody(given),
  }
  return { payment: row, body }
}

function putHold(view: View, hold: PaymentHoldRow, captured: Fen, released: Fen): void {
  const after = {
    ...hold,
    captured: hold.captured + captured,
    released: hold.released + released,
  }
  const isOver = after.captured + after.released === after.amount
  const status = isOver ? 'captured' : 'held'
  view.put(paymentHolds, laneOfId(hold.id), { ...after, status })
}
