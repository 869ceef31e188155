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
 * Whether the card's state allows the action; expiry also stands in the way where `expiry` says so, and so does the
 * seal of a card whose buyer may still change his mind. What protects the card (a freeze, a report of loss) is not
 * sealed; what puts money on it or gives it a new number is, for the refund takes back one card with one payment.
 * Refusals, of which a state has one: `card.replaced` (with `replaced_by`), `card.closed`, `card.lost`, `card.frozen`,
 * `card.not_active`, `card.already_active`, `card.not_frozen`; then `card.sealed` (with `until`), `card.expired`.
 */
export function checkCard(
  card: CardRow,
  action: CardAction,
  now: Instant,
  expiry: 'counts' | 'ignored' = 'counts',
): Result<void> {
  if (!cardMay(action, card.state)) return refused(stateRefusal(card, action))
  if (isSealedFor(card, action, now)) return refused(sealed(card.sealedUntil ?? now))
  if (expiry === 'counts' && isExpired(card, now)) {
    const at = formatInstant(card.expiresAt ?? now)
    return refused(refusal('card.expired', `The card expired at ${at}. Its money is still there.`))
  }
  return ok(undefined)
}

/** What a seal stands in the way of. */
const sealedActions: readonly CardAction[] = [
  'pay',
  'load',
  'adjust',
  'split',
  'replace',
  'reveal',
  'redeem',
  'close',
]

function isSealedFor({ sealedUntil }: CardRow, action: CardAction, now: Instant): boolean {
  return sealedUntil !== null && now < sealedUntil && sealedActions.includes(action)
}

function sealed(until: Instant): Refusal {
  const at = formatInstant(until)
  return refusal('card.sealed', `The card is sealed until ${at}: its buyer may change his mind.`, {
    data: { until: at },
  })
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
