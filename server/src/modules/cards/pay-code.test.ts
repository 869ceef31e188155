import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { laneOf, payCodePattern } from '@lika/contract'
import fc from 'fast-check'
import { keyringOf } from '../../platform/crypto/keyring.ts'
import { makePayCode, readPayCode, targetOfPayCode } from './pay-code.ts'

// Keys that never change: of a million forgeries one is right, and it must not be one of these.
const mac = keyringOf(Buffer.alloc(32, 1)).payCodeMac
const otherMac = keyringOf(Buffer.alloc(32, 2)).payCodeMac
const at = Date.UTC(2026, 10, 24, 5, 0, 0, 0)
const target = { lane: 12, handle: 345 }

const lane = fc.integer({ min: 1, max: 999 })
const handle = fc.integer({ min: 0, max: 99_999_999 })
const instant = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2100, 0, 1) })

describe('a pay code', () => {
  test('names its card and step for sixty seconds', () => {
    fc.assert(
      fc.property(
        lane,
        handle,
        instant,
        fc.integer({ min: 0, max: 59_900 }),
        (l, h, now, later) => {
          const { code } = makePayCode(mac, { lane: l, handle: h }, now)
          const read = readPayCode(mac, code, now + later)
          assert.deepEqual(read, { lane: l, handle: h, step: BigInt(Math.floor(now / 100)) })
          assert.equal(laneOf(code), l)
        },
      ),
    )
  })

  test('has 24 digits and is never one of WeChat Pay, Alipay or UnionPay', () => {
    fc.assert(
      fc.property(lane, handle, instant, (l, h, now) => {
        const { code } = makePayCode(mac, { lane: l, handle: h }, now)
        assert.match(code, payCodePattern)
        assert.doesNotMatch(code, /^1[0-5]\d{16}$/)
        assert.doesNotMatch(code, /^(2[5-9]|30)\d{14,22}$/)
        assert.doesNotMatch(code, /^62/)
      }),
    )
  })

  test('expires at the instant that it says, not before', () => {
    const { code, expiresAt } = makePayCode(mac, target, at)
    assert.equal(expiresAt, at + 60_000)
    assert.notEqual(readPayCode(mac, code, expiresAt - 1), 'expired')
    assert.equal(readPayCode(mac, code, expiresAt), 'expired')
    assert.equal(readPayCode(mac, code, at + 15_000, 15), 'expired')
  })

  test('reads as expired for a day, and then as nothing', () => {
    const { code } = makePayCode(mac, target, at)
    assert.equal(readPayCode(mac, code, at + 27 * 3_600_000), 'expired')
    assert.equal(readPayCode(mac, code, at + 28 * 3_600_000), 'not_recognised')
  })

  test('survives the turn of its six digits of time', () => {
    const turn = Math.ceil(at / 100_000_000) * 100_000_000
    const { code } = makePayCode(mac, target, turn - 1)
    assert.deepEqual(readPayCode(mac, code, turn + 1), {
      ...target,
      step: BigInt(turn / 100 - 1),
    })
  })

  test('from two seconds ahead is taken, from further ahead it is not', () => {
    const { code } = makePayCode(mac, target, at)
    assert.notEqual(readPayCode(mac, code, at - 2_000), 'not_recognised')
    assert.equal(readPayCode(mac, code, at - 2_100), 'not_recognised')
  })

  test('with any digit changed is not recognised', () => {
    const { code } = makePayCode(mac, target, at)
    for (let place = 1; place < code.length; place += 1) {
      const digit = String((Number(code[place]) + 1) % 10)
      const forged = code.slice(0, place) + digit + code.slice(place + 1)
      assert.equal(readPayCode(mac, forged, at), 'not_recognised', `digit ${place}`)
    }
  })

  test('made under another key is not recognised, not even as expired', () => {
    const { code } = makePayCode(otherMac, target, at)
    assert.equal(readPayCode(mac, code, at), 'not_recognised')
    assert.equal(readPayCode(mac, code, at + 120_000), 'not_recognised')
  })

  test('is nothing when it has another form or names no lane', () => {
    const codes = ['', '9', '9'.repeat(25), `8${'0'.repeat(23)}`, `9000${'0'.repeat(20)}`, 'ab']
    for (const code of codes) {
      assert.equal(readPayCode(mac, code, at), 'not_recognised')
      assert.equal(targetOfPayCode(code), undefined)
    }
  })
})
