import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type CommandId, dayMs, laneOfId, refusal, timeOfId } from '../contract/src/index.ts'
import { realNow } from '../server/src/platform/clock.ts'
import { newCommandId, newId } from '../server/src/platform/ids.ts'
import type { Command, Decision, Executed } from '../server/src/platform/lanes/index.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'
import {
  balanceOf,
  type Card,
  charge,
  codeOf,
  done,
  issue,
  journalOf,
  type Lanes,
  newBook,
  newCard,
  note,
  seen,
  startLanes,
  until,
  untilBlocked,
} from './harness/lanes.ts'

const book = newBook()
const lane = 1
const never = 600_000

let database: TestDatabase
/** Two servers on one database. Neither takes a name from a command that is only slow. */
let here: Lanes
let there: Lanes
before(async () => {
  database = await testDatabase()
  here = await startLanes(database.url, { nameGraceMs: never })
  there = await startLanes(database.url, { nameGraceMs: never })
})
// The last test stops both.
after(() => database.drop())

const run = (command: Command, lanes = here) => lanes.engine.execute(command)
async function cardWith(fen: bigint, of = book): Promise<Card> {
  const card = newCard(of, lane)
  assert.equal(codeOf(await run(issue(card, fen))), 'done')
  return card
}

function commandIdOf(executed: Executed): CommandId {
  assert.equal(executed.status, 'done')
  return (executed as { commandId: CommandId }).commandId
}

/** A command that has its claim and waits, in its plan, for `go` to say what it decides. */
function paused(command: Command) {
  const reached = Promise.withResolvers<CommandId>()
  const decision = Promise.withResolvers<Decision | undefined>()
  const held: Command = {
    ...command,
    plan: async (commandId, name) => {
      reached.resolve(commandId)
      const decided = await decision.promise
      const plan = await command.plan(commandId, name)
      return decided === undefined ? plan : { ...plan, decide: () => decided }
    },
  }
  return {
    command: held,
    /** Resolves with its id once it is claimed. */
    claimed: reached.promise,
    /** With nothing: as it would have decided itself. */
    go: (decided?: Decision) => decision.resolve(decided),
  }
}

const notFound: Decision = {
  ok: false,
  final: false,
  refusal: refusal('card.not_found', 'No such card.'),
}

describe('a key', () => {
  test('has one effect and one answer, however many callers come at once to two servers', async () => {
    const card = await cardWith(100n)
    const key = newId()
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        run(charge(card, 60n, { key }), index % 2 === 0 ? here : there),
      ),
    )
    assert.deepEqual(new Set(answers.map(codeOf)), new Set(['done']))
    assert.equal(new Set(answers.map(seen)).size, 1)
    assert.equal(answers.filter((answer) => !answer.replayed).length, 1)
    assert.equal(await balanceOf(database.app, card), 40n)
  })

  test('is refused with another card, at once and later, and has no second effect', async () => {
    const [card, other] = [await cardWith(100n), await cardWith(100n)]
    const key = newId()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => [
        run(charge(card, 10n, { key })),
        run(charge(other, 10n, { key })),
      ]).flat(),
    )
    const codes = answers.map(codeOf)
    assert.deepEqual(new Set(codes), new Set(['done', 'idempotency.key_reused']))
    assert.equal(codes.filter((code) => code === 'done').length, 20)
    const spent =
      200n - (await balanceOf(database.app, card)) - (await balanceOf(database.app, other))
    assert.equal(spent, 10n)
    assert.equal(codeOf(await run(charge(card, 11n, { key }))), 'idempotency.key_reused')
  })

  test('finds its command in its lane after lanes were added, and after a restart', async () => {
    const key = newId()
    const inTurn = (lanes: Lanes) => {
      const chosen = lanes.engine.laneForNew('live')
      return note(book, chosen, { key, decide: () => done('note.taken', { lane: `${chosen}` }) })
    }
    const first = await run(inTurn(here))
    const more = await startLanes(database.url, { count: 8 })
    try {
      assert.equal(more.engine.lanesOf('live').length, 8)
      const homes = new Set<number>()
      for (let turn = 0; turn < 8; turn += 1) {
        const command = inTurn(more)
        homes.add(command.homeLane())
        assert.equal(seen(await run(command, more)), seen(first))
      }
      assert.equal(homes.size, 8, 'each lane was tried')
    } finally {
      await more.stop()
    }
    const restarted = await startLanes(database.url)
    const again = await run(inTurn(restarted), restarted)
    await restarted.stop()
    assert.equal(seen(again), seen(first))
    assert.equal(again.replayed, true)
  })

  test('is a stranger to the same key of another operation and of another issuer', async () => {
    const key = newId()
    const others = newBook()
    const commands = [
      note(book, lane, { key }),
      note(book, lane, { key, operation: 'note.burn' }),
      note(others, lane, { key }),
    ]
    const ids = (await Promise.all(commands.map((one) => run(one)))).map(commandIdOf)
    assert.equal(new Set(ids).size, 3)
  })

  test('keeps a refusal by state, also after a top-up', async () => {
    const card = await cardWith(10n)
    const early = charge(card, 60n)
    const refused = await run(early)
    assert.equal(codeOf(refused), 'funds.insufficient')
    assert.equal(codeOf(await run(issue(card, 100n))), 'done')
    const again = await run(early)
    assert.equal(seen(again), seen(refused))
    assert.equal(again.replayed, true)
    assert.equal(await balanceOf(database.app, card), 110n)
  })

  test('stays free where the queue is full', async () => {
    const small = await startLanes(database.url, { queueCapacity: 2 })
    try {
      const slow = paused(note(book, lane))
      const first = run(slow.command, small)
      await slow.claimed
      const key = newId()
      const turned = await run(note(book, lane, { key }), small)
      assert.equal(codeOf(turned), 'busy')
      assert.equal(turned.status === 'refused' && turned.refusal.retryAfterSeconds, 1)
      slow.go()
      assert.equal(codeOf(await first), 'done')
      const other = await run(note(book, lane, { key, input: { other: true } }), small)
      assert.deepEqual([codeOf(other), other.replayed], ['done', false])
    } finally {
      await small.stop()
    }
  })

  test('that others share is not given back, so that it never has two effects', async () => {
    const key = newId()
    const slow = [paused(note(book, lane, { key })), paused(note(book, lane, { key }))] as const
    const first = run(slow[0].command, here)
    const firstId = await slow[0].claimed
    const second = run(slow[1].command, there)
    assert.equal(await slow[1].claimed, firstId, 'the second caller shares the claim')
    slow[0].go(notFound)
    assert.equal(codeOf(await first), 'card.not_found')
    const third = await run(note(book, lane, { key }), here)
    slow[1].go()
    assert.deepEqual([await second, third].map(codeOf), ['done', 'done'])
    assert.equal(seen(await second), seen(third))
    const entries = await journalOf(database.app, [lane])
    assert.equal(entries.filter((entry) => entry.commandId === firstId).length, 1)
    assert.equal(commandIdOf(third), firstId)
  })

  test('that is given back while another caller reaches for it is claimed anew', async () => {
    const key = newId()
    const slow = paused(note(book, lane, { key }))
    const first = run(slow.command)
    const firstId = await slow.claimed
    const reaching = Promise.withResolvers<Executed>()
    await database.owner.transaction(async (sql) => {
      await sql`select from lika.claim where command_id = ${firstId} for update`
      const second = run(note(book, lane, { key }), there)
      await untilBlocked(database.owner, 'set shared = true')
      await sql`delete from lika.claim where command_id = ${firstId}`
      reaching.resolve(second)
    })
    const second = await reaching.promise
    assert.notEqual(commandIdOf(second), firstId)
    slow.go(notFound)
    assert.equal(codeOf(await first), 'card.not_found')
    assert.equal(seen(await run(note(book, lane, { key }))), seen(second))
  })

  test('holds for a year, by whatever clock', async () => {
    const card = await cardWith(100n)
    const early = charge(card, 60n)
    const first = await run(early)
    const yearMs = 366 * dayMs
    await database.owner.sql`
      create or replace function lika.real_time() returns timestamptz
      language sql volatile
      return clock_timestamp() + interval '366 days'`
    const later = await startLanes(database.url, {
      realNow: () => realNow() + yearMs,
      newCommandId: (home) => inAYear(newCommandId(home)),
    })
    try {
      assert.equal(seen(await run(early, later)), seen(first))
      const next = await run(charge(card, 40n), later)
      assert.ok(timeOfId(commandIdOf(next)) > realNow() + yearMs - dayMs)
      assert.equal(await balanceOf(database.app, card), 0n)
    } finally {
      await later.stop()
      await database.owner.sql`
        create or replace function lika.real_time() returns timestamptz
        language sql volatile
        return clock_timestamp()`
      // The lanes keep their time of a year ahead, as they must; the other tests shall not.
      await database.owner.sql`update lika.lane set last_at = now()`
      await Promise.all([here.engine.refresh(), there.engine.refresh()])
    }
  })
})

describe('a limit in time', () => {
  test('refuses the command that comes too late, for good', async () => {
    const card = await cardWith(100n)
    const late = charge(card, 10n, { notAfter: realNow() - 1 })
    const refused = await run(late)
    assert.equal(codeOf(refused), 'command.too_late')
    const again = await run({ ...late, notAfter: realNow() + dayMs })
    assert.deepEqual([codeOf(again), again.replayed], ['command.too_late', true])
    assert.equal(codeOf(await run(charge(card, 10n, { notAfter: realNow() + dayMs }))), 'done')
    assert.equal(await balanceOf(database.app, card), 90n)
  })
})

describe('a name from outside', () => {
  let counter = 0
  const freshName = () => {
    counter += 1
    return { kind: 1, name: `order ${counter}` }
  }

  test('belongs to one command', async () => {
    const card = await cardWith(100n)
    const name = freshName()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        run(charge(card, 10n, { name }), index % 2 === 0 ? here : there),
      ),
    )
    const codes = answers.map(codeOf).toSorted()
    assert.deepEqual(codes, ['done', ...Array.from({ length: 19 }, () => 'reference.already_used')])
    assert.equal(await balanceOf(database.app, card), 90n)
  })

  test('is free again once its command was refused', async () => {
    const card = await cardWith(10n)
    const name = freshName()
    assert.equal(codeOf(await run(charge(card, 60n, { name }))), 'funds.insufficient')
    const paid = await run(charge(card, 10n, { name }))
    assert.equal(codeOf(paid), 'done')
    const owner = await here.engine.names.ownerOf(book, name)
    assert.equal(owner?.id, commandIdOf(paid))
  })

  test('is free at once where its command left nothing', async () => {
    const name = freshName()
    assert.equal(
      codeOf(await run(note(book, lane, { name, decide: () => notFound }))),
      'card.not_found',
    )
    assert.equal(await here.engine.names.ownerOf(book, name), undefined)
    assert.equal(codeOf(await run(note(book, lane, { name }))), 'done')
  })

  test('passes to who waits for it when its command leaves nothing', async () => {
    const card = await cardWith(100n)
    const name = freshName()
    const owner = paused(charge(card, 1n, { name }))
    const first = run(owner.command)
    await owner.claimed
    const waiting = run(charge(card, 10n, { name }), there)
    await isWaitingForName(waiting)
    owner.go(notFound)
    assert.equal(codeOf(await first), 'card.not_found')
    const heir = await waiting
    assert.equal(codeOf(heir), 'done')
    assert.equal((await here.engine.names.ownerOf(book, name))?.id, commandIdOf(heir))
    assert.equal(codeOf(await run(charge(card, 10n, { name }))), 'reference.already_used')
    assert.equal(await balanceOf(database.app, card), 90n)
  })

  test('is not given away while another caller shares the key of its owner', async () => {
    const card = await cardWith(100n)
    const [name, key] = [freshName(), newId()]
    const slow = [
      paused(charge(card, 1n, { name, key })),
      paused(charge(card, 1n, { name, key })),
    ] as const
    const first = run(slow[0].command)
    await slow[0].claimed
    const second = run(slow[1].command, there)
    await slow[1].claimed
    slow[0].go(notFound)
    assert.equal(codeOf(await first), 'card.not_found')
    const rival = run(charge(card, 10n, { name }))
    await isWaitingForName(rival)
    slow[1].go()
    assert.equal(codeOf(await second), 'done')
    assert.equal(codeOf(await rival), 'reference.already_used')
    assert.equal(await balanceOf(database.app, card), 99n)
  })

  test('is taken over from a claimant that crashed, who learns it when it comes back', async () => {
    const card = await cardWith(100n)
    const name = freshName()
    const crashed = paused(charge(card, 1n, { name }))
    const back = run(crashed.command, there)
    const crashedId = await crashed.claimed
    const hasty = await startLanes(database.url, { nameGraceMs: 0 })
    try {
      const heir = await run(charge(card, 10n, { name }), hasty)
      assert.equal(codeOf(heir), 'done')
      assert.equal((await hasty.engine.names.ownerOf(book, name))?.id, commandIdOf(heir))
      assert.deepEqual(await hasty.engine.outcomeOf(crashedId).then((one) => one?.refused), true)
    } finally {
      await hasty.stop()
    }
    crashed.go()
    assert.equal(codeOf(await back), 'reference.already_used')
    assert.equal(await balanceOf(database.app, card), 90n)
  })

  test('that was claimed without its key, as by a crash in between, is taken over', async () => {
    const card = await cardWith(100n)
    const [name, key] = [freshName(), newId()]
    const half = paused(charge(card, 1n, { name, key }))
    const lost = run(half.command, there)
    const lostId = await half.claimed
    await database.owner.sql`delete from lika.claim where command_id = ${lostId}`
    const hasty = await startLanes(database.url, { nameGraceMs: 0 })
    const again = await run(charge(card, 1n, { name, key }), hasty)
    await hasty.stop()
    assert.equal(codeOf(again), 'done')
    half.go()
    assert.equal(codeOf(await lost), 'reference.already_used')
    assert.equal(await balanceOf(database.app, card), 99n)
  })

  test('that was not claimed along with its key, as by a crash in between, is taken by the repeat', async () => {
    const card = await cardWith(100n)
    const [name, key] = [freshName(), newId()]
    const half = paused(charge(card, 1n, { name, key }))
    const lost = run(half.command, there)
    const lostId = await half.claimed
    await database.owner.sql`delete from lika.directory where id = ${lostId}`
    const again = await run(charge(card, 1n, { name, key }))
    assert.equal(commandIdOf(again), lostId)
    assert.equal((await here.engine.names.ownerOf(book, name))?.id, lostId)
    half.go()
    assert.equal(seen(await lost), seen(again))
    assert.equal(await balanceOf(database.app, card), 99n)
  })

  test('that was cancelled before anybody came refuses whoever comes', async () => {
    const card = await cardWith(100n)
    const name = freshName()
    assert.equal(
      await here.engine.names.cancelUnlessTaken(book, name, newCommandId(lane)),
      undefined,
    )
    const answers = [await run(charge(card, 10n, { name })), await run(charge(card, 20n, { name }))]
    assert.deepEqual(answers.map(codeOf), ['payment.cancelled', 'payment.cancelled'])
    assert.equal(await balanceOf(database.app, card), 100n)
  })

  test('that is taken cannot be cancelled unseen; afterwards nobody gets it', async () => {
    const card = await cardWith(100n)
    const name = freshName()
    const paid = await run(charge(card, 10n, { name }))
    const { names } = here.engine
    const owner = await names.cancelUnlessTaken(book, name, newCommandId(lane))
    assert.equal(owner?.id, commandIdOf(paid))
    assert.equal(owner?.cancelled, false)
    assert.ok(owner !== undefined && (await names.cancel(owner)))
    assert.equal(codeOf(await run(charge(card, 10n, { name }))), 'payment.cancelled')
  })

  test('cannot be cancelled on behalf of a command that lost it', async () => {
    const card = await cardWith(10n)
    const name = freshName()
    assert.equal(codeOf(await run(charge(card, 60n, { name }))), 'funds.insufficient')
    const loser = await here.engine.names.ownerOf(book, name)
    assert.equal(codeOf(await run(charge(card, 10n, { name }))), 'done')
    assert.ok(loser !== undefined)
    assert.equal(await here.engine.names.cancel(loser), false)
  })
})

describe('a command without a claim', () => {
  test('runs each time that it is told to, and takes no key', async () => {
    const card = await cardWith(1_000n)
    const [before] = await database.owner.sql<{ count: bigint }[]>`select count(*) from claim`
    const charged = charge(card, 300n)
    const ids = new Set<CommandId>()
    for (const lanes of [here, there, here])
      ids.add(commandIdOf(await lanes.engine.executeUnclaimed(charged)))
    assert.equal(ids.size, 3)
    assert.equal(await balanceOf(database.owner, card), 100n)
    assert.notEqual(codeOf(await here.engine.executeUnclaimed(charged)), 'done')
    const [after] = await database.owner.sql<{ count: bigint }[]>`select count(*) from claim`
    assert.deepEqual(after, before)
    // The key is free for a command with a claim.
    const first = await run({ ...charge(card, 100n), key: charged.key })
    assert.equal(codeOf(first), 'done')
    assert.equal((first as { replayed: boolean }).replayed, false)
  })

  test('leaves nothing where it is decided against for now', async () => {
    const entries = (await journalOf(database.owner, [lane])).length
    const refusing: Command = {
      ...note(book, lane),
      plan: () => ({ lanes: [lane], reads: [], decide: () => notFound }),
    }
    assert.equal(codeOf(await here.engine.executeUnclaimed(refusing)), 'card.not_found')
    assert.equal((await journalOf(database.owner, [lane])).length, entries)
  })
})

describe('a tombstone', () => {
  const why = refusal('payment.cancelled', 'It was cancelled.')

  test('that comes first refuses the command when it comes', async () => {
    const card = await cardWith(100n)
    const slow = paused(charge(card, 10n))
    const late = run(slow.command, there)
    const id = await slow.claimed
    assert.equal(codeOf(await here.engine.tombstone(id, book, why)), 'payment.cancelled')
    slow.go()
    const answer = await late
    assert.deepEqual([codeOf(answer), answer.replayed], ['payment.cancelled', true])
    assert.equal(await balanceOf(database.app, card), 100n)
  })

  test('that comes second finds the command as it ran', async () => {
    const card = await cardWith(100n)
    const paid = await run(charge(card, 10n))
    const found = await there.engine.tombstone(commandIdOf(paid), book, why)
    assert.equal(seen(found), seen(paid))
    assert.equal(await balanceOf(database.app, card), 90n)
  })

  test('and its command at once agree on what happened', async () => {
    const card = await cardWith(1_000n)
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const slow = paused(charge(card, 10n))
        const answer = run(slow.command, there)
        const id = await slow.claimed
        const tombstone = here.engine.tombstone(id, book, why)
        slow.go()
        const both = [codeOf(await answer), codeOf(await tombstone)]
        assert.equal(both[0], both[1])
        return both[0]
      }),
    )
    const paid = outcomes.filter((outcome) => outcome === 'done').length
    assert.equal(await balanceOf(database.app, card), 1_000n - 10n * BigInt(paid))
  })
})

/** The same id as if made a year later. */
function inAYear(id: CommandId): CommandId {
  const at = (timeOfId(id) + 366 * dayMs).toString(16).padStart(12, '0')
  const later = `${at.slice(0, 8)}-${at.slice(8)}${id.slice(13)}` as CommandId
  assert.equal(laneOfId(later), laneOfId(id))
  return later
}

/** Sees to it that the command has looked for its name and did not get it: it is still under way after another round. */
async function isWaitingForName(command: Promise<Executed>): Promise<void> {
  for (let round = 0; round < 3; round += 1) await run(note(book, lane), there)
  const state = await Promise.race([command.then(() => 'settled'), Promise.resolve('waiting')])
  assert.equal(state, 'waiting')
}

describe('a server that stops', () => {
  test('finishes what it took, takes nothing more, and leaves no connection', async () => {
    const stopping = await startLanes(database.url)
    const slow = paused(note(book, 3))
    const first = run(slow.command, stopping)
    await slow.claimed
    const stopped = stopping.engine.stop()
    assert.equal(codeOf(await run(note(book, 3), stopping)), 'busy')
    const bulk = await stopping.engine.executeTogether([note(book, 3)])
    assert.deepEqual(bulk.map(codeOf), ['busy'])
    slow.go()
    assert.equal(codeOf(await first), 'done')
    await stopped
    await stopping.stop()
    await Promise.all([here.stop(), there.stop()])
    await until(async () => (await connections()) === 0n)
  })

  async function connections(): Promise<bigint> {
    const [row] = await database.owner.sql<{ count: bigint }[]>`
      select count(*)
      from pg_stat_activity
      where datname = current_database()
        and application_name in ('lanes', 'claims')`
    return row?.count ?? -1n
  }
})
