import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drainBacklog } from '../harness/share-backlog.ts'
import { startSharingShop } from '../harness/sharing.ts'

const count = 100_000

test(`a backlog of ${count} shares drains within the rates that WeChat allows, each once`, async (context) => {
  const shop = await startSharingShop()
  try {
    // The books that are looked over at the end are those of a shop that has sold something.
    await shop.bought({ product_id: await shop.makeProduct(shop.key) })
    const { calls, seconds, mostInASecond, fullSeconds } = await drainBacklog(shop, count)
    context.diagnostic(
      `${calls} calls in ${seconds} seconds of the test clock, at most ${mostInASecond} in one, so many in ${fullSeconds}`,
    )
    assert.ok(seconds >= count / 300)
  } finally {
    await shop.stop()
  }
})
