/** Closing a card for good, once nothing is left on it. */
import type { Result } from '@lika/contract'
import { formatYuan, refusal, refused } from '@lika/contract'
import { checkCard, seals } from '../../modules/cards/index.ts'
import { type Command, read } from '../../platform/lanes/index.ts'
import type { FlowContext } from '../context.ts'
import type { CardCaller } from './caller.ts'
import { noteReason, type ReasonInput } from './freeze.ts'
import { balanceOn, changed, commandOnCard } from './on-card.ts'

/**
 * A secret that nobody fetched is destroyed. Holds come first, for where something is held there is money too.
 * Refusals: `card.not_found`, `card.closed` and the other states of a card, `card.has_holds`, `card.not_empty`.
 */
export function closeCommand(
  context: FlowContext,
  caller: CardCaller,
  { cardId, ...input }: ReasonInput,
  key: string,
): Result<Command> {
  const reads = (lane: number) => [read(seals, lane, cardId)]
  const asked = { cardId, operation: 'card.closed', key, input, reads }
  return commandOnCard(context, caller, asked, () => (on) => {
    const allowed = checkCard(on.card, 'close', on.now, 'ignored')
    if (!allowed.ok) return allowed
    const { principal, bonus, held } = balanceOn(on)
    if (held > 0n)
      return refused(refusal('card.has_holds', `${formatYuan(held)} yuan are set aside by holds.`))
    const left = principal + bonus
    if (left > 0n)
      return refused(refusal('card.not_empty', `${formatYuan(left)} yuan are left on the card.`))
    noteReason(on, 'close', input.reason)
    on.view.remove(seals, cardId)
    return changed(on, 'card.closed', { ...on.card, state: 'closed' })
  })
}
