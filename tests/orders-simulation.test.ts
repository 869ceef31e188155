/**
 * Orders with everything that the local WeChat can break: two runs of one seed end in the same book. A seed that fails
 * stays here as a test of its own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulateOrders } from './harness/order-simulation.ts'

test('a thousand orders, twice from the same seed: the same book, which is what the bills and the cards say, whatever went wrong between', async (t) => {
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
  assert.ok((one.counts.get('asked again') ?? 0) > 0, 'no refund was asked for again')
  const other = await simulateOrders(seed, 1_000)
  assert.equal(other.hash, one.hash)
})
