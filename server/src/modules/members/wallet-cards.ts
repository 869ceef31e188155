/**
 * The state of a card in somebody's WeChat: what its events add up to in the order of WeChat's own times, whatever order
 * and however often they came in. Pure.
 */
import type { Instant } from '@lika/contract'

/** What one event says of a card. */
export const cardMeanings = [
  'received',
  'returned',
  'gifting',
  'gifted',
  'consumed',
  'deleted',
] as const
export type CardMeaning = (typeof cardMeanings)[number]

export const walletCardStates = ['received', 'gifting', 'gifted', 'consumed', 'deleted'] as const
export type WalletCardState = (typeof walletCardStates)[number]

export interface CardEvent {
  readonly means: CardMeaning
  /** Whole seconds; of a report by the member's own phone, which tells no time: 0. */
  readonly at: Instant
}

/**
 * Consumed and gifted are for good: such a code is never had again. Deleted is not, a card can be taken back out of the
 * bin. Of events of one second the one that leads further comes last.
 */
export function stateOfCard(
  events: readonly CardEvent[],
): { readonly state: WalletCardState; readonly at: Instant } | undefined {
  const ordered = events.toSorted((one, other) => one.at - other.at || rank(one) - rank(other))
  let standing: { state: WalletCardState; at: Instant } | undefined
  for (const { means, at } of ordered) {
    const next = after(standing?.state, means)
    if (next !== standing?.state) standing = { state: next, at }
  }
  return standing
}

function rank({ means }: CardEvent): number {
  return cardMeanings.indexOf(means)
}

function after(state: WalletCardState | undefined, means: CardMeaning): WalletCardState {
  if (state === 'consumed' || state === 'gifted') return state
  switch (means) {
    case 'received':
      // Somebody who offers it to a friend has it meanwhile.
      return state === 'gifting' ? state : 'received'
    case 'returned':
      return state === 'deleted' ? state : 'received'
    case 'gifting':
      return state === 'deleted' ? state : 'gifting'
    case 'gifted':
    case 'consumed':
    case 'deleted':
      return means
  }
}
