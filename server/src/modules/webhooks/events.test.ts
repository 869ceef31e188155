import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asId, withKindAndLane } from '@lika/contract'
import type { JournalEntry } from '../../platform/lanes/tail-store.ts'
import { eventFilters, eventTypes } from './event-types.ts'
import { dataOf, eventsOf, narrowingOf, placeOfEvent, typesOfKind, wants } from './events.ts'

const uuid = '0192f0c1-7a11-7abc-8def-0123456789ab'
const hex = uuid.replaceAll('-', '')
const command = withKindAndLane(uuid, 0, 3)

function entry(more: Partial<JournalEntry> = {}): JournalEntry {
  return {
    lane: 3,
    seq: 42n,
    month: 202410,
    commandId: asId(command),
    bookId: asId(uuid),
    kind: 'payment.created',
    version: 1,
    refused: false,
    at: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    body: { paymentId: uuid, amountFen: '1250' },
    digest: new Uint8Array(32),
    ...more,
  }
}

describe('the events of an entry', () => {
  test('have an id, a type, a time, a place and data', () => {
    assert.deepEqual(eventsOf(entry()), [
      {
        id: `evt_${command.replaceAll('-', '')}`,
        type: 'payment.created',
        created_at: '2026-01-02T03:04:05.006Z',
        lane: 3,
        seq: 42,
        data: { payment_id: `pay_${hex}`, amount: 1250, currency: 'CNY' },
      },
    ])
  })

  test('are none for refusals, internal kinds, and lanes that are not the home of the command', () => {
    assert.deepEqual(eventsOf(entry({ refused: true })), [])
    assert.deepEqual(eventsOf(entry({ kind: 'day.closed' })), [])
    assert.deepEqual(eventsOf(entry({ kind: 'cardinal.made' })), [])
    assert.deepEqual(eventsOf(entry({ lane: 4 })), [])
  })

  test('are two for a captured hold, told apart by the kind bits of their ids', () => {
    const [first, second, ...more] = eventsOf(entry({ kind: 'hold.captured' }))
    assert.deepEqual(more, [])
    assert.equal(first?.type, 'hold.captured')
    assert.equal(second?.type, 'payment.created')
    assert.equal(placeOfEvent(first?.id ?? '')?.index, 0)
    assert.deepEqual(placeOfEvent(second?.id ?? ''), {
      commandId: command,
      index: 1,
      lane: 3,
      month: 202411,
    })
  })
})

describe('data', () => {
  const table: [string, object, object][] = [
    [
      'ids get their prefix',
      { cardId: uuid, newCardId: uuid },
      { card_id: `card_${hex}`, new_card_id: `card_${hex}` },
    ],
    ['a parent is a card', { parentId: uuid }, { parent_id: `card_${hex}` }],
    ['lists of ids too', { cardIds: [uuid, uuid] }, { card_ids: [`card_${hex}`, `card_${hex}`] }],
    ['null stays null', { storeId: null, expiresAt: null }, { store_id: null, expires_at: null }],
    ['ids of no known kind stay as they are', { fooId: uuid }, { foo_id: uuid }],
    [
      'amounts are numbers',
      { amountFen: '-5', heldFen: 7 },
      { amount: -5, held: 7, currency: 'CNY' },
    ],
    ['lists of amounts too', { amountsFen: ['1', '2'] }, { amounts: [1, 2], currency: 'CNY' }],
    ['instants are texts', { expiresAt: 0 }, { expires_at: '1970-01-01T00:00:00Z' }],
    ['what is internal is left out', { _holds: [1], bookId: uuid, a: { _b: 1 } }, { a: {} }],
    [
      'names become snake_case',
      { subBalance: 'bonus', numberLast4: '1234' },
      { sub_balance: 'bonus', number_last4: '1234' },
    ],
    [
      'the same inside objects and lists',
      {
        allocations: [{ cardId: uuid, amountFen: '3', balanceAfterFen: '0' }],
        balance: { availableFen: '9' },
      },
      {
        allocations: [{ card_id: `card_${hex}`, amount: 3, balance_after: 0 }],
        balance: { available: 9 },
      },
    ],
  ]
  for (const [sentence, body, data] of table)
    test(sentence, () => assert.deepEqual(dataOf(body as never), data))
})

describe('what is wanted', () => {
  test('is a type or all of a noun', () => {
    assert.ok(wants(['payment.*'], 'payment.created'))
    assert.ok(wants(['card.frozen', 'hold.created'], 'hold.created'))
    assert.ok(!wants(['payment.*'], 'hold.created'))
    assert.ok(!wants(['card.*'], 'cardinal.made'))
  })

  test('every type that can be asked for is made by a kind, and found by its narrowing', () => {
    for (const type of eventTypes) {
      assert.ok(typesOfKind(type).includes(type))
      assert.ok(narrowingOf([type]).kinds.includes(type))
    }
    assert.ok(eventFilters.includes('payment.*'))
    assert.deepEqual(narrowingOf(['payment.*']), { kinds: ['hold.captured'], nouns: ['payment'] })
  })
})

test('an id of something else is no event', () => {
  assert.equal(placeOfEvent(`card_${hex}`), undefined)
  assert.equal(placeOfEvent('evt_1'), undefined)
})
