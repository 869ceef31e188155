import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindBitsOfId, laneOfId, timeOfId } from '@lika/contract'
import { idAt, newCommandId, newId } from './ids.ts'

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('an id is a UUIDv7 of now with its kind and lane in the last sixteen bits', () => {
  const before = Date.now()
  const id = newId(999, 63)
  assert.match(id, version7)
  assert.equal(laneOfId(id), 999)
  assert.equal(kindBitsOfId(id), 63)
  assert.ok(timeOfId(id) >= before && timeOfId(id) <= Date.now() + 1)
})

test('an id without lane and kind is one of reference data', () => {
  assert.match(newId(), /0000$/)
})

test('a command id carries its home lane and no kind', () => {
  const id = newCommandId(601)
  assert.equal(laneOfId(id), 601)
  assert.equal(kindBitsOfId(id), 0)
})

test('ids grow within the process, all of them valid, none twice', () => {
  const ids = Array.from({ length: 200_000 }, () => newId(7, 1))
  let previous = ''
  for (const id of ids) {
    assert.ok(id > previous, `${id} came after ${previous}`)
    previous = id
  }
  for (const id of ids.slice(0, 10_000)) assert.match(id, version7)
})

test('ids go on growing when the clock steps back', (context) => {
  const before = newId()
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() - 3_600_000 })
  const after = newId()
  assert.ok(after > before)
})

test('every random bit of an id is sometimes 0 and sometimes 1', () => {
  const ids = Array.from({ length: 2000 }, () => newId().replaceAll('-', ''))
  const bits = (id: string) => BigInt(`0x${id}`) >> 16n
  for (let bit = 0n; bit < 46n; bit += 1n) {
    const ones = ids.filter((id) => (bits(id) >> bit) & 1n).length
    assert.ok(ones > 800 && ones < 1200, `bit ${bit}: ${ones} of 2000`)
  }
})

test('idAt bounds the ids of a range of time', () => {
  const at = Date.UTC(2026, 10, 24, 5, 0, 0, 123)
  assert.match(idAt(at), /-7000-8000-0{12}$/)
  assert.equal(timeOfId(idAt(at)), at)
  assert.equal(laneOfId(idAt(at, 12)), 12)
  const id = newId(5)
  assert.ok(idAt(timeOfId(id)) <= id)
  assert.ok(idAt(timeOfId(id) + 1) > id)
})
