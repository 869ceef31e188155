import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type BookId, bookOf, dayMs } from '@lika/contract'
import { startDayCloser } from '../server/src/flows/close-day.ts'
import { Auditor, type AuditReport } from '../server/src/modules/ledger/index.ts'
import { newId } from '../server/src/platform/ids.ts'
import type { Command } from '../server/src/platform/lanes/index.ts'
import {
  charge,
  endHold,
  hold,
  type LedgerBook,
  ledgerBook,
  load,
  move,
  newIssuer,
  refund,
} from './harness/ledger-book.ts'

let ledger: LedgerBook
/** Small slices and little memory, so that a small book has many of them. */
let auditor: Auditor
/** As it comes. */
let plain: Auditor
const issuer = newIssuer('test')
const other = newIssuer('test')
const merchants = [newId(), newId()] as const
const ownerBooks = new Map<string, BookId>()

async function run(command: Command) {
  const done = await ledger.engine.execute(command)
  assert.equal(done.status, 'done')
  return done.status === 'done' ? done : assert.fail()
}

/** Some of everything, in two lanes, over two days. */
async function fill(): Promise<void> {
  const [till, shop] = merchants
  const cards = [601, 602, 601, 602].map((lane) => newId(lane))
  const [one = '', two = '', three = '', four = ''] = cards
  const foreign = newId(601)
  for (const card of cards) ownerBooks.set(card, issuer.book)
  for (const merchant of merchants) ownerBooks.set(merchant, issuer.book)
  ownerBooks.set(foreign, other.book)
  await run(load(other, foreign, 5_000n))
  for (const card of cards) await run(load(issuer, card, 10_000n, 1_000n))
  await run(charge(issuer, one, till, 1_500n))
  await run(charge(issuer, one, shop, 700n))
  await run(charge(issuer, two, shop, 2_500n))
  await run(move(issuer, one, two, 300n))
  await run(move(issuer, two, three, 200n))
  const later = (now: number) => now + 30 * dayMs
  const used = await run(hold(issuer, one, 900n, later))
  await run(endHold(issuer, used.commandId, one, till, 400n))
  await run(endHold(issuer, used.commandId, one, undefined, undefined))
  const open = await run(hold(issuer, two, 600n, later))
  await run(endHold(issuer, open.commandId, two, shop, 250n))
  await run(hold(issuer, four, 800n, later))
  const refused = await ledger.engine.execute(charge(issuer, three, till, 99_999n))
  assert.equal(refused.status, 'refused')
  await ledger.engine.setTestOffset(dayMs)
  await closer.runNow()
  await run(refund(issuer, one, till, 500n))
  await run(charge(issuer, three, shop, 400n))
  await run(charge(issuer, four, till, 3_000n))
}

let closer: ReturnType<typeof startDayCloser>

before(async () => {
  ledger = await ledgerBook(2)
  const { engine, database } = ledger
  closer = startDayCloser(
    { engine, database: database.app },
    { log: console, lookEveryMs: 3_600_000 },
  )
  const options = {
    database: database.app,
    ownerBooks: async (_owner: string, _lane: number, ids: readonly string[]) =>
      new Map(
        ids.flatMap((id) => (ownerBooks.has(id) ? [[id, ownerBooks.get(id) as BookId]] : [])),
      ),
  }
  auditor = new Auditor({ ...options, slice: 7, mostBalances: 3 })
  plain = new Auditor(options)
  await fill()
})

after(async () => {
  await closer.stop()
  await ledger.close()
})

const audited = ['account', 'transfer', 'hold', 'journal'] as const
type Table = (typeof audited)[number]
const keysOf: Record<Table, readonly string[]> = {
  account: ['id'],
  transfer: ['seq', 'line'],
  hold: ['id', 'line'],
  journal: ['seq'],
}
const all = { book: undefined }

/** Something else of the same type, that no constraint of the table itself forbids. */
const otherValues: Record<string, readonly string[]> = {
  uuid: [
    'gen_random_uuid()',
    "overlay($ placing 'abc' from 10 for 3)",
    "overlay($ placing '0' from 34 for 1)",
  ],
  int4: ['$::int + 1', '$::int + 4000', 'greatest($::int - 1, 0)'],
  int8: ['$::bigint + 1', '$::bigint + 1000000', 'greatest($::bigint - 1, 0)'],
  text: ["$ || 'x'", "''"],
  bool: ['not $::boolean'],
  timestamptz: [
    "$::timestamptz + interval '1 ms'",
    "$::timestamptz - interval '1 day'",
    "$::timestamptz + interval '1 microsecond'",
  ],
  json: ["'{}'", "replace($, '0', '1')", "$ || ' '"],
  bytea: ['set_byte($::bytea, 0, (get_byte($::bytea, 0) + 1) % 256)'],
}

type Column = { name: string; type: string }

/** From the catalog, so that a new column is tried as soon as it is there. */
/** The first part of its key. */
const firstOf = (row: Row) => row.key.split(' and ')[0]

async function columnsOf(table: Table): Promise<Column[]> {
  return ledger.database.owner.sql<Column[]>`
    select attname as name, typname as type
    from pg_attribute
    join pg_type on pg_type.oid = atttypid
    where attrelid = ${`lika.${table}`}::text::regclass
      and attnum > 0
      and not attisdropped`
}

/** As SQL expressions. */
function otherValuesOf({ name, type }: Column): string[] {
  const values = otherValues[type] ?? assert.fail(`nothing to put into ${name}, a ${type}`)
  return values.map((value) => `(${value.replaceAll('$', `${name}::text`)})::text::${type}`)
}

type Row = { lane: number; key: string; where: string }

async function rowsOf(table: Table): Promise<Row[]> {
  const key = keysOf[table].map((name) => `'${name} = ' || quote_literal(${name}::text)`)
  const rows = await ledger.database.owner.sql.unsafe<{ lane: number; where: string }[]>(
    `select lane, ${key.join(" || ' and ' || ")} as where from ${table} order by lane, ${keysOf[table].join()}`,
  )
  return rows.map(({ lane, where }) => ({
    lane,
    key: where.replaceAll(/= '(\d+)'/g, '= $1'),
    where: `lane = ${lane} and ${where}`,
  }))
}

/** Runs the statement, audits, puts everything back. undefined: a constraint does not let it happen. */
async function corrupted(
  statements: string[],
  ask: object = all,
  by = auditor,
): Promise<AuditReport | undefined> {
  const { owner } = ledger.database
  await owner.sql.unsafe('drop schema if exists kept cascade; create schema kept')
  for (const table of audited)
    await owner.sql.unsafe(`create table kept.${table} as table ${table}`)
  try {
    try {
      await owner.transaction(async (sql) => {
        for (const statement of statements) {
          const { count } = await sql.unsafe(statement)
          assert.ok(count > 0, statement)
        }
      })
    } catch (error) {
      const code = typeof error === 'object' && error !== null && 'code' in error && error.code
      if (String(code).startsWith('23') || code === '22P02') return undefined
      throw error
    }
    return await by.verify({ ...all, ...ask })
  } finally {
    for (const table of audited) {
      await owner.sql.unsafe(
        `delete from ${table}; insert into ${table} select * from kept.${table}`,
      )
    }
  }
}

function assertNames(report: AuditReport, table: Table, keys: string[], what: string): void {
  assert.equal(report.ok, false, `${what} was not noticed`)
  const found = report.firstWrong
  assert.ok(
    found?.table === table && keys.includes(found.key),
    `${what}: ${JSON.stringify(found)} instead of ${table} ${keys.join(' or ')}`,
  )
}

async function assertClean(): Promise<void> {
  const report = await auditor.verify(all)
  assert.equal(report.firstWrong, null)
}

describe('the auditor', () => {
  test('finds the books in order, counts what it saw, for all and for one issuer', async () => {
    await ledger.engine.refresh()
    const whole = await auditor.verify(all)
    assert.deepEqual({ ok: whole.ok, wrong: whole.firstWrong }, { ok: true, wrong: null })
    const { sql } = ledger.database.owner
    for (const [name, table] of [
      ['entries', 'journal'],
      ['transfers', 'transfer'],
      ['accounts', 'account'],
      ['holds', 'hold'],
      ['closings', 'closing'],
    ] as const) {
      const [row] = await sql.unsafe<{ rows: number }[]>(
        `select count(*)::int as rows from ${table}`,
      )
      assert.ok((row?.rows ?? 0) > 0, table)
      assert.equal(whole.checked[name], row?.rows, name)
    }
    const own = await auditor.verify({ book: other.book })
    assert.equal(own.ok, true)
    assert.deepEqual(
      [own.checked['entries'], own.checked['transfers'], own.checked['accounts']],
      [1, 1, 1],
    )
  })

  test('can begin at the last cut that it found right', async () => {
    await auditor.verify(all)
    const whole = await auditor.verify(all)
    const rest = await auditor.verify({ ...all, sinceVerifiedCut: true })
    assert.equal(rest.ok, true)
    const [some, every] = [rest.checked['entries'] ?? 0, whole.checked['entries'] ?? 0]
    assert.ok(some > 0 && some < every, `${some} of ${every}`)
  })

  for (const table of audited) {
    test(`names the row when any cell of ${table} is changed`, async () => {
      const rows = await rowsOf(table)
      for (const [index, column] of (await columnsOf(table)).entries()) {
        const changes = otherValuesOf(column).flatMap((value, round) =>
          // Not every cell with every value: a fifth of them, another fifth for each.
          rows.filter((_, at) => at % 5 === (index + round) % 5).map((row) => ({ row, value })),
        )
        let noticed = 0
        for (const { row, value } of changes) {
          const [after] = await changedKey(table, row, column.name, value)
          if (after === undefined) continue
          const change = `update ${table} set ${column.name} = ${value} where ${row.where}`
          const report = await corrupted([change])
          if (report === undefined) continue
          assertNames(report, table, [row.key, after.key], change)
          noticed += 1
        }
        assert.ok(noticed > 0, `no cell of ${table}.${column.name} could be changed`)
      }
      await assertClean()
    })

    test(`names the row when one of ${table} is gone, whichever it is`, async () => {
      for (const row of await rowsOf(table)) {
        const report = await corrupted([`delete from ${table} where ${row.where}`])
        assertNames(report ?? assert.fail(), table, [row.key], `${table} without ${row.where}`)
      }
      await assertClean()
    })

    test(`names a row when two of ${table} are swapped`, async () => {
      const rows = await rowsOf(table)
      const [first] = keysOf[table]
      for (const [at, one] of rows.entries()) {
        const two = rows
          .slice(at + 1)
          .find((row) => row.lane === one.lane && firstOf(row) !== firstOf(one))
        if (two === undefined || at % 3 > 0) continue
        const spare = first === 'seq' ? '1000000000' : "'ffffffff-ffff-7fff-8fff-ffffffffffff'"
        const key = (row: Row) => `(select ${first} from kept.${table} where ${row.where})`
        const swap = [
          `update ${table} set ${first} = ${spare} where ${one.where}`,
          `update ${table} set ${first} = ${key(one)} where ${two.where}`,
          `update ${table} set ${first} = ${key(two)} where lane = ${one.lane} and ${first} = ${spare}`,
        ]
        const report = await corrupted(swap, all, plain)
        if (report === undefined) continue
        assert.equal(report.firstWrong?.table, table, JSON.stringify(report.firstWrong))
      }
      await assertClean()
    })
  }

  test('names rows of lanes, cuts and closings as well', async () => {
    const { sql } = ledger.database.owner
    for (const [table, change, back] of [
      ['lane', 'open_day = open_day - 9', 'open_day = open_day + 9'],
      ['lane', 'next_seq = next_seq + 1', 'next_seq = next_seq - 1'],
      [
        'lane',
        'head = set_byte(head, 0, (get_byte(head, 0) + 1) % 256)',
        'head = set_byte(head, 0, (get_byte(head, 0) + 255) % 256)',
      ],
      ['cut', 'seq = seq + 1', 'seq = seq - 1'],
      ['cut', 'day = day + 1', 'day = day - 1'],
      ['cut', "at = at + interval '1 s'", "at = at - interval '1 s'"],
      ['closing', 'debits = debits + 1', 'debits = debits - 1'],
      ['closing', 'credits = credits + 1', 'credits = credits - 1'],
      ['closing', 'day = day + 1', 'day = day - 1'],
    ] as const) {
      await sql.unsafe(`update ${table} set ${change} where lane = 601`)
      const report = await auditor.verify(all)
      await sql.unsafe(`update ${table} set ${back} where lane = 601`)
      assert.equal(
        report.firstWrong?.table,
        table,
        `${change}: ${JSON.stringify(report.firstWrong)}`,
      )
    }
    await assertClean()
  })

  test('names an account whose owner the book does not have, and a merchant of another book', async () => {
    const card = [...ownerBooks.keys()].find((id) => id.endsWith('0259')) ?? ''
    for (const [id, table] of [
      [card, 'account'],
      [merchants[0], 'transfer'],
    ] as const) {
      ownerBooks.set(id, other.book)
      const report = await auditor.verify(all)
      ownerBooks.set(id, issuer.book)
      assert.equal(report.firstWrong?.table, table)
    }
    await assertClean()
  })

  test('tells an issuer nothing of the rows of others', async () => {
    const [row] = await ledger.database.owner.sql<{ seq: bigint }[]>`
      select seq from transfer where book_id = ${other.book}`
    const change = [`update transfer set amount = amount + 1 where book_id = '${other.book}'`]
    const report = await corrupted(change, { book: issuer.book })
    assert.deepEqual(report?.firstWrong, {
      table: 'journal',
      lane: 601,
      key: `seq = ${row?.seq}`,
      why: 'the chain of digests is broken here',
    })
    await assertClean()
  })

  test('asks the checks that modules add, slice by slice', async () => {
    const asked: (string | undefined)[] = []
    const withCheck = new Auditor({
      database: ledger.database.app,
      checks: [
        {
          name: 'payments',
          slice: async (_, { lane, after }) => {
            asked.push(after)
            if (lane !== 602) return { rows: 1, next: undefined }
            if (after === undefined) return { rows: 2, next: 'x' }
            const wrong = { table: 'payment', lane, key: "id = '1'", column: 'refunded', why: 'no' }
            return { rows: 1, next: undefined, wrong }
          },
        },
      ],
    })
    const report = await withCheck.verify({ book: bookOf(issuer.id, 'test') })
    assert.equal(report.firstWrong?.table, 'payment')
    assert.equal(report.checked['payments'], 1)
    assert.deepEqual(asked, [undefined, undefined, 'x'])
  })

  test('stays right while commands run', async () => {
    let running = true
    const card = [...ownerBooks.keys()].find((id) => id.endsWith('025a')) ?? ''
    const writer = async () => {
      while (running) await run(charge(issuer, card, merchants[1], 1n))
    }
    const writers = [writer(), writer()]
    for (let round = 0; round < 10; round += 1)
      assert.equal((await plain.verify(all)).firstWrong, null)
    running = false
    await Promise.all(writers)
    assert.equal((await plain.verify(all)).firstWrong, null)
  })
})

/** The key that the row would have after the change; none where the change changes nothing. */
async function changedKey(table: Table, row: Row, column: string, value: string) {
  const keys = keysOf[table].map((name) => {
    const shown = name === column ? `(${value})` : name
    return `'${name} = ' || quote_literal(${shown}::text)`
  })
  try {
    const rows = await ledger.database.owner.sql.unsafe<{ key: string }[]>(
      `select ${keys.join(" || ' and ' || ")} as key from ${table} where ${row.where} and (${value})::text is distinct from ${column}::text`,
    )
    return rows.map(({ key }) => ({ key: key.replaceAll(/= '(\d+)'/g, '= $1') }))
  } catch {
    return []
  }
}
