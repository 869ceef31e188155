import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asId, type CardId, type Fen, type SubBalance, subBalances } from '@lika/contract'
import fc from 'fast-check'
import { newId } from '../../platform/ids.ts'
import {
  type Allocation,
  checkSources,
  giveBack,
  holdStatusOf,
  type Share,
  type SourcePots,
  takeFrom,
  takeFromLines,
} from './model.ts'

const cardIds = Array.from({ length: 5 }, (): CardId => asId(newId(1)))
const fen = fc.bigInt({ min: 0n, max: 1_000n })
const order = fc.constantFrom<readonly SubBalance[]>(['bonus', 'principal'], ['principal', 'bonus'])

/** Cards with something, or nothing, on each sub-balance. */
const sourcesWithout = fc
  .array(fc.tuple(order, fen, fen), { minLength: 1, maxLength: cardIds.length })
  .map((cards) =>
    cards.map(
      ([subs, first, second], index): SourcePots => ({
        cardId: cardIds[index] ?? asId(newId(1)),
        amount: undefined,
        pots: [
          { subBalance: subs[0] ?? 'bonus', available: first },
          { subBalance: subs[1] ?? 'principal', available: second },
        ],
      }),
    ),
  )

const sumOf = (amounts: readonly Fen[]) => amounts.reduce((left, right) => left + right, 0n)
const onCard = ({ pots }: SourcePots) => sumOf(pots.map(({ available }) => available))
const amountOf = ({ amount }: { amount: Fen }) => amount

/** What each sub-balance gave, by card and name. */
function byPot(shares: readonly Share[]) {
  const sums = new Map<string, Fen>()
  for (const { cardId, subBalance, amount } of shares) {
    const key = `${cardId} ${subBalance}`
    sums.set(key, (sums.get(key) ?? 0n) + amount)
  }
  return sums
}

describe('taking from cards', () => {
  test('pays exactly, from what is there, in order, or not at all', () => {
    fc.assert(
      fc.property(sourcesWithout, fc.bigInt({ min: 1n, max: 4_000n }), (sources, total) => {
        const taken = takeFrom(sources, total)
        const available = sumOf(sources.map(onCard))
        assert.equal(taken.ok, available >= total)
        if (!taken.ok) {
          assert.deepEqual(taken.refusal.data, {
            required: Number(total),
            available: Number(available),
          })
          return
        }
        assert.equal(sumOf(taken.value.map(amountOf)), total)
        assertInOrder(sources, taken.value)
      }),
    )
  })

  test('takes from each card just what is asked of it', () => {
    const exact = sourcesWithout.chain((sources) =>
      fc
        .array(fc.bigInt({ min: 1n, max: 1_200n }), {
          minLength: sources.length,
          maxLength: sources.length,
        })
        .map((amounts) =>
          sources.map((source, index): SourcePots => ({ ...source, amount: amounts[index] ?? 1n })),
        ),
    )
    fc.assert(
      fc.property(exact, (sources: SourcePots[]) => {
        const total = sumOf(sources.map(({ amount }) => amount ?? 0n))
        const taken = takeFrom(sources, total)
        const short = sources.find((source) => onCard(source) < (source.amount ?? 0n))
        assert.equal(taken.ok, short === undefined)
        if (!taken.ok) return
        for (const { cardId, amount } of sources) {
          const own: Share[] = taken.value.filter((share) => share.cardId === cardId)
          assert.equal(sumOf(own.map(amountOf)), amount)
        }
      }),
    )
  })
})

/** A pot gives only when every pot before it is empty; none gives more than it has, none gives nothing. */
function assertInOrder(sources: readonly SourcePots[], shares: readonly Share[]) {
  const gave = byPot(shares)
  const pots = sources.flatMap(({ cardId, pots: own }) =>
    own.map(({ subBalance, available }) => ({
      available,
      given: gave.get(`${cardId} ${subBalance}`) ?? 0n,
    })),
  )
  const last = pots.findLastIndex(({ given }) => given > 0n)
  for (const [index, { available, given }] of pots.entries()) {
    assert.ok(given <= available)
    if (index < last) assert.equal(given, available)
  }
  for (const { amount } of shares) assert.ok(amount > 0n)
}

const allocations = fc
  .array(
    fc.record({
      cardId: fc.constantFrom(...cardIds),
      subBalance: fc.constantFrom(...subBalances),
      amount: fc.bigInt({ min: 1n, max: 500n }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((all) => all.map((one): Allocation => ({ ...one, refunded: 0n, balanceAfter: 0n })))

describe('giving back', () => {
  test('in any parts never gives a sub-balance more than it paid, and all of it in the end', () => {
    fc.assert(
      fc.property(allocations, fc.array(fc.bigInt({ min: 1n, max: 800n })), (paid, amounts) => {
        const total = sumOf(paid.map(amountOf))
        let current: readonly Allocation[] = paid
        let back = 0n
        const given: ReturnType<typeof giveBack>['shares'] = []
        for (const wanted of [...amounts, total]) {
          const amount = wanted < total - back ? wanted : total - back
          if (amount === 0n) break
          const step = giveBack(current, amount)
          assert.equal(sumOf(step.shares.map(amountOf)), amount)
          current = step.allocations
          back += amount
          given.push(...step.shares)
          for (const one of current) assert.ok(one.refunded >= 0n && one.refunded <= one.amount)
          assertLastFirst(current)
        }
        assert.equal(back, total)
        assert.deepEqual(byPot(given), byPot(paid))
      }),
    )
  })

  test('more than is left is a fault', () => {
    fc.assert(
      fc.property(allocations, (paid) => {
        const total = sumOf(paid.map(amountOf))
        assert.throws(() => giveBack(paid, total + 1n), RangeError)
        assert.throws(() => giveBack(paid, 0n), RangeError)
        assert.throws(() => giveBack(giveBack(paid, total).allocations, 1n), RangeError)
      }),
    )
  })
})

/** Nothing went back to what was taken earlier while something taken later is still out. */
function assertLastFirst(current: readonly Allocation[]): void {
  const first = current.findIndex(({ refunded }) => refunded > 0n)
  for (const { amount, refunded } of first === -1 ? [] : current.slice(first + 1))
    assert.equal(refunded, amount)
}

describe('taking from the lines of a hold', () => {
  test('takes exactly, in order, or is a fault', () => {
    const lines = fc.array(fc.bigInt({ min: 0n, max: 300n }), { maxLength: 6 })
    fc.assert(
      fc.property(lines, fc.bigInt({ min: 1n, max: 1_000n }), (lefts, amount) => {
        const take = () => takeFromLines(lefts, (left) => left, amount)
        if (sumOf(lefts) < amount) {
          assert.throws(take, RangeError)
          return
        }
        const parts = take()
        assert.equal(sumOf(parts.map((part) => part.amount)), amount)
        for (const part of parts) assert.ok(part.amount > 0n && part.amount <= part.line)
      }),
    )
  })
})

describe('sources', () => {
  const check = (amounts: (bigint | undefined)[], total: bigint) =>
    checkSources(
      amounts.map((amount, index) => ({ amount, index })),
      total,
      ({ index }) => String(index),
    ).ok

  test('name their amounts all or none, and sum up', () => {
    assert.ok(check([undefined, undefined], 5n))
    assert.ok(check([2n, 3n], 5n))
    assert.ok(!check([2n, 4n], 5n))
    assert.ok(!check([2n, undefined], 5n))
    assert.ok(!check([], 5n))
    assert.ok(check(Array(20).fill(undefined), 5n))
    assert.ok(!check(Array(21).fill(undefined), 5n))
  })

  test('are different from each other', () => {
    const twice = [{ amount: undefined }, { amount: undefined }]
    assert.ok(!checkSources(twice, 5n, () => 'same').ok)
  })
})

describe('a hold', () => {
  const hold = { amount: 10n, captured: 0n, released: 0n, expiresAt: 1_000 }

  test('reads expired from its last instant on, unless it ended before', () => {
    assert.equal(holdStatusOf({ ...hold, status: 'held' }, 999), 'held')
    assert.equal(holdStatusOf({ ...hold, status: 'held' }, 1_000), 'expired')
    assert.equal(holdStatusOf({ ...hold, status: 'released' }, 1_000), 'released')
    assert.equal(holdStatusOf({ ...hold, status: 'captured' }, 1_000), 'captured')
  })
})
