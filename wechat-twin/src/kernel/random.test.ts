import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from './random.ts'

test('without a seed nothing is drawn twice, whatever the lengths', () => {
  const random = new Random(undefined, 1)
  const drawn = Array.from({ length: 5_000 }, (_, place) =>
    random
      .bytes(8 + (place % 40))
      .toString('hex')
      .slice(0, 16),
  )
  assert.equal(new Set(drawn).size, drawn.length)
  assert.equal(random.bytes(100_000).length, 100_000)
})

test('with a seed the same is drawn in the same order, and something else after another start', () => {
  const draw = (seed: string, boot: number) => {
    const random = new Random(seed, boot)
    return [random.digits(28), random.letters(11), random.hex(31), random.below(100)]
  }
  assert.deepEqual(draw('one', 1), draw('one', 1))
  assert.notDeepEqual(draw('one', 1), draw('two', 1))
  assert.notDeepEqual(draw('one', 1), draw('one', 2))
})

test('what is drawn for a thing does not depend on what was drawn before', () => {
  const [first, second] = [new Random('one', 1), new Random('one', 1)]
  first.digits(100)
  assert.equal(first.of('transaction 1').digits(13), second.of('transaction 1').digits(13))
  assert.notEqual(first.of('transaction 1').digits(13), first.of('transaction 2').digits(13))
})

test('numbers have the form and the length that was asked for', () => {
  const random = new Random(undefined, 1)
  assert.match(random.digits(28), /^\d{28}$/)
  assert.match(random.letters(32), /^[0-9A-Za-z]{32}$/)
  assert.match(random.hex(31), /^[0-9a-f]{31}$/)
  for (let draw = 0; draw < 100; draw += 1) assert.ok(random.below(3) < 3)
})
