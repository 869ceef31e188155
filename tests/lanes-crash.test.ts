import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { CommandId, Lane } from '../contract/src/index.ts'
import { newId } from '../server/src/platform/ids.ts'
import type { Command } from '../server/src/platform/lanes/index.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'
import {
  balanceOf,
  type Card,
  charge,
  codeOf,
  issue,
  type Lanes,
  move,
  newBook,
  newCard,
  note,
  seen,
  startLanes,
} from './harness/lanes.ts'

const book = newBook()

let database: TestDatabase
let lanes: Lanes
before(async () => {
  database = await testDatabase()
  lanes = await startLanes(database.url, { patienceMs: 10_000 })
})
after(async () => {
  await lanes.stop()
  await database.drop()
})

const run = (command: Command) => lanes.engine.execute(command)

async function funded(lane: Lane, fen = 100n): Promise<Card> {
  const card = newCard(book, lane)
  assert.equal(codeOf(await run(issue(card, fen))), 'done')
  return card
}

let orders = 0
function newOrder() {
  orders += 1
  return { kind: 1, name: `crash order ${orders}` }
}

/** What a crash of PostgreSQL does to a command that was claimed a moment ago: its claim was not on disk yet. */
async function crash(commandId: CommandId, what: 'claims stay' | 'claims are lost'): Promise<void> {
  const { sql } = database.owner
  if (what === 'claims are lost') {
    await sql`delete from lika.claim where command_id = ${commandId}`
    await sql`delete from lika.directory where id = ${commandId}`
  }
  await sql`
    select pg_terminate_backend(pid, 5000)
    from pg_stat_activity
    where datname = current_database()
      and application_name in ('lanes', 'claims')`
}

/** The same command, between whose claim and whose round PostgreSQL crashes, the first time. */
function crashing(
  command: Command,
  what: 'claims stay' | 'claims are lost' = 'claims are lost',
  meanwhile: () => Promise<unknown> = async () => {},
): Command {
  let crashed = false
  return {
    ...command,
    plan: async (commandId, name) => {
      const plan = await command.plan(commandId, name)
      if (!crashed) {
        crashed = true
        await crash(commandId, what)
        await meanwhile()
      }
      return plan
    },
  }
}

describe('when PostgreSQL crashes between a claim and its round', () => {
  test('a repeat still finds what the command did', async () => {
    const card = await funded(1)
    const command = charge(card, 10n, { key: newId(), name: newOrder() })
    const first = await run(crashing(command))
    assert.equal(codeOf(first), 'done')
    const again = await run(command)
    assert.equal(seen(again), seen(first))
    assert.equal(again.replayed, true)
    assert.equal(await balanceOf(database.app, card), 90n)
  })

  test('the outside name is its own all the same', async () => {
    const card = await funded(1)
    const name = newOrder()
    assert.equal(codeOf(await run(crashing(charge(card, 10n, { name })))), 'done')
    assert.equal(codeOf(await run(charge(card, 10n, { name }))), 'reference.already_used')
    assert.equal(await balanceOf(database.app, card), 90n)
  })

  test('and the key is taken anew meanwhile, only the new command runs', async () => {
    const card = await funded(1)
    const command = charge(card, 10n, { key: newId() })
    const other = await startLanes(database.url)
    const second = Promise.withResolvers<string>()
    const first = await run(
      crashing(command, 'claims are lost', async () =>
        second.resolve(seen(await other.engine.execute(command))),
      ),
    )
    assert.equal(codeOf(first), 'busy')
    assert.equal(seen(await run(command)), await second.promise)
    assert.equal(await balanceOf(database.app, card), 90n)
    await other.stop()
  })

  test('and the outside name is taken anew meanwhile, only the new command runs', async () => {
    const card = await funded(1)
    const name = newOrder()
    const command = charge(card, 10n, { key: newId(), name })
    const other = await startLanes(database.url)
    const rival = charge(card, 20n, { key: newId(), name })
    const first = await run(
      crashing(command, 'claims are lost', async () =>
        assert.equal(codeOf(await other.engine.execute(rival)), 'done'),
      ),
    )
    assert.equal(codeOf(first), 'busy')
    assert.equal(codeOf(await run(command)), 'reference.already_used')
    assert.equal(await balanceOf(database.app, card), 80n)
    await other.stop()
  })

  test('a command over two lanes and one that runs with others are found again', async () => {
    const [from, to] = [await funded(1), await funded(2)]
    const across = move(from, to, 10n, { key: newId() })
    const first = await run(crashing(across))
    assert.equal(seen(await run(across)), seen(first))

    const pair = [charge(from, 1n, { key: newId() }), charge(to, 2n, { key: newId() })]
    const [one, two] = pair as [Command, Command]
    const together = await lanes.engine.executeTogether([one, crashing(two)])
    assert.deepEqual(together.map(codeOf), ['done', 'done'])
    const again = await lanes.engine.executeTogether(pair)
    assert.deepEqual(again.map(seen), together.map(seen))
    assert.equal(await balanceOf(database.app, from), 89n)
    assert.equal(await balanceOf(database.app, to), 108n)
  })

  test('a key whose command left nothing is free again, also where only the connection was lost', async () => {
    const key = newId()
    const gone = note(book, 1, {
      key,
      decide: () => ({ ok: false, final: false, refusal: { code: 'card.not_found', detail: '' } }),
    })
    assert.equal(codeOf(await run(crashing(gone))), 'card.not_found')
    assert.equal(codeOf(await run(note(book, 1, { key, input: { other: true } }))), 'done')
    assert.equal(
      codeOf(await run(crashing({ ...gone, key: `${key}2` }, 'claims stay'))),
      'card.not_found',
    )
    assert.equal(
      codeOf(await run(note(book, 1, { key: `${key}2`, input: { other: true } }))),
      'done',
    )
  })
})
