import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newCommandId } from '../server/src/platform/ids.ts'
import { type JournalBroken, startTail, type Tail } from '../server/src/platform/lanes/tail.ts'
import type { JournalEntry } from '../server/src/platform/lanes/tail-store.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'
import { appendByHand, makeLanes, rewind } from './harness/journal-rows.ts'
import type { ConsumerEvent, ConsumerOptions } from './harness/tail-consumer.ts'

let database: TestDatabase
const children: ChildProcess[] = []
const tails: Tail[] = []

before(async () => {
  database = await testDatabase()
  await database.owner.sql`create table public.effect (lane int, seq bigint, command_id uuid)`
  await database.owner.sql`grant insert, select on public.effect to lika_app`
})

after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(tails.map((tail) => tail.stop()))
  await database.drop()
})

const silent = { error: () => {} }

function startConsumer(options: Omit<ConsumerOptions, 'url'>) {
  const all: ConsumerOptions = { url: database.url, ...options }
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'harness/tail-consumer.ts'), JSON.stringify(all)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  children.push(child)
  const exited = once(child, 'exit')
  const events: ConsumerEvent[] = []
  createInterface(child.stdout).on('line', (line) => events.push(JSON.parse(line)))
  return {
    events,
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUp = Date.now() + 30_000
  while (!(await holds())) {
    assert.ok(Date.now() < giveUp, `waited in vain until ${what}`)
    await sleep(10)
  }
}

async function effects(lane: number): Promise<{ seq: bigint; command: string }[]> {
  return database.owner.sql<{ seq: bigint; command: string }[]>`
    select seq, command_id as command from public.effect where lane = ${lane} order by seq, ctid`
}

function collect(lanes: number[], more: { name: string; pollMs?: number; batch?: number }) {
  const taken: JournalEntry[] = []
  const stops: JournalBroken[] = []
  const tail = startTail(database.app, {
    lanes: () => lanes,
    pollMs: 20,
    take: async (entries) => {
      taken.push(...entries)
    },
    log: silent,
    onStopped: (error) => stops.push(error),
    ...more,
  })
  tails.push(tail)
  return { tail, taken, stops, seqs: () => taken.map((entry) => Number(entry.seq)) }
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)
const entries = (count: number) => Array.from({ length: count }, () => ({}))

describe('a consumer of the journal', () => {
  test('killed fifty times at random misses nothing and repeats no effect', async () => {
    const lanes = [1, 2]
    await makeLanes(database.owner, lanes)
    let writing = true
    const writer = async (lane: number) => {
      while (writing) {
        await appendByHand(database.owner, lane, entries(7))
        await sleep(15)
      }
    }
    const writers = lanes.map(writer)
    let working = 0
    for (let killed = 0; killed < 50; killed += 1) {
      const before = (await effects(1)).length
      const consumer = startConsumer({ name: 'killed', lanes, batch: 3 })
      await until('it is ready', () => consumer.events.length > 0)
      // Every other one is killed at work for certain, however slow the machine is.
      if (killed % 2 === 0) await until('it works', async () => (await effects(1)).length > before)
      else await sleep(Math.random() * 60)
      await consumer.kill()
      if ((await effects(1)).length > before) working += 1
    }
    writing = false
    await Promise.all(writers)
    assert.ok(working > 10, `only ${working} of the consumers were killed after they had worked`)
    const last = startConsumer({ name: 'killed', lanes, batch: 100 })
    for (const lane of lanes) {
      const written = await database.owner.sql<{ seq: bigint; command: string }[]>`
        select seq, command_id as command from journal where lane = ${lane} order by seq`
      await until(
        'the last has caught up',
        async () => (await effects(lane)).length >= written.length,
      )
      assert.deepEqual([...(await effects(lane))], [...written])
    }
    await last.kill()
  })

  test('in two processes at once has each effect once', async () => {
    await makeLanes(database.owner, [3])
    const pair = [1, 2].map(() => startConsumer({ name: 'pair', lanes: [3], batch: 2 }))
    for (let round = 0; round < 30; round += 1) await appendByHand(database.owner, 3, entries(10))
    await until('all is taken', async () => (await effects(3)).length >= 300)
    const seqs = (await effects(3)).map(({ seq }) => Number(seq))
    assert.deepEqual(seqs, upTo(300))
    await Promise.all(pair.map((consumer) => consumer.kill()))
  })

  for (const [how, salt] of [
    ['is shorter than what was taken', undefined],
    ['has another history behind it', 'other'],
  ] as const) {
    test(`stops and says so when the journal ${how}`, async () => {
      const lane = salt === undefined ? 4 : 5
      await makeLanes(database.owner, [lane])
      const consumer = startConsumer({ name: `backwards-${lane}`, lanes: [lane], batch: 10 })
      await appendByHand(database.owner, lane, entries(20))
      await until('all is taken', async () => (await effects(lane)).length === 20)
      await consumer.kill()
      await rewind(database.owner, lane, 12n)
      if (salt !== undefined) await appendByHand(database.owner, lane, entries(15), salt)
      const again = startConsumer({ name: `backwards-${lane}`, lanes: [lane], batch: 10 })
      await until('it stops', () => again.events.some(({ event }) => event === 'stopped'))
      const stopped = again.events.find((event) => event.event === 'stopped')
      assert.match(stopped?.message ?? '', new RegExp(`backwards-${lane} .* lane ${lane} .* 20 `))
      await appendByHand(database.owner, lane, entries(30), salt)
      await sleep(200)
      assert.equal((await effects(lane)).length, 20)
      await again.kill()
    })
  }

  test('notices while it runs that the journal went backwards, also at the same length', async () => {
    await makeLanes(database.owner, [6])
    const { taken, stops } = collect([6], { name: 'same-length' })
    await appendByHand(database.owner, 6, entries(5))
    await until('all is taken', () => taken.length === 5)
    await database.owner.transaction(async (sql) => {
      const digest = Buffer.alloc(32, 7)
      await sql`update journal set digest = ${digest} where lane = 6 and seq = 5`
      await sql`update lane set head = ${digest} where lane = 6`
    })
    await until('it stops', () => stops.length === 1)
    assert.equal(stops[0]?.lane, 6)
    assert.equal(stops[0]?.seq, 5n)
  })

  test('stops at a gap instead of skipping it', async () => {
    await makeLanes(database.owner, [7])
    await appendByHand(database.owner, 7, entries(9))
    await database.owner.sql`delete from journal where lane = 7 and seq = 4`
    const { taken, stops } = collect([7], { name: 'gap' })
    await until('it stops', () => stops.length === 1)
    assert.equal(stops[0]?.seq, 4n)
    assert.deepEqual(taken, [])
  })

  test('takes commands whose id is months older than those before them', async () => {
    await makeLanes(database.owner, [8])
    const old = (digits: string) => ({ commandId: `${digits}${newCommandId(8).slice(13)}` })
    const { taken, seqs } = collect([8], { name: 'months', batch: 2 })
    await appendByHand(database.owner, 8, entries(3))
    await until('three are taken', () => taken.length === 3)
    await appendByHand(database.owner, 8, [old('018f0000-0000')])
    await until('the old one is taken', () => taken.length === 4)
    await appendByHand(database.owner, 8, [{}, old('01900000-0000'), {}, old('01910000-0000')])
    await until('all are taken', () => taken.length === 8)
    assert.deepEqual(seqs(), upTo(8))
  })

  test('is woken at once, without waiting to look again', async () => {
    await makeLanes(database.owner, [9])
    const { tail, taken } = collect([9], { name: 'woken', pollMs: 60_000 })
    await appendByHand(database.owner, 9, [{}])
    tail.wake(9)
    await until('it is taken', () => taken.length === 1)
  })

  test('that fails is given the same entries again', async () => {
    await makeLanes(database.owner, [10])
    await appendByHand(database.owner, 10, entries(4))
    const given: number[][] = []
    const tail = startTail(database.app, {
      name: 'failing',
      lanes: () => [10],
      batch: 2,
      pollMs: 20,
      take: async (some) => {
        given.push(some.map((entry) => Number(entry.seq)))
        if (given.length === 1) throw new Error('not now')
      },
      log: silent,
      onStopped: assert.fail,
    })
    tails.push(tail)
    await until('all are taken', () => given.length === 3)
    assert.deepEqual(given, [
      [1, 2],
      [1, 2],
      [3, 4],
    ])
  })
})
