/**
 * A delivered order is given back: first its cards are void, then the money goes back the way it came. While the cards are
 * sealed that is all of it; later, within the days that the law gives, what was paid less what was consumed.
 */
import {
  type CardId,
  type Fen,
  formatYuan,
  type Instant,
  issuerOfBook,
  laneOfId,
  type OrderId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { type Buyer, cards, checkCard, seals } from '../../modules/cards/index.ts'
import { type AccountKindName, accountId, accountReads } from '../../modules/ledger/index.ts'
import {
  isSealed,
  mostRefunds,
  moved,
  type OrderRefundRow,
  type OrderRow,
  type RefundBasis,
} from '../../modules/orders/index.ts'
import { checkPayout } from '../../modules/policy/index.ts'
import { type Command, type Decision, type Read, read } from '../../platform/lanes/index.ts'
import type { Body } from '../cards/facts.ts'
import { type Law, lawOf } from '../cards/law.ts'
import { balanceOn, type OnCard, termsOfCard } from '../cards/on-card.ts'
import { postRedemption } from '../cards/redeem.ts'
import { assertUnchanged, type CardHistory, readHistory } from '../cards/redemption-history.ts'
import { checkGrounds, type RedemptionCase, settle } from '../cards/redemption-sums.ts'
import type { FlowContext } from '../context.ts'
import { NotPrepared } from '../prepared.ts'
import { readsOfRebates } from '../rebates/forfeit.ts'
import { prepareTopUpRefund, type TopUpRefund } from '../top-up/refund.ts'
import { orderBody, refundBody } from './facts.ts'
import { commandOnOrder, type OnOrder, putOrder, putRefund } from './on-order.ts'

export interface RefundInput {
  readonly orderId: OrderId
  /** Only on this ground; undefined: on whichever holds. `surplus` alone is about money that was paid twice. */
  readonly basis?: 'cooling_off' | 'statutory' | 'surplus' | undefined
  /** Of a top-up: a part of it; undefined: all. */
  readonly amount?: Fen | undefined
  /** Whoever brings the cards, where it is not the buyer on record. */
  readonly holder?: Buyer | undefined
  readonly reason: string
}

export interface RefundCaller {
  readonly book: OrderRow['bookId']
}

/** From which account the money of a refund goes back once WeChat has it. */
export function payableOf(basis: RefundBasis): AccountKindName {
  return basis === 'undeliverable' || basis === 'surplus' ? 'order_suspense' : 'redemption_payable'
}

interface Prepared {
  readonly law: Law
  readonly histories: ReadonlyMap<CardId, CardHistory>
  readonly topUp: TopUpRefund | undefined
}

/**
 * Of an order whose own refund WeChat has closed it asks for the money once more; by `surplus` it asks for nothing but the
 * closed refund of a second payment. Refusals:
 *
 * 1. `order.not_found` (not final)
 * 2. `order.refund_not_found` where WeChat has closed no refund of a second payment, and that was asked for
 * 3. `order.refund_under_way`, `order.wrong_status`
 * 4. `order.not_sealed` where only the ground of the seal was asked for
 * 5. by law, for each card: its states, `card.has_holds`, `policy.cooling_off_over`, `policy.card_already_used`,
 *    `policy.redemption_not_allowed`, `policy.redemption_too_early`, `redemption.nothing_due`,
 *    `redemption.no_original_route` where more is on it than the order paid, `policy.identity_required`
 * 6. of a top-up: the states of its card, `refund.exceeds_load`, `policy.refund_too_late`, `redemption.nothing_due`
 */
export async function refundOrderCommand(
  context: FlowContext,
  { book }: RefundCaller,
  input: RefundInput,
  key: string,
): Promise<Result<Command>> {
  const { orderId, basis, amount, reason, holder } = input
  const law = await lawOf(context, issuerOfBook(book))
  const claimed = {
    basis: basis ?? null,
    amount: amount === undefined ? null : String(amount),
    reason,
    holder: holder === undefined ? null : holder.kind,
  }
  const asked = { orderId, operation: 'order.refund_asked', key, input: claimed }
  return commandOnOrder(context, book, asked, async (order) => {
    if (basis === 'surplus') return { decide: (on) => askSurplusAgain(on, reason) }
    const histories = await historiesOf(context, order)
    const topUp =
      order.kind === 'top_up' && order.deliveryId !== null
        ? await prepareTopUpRefund(context, order, law, input)
        : undefined
    return {
      lanes: topUp?.plan.lanes ?? [],
      reads: [...readsOfCards(order, histories), ...(topUp?.plan.reads ?? [])],
      decide: (on) => decide(context, on, input, { law, histories, topUp }),
    }
  })
}

async function historiesOf(
  context: FlowContext,
  { kind, cardIds }: OrderRow,
): Promise<Map<CardId, CardHistory>> {
  if (kind === 'top_up') return new Map()
  const known = await Promise.all(
    cardIds.map(async (id) => [id, await readHistory(context, id)] as const),
  )
  return new Map(known.flatMap(([id, history]) => (history === undefined ? [] : [[id, history]])))
}

function readsOfCards(
  { id, kind, cardIds }: OrderRow,
  histories: ReadonlyMap<CardId, CardHistory>,
): Read[] {
  if (kind === 'top_up') return []
  const lane = laneOfId(id)
  return cardIds.flatMap((card) => {
    const history = histories.get(card)
    return [
      read(cards, lane, card),
      read(seals, lane, card),
      ...accountReads(lane, [
        accountId(card, 'card_principal', lane),
        accountId(card, 'card_bonus', lane),
      ]),
      ...(history === undefined ? [] : readsOfRebates(lane, history)),
    ]
  })
}

function decide(
  context: FlowContext,
  on: OnOrder,
  input: RefundInput,
  prepared: Prepared,
): Decision {
  const { order, now } = on
  const refunding = moved(order, 'refund')
  const closed = closedByWechat(on).filter(({ basis }) => basis !== 'surplus')
  if (!refunding.ok && closed.length > 0) return askAgain(on, closed, input.reason)
  if (order.status === 'refunding')
    return refused(refusal('order.refund_under_way', 'The order is being refunded already.'))
  if (!refunding.ok) return refunding
  if (prepared.topUp !== undefined) {
    const back = prepared.topUp.decide(on)
    return back.ok ? ask(on, refunding.value, { ...input, ...back.value, basis: 'load' }) : back
  }
  const sealed = isSealed(order, now)
  if (!sealed && input.basis === 'cooling_off')
    return refused(refusal('order.not_sealed', 'Its cards are not sealed any more.'))
  const voided = sealed ? voidSealed(on) : voidByLaw(context, on, input, prepared)
  if (!voided.ok) return voided
  const basis = sealed ? 'cooling_off' : 'statutory'
  return ask(on, refunding.value, { reason: input.reason, basis, ...voided.value })
}

/** What WeChat did not carry out, and nobody has asked for again since. */
function closedByWechat({ refunds }: OnOrder): OrderRefundRow[] {
  return refunds.filter(
    (one) =>
      one.state === 'closed' &&
      !refunds.some(
        ({ n, trade, basis }) => n > one.n && trade === one.trade && basis === one.basis,
      ),
  )
}

function askSurplusAgain(on: OnOrder, reason: string): Decision {
  const closed = closedByWechat(on).filter(({ basis }) => basis === 'surplus')
  return closed.length > 0 ? askAgain(on, closed, reason) : refused(noneClosed)
}

const noneClosed = refusal(
  'order.refund_not_found',
  'The order has no refund of a second payment that WeChat has closed.',
)

function askAgain(on: OnOrder, closed: readonly OrderRefundRow[], reason: string): Decision {
  const { order, now } = on
  const fresh = closed.map(
    (row, index): OrderRefundRow => ({
      ...row,
      n: order.refunds + 1 + index,
      state: 'asked',
      refundId: null,
      reason,
      askedAt: now,
      endedAt: null,
      endedBy: null,
    }),
  )
  const [first] = fresh
  if (first === undefined || order.refunds + fresh.length > mostRefunds)
    return refused(refusal('order.refund_under_way', 'WeChat takes no more refunds of the order.'))
  // Of several one at a time: the next is asked for with the next call.
  putRefund(on, first)
  const after = { ...order, refunds: first.n }
  putOrder(on, after)
  return told(on, after, first, {})
}

interface Back {
  readonly amount: Fen
  readonly basis: RefundBasis
  readonly reason: string
  /** What the entry tells of it beside. */
  readonly more?: Body
}

/** The refund is written down; WeChat is asked for it as soon as the command is in the book. */
function ask(on: OnOrder, order: OrderRow, { amount, basis, reason, more = {} }: Back): Decision {
  const { now, trades } = on
  const trade = trades[(order.paidTrade ?? 0) - 1]
  if (trade === undefined) throw new Error('an order that was delivered was never paid')
  const refund: OrderRefundRow = {
    orderId: order.id,
    n: order.refunds + 1,
    bookId: order.bookId,
    trade: trade.n,
    total: trade.amount,
    amount,
    basis,
    state: 'asked',
    refundId: null,
    reason,
    askedAt: now,
    endedAt: null,
    endedBy: null,
  }
  putRefund(on, refund)
  const after: OrderRow = { ...order, refunds: refund.n, sealedUntil: null }
  putOrder(on, after)
  return told(on, after, refund, more)
}

function told(on: OnOrder, order: OrderRow, refund: OrderRefundRow, more: Body): Decision {
  const body = { ...more, ...orderBody(order), refund: refundBody(refund), ...on.desks.records() }
  return { ok: true, value: { kind: 'order.refund_asked', version: 1, body } }
}

/** Nothing was taken from sealed cards, and nobody knows their secret: all of it goes back, whatever state they are in. */
function voidSealed(on: OnOrder): Result<{ amount: Fen }> {
  const { view, lane, order, desks } = on
  const desk = desks.in(lane)
  const issuer = issuerOfBook(order.bookId)
  for (const id of order.cardIds) {
    const card = view.get(cards, id)
    const debit = accountId(id, 'card_principal', lane)
    if (card === undefined || desk.account(debit).balance !== order.amount)
      throw new Error(`the sealed card ${id} does not hold what it was sold with`)
    const credit = accountId(issuer, 'redemption_payable', lane)
    desk.transfer({ debit, credit, amount: order.amount })
    view.put(cards, lane, { ...card, state: 'closed', sealedUntil: null })
    if (view.get(seals, id) !== undefined) view.remove(seals, id)
  }
  return ok({ amount: order.total })
}

/** Every card of the order, or none. */
function voidByLaw(
  context: FlowContext,
  on: OnOrder,
  input: RefundInput,
  { law, histories }: Prepared,
): Result<{ amount: Fen; more: Body }> {
  let amount = 0n
  let consumed = 0n
  for (const id of on.order.cardIds) {
    const history = histories.get(id)
    if (history === undefined) throw new NotPrepared(`the history of ${id}`)
    const done = voidOne(context, on, id, history, law)
    if (!done.ok) return done
    amount += done.value.returned
    consumed += done.value.consumed
  }
  const lawful = checkHolder(law, on.now, amount, input.holder ?? buyerIn(histories))
  return lawful.ok ? ok({ amount, more: { consumedFen: String(consumed) } }) : lawful
}

function buyerIn(histories: ReadonlyMap<CardId, CardHistory>): Buyer {
  return [...histories.values()][0]?.buyer ?? { kind: 'person' }
}

function checkHolder(law: Law, now: Instant, amount: Fen, holder: Buyer): Result<void> {
  return checkPayout(law.at(now), { amount, holder, accountName: holder.name, cash: 0n })
}

function voidOne(
  context: FlowContext,
  { view, now, lane, order, desks }: OnOrder,
  id: CardId,
  history: CardHistory,
  law: Law,
): Result<{ returned: Fen; consumed: Fen }> {
  const card = view.get(cards, id)
  if (card === undefined) throw new Error(`the card ${id} of an order is gone`)
  const allowed = checkCard(card, 'redeem', now, 'ignored')
  if (!allowed.ok) return allowed
  const principal = accountId(id, 'card_principal', lane)
  const bonus = accountId(id, 'card_bonus', lane)
  const desk = desks.in(lane)
  desk.releaseExpired([principal, bonus], now)
  const onCard: OnCard = { view, now, lane, card, desk, principal, bonus }
  const balance = balanceOn(onCard)
  if (balance.held > 0n)
    return refused(
      refusal('card.has_holds', `${formatYuan(balance.held)} yuan are set aside by holds.`),
    )
  assertUnchanged(onCard, history)
  const { registered } = termsOfCard(context, card)
  const asked: RedemptionCase = { reason: 'cooling_off', registered, balance, history, now }
  const lawful = checkGrounds(law, asked, context.tables)
  if (!lawful.ok) return lawful
  const settled = settle(law, asked, context.tables)
  if (!settled.ok) return settled
  const { returned, consumed } = settled.value
  if (settled.value.paid > order.amount) return refused(moreThanPaid)
  postRedemption(onCard, settled.value, balance.bonus, history)
  view.put(cards, lane, { ...card, state: 'closed' })
  if (view.get(seals, id) !== undefined) view.remove(seals, id)
  return ok({ returned, consumed })
}

const moreThanPaid = refusal(
  'redemption.no_original_route',
  'More was paid onto the card than the order did: redeem the card instead.',
)
