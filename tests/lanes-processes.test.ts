import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { newId } from '../server/src/platform/ids.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'
import { LaneProcess } from './harness/lane-driver.ts'
import {
  balanceOf,
  type Card,
  codeOf,
  issue,
  journalOf,
  newBook,
  newCard,
  seen,
  startLanes,
} from './harness/lanes.ts'
import { temporaryFolder } from './harness/server.ts'

const book = newBook()

describe('two servers on one database', () => {
  let database: TestDatabase
  let folder: string
  let first: LaneProcess
  let second: LaneProcess
  before(async () => {
    database = await testDatabase()
    folder = temporaryFolder('lika-processes-')
    first = await LaneProcess.start(database.url)
    second = await LaneProcess.start(database.url)
  })
  after(async () => {
    await Promise.all([first.stop(), second.stop()])
    await database.drop()
    rmSync(folder, { recursive: true })
  })

  async function cards(fen: bigint, at: readonly number[]): Promise<Card[]> {
    const lanes = await startLanes(database.url)
    const made = at.map((lane) => newCard(book, lane))
    for (const card of made)
      assert.equal(codeOf(await lanes.engine.execute(issue(card, fen))), 'done')
    await lanes.stop()
    return made
  }

  async function hasNoGaps(): Promise<void> {
    for (const lane of [1, 2, 3, 4]) {
      const entries = await journalOf(database.app, [lane])
      assert.deepEqual(
        entries.map((entry) => entry.seq),
        entries.map((_, index) => BigInt(index + 1)),
      )
    }
  }

  test('write every lane without gaps, 64 writers over both', async () => {
    const some = await cards(10_000n, [1, 1, 2, 2, 3, 3, 4, 4])
    const writers = Array.from({ length: 64 }, async (_, writer) => {
      const server = writer % 2 === 0 ? first : second
      for (let round = 0; round < 12; round += 1) {
        const card = some[(writer + round) % 8] as Card
        // Every fourth goes over two lanes.
        const to = round % 4 === 3 ? { to: some[(writer + round + 3) % 8] as Card } : {}
        const answer = await server.order({ card, ...to, fen: 1, key: newId() })
        assert.equal(codeOf(answer), 'done')
      }
    })
    await Promise.all(writers)
    const balances = await Promise.all(some.map((card) => balanceOf(database.app, card)))
    assert.equal(
      balances.reduce((sum, one) => sum + one),
      80_000n - 64n * 9n,
    )
    await hasNoGaps()
  })

  test('do not stand in each other’s way: one that freezes in a round loses its lane within six seconds', async () => {
    const [card] = (await cards(100n, [1])) as [Card]
    const [key, stallUntil] = [newId(), join(folder, 'go')]
    const stalled = first.order({ card, fen: 10, key, stallUntil })
    const behind = first.order({ card, fen: 1, key: newId() })
    await first.stalled
    await first.freeze()
    writeFileSync(stallUntil, '')

    const from = performance.now()
    const served = await second.order({ card, fen: 20, key: newId() })
    const tookMs = performance.now() - from
    assert.equal(codeOf(served), 'done')
    assert.ok(tookMs < 6_000, `served after ${tookMs} ms`)
    assert.ok(tookMs > 1_000, 'the lane was taken indeed')

    // Its caller lost patience and asks the other server under the same key.
    const elsewhere = await second.order({ card, fen: 10, key })
    assert.equal(codeOf(elsewhere), 'done')
    assert.equal(await balanceOf(database.app, card), 70n)

    first.wake()
    const woken = await stalled
    assert.equal(seen(woken), seen(elsewhere))
    assert.equal(woken.replayed, true)
    assert.equal(codeOf(await behind), 'done')
    assert.equal(await balanceOf(database.app, card), 69n)
    await hasNoGaps()
  })

  test('lose and double nothing that was acknowledged when one is killed', async () => {
    const some = await cards(10_000n, [1, 2, 3, 4])
    const keys = Array.from({ length: 600 }, () => newId())
    const order = (index: number) => ({
      card: some[index % 4] as Card,
      fen: 1,
      key: keys[index] as string,
    })
    const victim = await LaneProcess.start(database.url)
    const acknowledged = new Map<number, string>()
    const enough = Promise.withResolvers<void>()
    const tills = Array.from({ length: 32 }, async (_, till) => {
      for (let index = till; index < keys.length; index += 32) {
        acknowledged.set(index, seen(await victim.order(order(index))))
        if (acknowledged.size === 200) enough.resolve()
      }
    })
    await Promise.race([enough.promise, Promise.all(tills)])
    await victim.kill()
    const told = new Map(acknowledged)
    assert.ok(told.size >= 200 && told.size < keys.length, `${told.size} answers`)

    const ids = new Set((await journalOf(database.app, [1, 2, 3, 4])).map((one) => one.commandId))
    for (const answer of told.values()) assert.ok(ids.has(JSON.parse(answer).commandId))
    const repeated = await Promise.all(keys.map((_, index) => second.order(order(index))))
    for (const [index, answer] of told) assert.equal(seen(repeated[index] as never), answer)
    assert.deepEqual(new Set(repeated.map(codeOf)), new Set(['done']))
    const balances = await Promise.all(some.map((card) => balanceOf(database.app, card)))
    assert.equal(
      balances.reduce((sum, one) => sum + one),
      40_000n - 600n,
    )
    await hasNoGaps()
  })
})
