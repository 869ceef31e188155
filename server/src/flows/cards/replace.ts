/** Replacing a card: a new number and secret for the same money, holds, terms and expiry. */
import {
  type CardId,
  type Instant,
  type Lane,
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
import { accountId, leftOf, openHolds } from '../../modules/ledger/index.ts'
import { type Command, read } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { nameKinds } from '../names.ts'
import { NotPrepared } from '../prepared.ts'
import { movePromises, readsOfPromises } from '../rebates/move-promises.ts'
import type { CardCaller } from './caller.ts'
import { type Body, factsBody, factsFrom, factsOf, membersOf, presentCard } from './facts.ts'
import { mintOne, newCard } from './issue.ts'
import { lawOf } from './law.ts'
import { balanceOn, commandOnCard, holdsOf, nameRefusal, type OnCard } from './on-card.ts'

export interface ReplaceInput {
  readonly cardId: CardId
  /** The caller's own number and data for the new card. */
  readonly reference?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/**
 * The old card is `replaced` from now on; refunds of what it paid go to the new one. The new one is active whatever the
 * old one was, but for a card that was never activated: its successor is not either, and it has none once it is closed.
 * A closed card that was sold can be replaced, for a refund may have reached it since. A cap that was lowered meanwhile
 * does not count: the money is on the card already.
 * Refusals: `card.not_found`, `reference.already_used`, the states of a card (`card.not_active`, `card.replaced`,
 * `card.closed`).
 */
export async function replaceCommand(
  context: FlowContext,
  caller: CardCaller,
  { cardId, ...input }: ReplaceInput,
  key: string,
): Promise<Result<Command>> {
  const law = await lawOf(context, caller.issuerId)
  const { reference } = input
  const name = reference === undefined ? undefined : { kind: nameKinds.card, name: reference }
  const reads = (lane: Lane) => [read(seals, lane, cardId), ...readsOfPromises(lane, cardId)]
  const asked = { cardId, operation: 'card.replaced', key, input, name, reads }
  return commandOnCard(context, caller, asked, async (commandId, _, nameState) => {
    const minted = mintOne(context, law, commandId)
    const taken = await nameRefusal(context, nameState, 'card')
    return (on) => {
      if (taken !== undefined) return { ok: false, refusal: taken }
      const allowed = checkCard(on.card, 'replace', on.now, 'ignored')
      if (!allowed.ok) return allowed
      if (on.card.state === 'closed' && on.card.activatedAt === null) return refused(destroyed)
      return ok({ kind: 'card.replaced', version: 1, body: replace(on, minted, input) })
    }
  })
}

const destroyed = refusal('card.closed', 'The card was closed before it was sold.')

function replace(on: OnCard, minted: MintedCard, own: Omit<ReplaceInput, 'cardId'>): Body {
  const { view, card, lane, now } = on
  const balance = balanceOn(on)
  const successor: CardRow = {
    ...card,
    ...newCard(minted),
    state: stateOfSuccessor(card),
    faceAmount: card.faceAmount,
    faceBonus: card.faceBonus,
    parentId: card.parentId,
    depth: card.depth,
    replaces: card.id,
    reference: own.reference ?? null,
    metadata: own.metadata ?? null,
    createdAt: now,
  }
  const replaced: CardRow = { ...card, state: 'replaced', replacedBy: successor.id }
  view.put(cards, lane, replaced)
  view.put(cards, lane, successor)
  view.remove(seals, card.id)
  view.put(seals, lane, { cardId: successor.id, sealed: minted.sealed, revealedAt: null })
  moveMoney(on, successor.id)
  movePromises(view, lane, card.id, successor.id)
  const emptied = factsOf(replaced, balanceOn(on))
  return {
    ...factsBody(emptied),
    replacement: factsBody(factsOf(successor, balance)),
    ...holdsOf(on),
  }
}

/** A freeze goes along, so that nobody shakes it off with a new card; what is lost or closed is left behind. */
function stateOfSuccessor({ state, activatedAt }: CardRow): CardRow['state'] {
  if (activatedAt === null) return 'created'
  return state === 'frozen' ? 'frozen' : 'active'
}

/** Everything on both sub-balances, what holds set aside together with the holds. */
function moveMoney({ view, desk, lane, principal, bonus }: OnCard, to: CardId): void {
  const pairs = [
    { from: principal, into: accountId(to, 'card_principal', lane) },
    { from: bonus, into: accountId(to, 'card_bonus', lane) },
  ]
  for (const { from, into } of pairs) {
    desk.open(into)
    for (const hold of view.find(openHolds, from)) if (leftOf(hold) > 0n) desk.moveHold(hold, into)
    const { balance: amount, held } = desk.account(from)
    // A hold that was opened in this very round is not found by its account yet; it is in the next one.
    if (held > 0n) throw new NotPrepared('a hold of the same round')
    if (amount > 0n) desk.transfer({ debit: from, credit: into, amount })
  }
}

/** The new card. */
export function presentReplacement(
  body: Body,
  at: Instant,
  { reference, metadata }: Pick<ReplaceInput, 'reference' | 'metadata'>,
) {
  return presentCard(factsFrom(membersOf(body['replacement'])), { reference, metadata }, at)
}
