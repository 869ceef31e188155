import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Clock, Schedule } from './clock.ts'
import { Store } from './store.ts'

const folder = mkdtempSync(join(tmpdir(), 'twin-clock-'))
after(() => rmSync(folder, { recursive: true }))
const second = 1000

function open() {
  const store = new Store(folder)
  const clock = new Clock(store)
  const schedule = new Schedule(store, clock, () => store.flush())
  const ran: { name: string; at: number }[] = []
  schedule.on<string>('note', (name, at) => ran.push({ name, at }))
  schedule.on<string>('chain', (name, at) => {
    ran.push({ name, at })
    schedule.at(at + 10 * second, 'note', `after ${name}`)
  })
  return { store, clock, schedule, ran, names: () => ran.map(({ name }) => name) }
}

test('events run in the order in which they are due, each told when that was', () => {
  const { store, clock, schedule, ran, names } = open()
  schedule.start()
  const now = clock.now()
  schedule.at(now + 30 * second, 'note', 'late')
  schedule.at(now + 10 * second, 'chain', 'early')
  schedule.at(now + 20 * second, 'note', 'middle')
  schedule.at(now + 20 * second, 'note', 'middle, asked for later')
  schedule.cancel(schedule.at(now + 25 * second, 'note', 'cancelled'))
  clock.setOffset(3600 * second)
  schedule.run()
  assert.deepEqual(names(), ['early', 'middle', 'middle, asked for later', 'after early', 'late'])
  assert.equal(ran[0]?.at, now + 10 * second)
  schedule.stop()
  store.close()
})

test('the offset and what is yet to come are there again after a start', () => {
  const before = open()
  const offset = before.clock.offset
  before.schedule.at(before.clock.now() + 60 * second, 'note', 'remembered')
  before.store.close()
  const { store, clock, schedule, names } = open()
  assert.equal(clock.offset, offset)
  assert.ok(Math.abs(clock.now() - clock.real() - offset) < 5)
  schedule.start()
  assert.deepEqual(names(), [])
  clock.setOffset(offset + 61 * second)
  schedule.run()
  assert.deepEqual(names(), ['remembered'])
  schedule.stop()
  store.close()
})

test('a clock that stands still lets events run when real time reaches them', async () => {
  const { store, clock, schedule, names } = open()
  schedule.start()
  const done = new Promise((resolve) => schedule.on('ring', resolve))
  schedule.at(clock.now() + 20, 'ring', 'now')
  assert.equal(await done, 'now')
  assert.deepEqual(names(), [])
  schedule.stop()
  store.close()
})

test('an event that fails does not keep the next from happening', (t) => {
  const { store, clock, schedule, names } = open()
  const said = t.mock.method(process.stderr, 'write', () => true)
  schedule.on('fail', () => {
    throw new Error('this one fails')
  })
  schedule.start()
  schedule.at(clock.now() + second, 'fail', '')
  schedule.at(clock.now() + second, 'unheard-of', '')
  schedule.at(clock.now() + 2 * second, 'note', 'next')
  clock.setOffset(clock.offset + 3 * second)
  schedule.run()
  assert.deepEqual(names(), ['next'])
  const words = said.mock.calls.map((call) => String(call.arguments[0])).join('')
  assert.match(words, /this one fails[\s\S]*nobody handles unheard-of/)
  schedule.stop()
  store.close()
})

test('two handlers of one kind are a mistake', () => {
  const { store, schedule } = open()
  assert.throws(() => schedule.on('note', () => undefined), /two handlers/)
  store.close()
})
