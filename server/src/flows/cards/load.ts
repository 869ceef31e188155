/** Topping a card up: paid money onto its principal, a gift onto its bonus. */
import {
  type CardId,
  fenToJson,
  formatId,
  formatInstant,
  type Instant,
  laneOfId,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { checkCard } from '../../modules/cards/index.ts'
import type { Command } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { Desks } from '../payments/desks.ts'
import { giftsFor } from '../rebates/gifts.ts'
import { rebatesBody } from '../rebates/grant.ts'
import { presentRebates } from '../rebates/present.ts'
import type { CardCaller } from './caller.ts'
import {
  type Body,
  balanceBody,
  balanceFrom,
  currency,
  fenIn,
  presentBalance,
  textIn,
} from './facts.ts'
import { lawOf } from './law.ts'
import {
  balanceOn,
  commandOnCard,
  type Decide,
  holdsOf,
  nameRefusal,
  termsOfCard,
} from './on-card.ts'
import {
  checkFunding,
  checkPurchase,
  claimedPurchase,
  type Purchase,
  postPurchase,
  recordPeopleOf,
} from './purchase.ts'
import { maySell, saleOf } from './sale.ts'

export interface LoadInput extends Purchase {
  readonly cardId: CardId
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * Two loads that together would cross the cap come one after the other in the card's lane: the second is refused. What
 * campaigns give for the load comes with it in the same command, and counts for the cap.
 * Refusals: `card.not_found`, `reference.already_used`, the states of a card, `card.expired`, `product.not_reloadable`,
 * `funding.reference_missing`, `policy.sale_stopped`, `policy.charter_missing`, `policy.card_limit`,
 * `policy.identity_required`, `policy.cash_not_allowed`.
 */
export async function loadCommand(
  context: FlowContext,
  caller: CardCaller,
  { cardId, ...input }: LoadInput,
  key: string,
): Promise<Result<Command>> {
  const law = await lawOf(context, caller.issuerId)
  const { reference } = input
  const name = reference === undefined ? undefined : { kind: nameKinds.load, name: reference }
  const { book } = caller
  const occasion = { book, cardId, lane: laneOfId(cardId), trigger: 'load' } as const
  const gifts = giftsFor(context, occasion, await context.loyalty.inForce(book))
  const claimed = claimedPurchase(context, caller, input)
  const asked = { cardId, operation: 'load.created', key, input: claimed, name }
  return commandOnCard(context, caller, asked, async (commandId, lane, nameState) => {
    const taken = await nameRefusal(context, nameState, 'load')
    const sale = await saleOf(context, caller)
    await recordPeopleOf(context, caller, commandId, input)
    await gifts?.prepare()
    const decide: Decide = (on) => {
      const { card, view, now, desk } = on
      if (taken !== undefined) return { ok: false, refusal: taken }
      const allowed = checkCard(card, 'load', now)
      if (!allowed.ok) return allowed
      const { registered, reloadable } = termsOfCard(context, card)
      if (!reloadable)
        return refused(refusal('product.not_reloadable', 'Cards of this product take no loads.'))
      const funded = checkFunding(input.funding)
      if (!funded.ok) return funded
      const before = balanceOn(on)
      const carried = before.principal + before.bonus
      const open = maySell(law.at(now), sale)
      if (!open.ok) return open
      const about = { base: input.amount, product: card.productId, now }
      const drawn = gifts?.draw(view, new Desks(view), about)
      const whole = { ...input, bonus: input.bonus + (drawn?.bonus ?? 0n) }
      const lawful = checkPurchase(law.at(now), { registered, carried }, whole)
      if (!lawful.ok) return lawful
      const { charterId } = sale
      const { issuerId } = caller
      postPurchase(view, lane, desk, { ...input, cardId, issuerId, charterId, at: now })
      const given = drawn?.post({ source: 'load', sourceId: view.commandId }) ?? []
      const body = {
        loadId: view.commandId,
        cardId,
        amountFen: String(input.amount),
        bonusAmountFen: String(input.bonus),
        ...rebatesBody(given),
        balance: balanceBody(balanceOn(on)),
        ...holdsOf(on),
      }
      return { ok: true, value: { kind: 'load.created', version: 1, body } }
    }
    return { decide, lanes: gifts?.lanes() ?? [], reads: gifts?.reads() ?? [] }
  })
}

/** The buyer is not shown again: personal data is answered nowhere. */
export function presentLoad(
  body: Body,
  at: Instant,
  { funding, reference, metadata }: Pick<LoadInput, 'funding' | 'reference' | 'metadata'>,
) {
  return {
    id: formatId('load', textIn(body, 'loadId')),
    card_id: formatId('card', textIn(body, 'cardId')),
    amount: fenToJson(fenIn(body, 'amountFen')),
    bonus_amount: fenToJson(fenIn(body, 'bonusAmountFen')),
    currency,
    funding: { method: funding.method, reference: funding.reference ?? null },
    ...presentRebates(body),
    balance: presentBalance(balanceFrom(body['balance'])),
    reference: reference ?? null,
    metadata: { ...metadata },
    created_at: formatInstant(at),
  }
}
