import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { monthOfId } from '@lika/contract'
import { startDayCloser } from '../server/src/flows/close-day.ts'
import { accountId } from '../server/src/modules/ledger/index.ts'
import type { Sql } from '../server/src/platform/db.ts'
import { codeOf } from '../server/src/platform/db-faults.ts'
import { newCommandId, newId } from '../server/src/platform/ids.ts'
import {
  charge,
  endHold,
  hold,
  type LedgerBook,
  ledgerBook,
  load,
  move,
  newIssuer,
  principalOf,
} from './harness/ledger-book.ts'

let ledger: LedgerBook
let app: Sql
const issuer = newIssuer('live')
const merchant = newId()
const [card, other] = [newId(1), newId(2)]
let holdId = ''
/** What the engine sent while it ran the commands below. */
let ran: string[] = []

before(async () => {
  ledger = await ledgerBook(2)
  app = ledger.database.app.sql
  const { engine } = ledger
  await engine.execute(load(issuer, card, 10_000n, 500n))
  await engine.execute(load(issuer, other, 10_000n))
  await engine.execute(charge(issuer, card, merchant, 2_000n))
  await engine.execute(move(issuer, card, other, 100n))
  const held = await engine.execute(hold(issuer, card, 1_000n, (now) => now + 3_600_000))
  holdId = held.status === 'done' ? held.commandId : assert.fail()
  await engine.execute(endHold(issuer, holdId, card, merchant, 300n))
  await ledger.database.owner.sql`update lane set open_day = open_day - 2`
  const closer = startDayCloser({ engine, database: ledger.database.app }, { log: console })
  assert.ok((await closer.runNow()).closed.length > 0)
  await closer.stop()
  const queries = await ledger.database.owner.sql<{ query: string }[]>`
    select query
    from public.pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database())
      and userid = ${'lika_app'}::text::regrole`
  ran = queries.map(({ query }) => query)
})

after(() => ledger.close())

/** The code and constraint with which PostgreSQL refuses it. */
async function refusedWith(statement: PromiseLike<unknown>): Promise<string> {
  try {
    await statement
  } catch (error) {
    const named = typeof error === 'object' && error !== null && 'constraint_name' in error
    return `${codeOf(error)} ${named ? String(error.constraint_name) : ''}`.trim()
  }
  return assert.fail('PostgreSQL let it happen')
}

const noRight = '42501'
const brokenCheck = '23514'

describe('SQL written as the application', () => {
  test('cannot take an account below what is held, or below zero', async () => {
    const account = principalOf(card)
    const available = await refusedWith(
      app`update account set balance = held - 1 where lane = 1 and id = ${account}`,
    )
    assert.equal(available, `${brokenCheck} ck_account_available`)
    const overdrawn = await refusedWith(
      app`update account set balance = -1, held = -1 where lane = 1 and id = ${account}`,
    )
    assert.equal(overdrawn, `${brokenCheck} ck_account_held`)
    const held = await refusedWith(
      app`update account set held = balance + 1 where lane = 1 and id = ${account}`,
    )
    assert.equal(held, `${brokenCheck} ck_account_available`)
  })

  for (const [what, amount, sides, constraint] of [
    ['nothing', 0n, 'two', 'ck_transfer_amount'],
    ['less than nothing', -5n, 'two', 'ck_transfer_amount'],
    ['from an account to itself', 5n, 'one', 'ck_transfer_sides'],
  ] as const) {
    test(`cannot transfer ${what}`, async () => {
      const id = newCommandId(1)
      const debit = accountId(issuer.id, 'bank', 1)
      const credit = sides === 'one' ? debit : accountId(merchant, 'merchant_unsettled', 1)
      const refused = await refusedWith(app`
        insert into transfer (lane, seq, line, month, book_id, debit_account, credit_account, amount)
        values (1, 900, 0, ${monthOfId(id)}, ${issuer.book}, ${debit}, ${credit}, ${amount})`)
      assert.equal(refused, `${brokenCheck} ${constraint}`)
    })
  }

  test('cannot write a transfer after which a guarded account is below zero', async () => {
    const refused = await refusedWith(app`
      insert into transfer
        (lane, seq, line, month, book_id, debit_account, credit_account, amount, debit_balance)
      values (
        1, 900, 0, ${monthOfId(newId())}, ${issuer.book}, ${principalOf(card)},
        ${accountId(merchant, 'merchant_unsettled', 1)}, 5, -1
      )`)
    assert.equal(refused, `${brokenCheck} ck_transfer_debit_balance`)
  })

  test('cannot capture or release more than a hold sets aside, nor less than nothing', async () => {
    for (const [statement, constraint] of [
      [
        app`update hold set captured = amount + 1 where lane = 1 and id = ${holdId}`,
        'not_exceeded',
      ],
      [app`update hold set released = amount where lane = 1 and id = ${holdId}`, 'not_exceeded'],
      [app`update hold set captured = -1 where lane = 1 and id = ${holdId}`, 'captured'],
      [app`update hold set released = -1 where lane = 1 and id = ${holdId}`, 'released'],
      [app`update hold set amount = 0 where lane = 1 and id = ${holdId}`, 'amount'],
    ] as const) {
      assert.equal(await refusedWith(statement), `${brokenCheck} ck_hold_${constraint}`)
    }
  })

  for (const table of ['journal', 'transfer', 'cut', 'closing']) {
    test(`cannot change, remove or empty ${table}, nor its partitions`, async () => {
      const [{ rows } = { rows: 0 }] = await app.unsafe<{ rows: number }[]>(
        `select count(*)::int as rows from ${table}`,
      )
      assert.ok(rows > 0)
      const partitions = await app<{ name: string }[]>`
        select inhrelid::regclass::text as name
        from pg_inherits
        where inhparent = ${`lika.${table}`}::text::regclass`
      for (const name of [table, ...partitions.map((partition) => partition.name)]) {
        for (const statement of [
          `update ${name} set lane = lane`,
          `delete from ${name}`,
          `truncate ${name}`,
        ])
          assert.equal(await refusedWith(app.unsafe(statement)), noRight, statement)
      }
    })
  }

  test('cannot remove accounts and holds, nor lanes', async () => {
    for (const table of ['account', 'hold', 'lane'])
      assert.equal(await refusedWith(app.unsafe(`delete from ${table}`)), noRight)
  })

  test('owns nothing, is nobody else, and makes no tables, types, functions or schemas', async () => {
    const owned = await app<{ name: string }[]>`
      select oid::regclass::text as name from pg_class where relowner = current_user::regrole
      union all
      select proname::text from pg_proc where proowner = current_user::regrole
      union all
      select nspname::text from pg_namespace where nspowner = current_user::regrole
      union all
      select typname::text from pg_type where typowner = current_user::regrole`
    assert.deepEqual([...owned], [])
    const [role] = await app<
      { super: boolean; roles: boolean; databases: boolean; member: boolean }[]
    >`
      select
        rolsuper as super, rolcreaterole as roles, rolcreatedb as databases,
        exists (select from pg_auth_members where member = pg_roles.oid) as member
      from pg_roles
      where rolname = current_user`
    assert.deepEqual(role, { super: false, roles: false, databases: false, member: false })
    for (const statement of [
      'create table lika.mine (id int)',
      'create function lika.mine() returns int language sql as $$ select 1 $$',
      "create type lika.mine as enum ('one')",
      'create schema mine',
      'alter table lika.journal disable trigger all',
      'drop table lika.journal',
    ])
      assert.ok(['42501', '42P01'].includes(await refusedWith(app.unsafe(statement))), statement)
  })
})

/** Tables of rounds: their rows are found by lane. */
const byLane = new Set<string>()
/** Small tables that every lane reads, and what is not hot. */
const byBucket = ['claim', 'directory']

/** `webhook_…` rows lie beside endpoints, `consumer` is read by name: neither is part of a round. */
const isHot = (table: string) => byLane.has(table) && !/^(webhook_|consumer)/.test(table)

describe('the catalog', () => {
  before(async () => {
    const tables = await ledger.database.owner.sql<{ name: string }[]>`
      select relname as name
      from pg_class
      join pg_attribute on attrelid = pg_class.oid and attname = 'lane'
      where relnamespace = 'lika'::regnamespace
        and relkind in ('r', 'p')
        and not relispartition`
    for (const { name } of tables) byLane.add(name)
    for (const name of ['journal', 'transfer', 'account', 'hold', 'card', 'payment', 'refund'])
      assert.ok(byLane.has(name), name)
  })

  test('every unique key of a hot table begins with lane, of claims and names with bucket', async () => {
    const keys = await ledger.database.owner.sql<{ table: string; first: string; key: string }[]>`
      select relname as "table", attname as first, indexrelid::regclass::text as key
      from pg_index
      join pg_class on pg_class.oid = indrelid
      join pg_attribute on attrelid = indrelid and attnum = indkey[0]
      where relnamespace = 'lika'::regnamespace
        and indisunique
        and not relispartition`
    for (const { table, first, key } of keys) {
      if (byBucket.includes(table)) assert.equal(first, 'bucket', key)
      else if (isHot(table)) assert.equal(first, 'lane', key)
    }
    for (const table of [...byBucket, ...[...byLane].filter(isHot)])
      assert.ok(
        keys.some((key) => key.table === table && /pk_/.test(key.key)),
        table,
      )
  })

  test('there is no trigger, no sequence, and no foreign key on a hot table', async () => {
    const { sql } = ledger.database.owner
    const triggers = await sql<{ name: string; table: string }[]>`
      select tgname as name, relname as "table"
      from pg_trigger
      join pg_class on pg_class.oid = tgrelid
      where relnamespace = 'lika'::regnamespace
        and not tgisinternal`
    assert.deepEqual([...triggers], [])
    const sequences = await sql<{ name: string }[]>`
      select relname as name from pg_class where relkind = 'S' and relnamespace = 'lika'::regnamespace`
    assert.deepEqual([...sequences], [])
    const foreign = await sql<{ from: string; to: string }[]>`
      select from_table.relname as from, to_table.relname as to
      from pg_constraint
      join pg_class as from_table on from_table.oid = conrelid
      join pg_class as to_table on to_table.oid = confrelid
      where contype = 'f'
        and connamespace = 'lika'::regnamespace`
    for (const { from, to } of foreign) assert.ok(!isHot(from) && !isHot(to), `${from} → ${to}`)
  })

  test('constraints say by their name what they are', async () => {
    const prefixes: Record<string, string> = { c: 'ck_', u: 'uq_', f: 'fk_', p: 'pk_' }
    const constraints = await ledger.database.owner.sql<{ name: string; type: string }[]>`
      select conname as name, contype as type
      from pg_constraint
      join pg_class on pg_class.oid = conrelid
      where connamespace = 'lika'::regnamespace
        and not relispartition
        and contype in ('c', 'u', 'f', 'p')`
    assert.ok(constraints.length > 30)
    for (const { name, type } of constraints) assert.match(name, new RegExp(`^${prefixes[type]}`))
  })

  test('the statements of rounds that ran here say which lane', () => {
    const some = ran.filter((query) => tablesIn(query).some(isHot) && !isMeantForAll(query))
    assert.ok(some.length >= 12, `only ${some.length} statements were found`)
    for (const query of some) assert.match(query, saysLane(query), query)
  })

  test('so does every statement by keys of a store on a table that rounds write', () => {
    const folders = ['modules', 'flows', 'platform/lanes']
    const sources = folders
      .flatMap((folder) => filesUnder(join(import.meta.dirname, '../server/src', folder)))
      .map((file) => ({ file, text: readFileSync(file, 'utf8') }))
    // A shelf has the name of its table.
    const written = new Set(['journal', 'transfer'])
    for (const { text } of sources)
      for (const [, name = ''] of text.matchAll(/: Shelf<\w+> = \{\s+name: '(\w+)'/g))
        written.add(name)
    for (const name of ['account', 'hold', 'card']) assert.ok(written.has(name), name)
    for (const { file, text } of sources) {
      for (const statement of statementsIn(text)) {
        const isOfRounds = tablesIn(statement).some((name) => written.has(name) && isHot(name))
        // Rounds load and write by keys; what looks through a whole table is not theirs.
        if (!isOfRounds || !/\b(?:any|unnest)\(/.test(statement)) continue
        assert.match(statement, saysLane(statement), `${file}: ${statement}`)
      }
    }
  })
})

function tablesIn(statement: string): string[] {
  const named = statement.matchAll(/\b(?:from|into|update|join)\s+(?:lika\.)?(\w+)/g)
  return [...named].map(([, name = '']) => name)
}

function saysLane(statement: string): RegExp {
  return /^\s*insert/.test(statement)
    ? /\(\s*lane\b[\s\S]*(?:select|values)\b[\s(]*\$/
    : /\blane = (?:\$|any\()/
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return filesUnder(path)
    return entry.name.endsWith('store.ts') ? [path] : []
  })
}

/** The texts between sql` and its closing backtick, expressions left in. */
function statementsIn(source: string): string[] {
  return [...source.matchAll(/\bsql(?:<[^`]*?>)?`([^`]*)`/g)].map(([, text = '']) => text)
}

/** Of the lanes themselves: made and read at start, all of them. */
function isMeantForAll(statement: string): boolean {
  return tablesIn(statement)
    .filter(isHot)
    .every((table) => table === 'lane')
}
