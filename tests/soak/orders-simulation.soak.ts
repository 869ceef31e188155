import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulateOrders } from '../harness/order-simulation.ts'

test('a hundred thousand orders, twice from the same seed, on a line that breaks: the same book, which is what the bills and the cards say', async (t) => {
  const seed = Math.floor(Math.random() * 0x7fff_ffff)
  t.diagnostic(`seed ${seed}`)
  const one = await simulateOrders(seed, 100_000)
  t.diagnostic(
    [...one.counts]
      .map(([what, count]) => `${what}: ${count}`)
      .sort()
      .join(', '),
  )
  const other = await simulateOrders(seed, 100_000)
  assert.equal(other.hash, one.hash)
})
