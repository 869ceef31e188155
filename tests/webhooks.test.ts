import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { asId, type BookId, bookOf, formatId, parseId, withKindAndLane } from '@lika/contract'
import { webhookSender } from '../server/src/connectors/webhook-sender.ts'
import {
  type Endpoint,
  type EventPositions,
  endpointStatus,
  openWebhooks,
  type Webhooks,
  type WebhooksOptions,
} from '../server/src/modules/webhooks/index.ts'
import { newCommandId, newId } from '../server/src/platform/ids.ts'
import { type TestDatabase, testDatabase } from './harness/database.ts'
import { httpLanes, type Issuer, startHttpApp } from './harness/http-app.ts'
import { appendByHand, type HandEntry, makeLanes, rewind } from './harness/journal-rows.ts'
import { testKeyring, type WebhookProcessOptions } from './harness/webhook-process.ts'
import { type Received, type Receiver, startReceiver } from './harness/webhook-receiver.ts'

let database: TestDatabase
let receiver: Receiver
/** New ones for each test, so that none sees another's journal. */
let lanes: [number, number]
let book: BookId
let nextLane = 1
const opened: Webhooks[] = []
const children: ChildProcess[] = []

before(async () => {
  database = await testDatabase()
})
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await database.drop()
})
beforeEach(async () => {
  receiver = await startReceiver()
  lanes = [nextLane, nextLane + 1]
  nextLane += 2
  await makeLanes(database.owner, lanes)
  book = bookOf(asId(newId()), 'live')
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.stop()))
  assert.deepEqual(receiver.wrong, [])
  await receiver.close()
  await database.owner.sql`delete from webhook_endpoint`
})

function open(more: Partial<WebhooksOptions> = {}): Webhooks {
  const webhooks = openWebhooks({
    database: database.app,
    keyring: testKeyring,
    sender: webhookSender({ allowPrivate: true, timeoutMs: 500 }),
    lanesOf: () => lanes,
    lanes: () => lanes,
    log: { error: () => {} },
    ...more,
    tuning: { pollMs: 20, backOff: { firstMs: 5, longestMs: 40 }, ...more.tuning },
  })
  opened.push(webhooks)
  return webhooks
}

async function endpointOf(webhooks: Webhooks, events = ['payment.*'], url = receiver.url) {
  const made = await webhooks.create({ bookId: book, url, events, reference: null, metadata: {} })
  assert.ok(made.ok, 'the endpoint is made')
  receiver.secret = made.value.secret
  return made.value.endpoint
}

/** Payments of the book, in turn in both lanes; the ids of their events. */
async function pay(count: number, more: HandEntry = {}): Promise<string[]> {
  const ids: string[] = []
  for (let index = 0; index < count; index += 1) {
    const lane = lanes[index % 2] ?? 0
    const commandId = newCommandId(lane)
    await appendByHand(database.owner, lane, [
      { bookId: book, commandId, body: { paymentId: commandId, amountFen: '100' }, ...more },
    ])
    ids.push(formatId('event', commandId))
  }
  return ids
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUp = Date.now() + 30_000
  while (!(await holds())) {
    assert.ok(Date.now() < giveUp, `waited in vain until ${what}`)
    await sleep(5)
  }
}

const idsOf = (received: readonly Received[]) => received.map(({ id }) => id)

function assertLaneOrder(received: readonly Received[]): void {
  for (const lane of lanes) {
    const seqs = received.filter((one) => one.lane === lane).map(({ seq }) => seq)
    assert.deepEqual(
      seqs,
      seqs.toSorted((left, right) => left - right),
    )
  }
}

/** In the order of the journal, which is that of the ids within a lane. */
function assertEachOnce(ids: readonly string[]): void {
  assert.deepEqual(idsOf(receiver.accepted()).toSorted(), ids.toSorted())
  assertLaneOrder(receiver.accepted())
}

describe('an endpoint', () => {
  test('is sent what it asked for of its own book, signed, in the order of each lane', async () => {
    const webhooks = open()
    await pay(2)
    await endpointOf(webhooks)
    webhooks.start()
    const ids = await pay(20)
    await pay(2, { kind: 'card.issued' })
    await pay(2, { kind: 'day.closed' })
    await pay(2, { refused: true })
    await pay(2, { bookId: bookOf(asId(newId()), 'live') })
    ids.push(...(await pay(2)))
    await until('all have come', () => receiver.accepted().length >= ids.length)
    await sleep(50)
    assertEachOnce(ids)
    const [first] = receiver.all
    assert.deepEqual(JSON.parse(first?.body ?? '').data, {
      payment_id: first?.id.replace('evt_', 'pay_'),
      amount: 100,
      currency: 'CNY',
    })
  })

  test('that was down gets every event once by id, in lane order, and nothing overtakes', async () => {
    const webhooks = open()
    const endpoint = await endpointOf(webhooks)
    webhooks.start()
    const failures = [500, 'hang up', 'redirect', 404, 503, 429] as const
    let failed = 0
    let down = true
    receiver.behave = () => {
      if (!down) return 200
      failed += 1
      return failures[failed % failures.length] ?? 500
    }
    const ids = await pay(40)
    await until('it has failed often', () => failed > 20)
    const tried = new Set(idsOf(receiver.all))
    assert.equal(tried.size, 2, 'only the first event of each lane is tried')
    assert.notEqual((await webhooks.find(book, endpoint.id))?.failingSince, null)
    down = false
    await until('all have come', () => receiver.accepted().length >= ids.length)
    await sleep(50)
    assertEachOnce(ids)
    for (const id of ids) {
      const bodies = new Set(receiver.all.filter((one) => one.id === id).map(({ body }) => body))
      assert.equal(bodies.size, 1, 'a repeated delivery is the same to the byte')
    }
    assert.equal((await webhooks.find(book, endpoint.id))?.failingSince, null)
  })

  test('pauses longer and longer between attempts', async () => {
    const webhooks = open({ tuning: { backOff: { firstMs: 20, longestMs: 100 } } })
    await endpointOf(webhooks)
    webhooks.start()
    receiver.behave = () => 500
    await pay(1)
    await until('it has failed', () => receiver.all.length >= 7)
    const times = receiver.all.map(({ at }) => at)
    const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0))
    for (const [index, least] of [15, 30, 60, 75, 75, 75].entries())
      assert.ok((pauses[index] ?? 0) >= least - 2, `pauses ${pauses.join()}`)
  })

  test('is marked failing after three days, gets what it missed, and is active again', async () => {
    let aheadMs = 0
    const told: string[] = []
    const webhooks = open({
      tuning: { realNow: () => Date.now() + aheadMs },
      log: { error: (_, sentence) => told.push(sentence) },
    })
    const endpoint = await endpointOf(webhooks)
    receiver.secret = undefined // its time stamps will be days ahead of the verifier's clock
    webhooks.start()
    receiver.behave = () => 500
    const ids = await pay(6)
    await until('it has failed', () => receiver.all.length > 3)
    const status = async () => {
      const found = await webhooks.find(book, endpoint.id)
      return found && endpointStatus(found, Date.now() + aheadMs)
    }
    assert.equal(await status(), 'active')
    aheadMs = 3 * 86_400_000 + 60_000
    await until('it is marked', async () => (await status()) === 'failing')
    await until('it is told', () => told.some((sentence) => sentence.includes('three days')))
    receiver.behave = () => 200
    await until('all have come', () => receiver.accepted().length >= ids.length)
    assertEachOnce(ids)
    assert.equal(await status(), 'active')
  })

  test('gets both events of a captured hold, and goes on with the second after a failure', async () => {
    const webhooks = open()
    await endpointOf(webhooks, ['hold.*', 'payment.*'])
    webhooks.start()
    let failures = 3
    receiver.behave = ({ type }) => {
      if (type !== 'payment.created' || failures === 0) return 200
      failures -= 1
      return 500
    }
    await pay(1, { kind: 'hold.captured' })
    await until('both have come', () => receiver.accepted().length >= 2)
    assert.deepEqual(
      receiver.accepted().map(({ type }) => type),
      ['hold.captured', 'payment.created'],
    )
    assert.equal(receiver.all.length, 5)
  })

  test('that is deleted gets nothing more', async () => {
    const webhooks = open()
    const endpoint = await endpointOf(webhooks)
    webhooks.start()
    await pay(2)
    await until('the first have come', () => receiver.all.length === 2)
    assert.equal(await webhooks.remove(book, endpoint.id), true)
    assert.equal(await webhooks.remove(book, endpoint.id), false)
    await pay(4)
    await sleep(150)
    assert.equal(receiver.all.length, 2)
  })

  test('does not hold up another one', async () => {
    const webhooks = open()
    const other = await startReceiver()
    await endpointOf(webhooks, ['payment.*'], other.url)
    await endpointOf(webhooks)
    other.behave = () => 500
    webhooks.start()
    const ids = await pay(10)
    await until('all have come', () => receiver.accepted().length >= ids.length)
    assertEachOnce(ids)
    await other.close()
  })

  test('in a lane that is newer than itself gets all of that lane', async () => {
    const known = [lanes[0]]
    const webhooks = open({ lanesOf: () => known, tuning: { leaseMs: 800, attemptMs: 600 } })
    await endpointOf(webhooks)
    webhooks.start()
    const ids = await pay(6)
    known.push(lanes[1])
    await until('all have come', () => receiver.accepted().length >= ids.length)
    assertEachOnce(ids)
  })

  test('gets nothing after the journal went backwards, until it is replayed', async () => {
    const told: string[] = []
    const webhooks = open({ log: { error: (_, sentence) => told.push(sentence) } })
    const endpoint = await endpointOf(webhooks)
    webhooks.start()
    await pay(6)
    await until('they have come', () => receiver.accepted().length === 6)
    await rewind(database.owner, lanes[0], 1n)
    const others = Array.from({ length: 5 }, () => ({ bookId: book }))
    await appendByHand(database.owner, lanes[0], others, 'another history')
    await until('it stops', () => told.some((sentence) => sentence.includes('interrupted')))
    assert.equal(receiver.accepted().length, 6)
    const replayed = await webhooks.replay(book, endpoint.id, '2000-01-01T00:00:00Z')
    assert.ok(replayed.ok)
    const newest = await database.owner.sql<{ id: string }[]>`
      select command_id as id from journal where lane = ${lanes[0]} order by seq`
    const expected = newest.map(({ id }) => formatId('event', id))
    await until('what there is now has come', () => {
      const came = new Set(idsOf(receiver.accepted()))
      return expected.every((id) => came.has(id))
    })
  })
})

describe('the deliveries', () => {
  test('are listed attempt by attempt, and swept after a month', async () => {
    let aheadMs = -31 * 86_400_000
    const realNow = () => Date.now() + aheadMs
    const webhooks = open()
    const endpoint = await endpointOf(webhooks)
    webhooks.start()
    receiver.behave = () => (receiver.all.length < 2 ? 500 : 200)
    const [id = ''] = await pay(1)
    await until('it has come', () => receiver.accepted().length === 1)
    const page = { afterId: undefined, limit: 10 }
    const list = () => webhooks.deliveries(book, page, {})
    await until('it is noted', async () => (await list()).length === 3)
    const shown = (await list()).map(({ attempt, status, responseStatus, error, eventId }) => [
      attempt,
      status,
      responseStatus,
      error,
      formatId('event', eventId) === id,
    ])
    assert.deepEqual(shown, [
      [3, 'delivered', 200, null, true],
      [2, 'failed', 500, 'status 500', true],
      [1, 'failed', 500, 'status 500', true],
    ])
    const [third, second, first] = await list()
    assert.ok((second?.nextAttemptAt ?? 0) > (second?.at ?? 0))
    assert.equal(third?.nextAttemptAt, null)
    const after = { afterId: second?.id, limit: 10 }
    assert.deepEqual([...(await webhooks.deliveries(book, after, {}))], [first])
    const delivered = await webhooks.deliveries(book, page, { status: 'delivered' })
    assert.deepEqual([...delivered], [third])
    const others = { endpointId: asId<'endpoint'>(newId()) }
    assert.deepEqual([...(await webhooks.deliveries(book, page, others))], [])
    assert.equal((await webhooks.deliveries(book, page, { endpointId: endpoint.id })).length, 3)
    await webhooks.stop()
    aheadMs = 31 * 86_400_000
    open({ tuning: { realNow } }).start()
    await until('they are swept', async () => (await list()).length === 0)
  })
})

describe('a replay', () => {
  async function delivered(count: number) {
    const webhooks = open()
    const endpoint = await endpointOf(webhooks)
    webhooks.start()
    const ids = await pay(count)
    await until('all have come', () => receiver.accepted().length === count)
    receiver.all = []
    return { webhooks, endpoint, ids }
  }

  test('behind an event delivers again what came after it, in all lanes', async () => {
    const { webhooks, endpoint, ids } = await delivered(10)
    const replayed = await webhooks.replay(book, endpoint.id, ids[3] ?? '')
    assert.ok(replayed.ok)
    await until('they come again', () => receiver.accepted().length >= 6)
    await sleep(50)
    assertEachOnce(ids.slice(4))
  })

  test('from an instant delivers again what happened since', async () => {
    const webhooks = open()
    const endpoint = await endpointOf(webhooks)
    webhooks.start()
    const start = Date.UTC(2026, 0, 1)
    const ids: string[] = []
    for (let minute = 0; minute < 20; minute += 1)
      ids.push(...(await pay(1, { at: start + minute * 60_000 })))
    await until('all have come', () => receiver.accepted().length === 20)
    receiver.all = []
    assert.ok((await webhooks.replay(book, endpoint.id, '2026-01-01T08:13:00+08:00')).ok)
    await until('they come again', () => receiver.accepted().length >= 7)
    await sleep(50)
    assertEachOnce(ids.slice(13))
  })

  test('never skips what was not delivered yet, and tries it at once', async () => {
    const webhooks = open({ tuning: { backOff: { firstMs: 600_000, longestMs: 600_000 } } })
    const endpoint = await endpointOf(webhooks)
    webhooks.start()
    receiver.behave = () => 500
    const ids = await pay(10)
    await until('the first of each lane is noted', async () => {
      const page = { afterId: undefined, limit: 10 }
      return (await webhooks.deliveries(book, page, {})).length === 2
    })
    receiver.behave = () => 200
    assert.ok((await webhooks.replay(book, endpoint.id, ids[7] ?? '')).ok)
    await until('all have come', () => receiver.accepted().length >= 10)
    assertEachOnce(ids)
  })

  test('is refused for what is no event of the book', async () => {
    const { webhooks, endpoint } = await delivered(2)
    const [foreign = ''] = await pay(1, { bookId: bookOf(asId(newId()), 'live') })
    const [refused = ''] = await pay(1, { refused: true })
    const [internal = ''] = await pay(1, { kind: 'day.closed' })
    const unknown = formatId('event', newCommandId(lanes[0]))
    const elsewhere = formatId('event', newCommandId(999))
    const second = formatId('event', withKindAndLane(newCommandId(lanes[0]), 1, lanes[0]))
    for (const after of [foreign, refused, internal, unknown, elsewhere, second, 'evt_1', 'x']) {
      const replayed = await webhooks.replay(book, endpoint.id, after)
      assert.ok(!replayed.ok && replayed.refusal.code === 'event.not_found', after)
    }
    const nobody = await webhooks.replay(book, asId<'endpoint'>(newId()), unknown)
    assert.ok(!nobody.ok && nobody.refusal.code === 'webhook_endpoint.not_found')
    const otherBook = await webhooks.replay(bookOf(asId(newId()), 'live'), endpoint.id, unknown)
    assert.ok(!otherBook.ok && otherBook.refusal.code === 'webhook_endpoint.not_found')
  })
})

describe('private addresses', () => {
  const strict = () => webhookSender({ allowPrivate: false, timeoutMs: 500 })

  test('are refused when an endpoint is made', async () => {
    const webhooks = open({ sender: strict() })
    for (const url of [receiver.url, receiver.url.replace('http', 'https'), 'https://localhost/'])
      for (const events of [['payment.*']]) {
        const made = await webhooks.create({
          bookId: book,
          url,
          events,
          reference: null,
          metadata: {},
        })
        assert.ok(!made.ok && made.refusal.code === 'webhook.url_not_allowed', url)
      }
  })

  test('are refused at every delivery, also for an endpoint from a time when they were allowed', async () => {
    await endpointOf(open(), ['payment.*'], 'https://localhost:9/hook')
    const webhooks = open({ sender: strict() })
    webhooks.start()
    await pay(1)
    const page = { afterId: undefined, limit: 10 }
    await until('it is noted', async () => (await webhooks.deliveries(book, page, {})).length > 0)
    const noted = await webhooks.deliveries(book, page, {})
    assert.match(noted.at(-1)?.error ?? '', /^not allowed: localhost does not lead/)
  })
})

describe('several processes', () => {
  function startProcess(leaseMs: number) {
    const options: WebhookProcessOptions = { url: database.url, lanes, leaseMs, attemptMs: 400 }
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'harness/webhook-process.ts'), JSON.stringify(options)],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    children.push(child)
    const exited = once(child, 'exit')
    const ready = once(child.stdout, 'data')
    return {
      ready,
      stop: async () => {
        child.stdin.end()
        await exited
      },
      kill: async () => {
        child.kill('SIGKILL')
        await exited
      },
    }
  }

  test('deliver each event once between them, also while one stops', async () => {
    await endpointOf(open())
    const pair = [startProcess(3_000), startProcess(3_000)]
    await Promise.all(pair.map(({ ready }) => ready))
    const ids = await pay(30)
    await until('some have come', () => receiver.accepted().length > 10)
    await pair[0]?.stop()
    ids.push(...(await pay(30)))
    await until('all have come', () => receiver.accepted().length >= 60)
    await pair[1]?.stop()
    assertEachOnce(ids)
  })

  test('killed at any point lose nothing, and repeat only what was under way', async () => {
    await endpointOf(open())
    const ids: string[] = []
    let writing = true
    const writer = (async () => {
      while (writing) {
        ids.push(...(await pay(4)))
        await sleep(20)
      }
    })()
    const kills = 12
    for (let killed = 0; killed < kills; killed += 1) {
      const before = receiver.accepted().length
      const child = startProcess(700)
      await until('it delivers', () => receiver.accepted().length > before)
      await sleep(Math.random() * 80)
      await child.kill()
    }
    writing = false
    await writer
    const last = startProcess(700)
    await until('all have come', () => new Set(idsOf(receiver.accepted())).size >= ids.length)
    await last.stop()
    const seen = new Set<string>()
    const firsts = receiver.accepted().filter(({ id }) => !seen.has(id) && seen.add(id))
    assert.deepEqual(idsOf(firsts).toSorted(), ids.toSorted())
    assertLaneOrder(firsts)
    const repeats = receiver.accepted().length - firsts.length
    assert.ok(repeats <= kills * lanes.length, `${repeats} were repeated`)
  })
})

describe('the list of events', () => {
  async function readAll(webhooks: Webhooks, limit: number, wanted?: string[]) {
    const ids: string[] = []
    let from: EventPositions = new Map()
    for (;;) {
      const page = await webhooks.events(book, from, wanted, limit)
      assert.ok(page.events.length <= limit)
      if (page.events.length === 0) return { ids, from: page.positions }
      ids.push(...page.events.map(({ id }) => id))
      from = page.positions
    }
  }

  test('has every event of the book once, whatever the size of a page', async () => {
    const webhooks = open()
    const ids: string[] = []
    for (let round = 0; round < 10; round += 1) {
      ids.push(...(await pay(3)))
      await pay(5, { bookId: bookOf(asId(newId()), 'live') })
      await pay(1, { refused: true })
    }
    for (const limit of [1, 2, 7, 200]) {
      const all = await readAll(webhooks, limit)
      assert.deepEqual(all.ids.toSorted(), ids.toSorted())
    }
  })

  test('goes on from where it was, and knows both events of an entry', async () => {
    const webhooks = open()
    const [first = ''] = await pay(1)
    const before = await readAll(webhooks, 1)
    assert.deepEqual(before.ids, [first])
    await pay(1, { kind: 'hold.captured' })
    const one = await webhooks.events(book, before.from, undefined, 1)
    const two = await webhooks.events(book, one.positions, undefined, 1)
    const none = await webhooks.events(book, two.positions, undefined, 1)
    assert.deepEqual(
      [one, two, none].map(({ events }) => events.map(({ type }) => type)),
      [['hold.captured'], ['payment.created'], []],
    )
  })

  test('is narrowed to a type, or to all of a noun', async () => {
    const webhooks = open()
    const payments = await pay(3)
    const cards = await pay(3, { kind: 'card.issued' })
    const frozen = await pay(2, { kind: 'card.frozen' })
    const captured = await pay(1, { kind: 'hold.captured' })
    const read = async (type: string) => (await readAll(webhooks, 2, [type])).ids.toSorted()
    assert.deepEqual(await read('card.*'), [...cards, ...frozen].toSorted())
    assert.deepEqual(await read('card.frozen'), frozen.toSorted())
    assert.deepEqual(await read('hold.*'), captured)
    assert.equal((await read('payment.*')).length, payments.length + 1)
    assert.deepEqual(await read('refund.created'), [])
  })
})

test('an endpoint and its reference are found again in their own book only', async () => {
  const webhooks = open()
  const wanted = {
    bookId: book,
    url: receiver.url,
    events: ['card.*', 'card.*', 'payment.created'],
    reference: 'erp',
    metadata: { team: '财务' },
  }
  const made = await webhooks.create(wanted)
  assert.ok(made.ok)
  const { endpoint } = made.value
  const again = await webhooks.create(wanted)
  assert.ok(!again.ok && again.refusal.code === 'reference.already_used')
  assert.deepEqual(again.refusal.data, { existing_id: formatId('endpoint', endpoint.id) })
  const expected: Endpoint = { ...endpoint, events: ['card.*', 'payment.created'] }
  assert.deepEqual(await webhooks.find(book, endpoint.id), expected)
  const page = { afterId: undefined, limit: 5 }
  assert.deepEqual([...(await webhooks.list(book, page, 'erp'))], [expected])
  assert.deepEqual([...(await webhooks.list(book, page, 'other'))], [])
  const others = bookOf(asId(newId()), 'live')
  assert.equal(await webhooks.find(others, endpoint.id), undefined)
  assert.deepEqual([...(await webhooks.list(others, page))], [])
  assert.equal(await webhooks.remove(others, endpoint.id), false)
})

describe('over HTTP', () => {
  let app: Awaited<ReturnType<typeof startHttpApp>>
  let issuer: Issuer
  before(async () => {
    app = await startHttpApp()
    issuer = await app.makeIssuer()
    await makeLanes(app.database.owner, httpLanes, 'test')
  })
  after(() => app.stop())

  const pathOf = (endpoint: { id: string }) => `/v1/webhook_endpoints/${endpoint.id}`

  test('an endpoint is made, shown without its secret, listed, replayed, deleted', async () => {
    const key = issuer.test
    const wanted = { url: 'http://127.0.0.1:9/in?a=b', events: ['card.*'], reference: 'erp-1' }
    const body = { ...wanted, metadata: { team: 'ops' } }
    const made = await app.call('POST', '/v1/webhook_endpoints', { key, body })
    assert.equal(made.status, 201)
    const { secret, ...endpoint } = made.body
    assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
    assert.deepEqual(endpoint, {
      ...body,
      id: endpoint.id,
      status: 'active',
      failing_since: null,
      created_at: endpoint.created_at,
    })
    const again = await app.call('POST', '/v1/webhook_endpoints', { key, body })
    assert.deepEqual([again.status, again.body.existing_id], [409, endpoint.id])
    const path = pathOf(endpoint)
    assert.deepEqual((await app.call('GET', path, { key })).body, endpoint)
    const list = await app.call('GET', '/v1/webhook_endpoints?reference=erp-1', { key })
    assert.deepEqual(list.body, { data: [endpoint], next_cursor: null })
    const replay = { key, body: { after: '2026-01-01T00:00:00Z' } }
    assert.deepEqual((await app.call('POST', `${path}/replay`, replay)).body, endpoint)
    for (const stranger of [issuer.live, (await app.makeIssuer()).test]) {
      for (const [method, to] of [
        ['GET', path],
        ['DELETE', path],
      ] as const)
        assert.equal((await app.call(method, to, { key: stranger })).status, 404)
      const foreign = await app.call('POST', `${path}/replay`, { ...replay, key: stranger })
      assert.equal(foreign.body.code, 'webhook_endpoint.not_found')
    }
    assert.equal((await app.call('DELETE', path, { key })).status, 204)
    assert.equal((await app.call('GET', path, { key })).body.code, 'webhook_endpoint.not_found')
  })

  test('what cannot be an endpoint or a replay is refused', async () => {
    const key = issuer.test
    const make = (body: object) => app.call('POST', '/v1/webhook_endpoints', { key, body })
    const url = 'http://127.0.0.1:9/'
    const refusals = [
      await make({ url, events: [] }),
      await make({ url, events: ['payment.made'] }),
      await make({ url, events: ['*'] }),
      await make({ url: 'ftp://127.0.0.1/', events: ['card.*'] }),
      await make({ url: 'http://0.0.0.0/', events: ['card.*'] }),
    ].map(({ status, body }) => [status, body.code])
    assert.deepEqual(refusals, [
      [400, 'request.invalid'],
      [400, 'request.invalid'],
      [400, 'request.invalid'],
      [422, 'webhook.url_not_allowed'],
      [422, 'webhook.url_not_allowed'],
    ])
    const { body: endpoint } = await make({ url, events: ['card.*'] })
    const replay = async (after: string) => {
      const to = `${pathOf(endpoint)}/replay`
      return (await app.call('POST', to, { key, body: { after } })).body.code
    }
    assert.equal(await replay('yesterday'), 'request.invalid')
    assert.equal(await replay('0000-01-01T00:00:00Z'), 'request.invalid')
    assert.equal(await replay(formatId('event', newCommandId(601))), 'event.not_found')
    await app.call('DELETE', pathOf(endpoint), { key })
  })

  test('events are read page by page, and next_cursor is always there', async () => {
    const key = issuer.test
    const issuerId = parseId('issuer', issuer.id)
    assert.ok(issuerId)
    const bookId = bookOf(issuerId, 'test')
    const nothing = await app.call('GET', '/v1/events', { key })
    assert.deepEqual(nothing.body.data, [])
    const ids: string[] = []
    for (const lane of [...httpLanes, ...httpLanes, ...httpLanes]) {
      const commandId = newCommandId(lane)
      const body = { cardId: commandId, balance: { availableFen: '7' }, sources: [{ x: null }] }
      const entry = { bookId, commandId, kind: 'card.issued', body }
      await appendByHand(app.database.owner, lane, [entry, { bookId, kind: 'payment.created' }])
      ids.push(formatId('event', commandId))
    }
    const seen: string[] = []
    let cursor: string = nothing.body.next_cursor
    for (;;) {
      const query = `limit=2&type=card.issued&cursor=${cursor}`
      const { status, body: page } = await app.call('GET', `/v1/events?${query}`, { key })
      assert.equal(status, 200)
      cursor = page.next_cursor
      if (page.data.length === 0) break
      for (const event of page.data) {
        seen.push(event.id)
        assert.deepEqual(event.data, {
          card_id: event.id.replace('evt_', 'card_'),
          balance: { available: 7 },
          sources: [{ x: null }],
        })
      }
    }
    assert.deepEqual(seen.toSorted(), ids.toSorted())
    assert.equal((await app.call('GET', '/v1/events', { key })).body.data.length, 12)
    const codes = await Promise.all(
      ['cursor=x', `cursor=${cursor}x`, 'type=*', 'limit=0', 'limit=201', 'color=red'].map(
        async (query) => (await app.call('GET', `/v1/events?${query}`, { key })).body.code,
      ),
    )
    const invalid = 'request.invalid'
    assert.deepEqual(codes, [
      'cursor.invalid',
      'cursor.invalid',
      invalid,
      invalid,
      invalid,
      invalid,
    ])
    assert.deepEqual((await app.call('GET', '/v1/events', { key: issuer.live })).body.data, [])
  })

  test('deliveries are listed with a closed query', async () => {
    const key = issuer.test
    const list = (query: string) => app.call('GET', `/v1/webhook_deliveries${query}`, { key })
    assert.deepEqual((await list('')).body, { data: [], next_cursor: null })
    const filter = `endpoint_id=${formatId('endpoint', newId())}&event_id=${formatId('event', newId())}`
    assert.equal((await list(`?status=failed&${filter}`)).status, 200)
    assert.equal((await list('?endpoint_id=x')).status, 400)
    const poor = await app.makeKey(issuer.id, 'test', { scopes: ['cards:read'] })
    const refused = await app.call('GET', '/v1/webhook_deliveries', { key: poor.secret })
    assert.equal(refused.body.code, 'auth.scope_missing')
  })
})
