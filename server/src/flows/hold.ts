/** A till sets money of cards aside: nobody else can spend it until it is captured, released or expires. */
import {
  asId,
  type CommandId,
  type HoldId,
  type Instant,
  issuerOfBook,
  laneOfId,
  ok,
  type Refusal,
  type Result,
} from '@lika/contract'
import {
  type Allocation,
  accountOfShare,
  type PaymentHoldRow,
  paymentHolds,
  type Share,
} from '../modules/payments/index.ts'
import { checkHoldLife } from '../modules/policy/index.ts'
import type { Command, NameState, Outcome, Plan, View } from '../platform/lanes/index.ts'
import { type Law, lawOf } from './cards/law.ts'
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
import { Desks } from './payments/desks.ts'
import { allocationsBody, tillBody } from './payments/outcomes.ts'
import { preview } from './payments/preview.ts'
import { isNotRecognised } from './payments/sources.ts'
import type { ChargeInput, TillCaller } from './payments/till-caller.ts'
import { refusedUnlessDone } from './prepared.ts'
import type { Previewed } from './preview-plan.ts'

export interface HoldInput extends ChargeInput {
  /** Seconds. */
  readonly expiresIn: number
}

const operation = 'hold.created'

interface HoldCharge extends Charge {
  readonly expiresIn: number
  readonly law: Law
}

/**
 * Refusals that leave nothing: as for `payCommand`. Then, of the command, `command.too_late`, and those of
 * `decideShares`, with `policy.hold_too_long` after the reference.
 */
export async function holdCommand(
  context: FlowContext,
  caller: TillCaller,
  input: HoldInput,
  key: string,
): Promise<Result<Command>> {
  const { book } = caller
  const prepared = await prepareHold(context, caller, input)
  if (!prepared.ok && !isNotRecognised(prepared.refusal)) return prepared
  const print = { ...chargePrint(context, input), expires_in: input.expiresIn }
  const base = { book, operation, key, input: print }
  if (!prepared.ok) return ok(refusedUnlessDone(context, base, prepared.refusal))
  const charge = prepared.value
  const home = charge.sources[0]?.lane ?? 0
  return ok({
    ...base,
    homeLane: () => home,
    notAfter: input.notAfter,
    name: orderName(input.merchantId, input.reference),
    plan: (commandId, name) => holdPlan(context, charge, { book, commandId, name }),
  })
}

/** What the hold would set aside, decided now without any lock. Refusals: those of the command. */
export async function previewHold(
  context: FlowContext,
  caller: TillCaller,
  input: HoldInput,
): Promise<Result<Previewed>> {
  const prepared = await prepareHold(context, caller, input)
  if (!prepared.ok) return prepared
  const { book } = caller
  const charge = prepared.value
  return preview(context, book, charge.sources[0]?.lane ?? 0, input, (commandId, name) =>
    holdPlan(context, charge, { book, commandId, name }),
  )
}

async function prepareHold(
  context: FlowContext,
  caller: TillCaller,
  input: HoldInput,
): Promise<Result<HoldCharge>> {
  const prepared = await prepareCharge(context, caller, input)
  if (!prepared.ok) return prepared
  const law = await lawOf(context, issuerOfBook(caller.book))
  return ok({ ...prepared.value, expiresIn: input.expiresIn, law })
}

async function holdPlan(
  context: FlowContext,
  charge: HoldCharge,
  { book, commandId, name }: { book: TillCaller['book']; commandId: CommandId; name: NameState },
): Promise<Plan> {
  const standing = await standingOf(context, book, name)
  return {
    lanes: lanesOfCharge(laneOfId(commandId), charge.sources),
    reads: chargeReads(charge.sources),
    decide: (view, now) => {
      const desks = new Desks(view)
      const stop = standing ?? tooLong(charge, now)
      const shares = decideShares(context, view, desks, charge, stop, now)
      if (!shares.ok) return shares
      const hold = setAside(view, desks, charge, shares.value, { now, life: charge.expiresIn })
      return { ok: true, value: { kind: operation, version: 1, body: holdBody(hold, desks) } }
    },
  }
}

function tooLong({ law, expiresIn }: HoldCharge, now: Instant): Refusal | undefined {
  const life = checkHoldLife(law.at(now), expiresIn)
  return life.ok ? undefined : life.refusal
}

/**
 * Sets the shares aside for `life` seconds; the hold has the id of the command. `isTied`: it ends only with the
 * combined payment that has the same id.
 */
export function setAside(
  view: View,
  desks: Desks,
  { input, till, sources }: Charge,
  shares: readonly Share[],
  { now, life, isTied = false }: { now: Instant; life: number; isTied?: boolean },
): PaymentHoldRow {
  const id: HoldId = asId(view.commandId)
  const expiresAt = now + life * 1_000
  const allocations = shares.map((share, line): Allocation => {
    const { amount } = share
    const accountId = accountOfShare(share)
    const desk = desks.in(laneOfId(accountId))
    desk.openHold({ id, line, accountId, amount, expiresAt })
    const balanceAfter = desk.account(accountId).balance
    return { ...share, refunded: 0n, balanceAfter }
  })
  markPayCodes(view, sources, true)
  const row: PaymentHoldRow = {
    id,
    bookId: view.bookId,
    merchantId: till.merchantId,
    storeId: till.storeId ?? null,
    terminalId: till.terminalId ?? null,
    channel: input.channel ?? null,
    reference: input.reference,
    amount: shares.reduce((sum, { amount }) => sum + amount, 0n),
    captured: 0n,
    released: 0n,
    status: 'held',
    expiresAt,
    isTied,
    allocations,
    metadata: input.metadata ?? null,
    createdAt: now,
  }
  view.put(paymentHolds, laneOfId(id), row)
  return row
}

/** What the journal keeps of a new hold; of a combined payment it is part of more. */
export function holdBody(row: PaymentHoldRow, desks: Desks): Outcome['body'] {
  return {
    holdId: row.id,
    amountFen: String(row.amount),
    ...tillBody(row),
    expiresAt: row.expiresAt,
    allocations: allocationsBody(row.allocations),
    ...desks.records(),
  }
}
