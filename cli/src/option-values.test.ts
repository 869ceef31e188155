import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InvalidArgumentError } from 'commander'
import {
  duration,
  fromInstant,
  hours,
  idempotencyKey,
  keyValue,
  names,
  onlyStdin,
  percent,
  receiver,
  toInstant,
  yuan,
  yuanRange,
} from './option-values.ts'

describe('what is typed becomes what is sent', () => {
  test('amounts are yuan, with or without cents and thousands, and are sent in fen', () => {
    assert.deepEqual(
      ['12', '12.5', '1,234.50', '-5', '0.01'].map(yuan),
      [1200, 1250, 123450, -500, 1],
    )
    for (const wrong of ['', '12.345', '1,23', '1e3', '12元', ' ']) {
      assert.throws(() => yuan(wrong), InvalidArgumentError, wrong)
    }
  })

  test('a range of faces is two amounts', () => {
    assert.deepEqual(yuanRange('10..1,000.50'), { min: 1000, max: 100050 })
    for (const wrong of ['10', '10..', '..10', '1..2..3']) {
      assert.throws(() => yuanRange(wrong), InvalidArgumentError, wrong)
    }
  })

  test('percentages and points are sent in basis points', () => {
    assert.deepEqual(
      ['12', '12.5', '0.01', '100%', '-1.8', '0', '-0'].map(percent),
      [1200, 1250, 1, 10_000, -180, 0, 0],
    )
    for (const wrong of ['', '12.345', '1,000', '%', '1e3', '1000', '.5']) {
      assert.throws(() => percent(wrong), InvalidArgumentError, wrong)
    }
  })

  test('who gets a share is a number, a relation, a percentage and a name, which may have commas', () => {
    assert.deepEqual(receiver('1900000109,STORE,12.5,Star River Co., Ltd'), {
      mchid: '1900000109',
      name: 'Star River Co., Ltd',
      relation: 'STORE',
      share_bp: 1250,
    })
    const parts = ['1900000109', 'STORE', '12.5']
    for (const wrong of [
      '',
      parts.join(),
      `${parts.join()}, `,
      '19,STORE,1,A',
      '1900000109,store,1,A',
      '1900000109,STORE,a,A',
    ]) {
      assert.throws(() => receiver(wrong), InvalidArgumentError, wrong)
    }
  })

  test('hours are days of the week from Monday and a time', () => {
    assert.deepEqual(hours('1-5 11:30-14:00'), {
      days: [1, 2, 3, 4, 5],
      from: '11:30',
      to: '14:00',
    })
    assert.deepEqual(hours('7 00:00-24:00'), { days: [7], from: '00:00', to: '24:00' })
    for (const wrong of ['', '0 10:00-11:00', '5-1 10:00-11:00', '1-5', '1-8 10:00-11:00']) {
      assert.throws(() => hours(wrong), InvalidArgumentError, wrong)
    }
  })

  test('durations are seconds, minutes, hours or days', () => {
    assert.deepEqual(['90', '90s', '15m', '2h', '3d'].map(duration), [90, 90, 900, 7200, 259200])
    assert.throws(() => duration('1w'), InvalidArgumentError)
  })

  test('a day is its first instant in Shanghai as a beginning and the first after it as an end', () => {
    assert.equal(fromInstant('2026-12-31'), '2026-12-30T16:00:00Z')
    assert.equal(toInstant('2026-12-31'), '2026-12-31T16:00:00Z')
    assert.equal(toInstant('2026-12-31T08:00:00+08:00'), '2026-12-31T08:00:00+08:00')
    for (const wrong of ['2026-02-30', 'yesterday', '2026-12-31T08:00:00']) {
      assert.throws(() => fromInstant(wrong), InvalidArgumentError, wrong)
    }
  })

  test('a secret on the command line is refused', () => {
    assert.equal(onlyStdin('-'), '-')
    assert.throws(() => onlyStdin('K7QW'), InvalidArgumentError)
  })

  test('an idempotency key has 1–255 printable ASCII characters', () => {
    assert.equal(idempotencyKey('k'.repeat(255)).length, 255)
    for (const wrong of ['', 'k'.repeat(256), '键', 'a\nb']) {
      assert.throws(() => idempotencyKey(wrong), InvalidArgumentError)
    }
  })

  test('names come by commas or repeated, metadata as name=value', () => {
    assert.deepEqual(names('c, d', names('a,b,')), ['a', 'b', 'c', 'd'])
    assert.deepEqual(keyValue('b=2=3', keyValue('a=1')), { a: '1', b: '2=3' })
    assert.throws(() => keyValue('=1'), InvalidArgumentError)
  })
})
