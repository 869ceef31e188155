import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BookId } from '@lika/contract'
import { FairQueue, type Queueable, type Weight } from './queue.ts'

type Item = Queueable & { readonly name: string }

function item(book: string, name: string, weight: Weight = 'till', size = 1): Item {
  return { bookId: book as BookId, name, weight, size }
}

function queueOf(...items: Item[]): FairQueue<Item> {
  const queue = new FairQueue<Item>(100)
  for (const one of items) queue.push(one)
  return queue
}

const many = (count: number, book: string, weight: Weight = 'till', size = 1) =>
  Array.from({ length: count }, (_, index) => item(book, `${book}${index}`, weight, size))
const names = (items: readonly Item[]) => items.map((one) => one.name).join(' ')
const countOf = (items: readonly Item[], weight: Weight) =>
  items.filter((one) => one.weight === weight).length

describe('places', () => {
  test('are as many as the capacity, half of them at most for one issuer', () => {
    const queue = new FairQueue<Item>(4)
    const reserve = (book: string) => queue.reserve(book as BookId)
    assert.deepEqual([reserve('a'), reserve('a'), reserve('a')], [true, true, false])
    assert.deepEqual([reserve('b'), reserve('c'), reserve('d')], [true, true, false])
    queue.release('a' as BookId)
    assert.deepEqual([reserve('b'), reserve('b')], [true, false])
    assert.equal(queue.taken, 4)
  })
})

describe('a round', () => {
  test('takes what comes first of each issuer in turn', () => {
    const queue = queueOf(...many(3, 'a'), ...many(1, 'b'), ...many(2, 'c'))
    assert.equal(names(queue.take(100)), 'a0 b0 c0 a1 c1 a2')
    assert.ok(queue.isEmpty)
  })

  test('stops at its limit; the next begins with the issuer whose turn it is', () => {
    const queue = queueOf(...many(3, 'a'), ...many(3, 'b'), ...many(3, 'c'))
    const rounds = [2, 2, 2, 2, 2].map((limit) => names(queue.take(limit)))
    assert.deepEqual(rounds, ['a0 b0', 'c0 a1', 'b1 c1', 'a2 b2', 'c2'])
  })

  for (const limit of [1, 2, 16, 17]) {
    test(`of ${limit} leaves no issuer out, however many there are`, () => {
      for (let issuers = 2; issuers <= 40; issuers += 1) {
        const books = Array.from({ length: issuers }, (_, index) => `${index}:`)
        const queue = queueOf(...books.flatMap((book) => many(50, book)))
        const rounds = Math.ceil((issuers * 2) / limit)
        const served = Array.from({ length: rounds }, () => queue.take(limit)).flat()
        const waiting = books.filter((book) => !served.some((one) => one.bookId === book))
        assert.deepEqual(waiting, [], `${issuers} issuers`)
      }
    })
  }

  test('has at least one item, however large', () => {
    const queue = queueOf(item('a', 'huge', 'till', 5_000), item('a', 'next'))
    assert.equal(names(queue.take(10)), 'huge')
    assert.equal(names(queue.take(10)), 'next')
  })

  test('counts rows, not items; what says it has none counts as one', () => {
    const queue = queueOf(...many(4, 'a', 'till', 5))
    assert.equal(queue.take(10).length, 2)
    const empty = queueOf(...many(20, 'a', 'till', 0))
    assert.equal(empty.take(10).length, 10)
  })

  test('is all bulk where no till waits', () => {
    const queue = queueOf(...many(20, 'a', 'bulk'))
    assert.equal(queue.take(16).length, 16)
  })

  test('is a quarter bulk where tills wait too', () => {
    const queue = queueOf(...many(40, 'a'), ...many(40, 'b', 'bulk'))
    const round = queue.take(16)
    assert.deepEqual([countOf(round, 'till'), countOf(round, 'bulk')], [12, 4])
  })

  test('leaves room that bulk does not use to tills', () => {
    const queue = queueOf(...many(40, 'a'), item('b', 'only', 'bulk'))
    const round = queue.take(16)
    assert.deepEqual([countOf(round, 'till'), countOf(round, 'bulk')], [15, 1])
  })

  test('is on average a quarter bulk also where one bulk item is larger than many rounds', () => {
    const queue = queueOf(...many(4_000, 'a'), ...many(10, 'b', 'bulk', 500))
    const rounds = Array.from({ length: 250 }, () => queue.take(16))
    for (const round of rounds) assert.ok(countOf(round, 'till') >= 12, 'tills keep three quarters')
    assert.equal(countOf(rounds.flat(), 'bulk'), 2, '250 rounds × 4 rows')
  })

  test('turns between the issuers of bulk as well', () => {
    const queue = queueOf(...many(5, 'a', 'bulk', 500), ...many(5, 'b', 'bulk', 500))
    assert.equal(names([1, 2, 3, 4].flatMap(() => queue.take(128))), 'a0 b0 a1 b1')
  })

  test('saves nothing up for bulk while no till waits', () => {
    const queue = queueOf(...many(100, 'b', 'bulk'))
    for (let round = 0; round < 5; round += 1) queue.take(8)
    for (const one of many(40, 'a')) queue.push(one)
    assert.equal(countOf(queue.take(8), 'bulk'), 2)
  })
})
