/** What a card may do when: pure decisions over its row, shared by every flow that touches a card. */
import {
  type CardAction,
  type CardStatus,
  cardMay,
  formatId,
  formatInstant,
  type Instant,
  ok,
  type Refusal,
  type RefusalCode,
  type Result,
  refusal,
  refused,
} from '@lika/contract'
import type { CardRow } from './store.ts'

/** What a reader sees: an active or frozen card whose time is over reads `expired`; no sweeper is needed for it. */
export function statusOf(card: Pick<CardRow, 'state' | 'expiresAt'>, now: Instant): CardStatus {
  const mayExpire = card.state === 'active' || card.state === 'frozen'
  return mayExpire && isExpired(card, now) ? 'expired' : card.state
}

export function isExpired(card: Pick<CardRow, 'expiresAt'>, now: Instant): boolean {
  return card.expiresAt !== null && now >= card.expiresAt
}

/**
 * Whether the card's state allows the action; expiry also stands in the way where `expiry` says so.
 * Refusals, of which a state has one: `card.replaced` (with `replaced_by`), `card.closed`, `card.lost`, `card.frozen`,
 * `card.not_active`, `card.already_active`, `card.not_frozen`; then `card.expired`.
 */
export function checkCard(
  card: CardRow,
  action: CardAction,
  now: Instant,
  expiry: 'counts' | 'ignored' = 'counts',
): Result<void> {
  if (!cardMay(action, card.state)) return refused(stateRefusal(card, action))
  if (expiry === 'counts' && isExpired(card, now)) {
    const at = formatInstant(card.expiresAt ?? now)
    return refused(refusal('card.expired', `The card expired at ${at}. Its money is still there.`))
  }
  return ok(undefined)
}

const refusalByState: Record<CardRow['state'], { code: RefusalCode; detail: string }> = {
  created: { code: 'card.not_active', detail: 'The card has not been activated yet.' },
  active: { code: 'card.already_active', detail: 'The card is already active.' },
  frozen: { code: 'card.frozen', detail: 'The card is frozen.' },
  lost: { code: 'card.lost', detail: 'The card is reported lost.' },
  closed: { code: 'card.closed', detail: 'The card is closed.' },
  replaced: { code: 'card.replaced', detail: 'The card was replaced by another.' },
}

function stateRefusal(card: CardRow, action: CardAction): Refusal {
  const isOpen = card.state === 'created' || card.state === 'active'
  if (action === 'unfreeze' && isOpen) return refusal('card.not_frozen', 'The card is not frozen.')
  const { code, detail } = refusalByState[card.state]
  if (card.replacedBy === null) return refusal(code, detail)
  return refusal(code, detail, { data: { replaced_by: formatId('card', card.replacedBy) } })
}
