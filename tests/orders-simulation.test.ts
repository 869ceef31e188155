/**
 * Orders with everything that the local WeChat can break: two runs of one seed end in the same book. A seed that fails
 * stays here as a test of its own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulateOrders } from './harness/order-simulation.ts'

test('two thousand orders: the same seed twice ends in the same book, whatever went wrong between', async (t) => {
  const seed = Math.floor(Math.random() * 0x7fff_ffff)
  t.diagnostic(`seed ${seed}`)
  const one = await simulateOrders(seed, 1_000)
  t.diagnostic(
    [...one.counts]
      .map(([what, count]) => `${what}: ${count}`)
      .sort()
      .join(', '),
  )
  for (const end of ['completed', 'closed', 'refunded', 'refunding'])
    assert.ok((one.counts.get(`end ${end}`) ?? 0) > 0, `no order ended ${end}`)
  const other = await simulateOrders(seed, 1_000)
  assert.equal(other.hash, one.hash)
})
