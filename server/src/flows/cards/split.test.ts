import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { partsOf } from './split.ts'

const fen = fc.bigInt({ min: 0n, max: 5_000_000n })

test('parts take principal and bonus in the proportion in which they are there', () => {
  assert.deepEqual(partsOf({ principal: 9_000n, bonus: 1_000n }, [1_000n, 500n]), [
    { principal: 900n, bonus: 100n },
    { principal: 450n, bonus: 50n },
  ])
})

test('a fen that does not divide goes to the principal of the first part', () => {
  assert.deepEqual(partsOf({ principal: 2n, bonus: 1n }, [1n, 1n]), [
    { principal: 1n, bonus: 0n },
    { principal: 1n, bonus: 0n },
  ])
})

test('all of it can be split off, and not a fen more', () => {
  assert.deepEqual(partsOf({ principal: 70n, bonus: 30n }, [100n]), [
    { principal: 70n, bonus: 30n },
  ])
  assert.equal(partsOf({ principal: 70n, bonus: 30n }, [101n]), undefined)
  assert.equal(partsOf({ principal: 0n, bonus: 0n }, [1n]), undefined)
})

test('no fen comes or goes, and no part has less than nothing', () => {
  const amounts = fc.array(fc.bigInt({ min: 1n, max: 400_000n }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(fen, fen, amounts, (principal, bonus, wanted) => {
      const parts = partsOf({ principal, bonus }, wanted)
      const sum = wanted.reduce((total, amount) => total + amount, 0n)
      assert.equal(parts === undefined, sum > principal + bonus)
      if (parts === undefined) return
      for (const [index, part] of parts.entries()) {
        assert.equal(part.principal + part.bonus, wanted[index])
        assert.ok(part.principal >= 0n && part.bonus >= 0n)
      }
      assert.ok(parts.reduce((total, part) => total + part.principal, 0n) <= principal)
      assert.ok(parts.reduce((total, part) => total + part.bonus, 0n) <= bonus)
    }),
  )
})
