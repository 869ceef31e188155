import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { dayMs, laneOfId } from '../contract/src/index.ts'
import { realNow } from '../server/src/platform/clock.ts'
import { connect } from '../server/src/platform/db.ts'
import { newId } from '../server/src/platform/ids.ts'
import type { Command, Executed, Read, Shelf } from '../server/src/platform/lanes/index.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'
import {
  codeOf,
  done,
  journalOf,
  type Lanes,
  newBook,
  note,
  startLanes,
  until,
} from './harness/lanes.ts'
import { TcpProxy } from './harness/tcp-proxy.ts'

const live = newBook()
const lane = 1
const testLane = 601

let database: TestDatabase
let lanes: Lanes
before(async () => {
  database = await testDatabase()
  lanes = await startLanes(database.url)
})
after(async () => {
  await lanes.stop()
  await database.drop()
})

const run = (command: Command) => lanes.engine.execute(command)

function atOf(executed: Executed): number {
  assert.equal(executed.status, 'done')
  return (executed as { at: number }).at
}

describe('the clock of a lane', () => {
  /** Sets the clock of the database. */
  async function shift(seconds: number): Promise<void> {
    await database.owner.sql.unsafe(
      `create or replace function lika.real_time() returns timestamptz
       language sql volatile
       return clock_timestamp() + interval '${seconds} seconds'`,
    )
  }
  afterEach(async () => {
    await shift(0)
    await lanes.engine.refresh()
  })

  test('stands still when the database’s clock goes back, and never does so itself', async () => {
    const times = [atOf(await run(note(live, lane)))]
    for (const seconds of [-30, 5, -50, 0]) {
      await shift(seconds)
      times.push(atOf(await run(note(live, lane))))
    }
    assert.deepEqual(
      times,
      times.toSorted((left, right) => left - right),
    )
    assert.equal(times[1], times[0], 'half a minute back: still')
    assert.equal(times[3], times[2])
    const entries = await journalOf(database.app, [lane])
    assert.deepEqual(
      entries.map((entry) => entry.at),
      times,
    )
  })

  for (const [what, seconds] of [
    ['ahead', 3_600],
    ['back', -3_600],
  ] as const) {
    test(`that jumps an hour ${what} stops the lanes before it does harm, and says so`, async () => {
      const key = newId()
      const state = () => database.app.sql`select next_seq, last_at from lane where lane = ${lane}`
      const before = await state()
      await shift(seconds)
      const first = await run(note(live, lane, { key }))
      assert.equal(codeOf(first), 'busy', 'the round that meets the jump does nothing')
      assert.match(lanes.engine.trouble() ?? '', /the clocks .* differ by -?3[56]\d\d s/)
      const second = await run(note(live, lane, { key: newId() }))
      assert.match(second.status === 'refused' ? second.refusal.detail : '', /clocks .* differ/)
      const together = await lanes.engine.executeTogether([note(live, lane)])
      assert.deepEqual(together.map(codeOf), ['busy'])
      assert.deepEqual(await state(), before)

      await shift(0)
      await until(() => lanes.engine.trouble() === undefined)
      const again = await run(note(live, lane, { key }))
      assert.deepEqual([codeOf(again), again.replayed], ['done', false])
      assert.ok(Math.abs(atOf(again) - realNow()) < 10_000)
    })
  }

  test('is that of the database, not of the server', async () => {
    await shift(20)
    assert.ok(atOf(await run(note(live, 4))) >= realNow() + 15_000)
    assert.equal(lanes.engine.trouble(), undefined)
  })
})

describe('the test clock', () => {
  const book = newBook('test')
  afterEach(() => lanes.engine.setTestOffset(0))

  test('moves test lanes and nothing else, and can be set back', async () => {
    await lanes.engine.setTestOffset(10 * dayMs)
    assert.equal(lanes.engine.now('test') - lanes.engine.now('live'), 10 * dayMs)
    const ahead = atOf(await run(note(book, testLane)))
    assert.ok(Math.abs(ahead - realNow() - 10 * dayMs) < 10_000)
    assert.ok(Math.abs(atOf(await run(note(live, lane))) - realNow()) < 10_000)
    await lanes.engine.setTestOffset(0)
    assert.ok(Math.abs(atOf(await run(note(book, testLane))) - realNow()) < 10_000)
  })

  test('is told to the decision, and judges what comes too late', async () => {
    await lanes.engine.setTestOffset(dayMs)
    let seen = 0
    const asking = note(book, testLane, {
      decide: (_, now) => {
        seen = now
        return done('note.taken')
      },
    })
    assert.equal(atOf(await run(asking)), seen)
    const late = note(book, testLane, { notAfter: realNow() + dayMs / 2 })
    assert.equal(codeOf(await run(late)), 'command.too_late')
    assert.equal(
      codeOf(await run({ ...late, key: newId(), book: live, homeLane: () => lane })),
      'done',
    )
  })

  test('holds for test commands also in one round with live ones', async () => {
    await lanes.engine.setTestOffset(10 * dayMs)
    const over = (command: Command, other: number): Command => ({
      ...command,
      plan: (commandId) => ({
        lanes: [laneOfId(commandId), other],
        reads: [],
        decide: () => done('note.taken'),
      }),
    })
    const commands = [over(note(live, lane), 2), over(note(book, testLane), 602)]
    const answers = await Promise.all(commands.map(run))
    const entries = await journalOf(database.app, [lane, 2, testLane, 602])
    const last = [lane, 2, testLane, 602].map((at) => entries.findLast((one) => one.lane === at))
    assert.equal(new Set(last.map((entry) => entry?.transaction)).size, 1, 'one round')
    assert.deepEqual(
      last.map((entry) => entry?.at),
      [0, 0, 1, 1].map((index) => atOf(answers[index] as Executed)),
    )
    const [liveAt, testAt] = answers.map(atOf) as [number, number]
    assert.equal(testAt - liveAt, 10 * dayMs)
  })

  test('is shared with the other servers', async () => {
    const other = await startLanes(database.url)
    try {
      await other.engine.setTestOffset(5 * dayMs)
      assert.ok(Math.abs(atOf(await run(note(book, testLane))) - realNow() - 5 * dayMs) < 10_000)
      await lanes.engine.refresh()
      await until(() => lanes.engine.now('test') - lanes.engine.now('live') === 5 * dayMs)
    } finally {
      await other.stop()
    }
  })
})

describe('the connection of a lane', () => {
  test('has its timeouts', async () => {
    const names = ['idle_in_transaction_session_timeout', 'statement_timeout', 'lock_timeout']
    type Setting = { name: string; setting: string }
    /** Not rows of the lane, but what PostgreSQL says of the connection that they would come from. */
    const settings: Shelf<Setting> = {
      name: 'settings',
      keyOf: (row) => row.name,
      load: (sql) => sql<Setting[]>`
        select name, setting || unit as setting
        from pg_settings
        where name = any(${`{${names.join()}}`}::text[])`,
      insert: () => Promise.reject(new Error('never')),
    }
    const reads = names.map((key): Read => ({ from: settings as Shelf<unknown>, lane, key }))
    let told: (string | undefined)[] = []
    const asking: Command = {
      ...note(live, lane),
      plan: () => ({
        lanes: [lane],
        reads,
        decide: (view) => {
          told = names.map((name) => view.get(settings, name)?.setting)
          return done('note.taken')
        },
      }),
    }
    assert.equal(codeOf(await run(asking)), 'done')
    assert.deepEqual(told, ['5000ms', '10000ms', '5000ms'])
  })

  test('is refused where something in between drops them', async () => {
    const proxy = await TcpProxy.start(database.url)
    proxy.startUp = (packet) =>
      Buffer.from(
        packet.toString('latin1').replace('lock_timeout\u00005000', 'lock_timeout\u00006000'),
        'latin1',
      )
    await assert.rejects(connect(proxy.url, { applicationName: 'pooled' }), {
      code: 'database.setting_refused',
      message: /lock_timeout = 5000 \(it is 6000\)/,
    })
    await proxy.close()
  })
})
