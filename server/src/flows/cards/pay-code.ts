/** Pay codes for a card, as a phone shows them at a till. */
import { type CardId, laneOfId, ok, type Result } from '@lika/contract'
import { checkCard, makePayCode, payHandleOf } from '../../modules/cards/index.ts'
import { requiredCount } from '../../modules/policy/index.ts'
import type { FlowContext } from '../context.ts'
import type { CardCaller } from './caller.ts'
import { findCard } from './find.ts'
import { lawOf } from './law.ts'

/**
 * A new code and the first instant at which it no longer pays, by the law's longest life of a code.
 * Refusals: `card.not_found`, the states of a card, `card.expired`.
 */
export async function issuePayCode(
  context: FlowContext,
  caller: CardCaller,
  cardId: CardId,
): Promise<Result<{ code: string; expiresAt: number }>> {
  const found = await findCard(context, caller, cardId)
  if (!found.ok) return found
  const { database, engine, keyring } = context
  const now = engine.now(caller.mode)
  const payable = checkCard(found.value.card, 'pay', now)
  if (!payable.ok) return payable
  const lane = laneOfId(cardId)
  const [law, handle] = await Promise.all([
    lawOf(context, caller.issuerId),
    payHandleOf(database.sql, lane, cardId),
  ])
  const lifeSeconds = requiredCount(law.at(now), 'pay_code_life_seconds')
  return ok(makePayCode(keyring.payCodeMac, { lane, handle }, now, lifeSeconds))
}
