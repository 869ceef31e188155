/** Prolonging a card: it pays to the end of another day. An expired one pays again. */
import {
  type BusinessDate,
  businessDateOf,
  type CardId,
  endOfDay,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import { checkCard } from '../../modules/cards/index.ts'
import type { Command } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import type { CardCaller } from './caller.ts'
import { changed, commandOnCard } from './on-card.ts'

export interface ExtendInput {
  readonly cardId: CardId
  /** The last day on which it pays, in Shanghai. */
  readonly until: BusinessDate
}

/**
 * No rule of law stands against a longer validity, so no policy is asked.
 * Refusals: `card.not_found`, the states of a card (`card.closed`, `card.replaced`), `card.has_no_expiry` (also before
 * activation, from which the validity is counted), `date.out_of_range` for a day that is past or would shorten it.
 */
export function extendCommand(
  context: FlowContext,
  caller: CardCaller,
  { cardId, ...input }: ExtendInput,
  key: string,
): Result<Command> {
  const asked = { cardId, operation: 'card.extended', key, input }
  return commandOnCard(context, caller, asked, () => (on) => {
    const { card, now } = on
    const allowed = checkCard(card, 'extend', now, 'ignored')
    if (!allowed.ok) return allowed
    if (card.expiresAt === null)
      return refused(refusal('card.has_no_expiry', 'The card has no expiry that could be moved.'))
    const expiresAt = endOfDay(input.until)
    const beyond = Math.max(card.expiresAt, now)
    if (expiresAt <= beyond) {
      const min = businessDateOf(beyond)
      return refused(
        refusal('date.out_of_range', `The card can be extended to ${min} or later.`, {
          data: { allowed: { min } },
        }),
      )
    }
    return changed(
      on,
      'card.extended',
      { ...card, expiresAt },
      { previousExpiresAt: card.expiresAt },
    )
  })
}
