import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { type CommandId, refusal } from '../contract/src/index.ts'
import { accountReads, accounts, LedgerDesk } from '../server/src/modules/ledger/index.ts'
import { appRole, connect } from '../server/src/platform/db.ts'
import { newCommandId } from '../server/src/platform/ids.ts'
import type { Command } from '../server/src/platform/lanes/index.ts'
import { runRound, type Ticket } from '../server/src/platform/lanes/round.ts'
import { migrate } from '../server/src/platform/migrate.ts'
import { startPostgres } from '../server/src/platform/postgres/index.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'
import {
  balanceOf,
  charge,
  codeOf,
  done,
  type Entry,
  issue,
  journalOf,
  type Lanes,
  move,
  newBook,
  newCard,
  note,
  principalOf,
  startLanes,
} from './harness/lanes.ts'
import { cleanUpAfter, temporaryFolder, throwAwaySettings } from './harness/server.ts'
import { TcpProxy } from './harness/tcp-proxy.ts'

const book = newBook()
const lane = 1

describe('a round', () => {
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

  const together = (commands: readonly Command[]) =>
    Promise.allSettled(commands.map((command) => lanes.engine.execute(command)))
  const answersOf = async (commands: readonly Command[]) =>
    (await together(commands)).map((one) =>
      one.status === 'fulfilled' ? codeOf(one.value) : 'fault',
    )
  const cardWith = async (fen: bigint, at = lane) => {
    const card = newCard(book, at)
    assert.equal(codeOf(await lanes.engine.execute(issue(card, fen))), 'done')
    return card
  }
  const lastEntries = async (count: number, at = lane): Promise<Entry[]> =>
    (await journalOf(database.app, [at])).slice(-count)

  test('runs those who wait in one transaction', async () => {
    const cards = await Promise.all(Array.from({ length: 64 }, () => cardWith(100n)))
    const answers = await answersOf(cards.map((card) => charge(card, 40n)))
    assert.deepEqual(new Set(answers), new Set(['done']))
    const transactions = new Set((await lastEntries(64)).map((entry) => entry.transaction))
    assert.equal(transactions.size, 1)
  })

  test('lets the second charge see the first, and a refused one change no value', async () => {
    const card = await cardWith(100n)
    assert.deepEqual(await answersOf([60n, 60n, 40n, 1n].map((fen) => charge(card, fen))), [
      'done',
      'funds.insufficient',
      'done',
      'funds.insufficient',
    ])
    const entries = await lastEntries(4)
    assert.equal(new Set(entries.map((entry) => entry.transaction)).size, 1)
    assert.deepEqual(
      entries.map((entry) => entry.refused),
      [false, true, false, true],
    )
    assert.equal(await balanceOf(database.app, card), 0n)
    const [moved] = await database.app.sql<{ count: bigint }[]>`
      select count(*) from transfer where debit_account = ${principalOf(card)}`
    assert.equal(moved?.count, 2n)
  })

  test('isolates a command whose rows the database refuses; the others succeed', async () => {
    const card = await cardWith(1000n)
    const poisoned = note(book, lane, {
      decide: (view) => {
        const row = { id: newCard(book, lane).id, bookId: book, balance: -1n, held: 0n, seq: 1n }
        view.put(accounts, lane, row as never)
        return done('poison.taken')
      },
    })
    const commands = Array.from({ length: 40 }, (_, index) =>
      index === 17 ? poisoned : charge(card, 10n),
    )
    const settled = await together(commands)
    const faults = settled.flatMap((one, index) => (one.status === 'rejected' ? [index] : []))
    assert.deepEqual(faults, [17])
    assert.match(String((settled[17] as PromiseRejectedResult).reason), /ck_account_available/)
    assert.equal(await balanceOf(database.app, card), 610n)
    const entries = await journalOf(database.app, [lane])
    assert.ok(!entries.some((entry) => entry.kind === 'poison.taken'))
    assert.deepEqual(
      entries.map((entry) => entry.seq),
      entries.map((_, index) => BigInt(index + 1)),
    )
  })

  test('takes a throw in decide as a fault of that command only, and undoes what it staged', async () => {
    const card = await cardWith(100n)
    const throwing: Command = {
      ...charge(card, 30n),
      plan: () => ({
        lanes: [lane],
        reads: accountReads(lane, [principalOf(card)]),
        decide: (view) => {
          const credit = principalOf(newCard(book, lane))
          new LedgerDesk(view, lane).transfer({ debit: principalOf(card), credit, amount: 30n })
          return done('unreachable')
        },
      }),
    }
    assert.deepEqual(await answersOf([charge(card, 50n), throwing, charge(card, 50n)]), [
      'done',
      'fault',
      'done',
    ])
    assert.equal(await balanceOf(database.app, card), 0n)
    assert.equal(new Set((await lastEntries(2)).map((entry) => entry.transaction)).size, 1)
  })

  test('keeps the marks of a refusal while its changes are undone', async () => {
    const card = await cardWith(100n)
    const counter = newCard(book, lane)
    const refusing: Command = {
      ...charge(card, 100n),
      plan: () => ({
        lanes: [lane],
        reads: [],
        decide: (view) => {
          const staged = { ...account(counter), balance: 99n, seq: view.seq(lane) }
          view.put(accounts, lane, staged)
          return {
            ok: false,
            refusal: refusal('card.not_recognised', 'Not recognised.'),
            marks: (marked) => marked.put(accounts, lane, { ...staged, balance: 1n }),
          }
        },
      }),
    }
    assert.deepEqual(await answersOf([refusing]), ['card.not_recognised'])
    assert.equal(await balanceOf(database.app, counter), 1n)
    assert.equal(await balanceOf(database.app, card), 100n)
  })

  test('leaves no entry and a free key where a refusal is not final', async () => {
    const key = 'not-final'
    const before = (await journalOf(database.app, [lane])).length
    const refusing = note(book, lane, {
      key,
      decide: () => ({ ok: false, final: false, refusal: refusal('card.not_found', 'None.') }),
    })
    assert.deepEqual(await answersOf([refusing]), ['card.not_found'])
    assert.equal((await journalOf(database.app, [lane])).length, before)
    assert.deepEqual(await answersOf([note(book, lane, { key, input: { other: true } })]), ['done'])
  })

  const circular: { self?: unknown } = {}
  circular.self = circular
  for (const [what, body] of [
    ['a bigint', { amount: 1n }],
    ['a circle', circular],
    ['nothing at all', undefined],
  ] as const) {
    test(`takes a body that JSON cannot say (${what}) as a fault of that command only`, async () => {
      const card = await cardWith(100n)
      const before = (await journalOf(database.app, [lane])).length
      const mute = note(book, lane, {
        decide: () => ({ ok: true, value: { kind: 'mute', version: 1, body: body as never } }),
      })
      const muteRefusal = note(book, lane, {
        decide: () => ({
          ok: false,
          refusal: refusal('throttled', 'No.', { data: { body: body ?? 1n } }),
        }),
      })
      assert.deepEqual(
        await answersOf([
          charge(card, 10n),
          mute,
          charge(card, 10n),
          muteRefusal,
          charge(card, 10n),
        ]),
        ['done', 'fault', 'done', 'fault', 'done'],
      )
      const entries = (await journalOf(database.app, [lane])).slice(before)
      assert.equal(entries.length, 3)
      assert.equal(
        new Set(entries.map((entry) => entry.transaction)).size,
        1,
        'nobody had to halve',
      )
    })
  }

  test('refuses to run a command away from its home lane, where its repeats would not find it', async () => {
    const stray = note(book, lane)
    const answers = await answersOf([
      { ...stray, plan: () => ({ lanes: [2], reads: [], decide: () => done('note.taken') }) },
      note(book, lane),
    ])
    assert.deepEqual(answers, ['fault', 'done'])
    assert.deepEqual(await answersOf([note(book, lane)]), ['done'])
  })

  test('takes a lane that a plan names twice for one', async () => {
    const [from, to] = [await cardWith(100n), await cardWith(1n)]
    assert.deepEqual(await answersOf([move(from, to, 100n)]), ['done'])
    assert.equal(await balanceOf(database.app, to), 101n)
    assert.equal((await lastEntries(1))[0]?.kind, 'value.moved')
  })

  test('calls a lane that does not exist a fault, and opens no connection for it', async () => {
    const before = lanes.engine.load().size
    assert.deepEqual(await answersOf([note(book, 77), note(book, 0), note(book, lane)]), [
      'fault',
      'fault',
      'done',
    ])
    assert.equal(lanes.engine.load().size, before)
  })

  test('does all of a bulk in one transaction, or nothing; who was rolled back is told so', async () => {
    const card = await cardWith(100n)
    const keys = ['bulk-1', 'bulk-2', 'bulk-3']
    const bulk = (fen: bigint[]) =>
      lanes.engine.executeTogether(
        fen.map((amount, index) => charge(card, amount, { key: keys[index] ?? '' })),
      )
    assert.deepEqual((await bulk([60n, 60n, 40n])).map(codeOf), [
      'bulk.rolled_back',
      'funds.insufficient',
      'bulk.rolled_back',
    ])
    assert.equal(await balanceOf(database.app, card), 100n)
    assert.deepEqual((await bulk([60n, 30n, 10n])).map(codeOf), ['done', 'done', 'done'])
    assert.equal(new Set((await lastEntries(3)).map((entry) => entry.transaction)).size, 1)
    const again = await bulk([60n, 30n, 10n])
    assert.deepEqual(
      again.map((one) => [codeOf(one), one.replayed]),
      keys.map(() => ['done', true]),
    )
    assert.equal(await balanceOf(database.app, card), 0n)
  })

  test('answers what ran before as it ran, also where the rest of the bulk is rolled back', async () => {
    const card = await cardWith(100n)
    const early = charge(card, 10n)
    assert.equal(codeOf(await lanes.engine.execute(early)), 'done')
    const answers = await lanes.engine.executeTogether([
      early,
      charge(card, 1n),
      charge(card, 900n),
    ])
    assert.deepEqual(answers.map(codeOf), ['done', 'bulk.rolled_back', 'funds.insufficient'])
    assert.equal(answers[0]?.replayed, true)
    assert.equal(await balanceOf(database.app, card), 90n)
  })

  test('refuses the second of a bulk that wants a name which the first has', async () => {
    const card = await cardWith(100n)
    const name = { kind: 1, name: 'twice-in-a-bulk' }
    const bulk = () =>
      lanes.engine.executeTogether([charge(card, 1n, { name }), charge(card, 2n, { name })])
    assert.deepEqual((await bulk()).map(codeOf).toSorted(), [
      'bulk.rolled_back',
      'reference.already_used',
    ])
    assert.equal(codeOf(await lanes.engine.execute(charge(card, 3n, { name }))), 'done')
    assert.equal(await balanceOf(database.app, card), 97n)
  })

  test('keeps bulks and single commands on one card apart, whoever comes first', async () => {
    const card = await cardWith(1_000n)
    const bulks = Array.from({ length: 20 }, () =>
      lanes.engine.executeTogether([charge(card, 10n), charge(card, 15n)]),
    )
    const singles = await answersOf(Array.from({ length: 100 }, () => charge(card, 5n)))
    const all = [...(await Promise.all(bulks)).flat().map(codeOf), ...singles]
    assert.deepEqual(new Set(all), new Set(['done']))
    assert.equal(await balanceOf(database.app, card), 0n)
  })
})

describe('the statements of a round', () => {
  let database: TestDatabase
  let proxy: TcpProxy
  let lanes: Lanes
  before(async () => {
    database = await testDatabase()
    proxy = await TcpProxy.start(database.url)
    lanes = await startLanes(database.url)
  })
  after(async () => {
    await lanes.stop()
    await proxy.close()
    await database.drop()
  })

  /** What goes over the wire when that many cards pay in one round. */
  async function statementsFor(count: number): Promise<string[]> {
    const cards = Array.from({ length: count }, () => newCard(book, lane))
    const issued = await Promise.all(cards.map((card) => lanes.engine.execute(issue(card, 100n))))
    assert.deepEqual(new Set(issued.map(codeOf)), new Set(['done']))
    const through = await connect(proxy.url, { applicationName: 'round', role: appRole, pool: 1 })
    const session = await through.openSession()
    const tickets = cards.map((card): Ticket => {
      const command = charge(card, 1n)
      const commandId = newCommandId(lane)
      const plan = command.plan(commandId, 'own') as Ticket['plan']
      const { book: bookId, operation } = command
      return { commandId, bookId, operation, notAfter: undefined, plan, mayHaveRun: true }
    })
    const from = proxy.statements.length
    const result = await runRound(session, [lane], tickets)
    const sent = proxy.statements.slice(from).map((one) => one.sql)
    assert.deepEqual(
      new Set(result.verdicts.map((one) => one.kind === 'executed' && one.executed.status)),
      new Set(['done']),
    )
    await session.close()
    await through.close()
    return sent
  }

  test('are as many for one command as for five hundred', async () => {
    const one = await statementsFor(1)
    const many = await statementsFor(500)
    assert.deepEqual(many, one)
    assert.ok(one.length < 15, `${one.length} statements`)
  })

  test('stand between begin and commit, the lock first', async () => {
    const sent = await statementsFor(2)
    assert.match(sent[0] ?? '', /^begin isolation level read committed$/)
    assert.match(sent[1] ?? '', /from lane where lane = \$1 for update$/)
    assert.equal(sent.at(-1), 'commit')
    assert.equal(sent.filter((sql) => /^(begin|commit|rollback)/.test(sql)).length, 2)
    assert.ok(!sent.slice(2).some((sql) => sql.includes('for update')))
  })
})

test("PostgreSQL's log shows 32 commands and more in one transaction", async () => {
  const dataDir = temporaryFolder('lika-rounds-')
  const postgres = await startPostgres({
    dataDir,
    log: { info: () => {}, warn: console.error, error: console.error },
    settings: {
      ...throwAwaySettings,
      log_statement: 'all',
      log_parameter_max_length: '-1',
      log_error_verbosity: 'default',
      log_line_prefix: '%a %v: ',
    },
    syncOnInitialise: false,
  })
  cleanUpAfter(process.pid, postgres.pid(), dataDir)
  try {
    await migrate(postgres.ownerUrl)
    const lanes = await startLanes(postgres.ownerUrl)
    const card = newCard(book, lane)
    await lanes.engine.execute(issue(card, 1_000n))
    const answers = await Promise.all(
      Array.from({ length: 48 }, () => lanes.engine.execute(charge(card, 1n))),
    )
    await lanes.stop()
    assert.deepEqual(new Set(answers.map(codeOf)), new Set(['done']))
    const log = readFileSync(postgres.logFile, 'utf8')
    const commandIds = answers.map((one) => (one as { commandId: CommandId }).commandId)
    const lines = log.split(/^(?=lanes )/m)
    const whole = lines.find((line) => commandIds.every((id) => line.includes(id))) ?? ''
    assert.ok(whole.includes('DETAIL'), 'one statement carries all of them')
    const transaction = /^lanes (\S+):/.exec(whole)?.[1]
    const round = lines.filter((line) => line.startsWith(`lanes ${transaction}: `)).join('')
    assert.equal(round.split('insert into journal').length, 2)
    assert.match(round, /for update.*insert into transfer.*insert into journal.*commit/s)
  } finally {
    await postgres.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
})

function account(card: ReturnType<typeof newCard>) {
  return { id: principalOf(card), bookId: book, balance: 0n, held: 0n, seq: 1n }
}
