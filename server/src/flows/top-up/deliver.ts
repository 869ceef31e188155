/**
 * Delivery of a top-up: what was paid goes onto the principal of the card, what the issuer or a campaign gives on top onto
 * its bonus. A card that was replaced meanwhile is topped up as its successor.
 */
import { type CardId, issuerOfBook, type Lane, laneOfId, ok, type Result } from '@lika/contract'
import { cards, checkCard } from '../../modules/cards/index.ts'
import { accountId, accountReads } from '../../modules/ledger/index.ts'
import type { OrderRow, TradeRow } from '../../modules/orders/index.ts'
import type { Policy } from '../../modules/policy/index.ts'
import { type Read, read } from '../../platform/lanes/index.ts'
import { type Body, balanceBody } from '../cards/facts.ts'
import { termsOfCard } from '../cards/on-card.ts'
import { checkPurchase, postPurchase } from '../cards/purchase.ts'
import type { Sale } from '../cards/sale.ts'
import type { FlowContext } from '../context.ts'
import { lineOf } from '../payments/line-of-card.ts'
import { NotPrepared } from '../prepared.ts'
import { checkOrdered, type Ordered } from '../purchase/law-of-order.ts'
import type { OnOrder } from '../purchase/on-order.ts'
import { type Gifts, giftsFor } from '../rebates/gifts.ts'
import { rebatesBody } from '../rebates/grant.ts'

/** What a top-up touches beside its order. */
export interface PreparedTopUp {
  readonly cardId: CardId
  readonly gifts: Gifts | undefined
  readonly lanes: readonly Lane[]
  readonly reads: readonly Read[]
}

/** `before`: of the attempt before, whose purses know by now how far they have to reach. */
export async function prepareTopUp(
  context: FlowContext,
  { bookId: book, cardId: ordered }: OrderRow,
  before: PreparedTopUp | undefined,
): Promise<PreparedTopUp> {
  if (ordered === null) throw new Error('a top-up has no card')
  const cardId = (await lineOf(context, ordered)).at(-1) ?? ordered
  const lane = laneOfId(cardId)
  const occasion = { book, cardId, lane, trigger: 'load' } as const
  const gifts =
    before?.cardId === cardId
      ? before.gifts
      : giftsFor(context, occasion, await context.loyalty.inForce(book))
  await gifts?.prepare()
  const accounts = [
    accountId(cardId, 'card_principal', lane),
    accountId(cardId, 'card_bonus', lane),
  ]
  return {
    cardId,
    gifts,
    lanes: gifts?.lanes() ?? [],
    reads: [read(cards, lane, cardId), ...accountReads(lane, accounts), ...(gifts?.reads() ?? [])],
  }
}

/**
 * Puts the money on the card and answers which. Refusals, after which nothing has moved: the states of the card,
 * `card.sealed`, `card.expired`, then those of `checkOrdered`, what campaigns give counted.
 */
export function topUp(
  context: Pick<FlowContext, 'programs'>,
  on: OnOrder,
  trade: TradeRow,
  prepared: PreparedTopUp,
  law: { readonly policy: Policy; readonly sale: Sale; readonly buyer: Ordered['buyer'] },
): Result<{ readonly cardId: CardId; readonly body: Body }> {
  const { view, lane, order, desks, now } = on
  const { cardId, gifts } = prepared
  const card = view.get(cards, cardId)
  if (card === undefined) throw new Error(`the card ${cardId} of a top-up is gone`)
  if (card.replacedBy !== null) throw new NotPrepared(`the successor of ${cardId}`)
  const allowed = checkCard(card, 'load', now)
  if (!allowed.ok) return allowed
  const terms = termsOfCard(context, card)
  const desk = desks.in(lane)
  const balanceOf = (kind: 'card_principal' | 'card_bonus') =>
    desk.account(accountId(cardId, kind, lane)).balance
  const carried = balanceOf('card_principal') + balanceOf('card_bonus')
  const { amount, bonus } = order
  const { buyer, sale, policy } = law
  const ordered = { kind: 'top_up', terms, amount, bonus, quantity: 1, carried, buyer } as const
  const lawful = checkOrdered(policy, ordered, sale)
  if (!lawful.ok) return lawful
  const drawn = gifts?.draw(view, desks, { base: amount, product: card.productId, now })
  const funding = { method: 'wechat', reference: trade.transactionId ?? '', remote: true } as const
  const whole = { amount, bonus: bonus + (drawn?.bonus ?? 0n), funding, buyer }
  const withGifts = checkPurchase(policy, { registered: terms.registered, carried }, whole)
  if (!withGifts.ok) return withGifts
  const { charterId } = sale
  const issuerId = issuerOfBook(order.bookId)
  postPurchase(view, lane, desk, {
    amount,
    bonus,
    funding,
    cardId,
    issuerId,
    charterId,
    at: now,
    personId: order.hasBuyer ? order.id : null,
  })
  const given = drawn?.post({ source: 'load', sourceId: view.commandId }) ?? []
  const balance = {
    principal: balanceOf('card_principal'),
    bonus: balanceOf('card_bonus'),
    held:
      desk.account(accountId(cardId, 'card_principal', lane)).held +
      desk.account(accountId(cardId, 'card_bonus', lane)).held,
  }
  const body = {
    loadId: view.commandId,
    cardId,
    bonusAmountFen: String(bonus),
    ...rebatesBody(given),
    balance: balanceBody(balance),
  }
  return ok({ cardId, body })
}
