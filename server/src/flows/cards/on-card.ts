/** The frame of every command on one card: its lane, what it reads, whose it is; the flow's own file has the decision. */
import {
  type AccountId,
  type CardId,
  type CommandId,
  formatId,
  type Instant,
  type Lane,
  laneOfId,
  monthOfId,
  ok,
  type Refusal,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import {
  type CardBalance,
  type CardRow,
  cards,
  selectCardOfCommand,
} from '../../modules/cards/index.ts'
import { accountId, accountReads, LedgerDesk } from '../../modules/ledger/index.ts'
import type { Terms } from '../../modules/programs/index.ts'
import {
  type Command,
  type Decision,
  type Json,
  type NameState,
  type Read,
  read,
  type View,
} from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import { NotPrepared } from '../prepared.ts'
import { type CardCaller, claimedInput } from './caller.ts'
import { type Body, type CardFacts, factsBody, factsOf } from './facts.ts'

export interface CardAsked {
  readonly cardId: CardId
  readonly operation: string
  readonly key: string
  /** What the caller sent beside the id of the card. */
  readonly input: object
  readonly name?: Command['name'] | undefined
  /** Beside the card and its accounts. */
  readonly reads?: (lane: Lane) => readonly Read[]
}

/** A card under the lock of its lane. Holds that have expired are released already. */
export interface OnCard {
  readonly view: View
  readonly now: Instant
  readonly lane: Lane
  readonly card: CardRow
  readonly desk: LedgerDesk
  readonly principal: AccountId
  readonly bonus: AccountId
}

export type Decide = (on: OnCard) => Decision

/** A decision that needs more than the card: further lanes, further rows. */
export interface Wider {
  readonly decide: Decide
  readonly lanes: readonly Lane[]
  readonly reads: readonly Read[]
}

/**
 * A command on a card. `prepare` runs before the round, once for every attempt, and answers the decision.
 * Refusals: `card.not_found`, then those of the decision.
 */
export function commandOnCard(
  context: FlowContext,
  caller: CardCaller,
  asked: CardAsked,
  prepare: (
    commandId: CommandId,
    lane: Lane,
    name: NameState,
  ) => Decide | Wider | Promise<Decide | Wider>,
): Result<Command> {
  const { cardId } = asked
  const lane = laneOfId(cardId)
  if (!context.engine.lanesOf(caller.mode).includes(lane)) return refused(cardNotFound)
  const principal = accountId(cardId, 'card_principal', lane)
  const bonus = accountId(cardId, 'card_bonus', lane)
  const reads = [
    read(cards, lane, cardId),
    ...accountReads(lane, [principal, bonus]),
    ...(asked.reads?.(lane) ?? []),
  ]
  return ok({
    book: caller.book,
    operation: asked.operation,
    key: asked.key,
    input: claimedInput({ ...asked.input, cardId }),
    homeLane: () => lane,
    ...(asked.name && { name: asked.name }),
    plan: async (commandId, name) => {
      const prepared = await prepare(commandId, lane, name)
      const { decide, ...more } =
        typeof prepared === 'function' ? { decide: prepared, lanes: [], reads: [] } : prepared
      return {
        lanes: [...new Set([lane, ...more.lanes])],
        reads: [...reads, ...more.reads],
        decide: (view, now) => {
          const card = view.get(cards, cardId)
          if (card === undefined || card.bookId !== view.bookId)
            return { ok: false, final: false, refusal: cardNotFound }
          const desk = new LedgerDesk(view, lane)
          desk.releaseExpired([principal, bonus], now)
          return decide({ view, now, lane, card, desk, principal, bonus })
        },
      }
    },
  })
}

export const cardNotFound = refusal('card.not_found', 'No card has this id here (card_…).')

export function balanceOn({ desk, principal, bonus }: OnCard): CardBalance {
  const ofPrincipal = desk.account(principal)
  const ofBonus = desk.account(bonus)
  return {
    principal: ofPrincipal.balance,
    bonus: ofBonus.balance,
    held: ofPrincipal.held + ofBonus.held,
  }
}

/** Puts the changed card in place; the entry tells the card as it is now. */
export function changed(on: OnCard, kind: string, card: CardRow, more: Body = {}): Decision {
  on.view.put(cards, on.lane, card)
  const facts: CardFacts = factsOf(card, balanceOn(on))
  return {
    ok: true,
    value: { kind, version: 1, body: { ...factsBody(facts), ...more, ...holdsOf(on) } },
  }
}

/** What the ledger wants to keep of changes to holds. */
export function holdsOf({ desk }: Pick<OnCard, 'desk'>): { _holds?: Json } {
  return desk.records.length === 0 ? {} : { _holds: desk.records }
}

/** The terms under which the card was sold. */
export function termsOfCard(
  { programs }: Pick<FlowContext, 'programs'>,
  { bookId, productId, productVersion }: Pick<CardRow, 'bookId' | 'productId' | 'productVersion'>,
): Terms {
  const terms = programs.knownTerms(bookId, productId, productVersion)
  if (terms === undefined)
    throw new NotPrepared(`the terms of ${productId} ${productVersion}`, () =>
      programs.termsOf(bookId, productId, productVersion),
    )
  return terms
}

/** `reference.already_used` where the caller's own number belongs to something else already. */
export async function nameRefusal(
  { database }: FlowContext,
  name: NameState,
  kind: 'card' | 'load' | 'adjustment' | 'redemption',
): Promise<Refusal | undefined> {
  if (name === 'own') return undefined
  const detail = 'The reference belongs to another command of this issuer.'
  if (name === 'cancelled') return refusal('reference.already_used', detail)
  const { takenBy } = name
  const existing =
    kind === 'card'
      ? await selectCardOfCommand(database.sql, laneOfId(takenBy), monthOfId(takenBy), takenBy)
      : takenBy
  return refusal('reference.already_used', detail, {
    ...(existing !== undefined && { data: { existing_id: formatId(kind, existing) } }),
  })
}
