import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { refusal } from '../contract/src/index.ts'
import { newId } from '../server/src/platform/ids.ts'
import type { Command, Executed } from '../server/src/platform/lanes/index.ts'
import { migrate } from '../server/src/platform/migrate.ts'
import { startPostgres } from '../server/src/platform/postgres/index.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'
import {
  balanceOf,
  type Card,
  charge,
  codeOf,
  issue,
  journalOf,
  type Lanes,
  move,
  newBook,
  newCard,
  note,
  seen,
  startLanes,
  until,
} from './harness/lanes.ts'
import { cleanUpAfter, temporaryFolder, throwAwaySettings } from './harness/server.ts'
import { type Judge, TcpProxy } from './harness/tcp-proxy.ts'

const book = newBook()
const lane = 1

describe('a connection that is cut', () => {
  let database: TestDatabase
  let proxy: TcpProxy
  let lanes: Lanes
  before(async () => {
    database = await testDatabase()
    proxy = await TcpProxy.start(database.url)
    lanes = await startLanes(proxy.url)
  })
  after(async () => {
    await lanes.stop()
    await proxy.close()
    await database.drop()
  })

  const run = (command: Command) => lanes.engine.execute(command)
  async function cardWith(fen: bigint, at = lane): Promise<Card> {
    const card = newCard(book, at)
    assert.equal(codeOf(await run(issue(card, fen))), 'done')
    return card
  }

  /** Cuts where `judge` says so while the work runs. Returns how often. */
  async function cutting(
    where: 'cutBefore' | 'cutAfter',
    judge: Judge,
    work: () => Promise<void>,
  ): Promise<number> {
    const cuts = proxy.cuts
    proxy[where] = judge
    try {
      await work()
    } finally {
      proxy[where] = () => false
    }
    return proxy.cuts - cuts
  }

  function everySecond(text: string): Judge {
    let count = 0
    return ({ sql }) => sql.startsWith(text) && count++ % 2 === 0
  }

  for (const where of ['cutBefore', 'cutAfter'] as const) {
    const when = where === 'cutBefore' ? 'before its COMMIT arrives' : 'behind its COMMIT'
    test(`${when} leaves each caller the true outcome and each command one effect`, async () => {
      const card = await cardWith(800n)
      const before = (await journalOf(database.app, [lane])).length
      const answers: Executed[] = []
      const cuts = await cutting(where, everySecond('commit'), async () => {
        for (let round = 0; round < 12; round += 1) {
          const some = Array.from({ length: 5 }, () => run(charge(card, 5n)))
          answers.push(...(await Promise.all(some)))
        }
        answers.push(
          ...(await lanes.engine.executeTogether([charge(card, 250n), charge(card, 250n)])),
        )
      })
      assert.ok(cuts >= 12, `${cuts} cuts`)
      assert.deepEqual(new Set(answers.map(codeOf)), new Set(['done']))
      assert.equal(await balanceOf(database.app, card), 0n)
      const entries = (await journalOf(database.app, [lane])).slice(before)
      assert.equal(entries.length, 62)
      const told = answers.map((one) => (one.status === 'done' ? one.commandId : ''))
      assert.deepEqual(told.toSorted(), entries.map((entry) => entry.commandId).toSorted())
    })
  }

  test('behind the COMMIT of a bulk that is then refused leaves its keys to nobody else', async () => {
    const card = await cardWith(100n)
    const key = newId()
    const bulk = () => lanes.engine.executeTogether([charge(card, 60n, { key }), note(book, lane)])
    let first: Executed[] = []
    const cuts = await cutting('cutAfter', everySecond('commit'), async () => {
      first = await bulk()
    })
    assert.equal(cuts, 1)
    assert.deepEqual(first.map(codeOf), ['done', 'done'])
    const again = await run(charge(card, 60n, { key }))
    assert.equal(again.replayed, true)
    assert.equal(await balanceOf(database.app, card), 40n)
  })

  /** What the ordinary life of a command sends: with a name, repeated, refused without a trace, over two lanes. */
  async function life(): Promise<void> {
    const [card, other] = [await cardWith(100n), await cardWith(100n, 2)]
    const name = { kind: 1, name: newId() }
    const first = charge(card, 10n, { name })
    const paid = await run(first)
    assert.equal(codeOf(paid), 'done')
    const repeats = await Promise.all([run(first), run(first)])
    for (const repeat of repeats) assert.equal(seen(repeat), seen(paid))
    assert.equal(codeOf(await run(charge(card, 10n, { name }))), 'reference.already_used')
    const freed = { kind: 1, name: newId() }
    const missing = note(book, lane, {
      key: newId(),
      name: freed,
      decide: () => ({ ok: false, final: false, refusal: refusal('card.not_found', 'None.') }),
    })
    assert.equal(codeOf(await run(missing)), 'card.not_found')
    assert.equal(codeOf(await run(charge(other, 900n, { name: freed }))), 'funds.insufficient')
    assert.equal(codeOf(await run(charge(other, 9n, { name: freed }))), 'done')
    assert.equal(codeOf(await run(move(card, other, 90n))), 'done')
    assert.equal(await balanceOf(database.app, card), 0n)
    assert.equal(await balanceOf(database.app, other), 181n)
  }

  test('at any statement of a command, before or behind it, is not noticed by its caller', async () => {
    const from = proxy.statements.length
    await life()
    const sent = proxy.statements.slice(from).map((one) => one.sql)
    // Without what a server asks now and then whether or not somebody pays.
    const kinds = [...new Set(sent)].filter((sql) => !/pg_settings|issuer_id/.test(sql))
    assert.ok(kinds.some((sql) => sql.startsWith('insert into claim')))
    assert.ok(kinds.some((sql) => sql.startsWith('update directory')))
    assert.ok(kinds.some((sql) => sql.startsWith('delete from claim')))
    for (const kind of kinds) {
      for (const where of ['cutBefore', 'cutAfter'] as const) {
        let armed = true
        const once: Judge = ({ sql }) => {
          if (!armed || sql !== kind) return false
          armed = false
          return true
        }
        const cuts = await cutting(where, once, life)
        assert.equal(cuts, 1, `${where} ${kind}`)
      }
    }
    const seqs = (await journalOf(database.app, [lane])).map((entry) => entry.seq)
    assert.deepEqual(
      seqs,
      seqs.map((_, index) => BigInt(index + 1)),
    )
  })
})

describe('a database that is away', () => {
  let database: TestDatabase
  let proxy: TcpProxy
  let lanes: Lanes
  let clockMs = 0
  before(async () => {
    database = await testDatabase()
    proxy = await TcpProxy.start(database.url)
    lanes = await startLanes(proxy.url, { patienceMs: 30_000, monotonic: () => clockMs })
  })
  after(async () => {
    await lanes.stop()
    await proxy.close()
    await database.drop()
  })

  const run = (command: Command) => lanes.engine.execute(command)

  /** Whether it waits although the server had time to try again several times. */
  async function isStillWaiting(command: Promise<Executed>): Promise<boolean> {
    let settled = false
    void command.then(() => {
      settled = true
    })
    const from = performance.now()
    await until(() => settled || performance.now() - from > 300)
    return !settled
  }

  test('is waited for; when it is back in time nobody notices', async () => {
    const card = newCard(book, lane)
    await run(issue(card, 100n))
    await proxy.refuse()
    const waiting = run(charge(card, 10n))
    assert.ok(await isStillWaiting(waiting))
    await proxy.listen()
    assert.equal(codeOf(await waiting), 'done')
  })

  test('turns callers away with `busy` when their patience ends, not before; the key is theirs still', async () => {
    const card = newCard(book, lane)
    await run(issue(card, 100n))
    const command = charge(card, 10n)
    await proxy.refuse()
    const waiting = run(command)
    assert.ok(await isStillWaiting(waiting))
    clockMs += 30_000
    const turned = await waiting
    assert.equal(codeOf(turned), 'busy')
    assert.equal(turned.status === 'refused' && turned.refusal.retryAfterSeconds, 2)
    await proxy.listen()
    assert.equal(codeOf(await run(command)), 'done')
    assert.equal(await balanceOf(database.app, card), 90n)
  })

  test('that took the command and went away before it said so tells the repeat', async () => {
    const card = newCard(book, lane)
    await run(issue(card, 100n))
    const command = charge(card, 10n)
    const away = Promise.withResolvers<void>()
    proxy.cutAfter = ({ sql }) => {
      if (sql !== 'commit') return false
      proxy.cutAfter = () => false
      proxy.refuse().then(away.resolve, away.reject)
      return true
    }
    const waiting = run(command)
    await away.promise
    assert.ok(await isStillWaiting(waiting))
    clockMs += 30_000
    assert.equal(codeOf(await waiting), 'busy')
    await proxy.listen()
    const again = await run(command)
    assert.deepEqual([codeOf(again), again.replayed], ['done', true])
    assert.equal(await balanceOf(database.app, card), 90n)
  })

  test('turns a bulk away whole, and gives no key back whose fate is unknown', async () => {
    const card = newCard(book, lane)
    await run(issue(card, 100n))
    const commands = [charge(card, 10n), charge(card, 20n)]
    const away = Promise.withResolvers<void>()
    proxy.cutAfter = ({ sql }) => {
      if (sql !== 'commit') return false
      proxy.cutAfter = () => false
      proxy.refuse().then(away.resolve, away.reject)
      return true
    }
    const waiting = lanes.engine.executeTogether(commands)
    await away.promise
    clockMs += 30_000
    assert.deepEqual((await waiting).map(codeOf), ['busy', 'busy'])
    await proxy.listen()
    const again = await Promise.all(commands.map(run))
    assert.deepEqual(
      again.map((one) => [codeOf(one), one.replayed]),
      [
        ['done', true],
        ['done', true],
      ],
    )
    assert.equal(await balanceOf(database.app, card), 70n)
  })
})

test('a server that falls silent holds a lane no longer than its callers wait', async () => {
  const database = await testDatabase()
  const proxy = await TcpProxy.start(database.url)
  const lanes = await startLanes(proxy.url, { claimUrl: database.url, patienceMs: 200 })
  const card = newCard(book, lane)
  await lanes.engine.execute(issue(card, 100n))
  const command = charge(card, 10n)
  proxy.cutBefore = ({ sql }) => {
    if (sql === 'commit') proxy.freeze()
    return false
  }
  assert.equal(codeOf(await lanes.engine.execute(command)), 'busy')
  proxy.cutBefore = () => false
  proxy.thaw()
  // What is left of it on the other side would keep the lane for some seconds more.
  proxy.cutAll()
  assert.equal(codeOf(await lanes.engine.execute(command)), 'done')
  assert.equal(await balanceOf(database.app, card), 90n)
  await lanes.stop()
  await proxy.close()
  await database.drop()
})

test('PostgreSQL that is restarted, and one that is killed, loses and doubles nothing', async () => {
  const dataDir = temporaryFolder('lika-connection-')
  const quiet = { info: () => {}, warn: () => {}, error: () => {} }
  const postgres = await startPostgres({
    dataDir,
    log: quiet,
    settings: throwAwaySettings,
    syncOnInitialise: false,
  })
  cleanUpAfter(process.pid, postgres.pid(), dataDir)
  try {
    await migrate(postgres.ownerUrl)
    const lanes = await startLanes(postgres.ownerUrl)
    const cards = [1, 2, 3, 4].map((at) => newCard(book, at))
    for (const card of cards) await lanes.engine.execute(issue(card, 100_000n))
    let stopped = false
    let paid = 0
    const tills = Array.from({ length: 32 }, async (_, till) => {
      while (!stopped) {
        const command = charge(cards[till % 4] as Card, 1n, { name: { kind: 1, name: newId() } })
        const answer = await lanes.engine.execute(command)
        assert.equal(codeOf(answer), 'done')
        paid += 1
      }
    })
    await until(() => paid > 100)
    await postgres.restart()
    const afterRestart = paid
    await until(() => paid > afterRestart + 100)
    process.kill(postgres.pid(), 'SIGKILL')
    await new Promise<void>((resolve) => postgres.onUp(resolve))
    const afterKill = paid
    await until(() => paid > afterKill + 100)
    stopped = true
    await Promise.all(tills)
    const balances = await Promise.all(cards.map((card) => balanceOf(lanes.database, card)))
    assert.equal(
      balances.reduce((sum, one) => sum + one),
      400_000n - BigInt(paid),
    )
    await lanes.stop()
  } finally {
    await postgres.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})
