import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpointStatus, pauseMs, standardBackOff } from './model.ts'

test('pauses double from a second to ten minutes', () => {
  const pauses = Array.from({ length: 12 }, (_, index) => pauseMs(index + 1, 0.5, standardBackOff))
  assert.deepEqual(
    pauses.map((ms) => ms / 1000),
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600],
  )
  assert.equal(pauseMs(5_000, 0.5, standardBackOff), 600_000)
})

test('pauses are spread by a quarter to both sides', () => {
  assert.equal(pauseMs(3, 0, standardBackOff), 3_000)
  assert.equal(pauseMs(3, 1, standardBackOff), 5_000)
})

test('an endpoint is failing after three days without a success', () => {
  const day = 86_400_000
  assert.equal(endpointStatus({ failingSince: null }, 9 * day), 'active')
  assert.equal(endpointStatus({ failingSince: day }, 4 * day - 1), 'active')
  assert.equal(endpointStatus({ failingSince: day }, 4 * day), 'failing')
})
