/** Splitting a card: part of its money goes onto new cards, each with a number and a secret of its own. */
import {
  allocate,
  type CardId,
  type Fen,
  fenToJson,
  formatYuan,
  type Instant,
  laneOfId,
  ok,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  type CardRow,
  cards,
  checkCard,
  type MintedCard,
  seals,
} from '../../modules/cards/index.ts'
import { accountId } from '../../modules/ledger/index.ts'
import { checkCardBalance, checkSplitDepth, type Policy } from '../../modules/policy/index.ts'
import type { Command } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import type { CardCaller } from './caller.ts'
import { type Body, factsBody, factsFrom, factsOf, listIn, presentCard } from './facts.ts'
import { newCard } from './issue.ts'
import { lawOf } from './law.ts'
import { balanceOn, commandOnCard, holdsOf, type OnCard, termsOfCard } from './on-card.ts'

export interface SplitInput {
  readonly cardId: CardId
  /** One new card for each, in this order. Fen, above 0. */
  readonly amounts: readonly Fen[]
}

/** What a part of a card is made of. */
export interface Part {
  readonly principal: Fen
  readonly bonus: Fen
}

/**
 * The children keep product version, expiry and lineage of the parent; the rest stays with it.
 * Refusals: `card.not_found`, the states of a card, `card.expired`, `policy.split_depth`, `policy.card_limit`,
 * `funds.insufficient`.
 */
export async function splitCommand(
  context: FlowContext,
  caller: CardCaller,
  { cardId, ...input }: SplitInput,
  key: string,
): Promise<Result<Command>> {
  const law = await lawOf(context, caller.issuerId)
  const asked = { cardId, operation: 'card.split', key, input }
  return commandOnCard(context, caller, asked, (commandId) => {
    const { numberPrefix: prefix } = law.issuer
    const count = input.amounts.length
    const minted = context.mintCards({ lane: laneOfId(commandId), prefix, count })
    return (on) => {
      const allowed = checkCard(on.card, 'split', on.now)
      if (!allowed.ok) return allowed
      const { registered } = termsOfCard(context, on.card)
      const lawful = checkChildren(law.at(on.now), on.card, registered, input.amounts)
      if (!lawful.ok) return lawful
      const principal = on.desk.available(on.principal)
      const bonus = on.desk.available(on.bonus)
      const parts = partsOf({ principal, bonus }, input.amounts)
      if (parts === undefined)
        return refused(
          refusal('funds.insufficient', `${formatYuan(principal + bonus)} yuan are available.`, {
            data: { available: fenToJson(principal + bonus) },
          }),
        )
      const children = parts.map((part, index) => bear(on, minted[index], part))
      const parent = factsBody(factsOf(on.card, balanceOn(on)))
      const body: Body = { ...parent, children, ...holdsOf(on) }
      return ok({ kind: 'card.split', version: 1, body })
    }
  })
}

function checkChildren(
  policy: Policy,
  parent: CardRow,
  registered: boolean,
  amounts: readonly Fen[],
): Result<void> {
  const depth = checkSplitDepth(policy, parent.depth + 1)
  if (!depth.ok) return depth
  for (const addedFen of amounts) {
    const limit = checkCardBalance(policy, { registered, carriedFen: 0n, addedFen })
    if (!limit.ok) return limit
  }
  return ok(undefined)
}

/**
 * What each part consists of: principal and bonus in the proportion in which they are available, so that nobody can
 * separate what was paid from what was given by splitting. Fen that do not divide go to the first parts' principal. The
 * sums over the parts and the rest are exactly what was there. undefined: not so much is available.
 */
export function partsOf(available: Part, amounts: readonly Fen[]): Part[] | undefined {
  const total = available.principal + available.bonus
  const rest = total - amounts.reduce((sum, amount) => sum + amount, 0n)
  if (rest < 0n || total === 0n) return undefined
  const shares = allocate(available.principal, [...amounts, rest])
  return amounts.map((amount, index) => {
    const principal = shares[index] ?? 0n
    return { principal, bonus: amount - principal }
  })
}

function bear(on: OnCard, minted: MintedCard | undefined, { principal, bonus }: Part): Body {
  if (minted === undefined) throw new Error('a child has no number')
  const { view, card: parent, lane, desk, now } = on
  const child: CardRow = {
    ...parent,
    ...newCard(minted),
    parentId: parent.id,
    depth: parent.depth + 1,
    createdAt: now,
    activatedAt: now,
  }
  view.put(cards, lane, child)
  view.put(seals, lane, { cardId: child.id, sealed: minted.sealed, revealedAt: null })
  const ofPrincipal = accountId(child.id, 'card_principal', lane)
  const ofBonus = accountId(child.id, 'card_bonus', lane)
  desk.open(ofPrincipal)
  desk.open(ofBonus)
  if (principal > 0n) desk.transfer({ debit: on.principal, credit: ofPrincipal, amount: principal })
  if (bonus > 0n) desk.transfer({ debit: on.bonus, credit: ofBonus, amount: bonus })
  return factsBody(factsOf(child, { principal, bonus, held: 0n }))
}

export function presentSplit(body: Body, at: Instant) {
  return { cards: listIn(body, 'children').map((one) => presentCard(factsFrom(one), {}, at)) }
}
