/** A card and those that replaced it one after the other. */
import { type CardId, laneOfId } from '@lika/contract'
import { loadCards } from '../../modules/cards/index.ts'
import type { FlowContext } from '../context.ts'

/** The card and all its successors, the last of which has the money. */
export async function lineOf(
  { database }: Pick<FlowContext, 'database'>,
  cardId: CardId,
): Promise<CardId[]> {
  const line: CardId[] = []
  for (let next: CardId | null = cardId; next !== null; ) {
    line.push(next)
    const [card]: { replacedBy: CardId | null }[] = await loadCards(database.sql, laneOfId(next), [
      next,
    ])
    next = card?.replacedBy ?? null
  }
  return line
}

/** The first card of the line in which a card stands. */
export async function rootOf(
  { database }: Pick<FlowContext, 'database'>,
  cardId: CardId,
): Promise<CardId> {
  for (let root = cardId; ; ) {
    const [card]: { replaces: CardId | null }[] = await loadCards(database.sql, laneOfId(root), [
      root,
    ])
    if (card === undefined || card.replaces === null) return root
    root = card.replaces
  }
}
