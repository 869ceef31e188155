/** A till takes money from cards: one command, whichever way the cards were shown and in however many lanes they lie. */
import {
  asId,
  type CommandId,
  type Instant,
  type Lane,
  laneOfId,
  ok,
  type PaymentId,
  type Result,
} from '@lika/contract'
import {
  type Allocation,
  accountOf,
  type PaymentRow,
  payments,
  receiptNumberOf,
  type Share,
} from '../modules/payments/index.ts'
import type { Command, Decision, NameState, Plan, View } from '../platform/lanes/index.ts'
import type { Body } from './cards/facts.ts'
import type { FlowContext } from './context.ts'
import {
  type Charge,
  chargePrint,
  chargeReads,
  decideShares,
  lanesOfCharge,
  markPayCodes,
  notRecognised,
  orderName,
  prepareCharge,
  standingOf,
} from './payments/charge.ts'
import { Desks, takeFromAccount } from './payments/desks.ts'
import { allocationsBody, tillBody } from './payments/outcomes.ts'
import { preview } from './payments/preview.ts'
import { isNotRecognised } from './payments/sources.ts'
import type { ChargeInput, TillCaller } from './payments/till-caller.ts'
import type { Previewed } from './preview-plan.ts'

const operation = 'payment.created'

/**
 * Refusals that leave nothing, in this order: `sources.invalid`, `merchant.not_found`, `store.not_found`,
 * `terminal.not_found`, `card.not_found`, `throttled`, `card.not_recognised`, `pay_code.not_recognised`. Then, of the
 * command, `command.too_late` and those of `decideShares`.
 */
export async function payCommand(
  context: FlowContext,
  caller: TillCaller,
  input: ChargeInput,
  key: string,
): Promise<Result<Command>> {
  const { book } = caller
  const prepared = await prepareCharge(context, caller, input)
  if (!prepared.ok && !isNotRecognised(prepared.refusal)) return prepared
  const base = { book, operation, key, input: chargePrint(context, input) }
  if (!prepared.ok) return ok(notRecognised(context, base, prepared.refusal))
  const charge = prepared.value
  const home = charge.sources[0]?.lane ?? 0
  return ok({
    ...base,
    homeLane: () => home,
    notAfter: input.notAfter,
    name: orderName(input.merchantId, input.reference),
    plan: (commandId, name) => paymentPlan(context, charge, { book, commandId, name }),
  })
}

type Planned = { book: TillCaller['book']; commandId: CommandId; name: NameState }

function paymentPlan(
  context: FlowContext,
  charge: Charge,
  { book, commandId, name }: Planned,
): Plan | Promise<Plan> {
  const home = laneOfId(commandId)
  const plan = (standing: Awaited<ReturnType<typeof standingOf>>): Plan => ({
    lanes: lanesOfCharge(home, charge.sources),
    reads: chargeReads(charge.sources),
    decide: (view, now) => {
      const desks = new Desks(view)
      const shares = decideShares(context, view, desks, charge, standing, now)
      return shares.ok ? pay(view, desks, charge, shares.value, now) : shares
    },
  })
  const standing = standingOf(context, book, name)
  return standing instanceof Promise ? standing.then(plan) : plan(standing)
}

function pay(
  view: View,
  desks: Desks,
  { input, till, sources }: Charge,
  shares: readonly Share[],
  now: Instant,
): Decision {
  const id: PaymentId = asId(view.commandId)
  const home = laneOfId(id)
  const parties = { book: view.bookId, merchantId: till.merchantId, home }
  const allocations = shares.map(({ cardId, subBalance, amount }): Allocation => {
    const account = accountOf(cardId, subBalance)
    const balanceAfter = takeFromAccount(desks, parties, account, amount)
    return { cardId, subBalance, amount, refunded: 0n, balanceAfter }
  })
  markPayCodes(view, sources, false)
  const row: PaymentRow = {
    id,
    bookId: view.bookId,
    merchantId: till.merchantId,
    storeId: till.storeId ?? null,
    terminalId: till.terminalId ?? null,
    channel: input.channel ?? null,
    reference: input.reference,
    amount: input.amount,
    refunded: 0n,
    status: 'succeeded',
    holdId: null,
    allocations,
    receiptNumber: receiptNumberOf(id),
    metadata: input.metadata ?? null,
    createdAt: now,
  }
  view.put(payments, home, row)
  return { ok: true, value: { kind: operation, version: 1, body: paymentBody(row, desks) } }
}

/** What the journal keeps of a payment; of a capture it is part of more. */
export function paymentBody(row: PaymentRow, desks: Desks): Body {
  return {
    paymentId: row.id,
    amountFen: String(row.amount),
    ...tillBody(row),
    allocations: allocationsBody(row.allocations),
    receiptNumber: row.receiptNumber,
    ...desks.records(),
  }
}

/**
 * What the payment would take, decided now without any lock: nothing is claimed, changed or used up. Refusals: those
 * of `payCommand` and of the command.
 */
export async function previewPayment(
  context: FlowContext,
  caller: TillCaller,
  input: ChargeInput,
): Promise<Result<Previewed>> {
  const prepared = await prepareCharge(context, caller, input)
  if (!prepared.ok) return prepared
  const home: Lane = prepared.value.sources[0]?.lane ?? 0
  return preview(context, caller.book, home, input, (commandId, name) =>
    paymentPlan(context, prepared.value, { book: caller.book, commandId, name }),
  )
}
