/** Freezing and unfreezing a card, and reporting it lost: nothing moves, but nothing can be paid any more. */
import type { CardAction, CardId, CardState, Result } from '@lika/contract'
import { checkCard, type NoteRow, notes } from '../../modules/cards/index.ts'
import type { Command } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import type { CardCaller } from './caller.ts'
import { changed, commandOnCard, type OnCard } from './on-card.ts'

export interface ReasonInput {
  readonly cardId: CardId
  readonly reason: string
}

interface StateChange {
  readonly action: CardAction
  readonly kind: string
  readonly state: CardState
  readonly note?: NoteRow['kind']
}

/**
 * Stops payments, holds and loads until it is unfrozen; refunds still arrive. Expired cards can be frozen too.
 * Refusals: `card.not_found`, `card.frozen` and the other states of a card.
 */
export function freezeCommand(
  context: FlowContext,
  caller: CardCaller,
  input: ReasonInput,
  key: string,
): Result<Command> {
  const change = { action: 'freeze', kind: 'card.frozen', state: 'frozen', note: 'freeze' } as const
  return changeState(context, caller, input, key, change)
}

/** Refusals: `card.not_found`, `card.not_frozen` and the other states of a card. */
export function unfreezeCommand(
  context: FlowContext,
  caller: CardCaller,
  input: ReasonInput,
  key: string,
): Result<Command> {
  const change = {
    action: 'unfreeze',
    kind: 'card.unfrozen',
    state: 'active',
    note: 'unfreeze',
  } as const
  return changeState(context, caller, input, key, change)
}

/**
 * From the moment of the answer no debit commits: the lane has one writer, and every payment asks the card's state in
 * its round. There is no way back but `replace`. Refusals: `card.not_found`, `card.lost` and the other states of a card.
 */
export function reportLostCommand(
  context: FlowContext,
  caller: CardCaller,
  input: { readonly cardId: CardId },
  key: string,
): Result<Command> {
  const change = { action: 'report_lost', kind: 'card.reported_lost', state: 'lost' } as const
  return changeState(context, caller, input, key, change)
}

function changeState(
  context: FlowContext,
  caller: CardCaller,
  { cardId, ...input }: { readonly cardId: CardId; readonly reason?: string },
  key: string,
  { action, kind, state, note }: StateChange,
): Result<Command> {
  const asked = { cardId, operation: kind, key, input }
  return commandOnCard(context, caller, asked, () => (on) => {
    const allowed = checkCard(on.card, action, on.now, 'ignored')
    if (!allowed.ok) return allowed
    if (note !== undefined && input.reason !== undefined) noteReason(on, note, input.reason)
    return changed(on, kind, { ...on.card, state })
  })
}

/** Keeps why it was done, beside the card. */
export function noteReason(
  { view, lane, card, now }: OnCard,
  kind: NoteRow['kind'],
  reason: string,
  own: Pick<NoteRow, 'reference' | 'metadata'> = { reference: null, metadata: null },
): void {
  const { commandId: id, bookId } = view
  view.put(notes, lane, { id, bookId, cardId: card.id, kind, reason, at: now, ...own })
}
