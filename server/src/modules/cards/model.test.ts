import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asId,
  type CardAction,
  type CardState,
  cardActions,
  cardMay,
  cardStates,
  endOfDay,
} from '@lika/contract'
import { checkCard, isExpired, statusOf } from './model.ts'
import type { CardRow } from './store.ts'

const now = Date.UTC(2026, 10, 24, 4)

function cardIn(state: CardState, more: Partial<CardRow> = {}): CardRow {
  return {
    id: asId('0192f0c1-0000-7000-8000-000000000001'),
    bookId: asId('0192f0c1-0000-7000-8000-000000000400'),
    productId: asId('0192f0c1-0000-7000-8000-000000000000'),
    productVersion: 1,
    state,
    number: '9000100000000000000',
    secretDigest: null,
    faceAmount: 0n,
    faceBonus: 0n,
    expiresAt: null,
    parentId: null,
    depth: 0,
    replacedBy: state === 'replaced' ? asId('0192f0c1-0000-7000-8000-000000000002') : null,
    replaces: null,
    batchId: null,
    importId: null,
    reference: null,
    metadata: null,
    createdAt: now,
    activatedAt: null,
    charterId: null,
    sealedUntil: null,
    ...more,
  }
}

function codeOf(card: CardRow, action: CardAction): string {
  const checked = checkCard(card, action, now)
  return checked.ok ? 'ok' : checked.refusal.code
}

const codes: Record<CardState, string> = {
  created: 'card.not_active',
  active: 'card.already_active',
  frozen: 'card.frozen',
  lost: 'card.lost',
  closed: 'card.closed',
  replaced: 'card.replaced',
}

const actions = Object.keys(cardActions) as CardAction[]

test('what the table does not allow is refused by the state in which the card is', () => {
  for (const state of cardStates) {
    for (const action of actions) {
      const isOpen = state === 'created' || state === 'active'
      const refused = action === 'unfreeze' && isOpen ? 'card.not_frozen' : codes[state]
      const expected = cardMay(action, state) ? 'ok' : refused
      assert.equal(codeOf(cardIn(state), action), expected, `${action} of a card that is ${state}`)
    }
  }
})

test('the refusal of a replaced card names its successor', () => {
  const checked = checkCard(cardIn('replaced'), 'pay', now)
  assert.ok(!checked.ok)
  assert.deepEqual(checked.refusal.data, { replaced_by: 'card_0192f0c1000070008000000000000002' })
})

test('a card valid to day D pays in its last second in Shanghai and not one second later', () => {
  const expiresAt = endOfDay('2026-11-24')
  const card = cardIn('active', { expiresAt })
  const lastSecond = Date.parse('2026-11-24T23:59:59+08:00')
  assert.equal(isExpired(card, lastSecond), false)
  assert.equal(isExpired(card, lastSecond + 999), false)
  assert.equal(isExpired(card, lastSecond + 1000), true)
  assert.ok(checkCard(card, 'pay', lastSecond).ok)
  const late = checkCard(card, 'pay', lastSecond + 1000)
  assert.ok(!late.ok && late.refusal.code === 'card.expired')
})

test('expiry shows in the status of open cards only, and hides no stronger state', () => {
  const expired = { expiresAt: now - 1 }
  const shown = cardStates.map((state) => statusOf(cardIn(state, expired), now))
  assert.deepEqual(shown, ['created', 'expired', 'expired', 'lost', 'closed', 'replaced'])
})

test('where expiry is ignored an expired card may still be acted on', () => {
  const card = cardIn('active', { expiresAt: now })
  assert.ok(checkCard(card, 'extend', now, 'ignored').ok)
  assert.ok(!checkCard(card, 'extend', now).ok)
})
