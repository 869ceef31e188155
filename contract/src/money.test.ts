/** Money: shares that always sum up, yuan as people type and read them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { allocate, fenMax, fenToJson, formatYuan, parseYuan } from './money.ts'

describe('shares', () => {
  test('get the remainder fen by fen from the first on, and none where the weight is 0', () => {
    assert.deepEqual(allocate(100n, [1n, 1n, 1n]), [34n, 33n, 33n])
    assert.deepEqual(allocate(5n, [0n, 1n, 1n]), [0n, 3n, 2n])
    assert.deepEqual(allocate(0n, [1n, 2n]), [0n, 0n])
  })

  test('sum up, and none is a whole fen off its proportion', () => {
    const weights = fc.array(fc.bigInt(0n, 1_000_000n), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(fc.bigInt(0n, fenMax), weights, (total, some) => {
        const sum = some.reduce((left, right) => left + right, 0n)
        fc.pre(sum > 0n)
        const shares = allocate(total, some)
        assert.equal(
          shares.reduce((left, right) => left + right, 0n),
          total,
        )
        for (const [index, share] of shares.entries()) {
          const off = share * sum - total * (some[index] ?? 0n)
          assert.ok(off < sum && off > -sum)
        }
      }),
    )
  })

  for (const [total, weights] of [
    [-1n, [1n]],
    [1n, []],
    [1n, [0n, 0n]],
    [1n, [2n, -1n]],
  ] as const)
    test(`of ${total} by ${weights.join()} do not exist`, () => {
      assert.throws(() => allocate(total, weights), RangeError)
    })
})

describe('yuan', () => {
  const rows: [string, bigint | undefined][] = [
    ['12', 1200n],
    ['12.5', 1250n],
    ['1,234.50', 123_450n],
    [' 0.01 ', 1n],
    ['-1', -100n],
    ['12.345', undefined],
    ['1,23', undefined],
    ['12,34.00', undefined],
    ['.5', undefined],
    ['1e3', undefined],
    ['90071992547409.91', fenMax],
    ['90071992547409.92', undefined],
  ]
  for (const [text, fen] of rows)
    test(`typed as "${text}"`, () => assert.equal(parseYuan(text), fen))

  test('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.bigInt(-fenMax, fenMax), (fen) => {
        assert.equal(parseYuan(formatYuan(fen)), fen)
      }),
    )
  })
})

test('an amount that JSON would round is not sent', () => {
  assert.equal(fenToJson(fenMax), Number.MAX_SAFE_INTEGER)
  assert.throws(() => fenToJson(fenMax + 1n), RangeError)
  assert.throws(() => fenToJson(-fenMax - 1n), RangeError)
})
