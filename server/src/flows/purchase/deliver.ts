/** Delivery of a purchase: its cards are born with their money on them, active and sealed. */
import { asId, type CardId, type Instant, withKindAndLane } from '@lika/contract'
import { type CardRow, cards, fundings, type MintedCard, seals } from '../../modules/cards/index.ts'
import { accountId } from '../../modules/ledger/index.ts'
import type { OrderRow, TradeRow } from '../../modules/orders/index.ts'
import { expiryOf, newCard } from '../cards/issue.ts'
import { termsOfCard } from '../cards/on-card.ts'
import type { Sale } from '../cards/sale.ts'
import type { FlowContext } from '../context.ts'
import { type OnOrder, ownAccount } from './on-order.ts'

const hourMs = 3_600_000

/** Until when what is delivered now is sealed; null: it is not. */
export function sealOf({ coolingOffHours }: OrderRow, now: Instant): Instant | null {
  return coolingOffHours === 0 ? null : now + coolingOffHours * hourMs
}

/** The new cards of the order, `minted` for it before the round. */
export function deliverCards(
  context: Pick<FlowContext, 'programs'>,
  on: OnOrder,
  trade: TradeRow,
  { minted, sale }: { readonly minted: readonly MintedCard[]; readonly sale: Sale },
): CardId[] {
  const { view, lane, order, now } = on
  if (minted.length !== order.quantity) throw new Error('not as many cards were minted as ordered')
  return minted.map((one, index) => {
    const card: CardRow = {
      ...newCard(one),
      bookId: order.bookId,
      productId: order.productId,
      productVersion: order.productVersion,
      state: 'active',
      expiresAt: null,
      createdAt: now,
      activatedAt: now,
      charterId: sale.charterId,
      sealedUntil: sealOf(order, now),
    }
    view.put(cards, lane, { ...card, expiresAt: expiryOf(termsOfCard(context, card), now) })
    view.put(seals, lane, { cardId: card.id, sealed: one.sealed, revealedAt: null })
    putMoney(on, trade, card, index)
    return card.id
  })
}

/** From WeChat onto the card; and the record of how it was paid, one for each card under numbers of the same command. */
function putMoney(on: OnOrder, trade: TradeRow, card: CardRow, index: number): void {
  const { view, lane, order, desks, now } = on
  const desk = desks.in(lane)
  const principal = accountId(card.id, 'card_principal', lane)
  desk.open(principal)
  desk.open(accountId(card.id, 'card_bonus', lane))
  desk.transfer({ debit: ownAccount(on, 'wechat'), credit: principal, amount: order.amount })
  const { commandId } = view
  view.put(fundings, lane, {
    id: index === 0 ? commandId : asId<'command'>(withKindAndLane(commandId, index, lane)),
    bookId: order.bookId,
    cardId: card.id,
    batchId: null,
    method: 'wechat',
    reference: trade.transactionId,
    personId: order.hasBuyer ? order.id : null,
    agentId: null,
    charterId: card.charterId,
    amount: order.amount,
    bonus: 0n,
    at: now,
    metadata: null,
  })
}
