/** Rebates that are gone with the bonus of a card that is redeemed: marked, so that nothing is taken back twice. */
import type { CardId, Fen, Lane } from '@lika/contract'
import { rebates, rebatesOfCard } from '../../modules/loyalty/index.ts'
import { type Read, read, type View } from '../../platform/lanes/index.ts'

interface Line {
  /** The card and those that it replaced. */
  readonly self: readonly CardId[]
}

export function readsOfRebates(lane: Lane, { self }: Line): Read[] {
  return self.map((id) => read(rebatesOfCard, lane, id))
}

/** Counts `amount` of bonus as taken back, of the newest rebates first. */
export function markForfeited(view: View, lane: Lane, { self }: Line, amount: Fen): void {
  let left = amount
  const rows = self
    .flatMap((id) => view.find(rebatesOfCard, id))
    .filter(({ form }) => form === 'bonus')
    .toSorted((one, other) => (one.id < other.id ? 1 : -1))
  for (const row of rows) {
    const standing = row.amount - row.reversed
    const part = standing < left ? standing : left
    if (part > 0n) view.put(rebates, lane, { ...row, reversed: row.reversed + part })
    left -= part
  }
}
