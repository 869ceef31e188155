/** The breaker under a clock that the test moves. */
import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { Breaker, type CallOutcome } from './breaker.ts'

const tuning = {
  faults: 5,
  faultPauseMs: 2_000,
  frequencyPauseMs: 1_000,
  quotaPauseMs: 600_000,
  longestPauseMs: 3_600_000,
  probeMs: 30_000,
}

let now: number
let breaker: Breaker

beforeEach(() => {
  now = 0
  breaker = new Breaker(() => now, tuning)
})

function call(outcome: CallOutcome): boolean {
  const pass = breaker.enter()
  if (pass === undefined) return false
  breaker.leave(pass, outcome)
  return true
}

describe('a breaker', () => {
  test('opens at the fifth fault in a row, and a success in between begins anew', () => {
    for (const outcome of ['fault', 'fault', 'fault', 'fault', 'fine'] as const) call(outcome)
    for (let n = 1; n <= 4; n += 1) call('fault')
    assert.equal(breaker.state, 'closed')
    call('fault')
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.enter(), undefined)
  })

  test('opens at once where the quota is used up (45009) or calls are too frequent (45011)', () => {
    call('too_frequent')
    assert.equal(breaker.state, 'open')
    now = 999
    assert.equal(breaker.enter(), undefined)
    now = 1_000
    assert.equal(breaker.state, 'half_open')
    call('quota')
    now = 1_000 + 599_999
    assert.equal(breaker.enter(), undefined)
    now += 1
    assert.ok(breaker.enter())
  })

  test('lets one call through to see, and closes when that succeeds', () => {
    call('too_frequent')
    now = 1_000
    const probe = breaker.enter()
    assert.ok(probe)
    assert.equal(probe.probe, true)
    assert.equal(breaker.enter(), undefined)
    breaker.leave(probe, 'fine')
    assert.equal(breaker.state, 'closed')
    assert.equal(call('fine'), true)
  })

  test('waits twice as long each time the look fails, up to an hour', () => {
    call('too_frequent')
    let pause = 1_000
    for (let n = 1; n <= 15; n += 1) {
      now += pause
      assert.equal(call('too_frequent'), true, `after ${pause}`)
      pause = Math.min(pause * 2, 3_600_000)
      now += pause - 1
      assert.equal(breaker.enter(), undefined, `before ${pause}`)
      now -= pause - 1
    }
    assert.equal(pause, 3_600_000)
  })

  test('begins with short pauses again once it was closed', () => {
    call('too_frequent')
    now = 1_000
    call('too_frequent')
    now = 3_000
    call('fine')
    call('too_frequent')
    now = 4_000
    assert.equal(breaker.state, 'half_open')
  })

  test('is not closed or opened by calls from before it opened', () => {
    const early = [breaker.enter(), breaker.enter()]
    call('too_frequent')
    for (const pass of early) {
      assert.ok(pass)
      breaker.leave(pass, pass === early[0] ? 'fine' : 'quota')
    }
    assert.equal(breaker.state, 'open')
    now = 1_000
    assert.equal(breaker.state, 'half_open')
  })

  test('gives up a look that does not come back, and one that was not made', () => {
    call('too_frequent')
    now = 1_000
    const lost = breaker.enter()
    assert.ok(lost)
    now = 30_999
    assert.equal(breaker.enter(), undefined)
    now = 31_000
    const second = breaker.enter()
    assert.ok(second)
    breaker.withdraw(second)
    assert.ok(breaker.enter())
  })
})
