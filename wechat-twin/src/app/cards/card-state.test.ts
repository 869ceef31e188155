/** Every pair of states of a code, and what time does to them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CardCode,
  canConsume,
  checkConsumable,
  codeStatuses,
  mayFollow,
  statusAt,
} from './card-state.ts'

const code: CardCode = {
  code: '1',
  card_id: 'p1',
  appid: 'wx1',
  user: 'user_1',
  status: 'NORMAL',
  begin: 100,
  end: 200,
}

const allowed = [
  'NORMAL CONSUMED',
  'NORMAL GIFTING',
  'NORMAL DELETE',
  'NORMAL UNAVAILABLE',
  'GIFTING GIFT_TIMEOUT',
  'GIFTING DELETE',
  'GIFTING UNAVAILABLE',
  'GIFT_TIMEOUT CONSUMED',
  'GIFT_TIMEOUT GIFTING',
  'GIFT_TIMEOUT DELETE',
  'GIFT_TIMEOUT UNAVAILABLE',
  'EXPIRE DELETE',
  'EXPIRE UNAVAILABLE',
  'DELETE NORMAL',
]

test('a code goes from state to state only as the table says', () => {
  for (const from of codeStatuses)
    for (const to of codeStatuses)
      assert.equal(mayFollow(from, to), allowed.includes(`${from} ${to}`), `${from} ${to}`)
})

test('a code expires at its end and not a second before', () => {
  assert.equal(statusAt(code, 199), 'NORMAL')
  assert.equal(statusAt(code, 200), 'EXPIRE')
  assert.equal(statusAt({ ...code, status: 'CONSUMED' }, 200), 'CONSUMED')
})

test('a card on its way to a friend is back when his time is over', () => {
  const gift: CardCode = { ...code, status: 'GIFTING', gift_until: 150 }
  assert.equal(statusAt(gift, 149), 'GIFTING')
  assert.equal(statusAt(gift, 150), 'GIFT_TIMEOUT')
  assert.equal(canConsume(gift, 149), false)
  assert.equal(canConsume(gift, 150), true)
})

const table: readonly [more: Partial<CardCode>, now: number, errcode: number][] = [
  [{ status: 'CONSUMED' }, 150, 40099],
  [{ status: 'CONSUMED' }, 250, 40099],
  [{ status: 'DELETE' }, 150, 40127],
  [{ status: 'UNAVAILABLE' }, 150, 40127],
  [{ status: 'GIFTING', gift_until: 160 }, 150, 40127],
  [{}, 200, 40079],
  [{}, 99, 40079],
]
for (const [more, now, errcode] of table)
  test(`a code that is ${more.status ?? 'whole'} at ${now} is refused with ${errcode}`, () => {
    assert.throws(() => checkConsumable({ ...code, ...more }, now), { errcode })
    assert.equal(canConsume({ ...code, ...more }, now), false)
  })

test('a whole code in its time can be used', () => {
  checkConsumable(code, 100)
  checkConsumable(code, 199)
  assert.equal(canConsume(code, 100), true)
})
