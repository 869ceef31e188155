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

/** The first card of the line in which each stands; set-based, a step back for all of them at once. */
export async function rootsOf(
  { database }: Pick<FlowContext, 'database'>,
  cardIds: readonly CardId[],
): Promise<Map<CardId, CardId>> {
  const roots = new Map(cardIds.map((id) => [id, id]))
  for (let open = [...new Set(cardIds)]; open.length > 0; ) {
    const byLane = Map.groupBy(open, laneOfId)
    const rows = await Promise.all(
      [...byLane].map(([lane, ids]) => loadCards(database.sql, lane, ids)),
    )
    const before = new Map(rows.flat().map(({ id, replaces }) => [id, replaces]))
    open = []
    for (const [id, root] of roots) {
      const earlier = before.get(root) ?? null
      if (earlier === null) continue
      roots.set(id, earlier)
      open.push(earlier)
    }
  }
  return roots
}
