/**
 * What a payment takes from which sub-balance of which card, and what a refund gives back to which: pure, and exact to
 * the fen. Also the states of holds, and when sources contradict each other.
 */
import {
  type AccountId,
  asId,
  type CardId,
  type Fen,
  fenToJson,
  formatId,
  formatYuan,
  type HoldState,
  type Instant,
  laneOfId,
  ok,
  type Result,
  refusal,
  refused,
  type SubBalance,
  type VoucherId,
  withKindAndLane,
} from '@lika/contract'
import { accountId } from '../ledger/index.ts'

/** What pays: a sub-balance of a card, or a voucher of it. */
export type PaidFrom = SubBalance | 'voucher'

/** What one sub-balance of a card paid, and what of it went back. */
export interface Allocation {
  readonly cardId: CardId
  readonly subBalance: PaidFrom
  /** Of what a voucher paid. */
  readonly voucherId?: VoucherId | undefined
  /** Fen, above 0. */
  readonly amount: Fen
  readonly refunded: Fen
  /** Of the sub-balance, right after the payment. */
  readonly balanceAfter: Fen
}

/** What a source can pay at most: the sub-balances of its card in the order in which they are consumed. */
export interface SourcePots {
  readonly cardId: CardId
  /** What it is to pay exactly; undefined: as much as is still needed. */
  readonly amount: Fen | undefined
  readonly pots: readonly { readonly subBalance: SubBalance; readonly available: Fen }[]
}

export interface Share {
  readonly cardId: CardId
  readonly subBalance: PaidFrom
  readonly voucherId?: VoucherId | undefined
  readonly amount: Fen
}

export const mostSources = 20

const accountKindOf = {
  principal: 'card_principal',
  bonus: 'card_bonus',
} as const satisfies Record<SubBalance, string>

/** The account of a card's sub-balance, in the card's lane. */
export function accountOf(cardId: CardId, subBalance: SubBalance): AccountId {
  return accountId(cardId, accountKindOf[subBalance], laneOfId(cardId))
}

/** The account that pays, of the card or of the voucher. */
export function accountOfShare({
  cardId,
  subBalance,
  voucherId,
}: Pick<Share, 'cardId' | 'subBalance' | 'voucherId'>): AccountId {
  if (subBalance !== 'voucher') return accountOf(cardId, subBalance)
  if (voucherId === undefined) throw new Error(`a voucher of ${cardId} without its id`)
  return accountId(voucherId, 'voucher', laneOfId(voucherId))
}

/** The card whose sub-balance the account is. */
export function cardOfAccount(account: AccountId): CardId {
  return asId(withKindAndLane(account, 0, laneOfId(account)))
}

/**
 * Whether the amounts of the sources go together: all of them say what they pay, summing up to the whole, or none.
 * `nameOf` tells sources apart that name the same. Refusals: `sources.invalid`.
 */
export function checkSources<S extends { readonly amount: Fen | undefined }>(
  sources: readonly S[],
  total: Fen,
  nameOf: (source: S) => string,
): Result<void> {
  if (sources.length === 0 || sources.length > mostSources)
    return contradiction(`A payment has 1 to ${mostSources} sources.`)
  if (new Set(sources.map(nameOf)).size < sources.length)
    return contradiction('The same card is named twice.')
  const amounts = sources.flatMap(({ amount }) => (amount === undefined ? [] : [amount]))
  if (amounts.length === 0) return ok(undefined)
  if (amounts.length < sources.length)
    return contradiction('Either every source says its amount, or none does.')
  const sum = amounts.reduce((left, right) => left + right, 0n)
  if (sum === total) return ok(undefined)
  return contradiction(
    `The sources sum up to ${formatYuan(sum)} yuan, the payment is ${formatYuan(total)}.`,
  )
}

export function contradiction(detail: string): Result<never> {
  const errors = [{ path: 'sources', message: detail }]
  return refused(refusal('sources.invalid', detail, { errors }))
}

/**
 * Takes `total` from the sources in their order, from each card in its order of consumption. The shares sum up to
 * `total`; none is 0. Refusals: `funds.insufficient` with what is required and available, of the whole, or of the
 * first card that cannot pay its exact amount.
 */
export function takeFrom(sources: readonly SourcePots[], total: Fen): Result<Share[]> {
  const shares: Share[] = []
  let left = total
  for (const { cardId, amount, pots } of sources) {
    const wanted = amount ?? left
    let open = wanted
    for (const { subBalance, available } of pots) {
      const part = available < open ? available : open
      if (part <= 0n) continue
      shares.push({ cardId, subBalance, amount: part })
      open -= part
    }
    if (amount !== undefined && open > 0n) return insufficient(amount, amount - open, cardId)
    left -= wanted - open
  }
  return left === 0n ? ok(shares) : insufficient(total, total - left)
}

function insufficient(required: Fen, available: Fen, cardId?: CardId): Result<never> {
  const whose = cardId === undefined ? 'the sources have' : 'the card has'
  const detail = `${formatYuan(required)} yuan are needed; ${whose} ${formatYuan(available)} available.`
  const data = { required: fenToJson(required), available: fenToJson(available) }
  const card = cardId === undefined ? {} : { card_id: formatId('card', cardId) }
  return refused(refusal('funds.insufficient', detail, { data: { ...data, ...card } }))
}

/**
 * Gives `amount` back in the reverse order of consumption: what was taken last goes back first, never more than was
 * taken. @throws RangeError when that much was not taken, or already went back.
 */
export function giveBack(
  allocations: readonly Allocation[],
  amount: Fen,
): { readonly allocations: Allocation[]; readonly shares: Share[] } {
  const after = [...allocations]
  const shares: Share[] = []
  let left = amount
  for (let index = after.length - 1; index >= 0 && left > 0n; index -= 1) {
    const allocation = after[index]
    if (allocation === undefined) continue
    const open = allocation.amount - allocation.refunded
    const part = open < left ? open : left
    if (part === 0n) continue
    const { cardId, subBalance, voucherId } = allocation
    after[index] = { ...allocation, refunded: allocation.refunded + part }
    const whose = voucherId === undefined ? { cardId } : { cardId, voucherId }
    shares.push({ ...whose, subBalance, amount: part })
    left -= part
  }
  if (left !== 0n || amount <= 0n) throw new RangeError(`${amount} fen were not taken`)
  return { allocations: after, shares }
}

/**
 * Takes `amount` out of what lines of a hold still set aside, in their order.
 * @throws RangeError when they set aside less.
 */
export function takeFromLines<L>(
  lines: readonly L[],
  leftOf: (line: L) => Fen,
  amount: Fen,
): { readonly line: L; readonly amount: Fen }[] {
  const parts: { line: L; amount: Fen }[] = []
  let open = amount
  for (const line of lines) {
    const left = leftOf(line)
    const part = left < open ? left : open
    if (part <= 0n) continue
    parts.push({ line, amount: part })
    open -= part
  }
  if (open > 0n) throw new RangeError(`${open} fen more than the lines set aside`)
  return parts
}

interface HoldParts {
  readonly status: HoldState
  readonly amount: Fen
  readonly captured: Fen
  readonly released: Fen
  readonly expiresAt: Instant
}

/** What a reader sees: a hold whose time is over reads `expired`; no sweeper is needed for it. */
export function holdStatusOf(hold: HoldParts, now: Instant): HoldState {
  return hold.status === 'held' && now >= hold.expiresAt ? 'expired' : hold.status
}

export function leftOfHold(hold: HoldParts): Fen {
  return hold.amount - hold.captured - hold.released
}

export const holdExpired = refusal('hold.expired', 'The hold has expired; its money is free again.')

/** Refusals: `hold.released`, `hold.captured`, `hold.expired`. */
export function checkHeld(hold: HoldParts, now: Instant): Result<void> {
  switch (holdStatusOf(hold, now)) {
    case 'held':
      return ok(undefined)
    case 'released':
      return refused(refusal('hold.released', 'The hold was released.'))
    case 'captured':
      return refused(refusal('hold.captured', 'The hold was captured.'))
    case 'expired':
      return refused(holdExpired)
  }
}

/** Refusals: `hold.tied` for one that ends with its combined payment alone. */
export function checkFree({ isTied }: { readonly isTied: boolean }): Result<void> {
  if (!isTied) return ok(undefined)
  const detail = 'The hold is the card part of a combined payment and ends with that.'
  return refused(refusal('hold.tied', detail))
}

/** Refusals: `hold.exceeded` with what may be captured, in fen. */
export function checkCapture(hold: HoldParts, amount: Fen): Result<void> {
  const left = leftOfHold(hold)
  if (amount <= left) return ok(undefined)
  return refused(
    refusal('hold.exceeded', `The hold still sets aside ${formatYuan(left)} yuan.`, {
      data: { allowed: { min: 1, max: fenToJson(left) } },
    }),
  )
}

/** Refusals: `payment.cancelled`, `refund.exceeds_payment` with what may be refunded, in fen. */
export function checkRefund(
  payment: { readonly status: string; readonly amount: Fen; readonly refunded: Fen },
  amount: Fen,
): Result<void> {
  if (payment.status === 'cancelled') return refused(wasCancelled)
  const left = payment.amount - payment.refunded
  if (amount <= left) return ok(undefined)
  return refused(
    refusal('refund.exceeds_payment', `Of the payment ${formatYuan(left)} yuan are left.`, {
      data: { allowed: { min: left > 0n ? 1 : 0, max: fenToJson(left) } },
    }),
  )
}

/** Refusals: `payment.cancelled`, `payment.has_refunds`. */
export function checkCancel(payment: {
  readonly status: string
  readonly refunded: Fen
}): Result<void> {
  if (payment.status === 'cancelled') return refused(wasCancelled)
  if (payment.refunded === 0n) return ok(undefined)
  const detail = `The payment already gave back ${formatYuan(payment.refunded)} yuan; refund the rest.`
  return refused(refusal('payment.has_refunds', detail))
}

export const wasCancelled = refusal('payment.cancelled', 'The payment was cancelled.')
