/** A run of the fuzzer from its beginning to its end, and what must hold then. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Operation } from './answer-check.ts'
import type { ClientAnswer } from './client.ts'
import { type FuzzOptions, fuzz, tableOf } from './fuzz-run.ts'
import { goodCalls, optionsOf, pathOf, refusedForState } from './good-calls.ts'
import { makePlace, makeThings, openWorld, type World } from './world.ts'

/** Later, where so many made-up keys came from here that others are not looked up just now. */
async function verified({ client, operator }: World): Promise<ClientAnswer> {
  for (;;) {
    const audit = await client.call('POST', '/v1/ledger/verify', { key: operator })
    if (audit.status !== 429) return audit
    await sleep(1_000 * Number(audit.headers['retry-after']))
  }
}

/** What chance did not reach, because it takes several steps to get there, must succeed when those steps are made. */
async function callAsMeant(world: World, operations: readonly Operation[]): Promise<void> {
  if (operations.length === 0) return
  const book = await world.openBook(await world.makeIssuer(), 'test')
  const place = await makePlace(book)
  const jobs = await makeThings(book, place)
  for (const operation of operations) {
    const things = await makeThings(book, place, jobs)
    for (const call of goodCalls(operation, things, book)) {
      const options = optionsOf(call, book.key, world.operator)
      const answer = await world.client.call(operation.method, pathOf(operation, call), options)
      assert.ok(answer.status < 300, `${operation.id}: ${JSON.stringify(answer.body)}`)
    }
  }
}

export async function assertFuzz(options: Omit<FuzzOptions, 'seed'>): Promise<void> {
  const world = await openWorld()
  const { say } = options
  try {
    const seed = Number(process.env['LIKA_FUZZ_SEED'] ?? randomInt(2 ** 30))
    const report = await fuzz(world, { ...options, seed })
    for (const line of tableOf(world.client, report)) say(line)
    const { sent, succeeded, alone, aloneRefused, failures, counts } = report
    say(
      `${sent} requests, ${succeeded} with a 2xx; ${alone} alone, ${aloneRefused} of them refused`,
    )
    const faults = world.lika
      .said()
      .split('\n')
      .filter((line) => line.includes('"level":50'))
    assert.deepEqual([...failures, ...faults.slice(0, 10)], [], `seed ${seed}`)
    assert.ok(sent >= options.requests)
    assert.ok(succeeded >= sent / 5, 'at least a fifth reaches a 2xx')
    assert.ok(aloneRefused > 0)
    const never = world.client.check.operations
      .filter(({ id }) => ![...(counts.get(id)?.keys() ?? [])].some((status) => status < 300))
      .filter(({ id }) => refusedForState[id] === undefined)
    say(`never reached by chance: ${never.map(({ id }) => id).join(', ') || 'none'}`)
    assert.ok(
      never.length <= world.client.check.operations.length / 20,
      'chance reaches nearly all',
    )
    await callAsMeant(world, never)
    const audit = await verified(world)
    assert.equal(audit.body.ok, true, JSON.stringify(audit.body))
    const said = world.lika.said()
    assert.doesNotMatch(said, /"level":[56]0|a request failed|not documented/, said.slice(-2_000))
  } finally {
    await world.stop()
  }
}
