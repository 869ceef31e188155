/** The worked examples of the articles, and what must hold for any card. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { feeOf, interestOn, refundDue } from './refund-formula.ts'
import { addDays, isRestDay, lastDayOf, loadTables, rateOn } from './tables.ts'

const tables = await loadTables(join(import.meta.dirname, '../../../../policies/tables'))

describe('what is given back', () => {
  const gift = { paid: 100_000n, bonus: 20_000n, consumed: 30_000n }
  const half = { paid: 100_000n, bonus: 0n, consumed: 75_000n }
  const list = { kind: 'discount', listFen: 150_000n } as const

  test('(a) the operator’s fault: what was consumed is valued in the proportion of paid and given', () => {
    const { consumedValue, due } = refundDue(gift, 'operator')
    assert.deepEqual([consumedValue, due], [25_000n, 75_000n])
  })

  test('(b) the consumer’s reason: it is valued at its full price', () => {
    const { consumedValue, due } = refundDue(gift, 'consumer')
    assert.deepEqual([consumedValue, due], [30_000n, 70_000n])
  })

  test('(c) a card at half price: nothing is left by the list price, and nothing is claimed', () => {
    assert.equal(refundDue(half, 'consumer', list).due, 0n)
    assert.equal(refundDue(half, 'operator', list).due, 25_000n)
  })

  test('(d) a year card: the days that are left', () => {
    const year = { paid: 365_000n, bonus: 0n, consumed: 0n }
    const term = { kind: 'term', days: 365, usedDays: 100 } as const
    assert.equal(refundDue(year, 'operator', term).due, 265_000n)
  })

  test('what does not divide is rounded down on the side of what was consumed', () => {
    assert.equal(refundDue({ paid: 100n, bonus: 50n, consumed: 1n }, 'operator').due, 100n)
    const year = { paid: 1_000n, bonus: 0n, consumed: 0n }
    const term = { kind: 'term', days: 3, usedDays: 1 } as const
    assert.equal(refundDue(year, 'operator', term).due, 667n)
  })

  test('is never negative, never more than was paid, and never less when the operator is at fault', () => {
    const fen = fc.bigInt({ min: 0n, max: 5_000_000n })
    fc.assert(
      fc.property(fen, fen, fen, (paid, bonus, spent) => {
        const consumed = spent > paid + bonus ? paid + bonus : spent
        const card = { paid, bonus, consumed }
        const ofConsumer = refundDue(card, 'consumer').due
        const ofOperator = refundDue(card, 'operator').due
        assert.ok(ofConsumer >= 0n && ofConsumer <= ofOperator && ofOperator <= paid)
      }),
    )
  })
})

describe('the fee of a withdrawal', () => {
  test('is 1.5 percent, half a fen rounded up', () => {
    assert.deepEqual(
      [33n, 34n, 100n, 10_000n].map((amount) => feeOf(amount, 150)),
      [0n, 1n, 2n, 150n],
    )
  })
})

describe('interest', () => {
  const days = { contract: '2024-11-05', rescission: '2026-01-01', until: '2027-01-01' }

  test('is that of the day of the contract: the prime rate by the operator’s fault, else the deposit rate', () => {
    const ofOperator = interestOn(tables, 1_000_000n, 'operator', days)
    assert.deepEqual([ofOperator.rate.bp, ofOperator.days, ofOperator.amount], [310, 365, 31_000n])
    const ofConsumer = interestOn(tables, 1_000_000n, 'consumer', days)
    assert.deepEqual([ofConsumer.rate.bp, ofConsumer.amount], [150, 15_000n])
  })

  test('moves with the table', () => {
    const lpr = tables.rates['lpr-1y']
    const entries = lpr.entries.map(({ from, bp }) => ({ from, bp: bp + 10 }))
    const edited = { rates: { ...tables.rates, 'lpr-1y': { ...lpr, entries } } }
    assert.equal(interestOn(edited, 1_000_000n, 'operator', days).amount, 32_000n)
  })

  test('a rate holds from its first day on', () => {
    const on = (day: string) => rateOn(tables.rates['lpr-1y'], day).bp
    assert.deepEqual([on('2025-05-19'), on('2025-05-20'), on('2026-11-24')], [310, 300, 300])
  })
})

describe('a period in days', () => {
  test('does not count its first day', () => {
    assert.equal(lastDayOf(tables, '2026-11-02', 7), '2026-11-09')
  })

  test('that ends on a rest day ends on the next working day', () => {
    assert.equal(lastDayOf(tables, '2026-11-07', 7), '2026-11-16')
    // The seventh day is 1 October; the eighth of the month is the first on which people work.
    assert.equal(lastDayOf(tables, '2026-09-24', 7), '2026-10-08')
    // A Saturday on which people work.
    assert.equal(lastDayOf(tables, '2026-10-03', 7), '2026-10-10')
  })

  test('in a year that the calendar does not know has its weekends only', () => {
    assert.ok(!isRestDay(tables, '2031-10-01') && isRestDay(tables, '2031-10-04'))
    assert.equal(addDays('2031-12-31', 1), '2032-01-01')
  })
})
