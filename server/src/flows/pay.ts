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
  accountOfShare,
  contradiction,
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
  orderName,
  prepareCharge,
  standingOf,
} from './payments/charge.ts'
import { Desks, takeFromAccount } from './payments/desks.ts'
import { allocationsBody, tillBody } from './payments/outcomes.ts'
import { preview } from './payments/preview.ts'
import { isNotRecognised } from './payments/sources.ts'
import type { ChargeInput, TillCaller } from './payments/till-caller.ts'
import { VouchersShown } from './payments/vouchers.ts'
import { refusedUnlessDone } from './prepared.ts'
import type { Previewed } from './preview-plan.ts'
import { giveFor } from './rebates/for-payment.ts'
import { type Gifts, giftsFor } from './rebates/gifts.ts'
import { rebatesBody } from './rebates/grant.ts'

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
  if (!prepared.ok) return ok(refusedUnlessDone(context, base, prepared.refusal))
  const charge = prepared.value
  const home = charge.sources[0]?.lane ?? 0
  const isPlain = input.vouchers === undefined && context.loyalty.known(book)?.length === 0
  const extras = isPlain ? nothingMore : await extrasOf(context, book, charge)
  if (!extras.ok) return extras
  return ok({
    ...base,
    homeLane: () => home,
    notAfter: input.notAfter,
    name: orderName(input.merchantId, input.reference),
    plan: (commandId, name) => {
      const planned = { book, commandId, name }
      if (extras.value === undefined) return paymentPlan(context, charge, planned)
      return planWithExtras(context, charge, planned, extras.value)
    },
  })
}

type Planned = { book: TillCaller['book']; commandId: CommandId; name: NameState }

/** What few payments have: vouchers that were shown, campaigns that give for it. */
interface Extras {
  readonly shown: VouchersShown | undefined
  readonly gifts: Gifts | undefined
}

const nothingMore = ok<Extras | undefined>(undefined)

/** undefined: the payment has nothing of it, and nothing is asked of the database. Refusals: `voucher.not_found`. */
async function extrasOf(
  context: FlowContext,
  book: TillCaller['book'],
  { input, till, sources }: Charge,
): Promise<Result<Extras | undefined>> {
  const { loyalty } = context
  const known = loyalty.known(book) ?? (await loyalty.inForce(book))
  const [first] = sources
  const { merchantId } = till
  const gifts =
    known.length === 0 || first === undefined
      ? undefined
      : giftsFor(
          context,
          { book, cardId: first.cardId, lane: first.lane, trigger: 'payment', merchantId },
          known,
        )
  const { vouchers = [] } = input
  const shown = vouchers.length === 0 ? undefined : new VouchersShown(vouchers)
  if (gifts === undefined && shown === undefined) return ok(undefined)
  if (shown !== undefined && sources.some(({ amount }) => amount !== undefined))
    return contradiction('Where vouchers pay, no source says its amount.')
  const found = await shown?.find(context, book)
  return found?.ok === false ? found : ok({ shown, gifts })
}

async function planWithExtras(
  context: FlowContext,
  charge: Charge,
  planned: Planned,
  { shown, gifts }: Extras,
): Promise<Plan> {
  const { book } = planned
  await gifts?.prepare()
  await shown?.find(context, book)
  const plan = await paymentPlan(context, charge, planned, { shown, gifts })
  const more = [...(gifts?.lanes() ?? []), ...(shown?.lanes() ?? [])]
  return {
    ...plan,
    lanes: [...new Set([...plan.lanes, ...more])],
    reads: [...plan.reads, ...(gifts?.reads() ?? []), ...(shown?.reads() ?? [])],
  }
}

function paymentPlan(
  context: FlowContext,
  charge: Charge,
  { book, commandId, name }: Planned,
  extras?: Extras,
): Plan | Promise<Plan> {
  const home = laneOfId(commandId)
  const plan = (standing: Awaited<ReturnType<typeof standingOf>>): Plan => ({
    lanes: lanesOfCharge(home, charge.sources),
    reads: chargeReads(charge.sources),
    decide: (view, now) => {
      const desks = new Desks(view)
      const shown = extras?.shown
      const covered = shown && (() => shown.decide(view, desks, charge, now))
      const shares = decideShares(context, view, desks, charge, standing, now, covered)
      return shares.ok ? pay(view, desks, charge, shares.value, now, extras?.gifts) : shares
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
  gifts: Gifts | undefined,
): Decision {
  const id: PaymentId = asId(view.commandId)
  const home = laneOfId(id)
  const parties = { book: view.bookId, merchantId: till.merchantId, home }
  const allocations = shares.map((share): Allocation => {
    const balanceAfter = takeFromAccount(desks, parties, accountOfShare(share), share.amount)
    return { ...share, refunded: 0n, balanceAfter }
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
  const given = gifts === undefined ? [] : giveFor(view, desks, gifts, row)
  const body = { ...paymentBody(row, desks), ...rebatesBody(given) }
  return { ok: true, value: { kind: operation, version: 1, body } }
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
  const { book } = caller
  const extras = await extrasOf(context, book, prepared.value)
  if (!extras.ok) return extras
  return preview(context, book, home, input, (commandId, name) => {
    const planned = { book, commandId, name }
    if (extras.value === undefined) return paymentPlan(context, prepared.value, planned)
    return planWithExtras(context, prepared.value, planned, extras.value)
  })
}
