/**
 * A till asks for a payment of which cards give what they have, or what is said, and WeChat the rest. The card part is set
 * aside, and what is to be asked of WeChat is written down, in one step; nothing is asked before that.
 */
import {
  asId,
  type CommandId,
  type Fen,
  type Instant,
  issuerOfBook,
  laneOfId,
  ok,
  type Refusal,
  type Result,
} from '@lika/contract'
import {
  type CombinedRow,
  calls,
  combinedPayments,
  outNumberOf,
} from '../../modules/combined/index.ts'
import { contradiction } from '../../modules/payments/index.ts'
import { checkHoldLife } from '../../modules/policy/index.ts'
import type { Command, Decision, NameState, Plan, View } from '../../platform/lanes/index.ts'
import { type Law, lawOf } from '../cards/law.ts'
import type { FlowContext } from '../context.ts'
import { holdBody, setAside } from '../hold.ts'
import {
  type Charge,
  chargePrint,
  chargeReads,
  decideShares,
  lanesOfCharge,
  orderName,
  prepareCharge,
  standingOf,
} from '../payments/charge.ts'
import { Desks } from '../payments/desks.ts'
import { isNotRecognised } from '../payments/sources.ts'
import type { ChargeInput, TillCaller } from '../payments/till-caller.ts'
import { refusedUnlessDone } from '../prepared.ts'
import { type Rest, type RestAsked, restOf } from './rest.ts'

export interface CombinedInput extends ChargeInput {
  readonly rest: RestAsked
  /** Of micropay; goes to WeChat and nowhere else. */
  readonly authCode?: string | undefined
  /** Seconds that the payer has; micropay has its own time. */
  readonly expiresIn: number
}

/** How long a till asks about a payment code before it takes the payment back. */
export const micropaySeconds = 30
/**
 * What the hold outlives the time of the payer by: to close what was not paid and to hear of what was, even where WeChat
 * or this server is away for a while.
 */
const graceSeconds = 900

const operation = 'combined_payment.created'

interface CombinedCharge extends Charge {
  readonly total: Fen
  readonly rest: Rest
  /** Seconds. */
  readonly legLife: number
  readonly law: Law
}

/**
 * Refusals that leave nothing: those of `restOf`, then as for `payCommand`. Then, of the command, `command.too_late` and those of
 * `decideShares`, with `policy.hold_too_long` after the reference. A card with nothing on it: `funds.insufficient`.
 */
export async function combinedCommand(
  context: FlowContext,
  caller: TillCaller,
  input: CombinedInput,
  key: string,
): Promise<Result<Command>> {
  const { book } = caller
  const base = { book, operation, key, input: print(context, input) }
  const rest = await restOf(context, book, input.rest)
  if (!rest.ok) return ok(refusedUnlessDone(context, base, rest.refusal))
  const prepared = await prepare(context, caller, input, rest.value)
  if (!prepared.ok && !isNotRecognised(prepared.refusal)) return prepared
  if (!prepared.ok) return ok(refusedUnlessDone(context, base, prepared.refusal))
  const charge = prepared.value
  const home = charge.sources[0]?.lane ?? 0
  return ok({
    ...base,
    homeLane: () => home,
    notAfter: input.notAfter,
    name: orderName(input.merchantId, input.reference),
    plan: (commandId, name) => plan(context, charge, { book, commandId, name }),
  })
}

async function prepare(
  context: FlowContext,
  caller: TillCaller,
  input: CombinedInput,
  rest: Rest,
): Promise<Result<CombinedCharge>> {
  const { expiresIn, amount: total } = input
  const said = input.sources.flatMap(({ amount }) => amount ?? [])
  const isPart = said.length === 0
  const amount = isPart ? total : said.reduce((sum, one) => sum + one, 0n)
  if (amount > total) return contradiction('The cards are to pay more than the whole.')
  const prepared = await prepareCharge(context, caller, { ...input, amount })
  if (!prepared.ok) return prepared
  const legLife = rest.scene === 'micropay' ? micropaySeconds : expiresIn
  const law = await lawOf(context, issuerOfBook(caller.book))
  return ok({ ...prepared.value, isPart, total, rest, legLife, law })
}

/** Nothing of which merchant number and app that comes to: others may be there when the key is sent again. */
function print(context: FlowContext, input: CombinedInput): Command['input'] {
  const { scene, appId, memberId } = input.rest
  const { authCode, expiresIn } = input
  return {
    ...chargePrint(context, input),
    expires_in: expiresIn,
    scene,
    ...(appId === undefined ? {} : { app: appId }),
    ...(memberId === undefined ? {} : { member: memberId }),
    ...(authCode === undefined
      ? {}
      : { code: context.keyring.guessDigest(`auth_code:${authCode}`).toString('hex') }),
  }
}

async function plan(
  context: FlowContext,
  charge: CombinedCharge,
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
      const life = charge.legLife + graceSeconds
      const hold = setAside(view, desks, charge, shares.value, { now, life, isTied: true })
      return begin(view, charge, { cardAmount: hold.amount, now, body: holdBody(hold, desks) })
    },
  }
}

function tooLong({ law, legLife }: CombinedCharge, now: Instant): Refusal | undefined {
  const life = checkHoldLife(law.at(now), legLife + graceSeconds)
  return life.ok ? undefined : life.refusal
}

/** Until the timer looks after it: who made it is at WeChat by itself meanwhile. */
const leftAloneMs = 10_000

function begin(
  view: View,
  { input, till, total, rest, legLife }: CombinedCharge,
  made: { cardAmount: Fen; now: Instant; body: ReturnType<typeof holdBody> },
): Decision {
  const { cardAmount, now, body } = made
  const id: CombinedRow['id'] = asId(view.commandId)
  const lane = laneOfId(id)
  // WeChat knows whole seconds only.
  const legExpiresAt = Math.floor(now / 1_000) * 1_000 + legLife * 1_000
  const row: CombinedRow = {
    id,
    bookId: view.bookId,
    merchantId: till.merchantId,
    reference: input.reference,
    amount: total,
    cardAmount,
    wechatAmount: total - cardAmount,
    status: 'waiting',
    reason: null,
    accountId: rest.accountId,
    appid: rest.appid,
    memberId: rest.memberId ?? null,
    payerDigest: rest.payerDigest ?? null,
    scene: rest.scene,
    outTradeNo: outNumberOf('trade', id),
    legExpiresAt,
    transactionId: null,
    paymentId: null,
    wechatRefunded: 0n,
    shipping: null,
    shippingProblem: null,
    metadata: input.metadata ?? null,
    createdAt: now,
    endedAt: null,
  }
  view.put(combinedPayments, lane, row)
  view.put(calls, lane, {
    lane,
    subjectId: id,
    bookId: view.bookId,
    kind: 'trade',
    startedAt: now,
    nextAt: now + leftAloneMs,
    tries: 0,
    ending: null,
  })
  return ok({
    kind: operation,
    version: 1,
    body: {
      ...body,
      combinedPaymentId: id,
      amountFen: String(total),
      cardAmountFen: String(cardAmount),
      wechatAmountFen: String(row.wechatAmount),
    },
  })
}
