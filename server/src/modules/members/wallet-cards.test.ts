import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type CardEvent, type CardMeaning, cardMeanings, stateOfCard } from './wallet-cards.ts'

const said = (...list: readonly (readonly [CardMeaning, number])[]): CardEvent[] =>
  list.map(([means, at]) => ({ means, at }))

const journeys: [string, CardEvent[], string | undefined][] = [
  ['nothing was told', said(), undefined],
  ['it was received', said(['received', 10]), 'received'],
  ['it is offered to a friend', said(['received', 10], ['gifting', 20]), 'gifting'],
  ['the friend took it', said(['received', 10], ['gifting', 20], ['gifted', 30]), 'gifted'],
  ['nobody took it', said(['received', 10], ['gifting', 20], ['returned', 30]), 'received'],
  ['it was used up', said(['received', 10], ['consumed', 20]), 'consumed'],
  ['it was thrown away', said(['received', 10], ['deleted', 20]), 'deleted'],
  ['it was thrown away and taken again', said(['deleted', 20], ['received', 30]), 'received'],
  ['it was used up, then thrown away', said(['consumed', 20], ['deleted', 30]), 'consumed'],
  ['it was received after it was given away', said(['gifted', 20], ['received', 30]), 'gifted'],
  [
    'it was received and thrown away in one second',
    said(['deleted', 9], ['received', 9]),
    'deleted',
  ],
  ['the first event was lost', said(['gifting', 20]), 'gifting'],
  [
    "the phone's report came after the card was thrown away",
    said(['deleted', 20], ['received', 0]),
    'deleted',
  ],
]
for (const [what, events, state] of journeys) {
  test(`${what}: ${state}`, () => assert.equal(stateOfCard(events)?.state, state))
}

describe('however events come in', () => {
  const events = fc.array(
    fc.record({ means: fc.constantFrom(...cardMeanings), at: fc.integer({ min: 0, max: 5 }) }),
    { maxLength: 8 },
  )

  test('doubled and in any order they make the same state since the same time', () => {
    fc.assert(
      fc.property(
        events.chain((list) =>
          fc.tuple(
            fc.constant(list),
            fc.shuffledSubarray([...list, ...list], {
              minLength: list.length * 2,
              maxLength: list.length * 2,
            }),
          ),
        ),
        ([once, shuffled]) => assert.deepEqual(stateOfCard(shuffled), stateOfCard(once)),
      ),
    )
  })
})
