/** Which case a difference between bank and books opens, and that nothing depends on the order in which they are given. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type BankLine, type BookMovement, compare, type SettledLine } from './matching.ts'

const day = '2026-11-24'
const before = '2026-11-23'
let lines = 0
let moves = 0

const line = (amount: bigint, reference: string | null = null, more: Partial<BankLine> = {}) => {
  lines += 1
  return { statementId: 's', line: lines, day, amount, reference, bankNumber: null, ...more }
}
const movement = (
  amount: bigint,
  reference: string | null,
  on = day,
  isDayStated = true,
): BookMovement => {
  moves += 1
  const id = `00000000-0000-7000-8000-${String(moves).padStart(12, '0')}`
  return { id, day: on, amount, reference, isDayStated }
}

/** The kinds of the differences with their amounts, and how many fitted. */
function found(given: BankLine[], known: BookMovement[], settled: SettledLine[] = []) {
  const { matched, differences } = compare(day, given, known, settled)
  return [matched.length, ...differences.map(({ kind, amount }) => `${kind} ${amount}`)]
}

describe('what fits', () => {
  test('number, amount and day', () => {
    assert.deepEqual(found([line(500n, 'R1')], [movement(500n, 'R1')]), [1])
    assert.deepEqual(found([line(-500n, 'R1')], [movement(-500n, 'R1')]), [1])
  })

  test('the number of the movement itself', () => {
    const own = movement(500n, null)
    assert.deepEqual(found([line(500n, `mvmt_${own.id.replaceAll('-', '')}`)], [own]), [1])
  })

  test('without a number the only line and the only movement of an amount on a day', () => {
    assert.deepEqual(found([line(500n)], [movement(500n, 'R1')]), [1])
    const two = [movement(500n, 'R1'), movement(500n, 'R2')]
    assert.equal(found([line(500n)], two)[0], 0)
    assert.deepEqual(found([line(500n), line(500n)], [movement(500n, 'R1')])[0], 0)
  })

  test('a movement of the day that the bank does not show yet waits', () => {
    assert.deepEqual(found([], [movement(500n, 'R1')]), [0])
  })
})

describe('what does not', () => {
  test('one fen too little or too much', () => {
    assert.deepEqual(found([line(499n, 'R1')], [movement(500n, 'R1')]), [0, 'amount_differs -1'])
    assert.deepEqual(found([line(501n, 'R1')], [movement(500n, 'R1')]), [0, 'amount_differs 1'])
    assert.deepEqual(found([line(-501n, 'R1')], [movement(-500n, 'R1')]), [0, 'amount_differs -1'])
    assert.deepEqual(found([line(499n)], [movement(500n, 'R1')]), [0, 'amount_differs -1'])
  })

  test('one day late', () => {
    assert.deepEqual(found([line(500n, 'R1')], [movement(500n, 'R1', before)]), [
      0,
      'day_differs 0',
    ])
    assert.deepEqual(found([line(500n)], [movement(500n, 'R1', before)]), [0, 'day_differs 0'])
  })

  test('twice in one statement, and again in a later one', () => {
    const twice = [line(500n, 'R1'), line(500n, 'R1')]
    assert.deepEqual(found(twice, [movement(500n, 'R1')]), [1, 'doubled_line 500'])
    const settled = { amount: 500n, reference: 'R1', bankNumber: null }
    assert.deepEqual(found([line(500n, 'R1')], [], [settled]), [0, 'doubled_line 500'])
    const numbered = { amount: 500n, reference: null, bankNumber: 'B7' }
    assert.deepEqual(found([line(500n, null, { bankNumber: 'B7' })], [], [numbered]), [
      0,
      'doubled_line 500',
    ])
  })

  test('in several lines', () => {
    const parts = [line(200n, 'R1'), line(300n, 'R1')]
    assert.deepEqual(found(parts, [movement(500n, 'R1')]), [0, 'split_lines 0'])
    assert.deepEqual(found([line(200n), line(300n)], [movement(500n, 'R1')]), [0, 'split_lines 0'])
  })

  test('in several lines that come to something else: the first differs, the others are not known', () => {
    const parts = [line(200n, 'R1'), line(299n, 'R1')]
    assert.deepEqual(found(parts, [movement(500n, 'R1')]), [
      0,
      'amount_differs -300',
      'unknown_inflow 299',
    ])
  })

  test('what the books do not know', () => {
    assert.deepEqual(found([line(7n, 'X')], []), [0, 'unknown_inflow 7'])
    assert.deepEqual(found([line(-7n, 'X')], []), [0, 'unknown_outflow -7'])
  })

  test('what the bank does not know, a day later', () => {
    assert.deepEqual(found([], [movement(500n, 'R1', before)]), [0, 'missing_line -500'])
    assert.deepEqual(found([], [movement(-500n, 'R1', before)]), [0, 'missing_line 500'])
    assert.deepEqual(found([], [movement(-500n, 'R1', before, false)]), [0])
  })

  test('a line in the other direction is never taken for a movement without a number', () => {
    assert.deepEqual(found([line(-1n)], [movement(1n, 'R1', before)]), [
      0,
      'unknown_outflow -1',
      'missing_line -1',
    ])
  })
})

test('thousands of lines are compared in a moment', () => {
  const bank = Array.from({ length: 5_000 }, (_, at) =>
    line(BigInt(at + 1), at % 2 === 0 ? null : `X${at}`),
  )
  const books = Array.from({ length: 5_000 }, (_, at) => movement(BigInt(at + 10_000), `M${at}`))
  const began = performance.now()
  const { differences } = compare(day, bank, books, [])
  assert.equal(differences.length, 5_000)
  assert.ok(performance.now() - began < 5_000)
})

test('every line and every old movement ends in exactly one place, the sums agree, and no order matters', () => {
  const amounts = fc.constantFrom(-501n, -500n, -1n, 1n, 200n, 300n, 499n, 500n)
  const references = fc.constantFrom('R1', 'R2', 'R3', null)
  const oneLine = fc.record({ amount: amounts, reference: references })
  const oneMove = fc.record({
    amount: amounts,
    reference: references,
    on: fc.constantFrom(day, before),
  })
  fc.assert(
    fc.property(fc.array(oneLine), fc.array(oneMove), fc.nat(), (some, known, turn) => {
      const bank = some.map(({ amount, reference }, at) =>
        line(amount, reference, { line: at + 1 }),
      )
      const books = known.map(({ amount, reference, on }) => movement(amount, reference, on))
      const { matched, differences } = compare(day, bank, books, [])
      const shown = [...matched.map((one) => one.line), ...differences.flatMap((one) => one.lines)]
      assert.deepEqual(
        shown.map((one) => one.line).toSorted((a, b) => a - b),
        bank.map((one) => one.line),
      )
      const used = [...matched, ...differences].flatMap((one) => one.movement ?? [])
      assert.equal(new Set(used).size, used.length)
      assert.ok(books.every((one) => used.includes(one) || one.day === day))
      const sum = (all: readonly { amount: bigint }[]) =>
        all.reduce((a, { amount }) => a + amount, 0n)
      assert.equal(sum(differences), sum(bank) - sum(used))
      const rotate = <T>(all: T[]) => {
        const at = all.length === 0 ? 0 : turn % all.length
        return [...all.slice(at), ...all.slice(0, at)].toReversed()
      }
      assert.deepEqual(compare(day, rotate(bank), rotate(books), []), { matched, differences })
    }),
    { numRuns: 300 },
  )
})
