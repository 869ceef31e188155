/** Rounds of sudden death: the server, its PostgreSQL, one of PostgreSQL's processes, or several at once, with clients in flight. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppProcess } from './app-process.ts'
import { holdAgainstBook } from './log-against-book.ts'
import { openShop } from './shop.ts'
import { type Logged, TillClients } from './till-clients.ts'

const clients = 48
const leastInFlight = 32
/** Answers between one death and the next. */
const answersBetween = 250
const backWithinMs = 90_000

/** In this order, again and again. */
const deaths = ['server', 'postgres', 'server, then postgres', 'backend', 'postgres, then server']

export async function surviveDeaths(t: TestContext, rounds: number): Promise<void> {
  const app = await AppProcess.start()
  const shop = await openShop(app, 40, 50_000)
  const tills = new TillClients([app], shop)
  tills.start(clients)
  let unreadySeen = 0
  const began = performance.now()
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`
  for (let round = 0; round < rounds; round += 1) {
    await tills.answered(answersBetween)
    const death = deaths[round % deaths.length] ?? ''
    assert.ok(tills.inFlight >= leastInFlight, `only ${tills.inFlight} in flight`)
    const killed = await die(app, death)
    unreadySeen += await ready(app, killed)
    assert.equal(app.postmasters().length, 1, `PostgreSQLs on the data after: ${death}`)
    // Who comes upon what a crash left half done has to wait longer than there is between deaths.
    if ((round + 1) % deaths.length === 0) await tills.everybodyAnswered()
    t.diagnostic(
      `round ${round + 1} at ${seconds()}, ${death}: ${tills.log.length} answered so far, ${tills.busy} × 503, ` +
        `${tills.unanswered} without answer`,
    )
  }
  await tills.answered(answersBetween)
  await tills.close()
  t.diagnostic(`everybody answered at ${seconds()}`)
  t.diagnostic(`${unreadySeen} × not ready, and said why`)
  await holdAgainstBook(app, shop, tills.log)
  t.diagnostic(`held against the book at ${seconds()}`)
  const kinds = Map.groupBy(tills.log, kindOf)
  t.diagnostic([...kinds].map(([kind, { length }]) => `${kind} × ${length}`).join(', '))
  const never = everyKind.filter((kind) => !kinds.has(kind))
  assert.deepEqual(never, [], 'never occurred')
}

const everyKind = [
  '/v1/payments 201',
  '/v1/payments 409',
  '/v1/payments/{id}/refunds 201',
  '/v1/payments/{id}/refunds 409',
  '/v1/holds 201',
  '/v1/holds/{id}/capture 200',
  '/v1/holds/{id}/release 200',
  '/v1/cards/{id}/loads 201',
  '/v1/cards/{id}/split 200',
]

function kindOf({ path, status }: Logged): string {
  return `${path.replace(/[a-z]+_[0-9a-f]{32}/, '{id}')} ${status}`
}

/** The pid of the PostgreSQL that died; undefined where it lives on. */
async function die(app: AppProcess, death: string): Promise<number | undefined> {
  switch (death) {
    case 'server':
      await app.kill()
      assert.equal(app.postmasters().length, 1, 'PostgreSQL outlives the server')
      await app.start()
      return undefined
    case 'postgres':
      return app.killPostgres()
    case 'backend':
      app.killBackend()
      return undefined
    case 'postgres, then server': {
      const killed = app.killPostgres()
      await app.kill()
      await app.start()
      return killed
    }
    case 'server, then postgres': {
      await app.kill()
      const killed = app.killPostgres()
      await app.start()
      return killed
    }
    default:
      assert.fail(death)
  }
}

/** Until /readyz says so, with another PostgreSQL than the dead one. Before, it says what is wrong; answers how often. */
async function ready(app: AppProcess, killed: number | undefined): Promise<number> {
  const until = Date.now() + backWithinMs
  for (let unready = 0; ; ) {
    const { status, body, headers } = await app.call('GET', '/readyz')
    // Processes of a dead PostgreSQL still answer for a moment.
    const { postgresPid } = app
    if (status === 200 && postgresPid !== undefined && postgresPid !== killed) return unready
    assert.ok(Date.now() < until, `not ready again: ${JSON.stringify(body)}`)
    if (status !== 200) {
      unready += 1
      assert.equal(status, 503)
      assert.ok(body.checks.length > 0, 'it says what is wrong')
      assert.ok(headers.has('retry-after'))
    }
    await sleep(20)
  }
}
