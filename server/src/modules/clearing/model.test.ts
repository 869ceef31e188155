/** What statements come to, worked out by hand. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asId, type Fen } from '@lika/contract'
import fc from 'fast-check'
import {
  type Agreed,
  type MarginLot,
  noTakings,
  type Settled,
  settle,
  settleOwn,
  statusOfPortions,
  type Takings,
} from './model.ts'

const day = '2026-11-15'

const lot = (digit: number, left: Fen, releaseOn: string): MarginLot => ({
  statementId: asId(`0192f0c1-0000-7000-8000-00000000000${digit}`),
  left,
  releaseOn,
})

function check(
  what: string,
  given: {
    takings?: Partial<Takings>
    agreed?: Partial<Agreed>
    marginBp?: bigint
    receivable?: Fen
    lots?: MarginLot[]
  },
  expected: Partial<Settled>,
): void {
  test(what, () => {
    const { takings, agreed, marginBp = 0n, receivable = 0n, lots = [] } = given
    const settled = settle(
      { ...noTakings, ...takings },
      {
        commission: 0n,
        bonusShare: 0n,
        voucherShare: 0n,
        marginOf: (due) => (due * marginBp) / 10_000n,
        ...agreed,
      },
      { receivable, lots },
      day,
    )
    for (const [member, value] of Object.entries(expected))
      assert.deepEqual(settled[member as keyof Settled], value, member)
  })
}

describe('what is due', () => {
  check(
    'is what was taken, less what was given back, commission and shares, and adjusted',
    {
      takings: { taken: 100_000n, refunded: 10_000n, cancelled: 5_000n, adjusted: -321n },
      agreed: { commission: 8_500n, bonusShare: 700n, voucherShare: 79n },
    },
    // 100000 − 10000 − 5000 = 85000; 85000 − 8500 − 700 − 79 − 321 = 75400
    { net: 85_000n, due: 75_400n, payable: 75_400n, receivable: 0n },
  )
  check('of nothing is nothing', {}, { due: 0n, payable: 0n, marginWithheld: 0n })
})

describe('a margin', () => {
  check(
    'is withheld of what is due',
    { takings: { taken: 10_000n }, marginBp: 1_000n },
    { marginWithheld: 1_000n, payable: 9_000n },
  )
  check(
    'is withheld of what is left when the merchant has paid what it owed',
    { takings: { taken: 10_000n }, marginBp: 1_000n, receivable: 4_000n },
    { setOff: 4_000n, marginWithheld: 600n, payable: 5_400n, receivable: 0n },
  )
  check(
    'is given back on its day, not the day before',
    { lots: [lot(1, 500n, day), lot(2, 700n, '2026-11-16')] },
    { marginReleased: 500n, payable: 500n, lots: [lot(1, 0n, day)] },
  )
  check(
    'covers refunds before it is given back',
    { takings: { refunded: 300n }, lots: [lot(1, 500n, day)] },
    { due: -300n, marginUsed: 300n, marginReleased: 200n, payable: 200n, receivableAdded: 0n },
  )
  check(
    'of the first release goes first',
    {
      takings: { refunded: 600n },
      lots: [lot(2, 700n, '2027-01-01'), lot(1, 500n, '2026-12-01')],
    },
    { marginUsed: 600n, lots: [lot(1, 0n, '2026-12-01'), lot(2, 600n, '2027-01-01')], payable: 0n },
  )
})

describe('what is due below zero', () => {
  check(
    'is owed where no margin covers it',
    { takings: { taken: 100n, refunded: 1_100n }, lots: [lot(1, 250n, '2027-01-01')] },
    { due: -1_000n, marginUsed: 250n, receivableAdded: 750n, receivable: 750n, payable: 0n },
  )
  check(
    'comes on top of what is owed already',
    { takings: { refunded: 10n }, receivable: 90n },
    { receivable: 100n, receivableAdded: 10n },
  )
  check(
    'is paid by a later statement before anything else',
    { takings: { taken: 750n }, receivable: 1_000n },
    { setOff: 750n, payable: 0n, receivable: 250n },
  )
})

test('an own merchant is owed nothing: all of it is the issuer’s sales', () => {
  const none = { commission: 0n, bonusShare: 0n, voucherShare: 0n, marginOf: () => 0n }
  const standing = { receivable: 0n, lots: [] }
  const settled = settleOwn({ ...noTakings, taken: 900n, refunded: 1_000n }, none, standing)
  assert.deepEqual([settled.ownSales, settled.payable, settled.receivable], [-100n, 0n, 0n])
})

test('whatever happened, nothing is lost: what is due goes somewhere, and all comes from somewhere', () => {
  const fen = fc.bigInt(0n, 10n ** 12n)
  const lots = fc.array(fc.tuple(fen, fc.constantFrom('2026-11-01', day, '2026-12-01')), {
    maxLength: 5,
  })
  fc.assert(
    fc.property(
      fen,
      fen,
      fc.bigInt(-(10n ** 12n), 10n ** 12n),
      lots,
      fen,
      (taken, refunded, adjusted, held, owed) => {
        const standing = {
          receivable: owed,
          lots: held.map(([left, releaseOn], index) => lot(index, left, releaseOn)),
        }
        const agreed = {
          commission: (taken - refunded) / 10n,
          bonusShare: 0n,
          voucherShare: 0n,
          marginOf: (due: Fen) => due / 7n,
        }
        const one = settle({ ...noTakings, taken, refunded, adjusted }, agreed, standing, day)
        assert.ok(one.payable >= 0n && one.receivable >= 0n && one.marginWithheld >= 0n)
        const before = standing.lots.reduce((sum, { left }) => sum + left, 0n)
        const unchanged = standing.lots.filter(
          ({ statementId }) => !one.lots.some((other) => other.statementId === statementId),
        )
        const after = [...unchanged, ...one.lots].reduce((sum, { left }) => sum + left, 0n)
        // What came in and what was there is what is paid, withheld and owed afterwards.
        assert.equal(
          one.due + before - owed,
          one.payable + after + one.marginWithheld - one.receivable,
        )
        assert.equal(before - after, one.marginUsed + one.marginReleased)
        assert.ok(
          one.receivableAdded === 0n || after === 0n,
          'nothing is owed while a margin is there',
        )
      },
    ),
  )
})

test('a statement is as far as its portion that is least far', () => {
  assert.equal(statusOfPortions([]), 'nothing_due')
  assert.equal(statusOfPortions(['paid', 'in_flight', 'payable']), 'payable')
  assert.equal(statusOfPortions(['paid', 'in_flight']), 'in_flight')
  assert.equal(statusOfPortions(['paid', 'paid']), 'paid')
})
