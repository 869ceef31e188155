/**
 * A key never reaches another issuer's or the other mode's data. The routes come from /openapi.json; on each one every
 * place that takes an id is tried with ids that are foreign, of the other mode, made up and malformed.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  asId,
  formatId,
  type IdKind,
  idPrefixes,
  luhnDigit,
  type Scope,
  scopes,
} from '@lika/contract'
import { newId } from '../server/src/platform/ids.ts'
import type { Json, Operation } from './harness/answer-check.ts'
import { misspelt } from './harness/asking.ts'
import { rowsOf } from './harness/book-rows.ts'
import type { ClientAnswer } from './harness/client.ts'
import {
  type GoodCall,
  goodCalls,
  optionsOf,
  outlivedCalls,
  pathOf,
  refusedForState,
} from './harness/good-calls.ts'
import { anyId, idPlacesOf, idsIn, withIds } from './harness/id-places.ts'
import {
  type Book,
  makePlace,
  makeThings,
  openWorld,
  type Things,
  type World,
} from './harness/world.ts'

type Party = Book & { name: string; place: Awaited<ReturnType<typeof makePlace>>; things: Things }

let world: World
let parties: Party[]
let operations: readonly Operation[]

before(async () => {
  world = await openWorld()
  operations = world.client.check.operations
  const issuers = [await world.makeIssuer(), await world.makeIssuer()]
  parties = []
  for (const [index, issuer] of issuers.entries()) {
    for (const mode of ['test', 'live'] as const) {
      const book = await world.openBook(issuer, mode)
      const place = await makePlace(book)
      const things = await makeThings(book, place)
      parties.push({ ...book, name: `issuer ${index + 1}, ${mode}`, place, things })
    }
  }
})
after(() => world.stop())

/** Routes that are not there for live keys. */
const isOfTestMode = ({ path }: Operation) => path.startsWith('/v1/test/')
const needsKey = ({ access }: Operation) => access !== 'anyone'

/** Under new idempotency keys. */
async function send(operation: Operation, call: GoodCall, key: string): Promise<ClientAnswer> {
  const options = optionsOf(call, key, world.operator)
  const { operations: bulk } = call.body ?? {}
  if (Array.isArray(bulk))
    options.body = {
      ...call.body,
      operations: bulk.map((one) => ({ ...one, idempotency_key: newId() })),
    }
  return world.client.call(operation.method, pathOf(operation, call), options)
}

test('every operation of the document is one that this test knows how to call', () => {
  const [book] = parties
  assert.ok(book)
  for (const operation of operations) {
    const calls = goodCalls(operation, book.things, book)
    const filled = new Set(calls.flatMap((call) => idsIn(call).map(({ place }) => place)))
    const missing = idPlacesOf(operation).filter(({ place }) => !filled.has(place))
    assert.deepEqual(missing, [], `${operation.id}: no call in good-calls.ts has an id there`)
  }
  assert.deepEqual(outlivedCalls(operations), [])
})

describe('ids of others', () => {
  const unlike: string[] = []
  let tried = 0

  /** The answer without what may differ: the request's id, and the id that was asked for. */
  function essence({ status, headers, body }: ClientAnswer, ids: Iterable<string>): string {
    const {
      date: _date,
      'request-id': _requestId,
      'content-length': _length,
      connection: _connection,
      'keep-alive': _keepAlive,
      ...rest
    } = headers
    for (const name of Object.keys(rest)) if (name.startsWith('ratelimit-')) delete rest[name]
    let text = JSON.stringify({ status, rest, body }).replaceAll(/"request_id":"[^"]*"/g, '""')
    for (const id of ids) text = text.replaceAll(id, '<id>')
    return text
  }

  /** Calls as `attacker` with what is the victim's in one place, and again with what nobody has. */
  async function tryPlace(
    attacker: Party,
    victim: Party,
    operation: Operation,
    call: GoodCall,
    own: string,
  ) {
    const foreign = counterpart(own, attacker, victim)
    // Wrong secrets of one number are counted: it is tried only together with the number.
    if (foreign === undefined || foreign === own || own === attacker.things.secret) return
    // Number and secret go together: the victim's both, or made up both.
    const pairs =
      own === attacker.things.number ? [[attacker.things.secret, victim.things.secret]] : []
    const nobodys = madeUp(foreign)
    const foreignIds = new Map([
      [own, foreign],
      ...pairs.map(([from = '', to = '']) => [from, to] as const),
    ])
    const madeUpIds = new Map([
      [own, nobodys],
      ...pairs.map(([from = '', to = '']) => [from, madeUp(to)] as const),
    ])
    const asForeign = await send(operation, withIds(call, foreignIds), attacker.key)
    const asNobodys = await send(operation, withIds(call, madeUpIds), attacker.key)
    tried += 2
    const [left, right] = [
      essence(asForeign, foreignIds.values()),
      essence(asNobodys, madeUpIds.values()),
    ]
    const where = `${attacker.name} → ${victim.name}: ${operation.id} ${JSON.stringify(call)}`
    if (left !== right) unlike.push(`${where}\n  foreign ${left}\n  made up ${right}`)
    if (isReached(asForeign, call, own)) unlike.push(`${where}\n  reached ${left}`)
  }

  /** A success although the thing is not the caller's: only lists, which are then empty, and bulk around a refusal. */
  function isReached({ status, body }: ClientAnswer, call: GoodCall, own: string): boolean {
    if (status >= 300) return false
    if (call.query !== undefined && JSON.stringify(call.query).includes(own))
      return body.data?.length !== 0
    return !(body.results ?? [{ status: 200 }]).every((one: Json) => one.status === 404)
  }

  test('are answered like ids that nobody has, and change nothing', async () => {
    const before = await Promise.all(
      parties.map(({ book }) => rowsOf(world.database.owner.sql, book, true)),
    )
    for (const attacker of parties) {
      const places = [...placesOf(attacker)]
      for (const victim of parties.filter((one) => one !== attacker)) {
        for (const { operation, call, value } of places) {
          // The operator reaches every issuer.
          if (call.operator !== true) await tryPlace(attacker, victim, operation, call, value)
        }
      }
    }
    assert.deepEqual(unlike.slice(0, 5), [], `${unlike.length} of ${tried}`)
    assert.ok(tried > 1_000, `${tried} calls`)
    for (const [index, party] of parties.entries()) {
      const {
        journal: _,
        claim: __,
        ...now
      } = await rowsOf(world.database.owner.sql, party.book, true)
      const { journal: ___, claim: ____, ...then } = before[index] ?? {}
      assert.deepEqual(now, then, party.name)
    }
  })

  test('that are malformed are answered in a path like unknown ones, elsewhere as a wrong shape', async () => {
    const [attacker, , victim] = parties
    assert.ok(attacker && victim)
    for (const { operation, call, place, value } of placesOf(attacker)) {
      if (!anyId.test(value) || operation.id === 'post_bulk') continue
      for (const wrong of malformed(victimId(value, victim))) {
        const changed = withIds(call, new Map([[value, wrong]]))
        const answer = await send(operation, changed, attacker.key)
        assert.equal(
          answer.status,
          place === '{id}' ? 404 : 400,
          `${operation.id} ${place} ${wrong}: ${JSON.stringify(answer.body)}`,
        )
      }
    }
  })

  /** Every place of every good call of a party that takes an id. */
  function* placesOf(party: Party) {
    for (const operation of operations.filter(needsKey)) {
      for (const call of goodCalls(operation, party.things, party)) {
        for (const { place, value } of idsIn(call)) yield { operation, call, place, value }
      }
    }
  }
})

function victimId(own: string, victim: Party): string {
  const prefix = own.slice(0, own.indexOf('_'))
  return Object.values(victim.things).find((thing) => thing.startsWith(`${prefix}_`)) ?? own
}

/** What the victim has of the same name. */
function counterpart(own: string, attacker: Party, victim: Party): string | undefined {
  if (own === attacker.issuer) return victim.issuer
  for (const [name, value] of Object.entries(attacker.things))
    if (value === own) return new Map(Object.entries(victim.things)).get(name)
  return undefined
}

/** One that nobody has and that nothing tells from the real one: same kind, lane and length. */
function madeUp(real: string): string {
  const [prefix = '', hex] = real.split('_')
  if (anyId.test(real) && hex !== undefined) {
    const kind = kinds.get(prefix)
    assert.ok(kind)
    const fresh = newId().replaceAll('-', '').slice(0, 28) + hex.slice(28)
    return formatId(kind, asId(fresh))
  }
  if (/^9\d{18}$/.test(real)) {
    const body = real.slice(0, 8) + randomDigits(10)
    return body + luhnDigit(body)
  }
  if (/^9\d{23}$/.test(real)) return real.slice(0, 4) + randomDigits(8) + real.slice(12)
  return randomBytes(16)
    .toString('hex')
    .toUpperCase()
    .replaceAll(/[^0-9A-F]/g, '0')
    .slice(0, real.length)
}

const kinds: ReadonlyMap<string, IdKind> = new Map(
  Object.entries(idPrefixes).map(([kind, prefix]) => [prefix, kind as IdKind]),
)

function randomDigits(count: number): string {
  return [...randomBytes(count)].map((byte) => byte % 10).join('')
}

function malformed(id: string): string[] {
  const [prefix = '', hex = ''] = id.split('_')
  const other = prefix === 'card' ? 'pay' : 'card'
  return [
    hex,
    `${other}_${hex}`,
    `${prefix}_${hex.toUpperCase().replace(/^/, 'A').slice(0, 32)}`,
    `${prefix}_${hex}0`,
    `${prefix}_${hex.slice(1)}`,
    `${prefix}-${hex}`,
    `${prefix}_${hex.slice(0, 31)}g`,
    `${prefix}_${'0'.repeat(31)}'`,
  ]
}

describe('keys', () => {
  const denied: string[] = []

  async function expectAll(
    key: (operation: Operation) => string | undefined,
    which: (operation: Operation) => boolean,
    status: number,
    code: string,
    from?: string,
  ) {
    const [party] = parties
    assert.ok(party)
    const headers = from === undefined ? {} : { 'x-forwarded-for': from }
    for (const operation of operations.filter(which)) {
      const [call] = goodCalls(operation, party.things, party)
      assert.ok(call)
      const bearer = key(operation)
      const { operator: _, ...rest } = call
      const options = { ...optionsOf(rest, '', ''), key: bearer, headers }
      const answer = await world.client.call(operation.method, pathOf(operation, call), options)
      if (answer.status !== status || answer.body.code !== code)
        denied.push(`${operation.id}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    assert.deepEqual(denied.splice(0), [])
  }

  async function makeKey(more: object): Promise<{ id: string; secret: string }> {
    const [party] = parties
    assert.ok(party)
    const body = { name: 'k', owner: 'tests', mode: 'test', scopes, ...more }
    return party.ask('POST', '/v1/keys', body)
  }

  const scopeOf = ({ access }: Operation): Scope | undefined =>
    scopes.find((scope) => access.includes(`\`${scope}\``))

  test('with every scope but the one that is needed are refused', async () => {
    const keys = new Map<Scope, string>()
    for (const lacking of scopes) {
      const made = await makeKey({ scopes: scopes.filter((scope) => scope !== lacking) })
      keys.set(lacking, made.secret)
    }
    const key = (operation: Operation) => {
      const scope = scopeOf(operation)
      return scope && keys.get(scope)
    }
    const isScoped = (operation: Operation) => scopeOf(operation) !== undefined
    await expectAll(key, isScoped, 403, 'auth.scope_missing')
    const unscoped = operations.filter((one) => !isScoped(one) && needsKey(one)).map(({ id }) => id)
    assert.deepEqual(unscoped, [
      'post_issuers',
      'get_issuers',
      'post_issuers_id_sale',
      'post_calendar',
      'post_bulk',
    ])
  })

  test('that are missing, made up, expired or revoked are refused everywhere', async () => {
    await expectAll(() => undefined, needsKey, 401, 'auth.missing')
    const expiresAt = new Date(Date.now() + 1_500)
    const expiring = await makeKey({ expires_at: expiresAt.toISOString() })
    const revoked = await makeKey({})
    const [party] = parties
    assert.ok(party)
    for (const { secret } of [expiring, revoked]) {
      const answer = await world.client.call('GET', '/v1/products', { key: secret })
      assert.equal(answer.status, 200)
    }
    await party.send('DELETE', `/v1/keys/${revoked.id}`)
    await sleep(Math.max(0, expiresAt.getTime() - Date.now()) + 50)
    // From another address each time: one that shows too many of them in a minute is not listened to any more.
    const wrong = [revoked.secret, expiring.secret, misspelt(party.key)]
    for (const [index, key] of wrong.entries())
      await expectAll(() => key, needsKey, 401, 'auth.not_recognised', `192.0.2.${index + 1}`)
  })

  test("of issuers are not the operator's, nor the other way round", async () => {
    const [party] = parties
    assert.ok(party)
    const isOperators = ({ access }: Operation) => access === 'The operator key.'
    const isIssuers = (operation: Operation) =>
      needsKey(operation) && !operation.access.startsWith('The operator key')
    await expectAll(() => party.key, isOperators, 403, 'auth.not_operator')
    await expectAll(() => world.operator, isIssuers, 403, 'auth.scope_missing')
  })

  test('of live mode find no routes of test mode', async () => {
    const live = parties.find(({ mode }) => mode === 'live')
    assert.ok(live)
    await expectAll(() => live.key, isOfTestMode, 404, 'route.not_found')
  })
})

/** After these a job or import is not what it was; all others may share them. */
const usesUpJobs = new Set(['get_jobs_id_file', 'post_imports_id_reverse'])
/** After these a merchant, contract or adjustment is decided about. */
const usesUpCandidates = /_(merchants|contracts|settlements_adjustments)_id/

/** Things that nothing was done to yet, where the operation does something. */
function unused(party: Party, { id, method }: Operation): Promise<Things> | Things {
  if (usesUpJobs.has(id)) return makeThings(party, party.place)
  if (method === 'GET') return party.things
  const candidates = usesUpCandidates.test(id) ? undefined : party.things
  return makeThings(party, party.place, party.things, candidates)
}

test('each call that was varied reaches what it names, and leaves the books of the others alone', async () => {
  const [attacker, ...others] = parties
  assert.ok(attacker)
  const rows = () => Promise.all(others.map(({ book }) => rowsOf(world.database.owner.sql, book)))
  const before = await rows()
  const last = (operation: Operation) => (operation.id === 'delete_test_data' ? 1 : 0)
  for (const operation of [...operations].sort((left, right) => last(left) - last(right))) {
    const things = await unused(attacker, operation)
    for (const call of goodCalls(operation, things, attacker)) {
      const answer = await send(operation, call, attacker.key)
      const said = `${operation.id} ${JSON.stringify(call)}: ${answer.status} ${JSON.stringify(answer.body)}`
      const refused = call.refused ?? refusedForState[operation.id]
      assert.ok(refused === undefined ? answer.status < 300 : answer.body.code === refused, said)
      for (const one of answer.body?.results ?? []) assert.ok(one.status < 300, said)
    }
  }
  assert.deepEqual(await rows(), before)
})
