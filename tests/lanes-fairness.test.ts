import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BookId } from '../contract/src/index.ts'
import { accountId } from '../server/src/modules/ledger/index.ts'
import type { Command, Executed } from '../server/src/platform/lanes/index.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'
import {
  balanceOf,
  codeOf,
  issue,
  journalOf,
  type Lanes,
  move,
  newBook,
  newCard,
  note,
  startLanes,
  untilBlocked,
} from './harness/lanes.ts'

const lane = 1
let database: TestDatabase
before(async () => {
  database = await testDatabase()
})
after(() => database.drop())

describe('commands over two lanes', () => {
  test('in both directions at once never wait for each other for ever, and what crosses sums to zero', async () => {
    const book = newBook()
    const servers = await Promise.all([startLanes(database.url), startLanes(database.url)])
    const cards = [1, 2, 3, 4].map((at) => newCard(book, at))
    for (const card of cards) await servers[0].engine.execute(issue(card, 1_000n))
    const waits = await deadlocks()
    const moves = Array.from({ length: 400 }, (_, index) => {
      const [from, to] = [cards[index % 4], cards[(index + 1 + (index >> 2)) % 4]]
      assert.ok(from !== undefined && to !== undefined)
      const { engine } = servers[index % 2] as Lanes
      return engine.execute(from === to ? note(book, from.lane) : move(from, to, 7n))
    })
    const answers = await Promise.all(moves)
    assert.deepEqual(new Set(answers.map(codeOf)), new Set(['done']))
    assert.equal(await deadlocks(), waits)
    assert.deepEqual(
      servers.flatMap((one) => one.troubles),
      [],
    )
    await Promise.all(servers.map((one) => one.stop()))

    const balances = await Promise.all(cards.map((card) => balanceOf(database.app, card)))
    assert.equal(
      balances.reduce((sum, one) => sum + one),
      4_000n,
    )
    for (const at of [1, 2, 3, 4])
      assert.equal(await differenceIn(at), 0n, `lane ${at} balances alone`)
    const transits = [1, 2, 3, 4].map((at) => accountId(book, 'transit', at))
    const [crossed] = await database.app.sql<{ net: bigint; moved: bigint }[]>`
      select
        sum(case when debit_account = any(${`{${transits.join()}}`}::uuid[]) then amount else -amount end)::bigint
          as net,
        count(*) as moved
      from transfer
      where debit_account = any(${`{${transits.join()}}`}::uuid[])
        or credit_account = any(${`{${transits.join()}}`}::uuid[])`
    assert.equal(crossed?.net, 0n)
    assert.ok((crossed?.moved ?? 0n) >= 600n)
  })

  async function deadlocks(): Promise<bigint> {
    const [row] = await database.owner.sql<{ count: bigint }[]>`
      select deadlocks as count from pg_stat_database where datname = current_database()`
    return row?.count ?? 0n
  }

  /** Guarded balances of the lane, less what the transfers of the lane put on them. */
  async function differenceIn(at: number): Promise<bigint> {
    const [row] = await database.app.sql<{ difference: bigint }[]>`
      select (
        (select coalesce(sum(balance), 0) from account where lane = ${at})
        - (select coalesce(sum(amount), 0) from transfer where lane = ${at} and credit_balance is not null)
        + (select coalesce(sum(amount), 0) from transfer where lane = ${at} and debit_balance is not null)
      )::bigint as difference`
    return row?.difference ?? -1n
  }
})

describe('a queue that fills up', () => {
  const big = newBook()
  const small = newBook()
  let lanes: Lanes
  before(async () => {
    lanes = await startLanes(database.url, { queueCapacity: 64, mostInOneRound: 16 })
  })
  after(() => lanes.stop())

  /** Everything below waits while somebody else has the lane; then it is let go, and ends. */
  async function whileBlocked(work: () => Promise<void>): Promise<void> {
    await database.owner.transaction(async (sql) => {
      await sql`select from lika.lane where lane = ${lane} for update`
      const opener = lanes.engine.execute(note(newBook(), lane))
      await untilBlocked(database.owner, 'for update')
      opener.catch(() => {})
      await work()
    })
  }

  const bulk = (book: BookId) => note(book, lane, { weight: 'bulk', operation: 'job.chunk' })
  const run = (command: Command) => lanes.engine.execute(command)
  const times = (count: number, make: () => Command) =>
    Array.from({ length: count }, () => run(make()))

  test('turns the issuer away who has half of it, with the time to come again, and takes tills of others', async () => {
    let chunks: Promise<Executed>[] = []
    let tills: Promise<Executed>[] = []
    await whileBlocked(async () => {
      chunks = times(50, () => bulk(big))
      tills = times(20, () => note(small, lane))
    })
    const codes = (await Promise.all(chunks)).map(codeOf)
    assert.equal(codes.filter((code) => code === 'done').length, 32)
    assert.equal(codes.filter((code) => code === 'busy').length, 18)
    for (const one of await Promise.all(chunks))
      if (one.status === 'refused') assert.ok((one.refusal.retryAfterSeconds ?? 0) >= 1)
    assert.deepEqual(new Set((await Promise.all(tills)).map(codeOf)), new Set(['done']))
    assert.equal(codeOf(await run(bulk(big))), 'done', 'its places are free again')
  })

  test('serves issuers in turn, and keeps bulk to a quarter of a round while tills wait', async () => {
    const others = [newBook(), newBook(), newBook()]
    const before = (await journalOf(database.app, [lane])).length
    let all: Promise<Executed>[] = []
    await whileBlocked(async () => {
      all = [
        ...times(12, () => bulk(big)),
        ...times(24, () => note(small, lane, { operation: `till ${small}` })),
        ...others.flatMap((book) => times(4, () => note(book, lane))),
      ]
      // All of them have their claims and wait when the lane is free again.
      await untilClaimed(all.length)
    })
    const answers = await Promise.all(all)
    assert.deepEqual(new Set(answers.map(codeOf)), new Set(['done']))
    const { sql } = database.app
    const entries = await sql<{ bookId: BookId; transaction: string }[]>`
      select book_id as "bookId", xmin::text as transaction
      from journal
      where lane = ${lane}
      order by seq
      offset ${before + 1}`
    assert.equal(entries.length, 48)
    const firstRound = entries.filter((one) => one.transaction === entries[0]?.transaction)
    assert.equal(firstRound.length, 16)
    const share = (books: readonly BookId[]) =>
      firstRound.filter((one) => books.includes(one.bookId)).length
    assert.equal(share([big]), 4, 'bulk: a quarter')
    assert.deepEqual(
      [small, ...others].map((book) => share([book])),
      [3, 3, 3, 3],
      'tills: in turn',
    )
  })

  async function untilClaimed(count: number): Promise<void> {
    const { sql } = database.owner
    for (;;) {
      const waiting = lanes.engine.load().get(lane) ?? 0
      const [row] = await sql<{ count: bigint }[]>`
        select count(*) from lika.claim
        where not exists (select from lika.journal where journal.command_id = claim.command_id)`
      if (waiting > count && (row?.count ?? 0n) > BigInt(count)) return
    }
  }
})
