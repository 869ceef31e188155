/** Activation: a plastic card is sold, and what it was made for comes onto it. */
import type { CardId, Result } from '@lika/contract'
import { type Buyer, checkCard } from '../../modules/cards/index.ts'
import type { Command } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import type { CardCaller } from './caller.ts'
import { expiryOf } from './issue.ts'
import { lawOf } from './law.ts'
import { changed, commandOnCard, termsOfCard } from './on-card.ts'
import {
  checkFunding,
  checkPurchase,
  claimedPurchase,
  type Funding,
  postPurchase,
  recordPeopleOf,
} from './purchase.ts'
import { maySell, saleOf } from './sale.ts'

export interface ActivateInput {
  readonly cardId: CardId
  readonly funding: Funding
  readonly buyer?: Buyer | undefined
  readonly agent?: Buyer | undefined
}

/**
 * The validity counts from now. Refusals: `card.not_found`, `card.already_active` and the other states of a card,
 * `funding.reference_missing`, `policy.sale_stopped`, `policy.charter_missing`, `policy.card_limit`,
 * `policy.identity_required`, `policy.cash_not_allowed`.
 */
export async function activateCommand(
  context: FlowContext,
  caller: CardCaller,
  { cardId, ...input }: ActivateInput,
  key: string,
): Promise<Result<Command>> {
  const law = await lawOf(context, caller.issuerId)
  const claimed = claimedPurchase(context, caller, input)
  const asked = { cardId, operation: 'card.activated', key, input: claimed }
  return commandOnCard(context, caller, asked, async (commandId) => {
    const sale = await saleOf(context, caller)
    await recordPeopleOf(context, caller, commandId, input)
    return (on) => {
      const { card, view, now, lane, desk } = on
      const allowed = checkCard(card, 'activate', now, 'ignored')
      if (!allowed.ok) return allowed
      const funded = checkFunding(input.funding)
      if (!funded.ok) return funded
      const terms = termsOfCard(context, card)
      const purchase = { ...input, amount: card.faceAmount, bonus: card.faceBonus }
      const { registered } = terms
      const open = maySell(law.at(now), sale)
      if (!open.ok) return open
      const lawful = checkPurchase(law.at(now), { registered, carried: 0n }, purchase)
      if (!lawful.ok) return lawful
      const { issuerId } = caller
      const { charterId } = sale
      postPurchase(view, lane, desk, { ...purchase, cardId, issuerId, charterId, at: now })
      return changed(on, 'card.activated', {
        ...card,
        state: 'active',
        faceAmount: 0n,
        faceBonus: 0n,
        expiresAt: expiryOf(terms, now),
        activatedAt: now,
        charterId,
      })
    }
  })
}
