/** What every route does alike: shapes, refusals, keys, repeats, and the reference made from the routes. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { refusal, refused } from '@lika/contract'
import { created, executed, file, okay } from '../server/src/api/http/answers.ts'
import type { LikaApp } from '../server/src/api/http/kernel.ts'
import { Amount, closed, idOf, Metadata, paging, Type } from '../server/src/api/http/schemas.ts'
import { type Issuer, startHttpApp } from './harness/http-app.ts'

type App = Awaited<ReturnType<typeof startHttpApp>>
let app: App
let issuer: Issuer

/** Routes that do nothing but show what they got. */
function register(kernel: LikaApp): void {
  kernel.route(
    {
      method: 'POST',
      path: '/v1/echo/inside',
      summary: 'Calls another route',
      access: 'key',
      body: closed({ path: Type.String(), key: Type.String() }),
      responses: { 200: closed({ status: Type.Integer(), code: Type.Optional(Type.String()) }) },
      refusals: [],
    },
    async ({ body, caller, execute, request }) => {
      const { path, key } = body
      const call = { path, idempotencyKey: key, body: undefined, caller, execute, request }
      const { status, refused: why } = await kernel.dispatch(call)
      return okay({ status, ...(why && { code: why.code }) })
    },
  )
  const Echo = closed({ amount: Amount, metadata: Type.Optional(Metadata) })
  kernel.route(
    {
      method: 'POST',
      path: '/v1/cards/{id}/echo',
      summary: 'Answers what it got',
      access: 'cards:write',
      id: 'card',
      body: Echo,
      responses: { 201: Echo },
      refusals: ['card.not_found'],
    },
    ({ body }) => created(body),
  )
  kernel.route(
    {
      method: 'POST',
      path: '/v1/echo/once',
      summary: 'Answers its key',
      access: 'key',
      idempotent: true,
      responses: { 201: closed({ key: Type.String() }) },
      refusals: ['funds.insufficient'],
    },
    ({ idempotencyKey }) => {
      const replayed = idempotencyKey.startsWith('again')
      if (idempotencyKey.endsWith('poor')) {
        const poor = refusal('funds.insufficient', 'Too little.', { data: { available: 5 } })
        return executed({ status: 'refused', refusal: poor, replayed }, 201, () => ({ key: '' }))
      }
      return { ...created({ key: idempotencyKey }), replayed }
    },
  )
  kernel.route(
    {
      method: 'GET',
      path: '/v1/echo/list',
      summary: 'Answers its query',
      access: 'key',
      query: closed({
        ...paging,
        flag: Type.Optional(Type.Boolean()),
        id: Type.Optional(idOf('card')),
      }),
      responses: {
        200: closed({ limit: Type.Optional(Type.Integer()), flag: Type.Optional(Type.Boolean()) }),
      },
      files: ['text/csv'],
      refusals: [],
    },
    ({ query, request }) =>
      request.headers.accept === 'text/csv' ? file('text/csv', 'a,b\r\n') : okay(query),
  )
  kernel.route(
    {
      method: 'GET',
      path: '/v1/echo/fault',
      summary: 'Fails',
      access: 'key',
      responses: { 200: closed({}) },
      refusals: [],
    },
    async () => {
      throw new Error(
        'the secret of lika_test_AAAAAAAAAAAAAAAAAAAAAAAA and card 9000160100000000004',
      )
    },
  )
  kernel.route(
    {
      method: 'GET',
      path: '/v1/echo/away',
      summary: 'Finds no database',
      access: 'key',
      responses: { 200: closed({}) },
      refusals: [],
    },
    () => Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' })),
  )
  kernel.route(
    {
      method: 'GET',
      path: '/v1/echo/limited',
      summary: 'Twice a minute',
      access: 'key',
      rate: { calls: 2, perSeconds: 60 },
      responses: { 200: closed({}) },
      refusals: [],
    },
    () => okay({}),
  )
  kernel.route(
    {
      method: 'GET',
      path: '/v1/echo/law',
      summary: 'Refuses by policy',
      access: 'key',
      responses: { 200: closed({}) },
      refusals: ['policy.card_limit'],
    },
    () =>
      refused(
        refusal('policy.card_limit', 'Too much.', {
          data: { allowed: { min: 1, max: 2 }, status: 200 },
          policy: { pack: 'open', rule: 'card_limit', article: '1' },
        }),
      ),
  )
}

before(async () => {
  app = await startHttpApp([register])
  issuer = await app.makeIssuer()
})
after(() => app.stop())

const card = `card_${'0'.repeat(32)}`
const echo = (options: Parameters<App['call']>[2]) =>
  app.call('POST', `/v1/cards/${card}/echo`, { key: issuer.test, ...options })
const json = { 'content-type': 'application/json' }

describe('problems', () => {
  test('are RFC 9457 bodies that name the request', async () => {
    const answer = await app.call('GET', '/v1/nothing')
    assert.equal(answer.status, 404)
    assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
    assert.deepEqual(Object.keys(answer.body), [
      'type',
      'title',
      'status',
      'code',
      'detail',
      'request_id',
    ])
    assert.equal(answer.body.code, 'route.not_found')
    assert.equal(answer.body.request_id, answer.headers.get('request-id'))
  })

  test('carry the policy and further members, which never replace the standard ones', async () => {
    const { status, body } = await app.call('GET', '/v1/echo/law', { key: issuer.test })
    assert.equal(status, 422)
    assert.equal(body.status, 422)
    assert.deepEqual(body.allowed, { min: 1, max: 2 })
    assert.deepEqual(body.policy, { pack: 'open', rule: 'card_limit', article: '1' })
  })

  test('of a fault say nothing of what happened, and the log says nothing secret', async () => {
    const { status, body } = await app.call('GET', '/v1/echo/fault', {
      key: issuer.test,
      checked: false,
    })
    assert.equal(status, 500)
    assert.doesNotMatch(JSON.stringify(body), /secret of/)
    const line = app.logged.find((one) => one.includes(body.request_id)) ?? ''
    assert.match(line, /the secret of lika_test_\[hidden\] and card \[hidden …0004\]/)
  })

  test('of a database that is away say busy, and when to come again', async () => {
    const answer = await app.call('GET', '/v1/echo/away', { key: issuer.test })
    assert.equal(answer.status, 503)
    assert.equal(answer.body.code, 'busy')
    assert.equal(answer.headers.get('retry-after'), '1')
  })

  test('answer even what is not HTTP', async () => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
    socket.write('NOT HTTP\r\n\r\n')
    const [bytes] = await once(socket, 'data')
    assert.match(String(bytes), /^HTTP\/1\.1 400 [\s\S]*"code":"request\.malformed"/)
  })
})

describe('routing', () => {
  test('a path with another method answers 405 with Allow, before any key is asked for', async () => {
    const answer = await app.call('PUT', '/v1/keys')
    assert.equal(answer.status, 405)
    assert.equal(answer.body.code, 'method.not_allowed')
    assert.equal(answer.headers.get('allow'), 'GET, HEAD, POST')
  })

  test('an unknown path answers 404 whatever the body is', async () => {
    const answer = await app.call('POST', '/v1/nothing', {
      raw: 'x',
      headers: { 'content-type': 'a/b' },
    })
    assert.equal(answer.body.code, 'route.not_found')
    assert.equal((await app.call('GET', '/v1/%E0%A4%A')).body.code, 'route.not_found')
  })

  test('a malformed id is answered like one that does not exist', async () => {
    for (const id of ['x', 'card_1', `pay_${'0'.repeat(32)}`, 'card_%00', 'a'.repeat(300)]) {
      const answer = await app.call('POST', `/v1/cards/${id}/echo`, {
        key: issuer.test,
        body: { amount: 1 },
      })
      assert.equal(answer.body.code, 'card.not_found', id)
    }
  })
})

describe('bodies', () => {
  test('integers are read by value', async () => {
    for (const [text, amount] of [
      ['100', 100],
      ['1e2', 100],
      ['100.0', 100],
      ['9007199254740991', 2 ** 53 - 1],
    ]) {
      const answer = await echo({ raw: `{"amount":${text}}`, headers: json })
      assert.deepEqual([answer.status, answer.body], [201, { amount }], String(text))
    }
  })

  test('no fraction, sign, text or number beyond 2^53 − 1 passes for an amount', async () => {
    const wrong = ['1.5', '"100"', '-1', '0', '9007199254740992', '1e400', 'null', 'true', '[1]']
    for (const text of [...wrong, '9007199254740990.6', '1.00000000000000001']) {
      const answer = await echo({ raw: `{"amount":${text}}`, headers: json })
      assert.deepEqual([answer.status, answer.body.code], [400, 'request.invalid'], text)
      assert.equal(answer.body.errors[0].path, 'amount')
    }
  })

  test('an unknown member is named', async () => {
    const answer = await echo({ body: { amount: 1, balance: 5 } })
    assert.equal(answer.status, 400)
    assert.deepEqual(answer.body.errors, [{ path: 'balance', message: 'is not a member here' }])
  })

  test('a missing member is named', async () => {
    const answer = await echo({ body: {} })
    assert.deepEqual(answer.body.errors, [{ path: 'amount', message: 'is required' }])
  })

  test('keys that reach for prototypes do no harm', async () => {
    for (const raw of [
      '{"amount":1,"__proto__":{"polluted":true}}',
      '{"amount":1,"constructor":{"prototype":{"polluted":true}}}',
      '{"amount":1,"metadata":{"__proto__":"x"}}',
    ]) {
      assert.equal((await echo({ raw, headers: json })).status, 400, raw)
    }
    assert.equal(Reflect.get({}, 'polluted'), undefined)
    const twice = await echo({ raw: '{"amount":1,"amount":2}', headers: json })
    assert.deepEqual(twice.body, { amount: 2 })
  })

  test('text is Unicode without NUL', async () => {
    for (const text of ['\\u0000', '\\ud800']) {
      const answer = await echo({ raw: `{"amount":1,"metadata":{"a":"${text}"}}`, headers: json })
      assert.equal(answer.body.code, 'request.invalid', text)
    }
    const bytes = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])
    assert.equal((await echo({ raw: bytes, headers: json })).body.code, 'request.malformed')
  })

  test('metadata has at most 20 entries', async () => {
    const entries = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, '礼卡']))
    assert.equal((await echo({ body: { amount: 1, metadata: entries(20) } })).status, 201)
    assert.equal((await echo({ body: { amount: 1, metadata: entries(21) } })).status, 400)
  })

  test('what is no JSON, of another type, or too large is refused for that', async () => {
    assert.equal((await echo({ raw: '{', headers: json })).body.code, 'request.malformed')
    assert.equal((await echo({ raw: '', headers: json })).body.code, 'request.invalid')
    const text = await echo({ raw: '{}', headers: { 'content-type': 'text/plain' } })
    assert.deepEqual([text.status, text.body.code], [415, 'media_type.unsupported'])
    const large = await echo({ raw: ' '.repeat(300_000), headers: json })
    assert.deepEqual([large.status, large.body.code], [413, 'request.too_large'])
  })
})

describe('queries', () => {
  const list = (query: string) => app.call('GET', `/v1/echo/list?${query}`, { key: issuer.test })

  test('integers and booleans are read strictly', async () => {
    assert.deepEqual((await list('limit=200&flag=true')).body, { limit: 200, flag: true })
    for (const query of [
      'limit=0',
      'limit=201',
      'limit=1.5',
      'limit=',
      'limit=1&limit=2',
      'flag=1',
      'x=1',
      'id=card_1',
      '__proto__=1',
    ]) {
      const answer = await list(query)
      assert.deepEqual([answer.status, answer.body.code], [400, 'request.invalid'], query)
    }
  })

  test('a file is answered in its own media type', async () => {
    const headers = { accept: 'text/csv' }
    const answer = await app.call('GET', '/v1/echo/list', { key: issuer.test, headers })
    assert.equal(answer.body, 'a,b\r\n')
    assert.equal(answer.headers.get('content-type'), 'text/csv')
  })
})

describe('keys', () => {
  test('are checked before the body is looked at', async () => {
    const path = `/v1/cards/${card}/echo`
    const without = await app.call('POST', path, { raw: '{', headers: json })
    assert.deepEqual([without.status, without.body.code], [401, 'auth.missing'])
    assert.match(without.headers.get('www-authenticate') ?? '', /^Bearer/)
    for (const key of ['lika_test_AAAAAAAAAAAAAAAAAAAAAAAA', 'x', 'a b']) {
      const answer = await app.call('POST', path, { key, body: {} })
      assert.deepEqual(
        [answer.status, answer.body.code],
        [401, 'auth.not_recognised'].with(
          1,
          key === 'a b' ? 'auth.missing' : 'auth.not_recognised',
        ),
        key,
      )
    }
  })

  test('reach what their scopes say', async () => {
    const weak = await app.makeKey(issuer.id, 'test', { scopes: ['cards:read'] })
    const answer = await app.call('POST', `/v1/cards/${card}/echo`, { key: weak.secret, body: {} })
    assert.deepEqual([answer.status, answer.body.code], [403, 'auth.scope_missing'])
    assert.equal(answer.body.scope, 'cards:write')
    const operator = await echo({ key: app.operator, body: { amount: 1 } })
    assert.equal(operator.body.code, 'auth.scope_missing')
    const notOperator = await app.call('GET', '/v1/issuers', { key: issuer.test })
    assert.equal(notOperator.body.code, 'auth.not_operator')
  })

  test('are looked up no more after 300 unknown ones a minute, and good ones go on', async () => {
    const other = await startHttpApp()
    try {
      const good = await other.makeIssuer()
      await other.call('GET', '/v1/merchants', { key: good.test })
      const attempts = Array.from({ length: 301 }, (_, index) =>
        other.call('GET', '/v1/keys', { key: `lika_test_${String(index).padStart(32, '0')}` }),
      )
      const statuses = (await Promise.all(attempts)).map(({ status }) => status)
      assert.ok(statuses.every((status) => status === 401 || status === 429))
      const next = await other.call('GET', '/v1/keys', { key: `lika_test_${'x'.repeat(32)}` })
      assert.deepEqual([next.status, next.body.code], [429, 'throttled'])
      assert.ok(Number(next.headers.get('retry-after')) > 0)
    } finally {
      await other.stop()
    }
  })
})

describe('repeats', () => {
  const once = (key: string) =>
    app.call('POST', '/v1/echo/once', { key: issuer.test, headers: { 'idempotency-key': key } })

  test('need a key of 1 to 255 characters', async () => {
    const without = await app.call('POST', '/v1/echo/once', { key: issuer.test })
    assert.deepEqual([without.status, without.body.code], [400, 'idempotency.key_missing'])
    assert.equal((await once('')).body.code, 'idempotency.key_missing')
    assert.equal((await once('k'.repeat(255))).status, 201)
    assert.equal((await once('k'.repeat(256))).body.code, 'request.invalid')
  })

  test('are marked in the header, refusals too', async () => {
    assert.equal((await once('first')).headers.get('idempotent-replayed'), null)
    const again = await once('again')
    assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [201, 'true'])
    const poor = await once('again-poor')
    assert.deepEqual([poor.status, poor.headers.get('idempotent-replayed')], [409, 'true'])
    assert.equal(poor.body.available, 5)
  })
})

test('a route can call one that needs an Idempotency-Key, and no other', async () => {
  const inside = async (path: string, key: string) =>
    (await app.call('POST', '/v1/echo/inside', { key: issuer.test, body: { path, key } })).body
  assert.deepEqual(await inside('/v1/echo/once', 'a'), { status: 201 })
  assert.deepEqual(await inside('/v1/echo/once', 'poor'), {
    status: 409,
    code: 'funds.insufficient',
  })
  assert.equal((await inside('/v1/echo/once', '')).code, 'idempotency.key_missing')
  assert.equal((await inside(`/v1/cards/${card}/echo`, 'a')).code, 'route.not_found')
})

test('a limited route says what is left', async () => {
  const left = async () => {
    const answer = await app.call('GET', '/v1/echo/limited', { key: issuer.test })
    return [answer.status, answer.headers.get('ratelimit-remaining')]
  }
  assert.deepEqual(
    [await left(), await left(), await left()],
    [
      [200, '1'],
      [200, '0'],
      [429, '0'],
    ],
  )
})

describe('the reference', () => {
  test('has every route with its problems by status', async () => {
    const { body } = await app.call('GET', '/openapi.json')
    assert.equal(body.openapi, '3.1.0')
    const operation = body.paths['/v1/cards/{id}/echo'].post
    assert.deepEqual(Object.keys(operation.responses), [
      '201',
      '400',
      '401',
      '403',
      '404',
      '413',
      '415',
      '429',
      '503',
    ])
    const { schema } = operation.responses['400'].content['application/problem+json']
    assert.deepEqual(schema.properties.code.enum, ['request.invalid', 'request.malformed'])
    const once = body.paths['/v1/echo/once'].post
    assert.ok(once.parameters.some((one: { name: string }) => one.name === 'Idempotency-Key'))
    assert.ok(once.responses['422'])
  })

  test('has a page', async () => {
    const page = await app.call('GET', '/docs')
    assert.equal(page.status, 200)
    assert.match(page.headers.get('content-type') ?? '', /html/)
  })
})

describe('a route does not start', () => {
  const starts = async (route: (kernel: LikaApp) => void) => {
    const other = await startHttpApp([route]).catch((error: unknown) => error)
    if (other instanceof Error) throw other
  }
  const spec = {
    method: 'GET',
    path: '/v1/wrong',
    summary: '',
    access: 'key',
    refusals: [],
  } as const

  test('without a response schema', async () => {
    const route = (kernel: LikaApp) =>
      kernel.route({ ...spec, responses: {} }, () => refused(refusal('busy', '')))
    await assert.rejects(starts(route), /has no response schema/)
  })

  test('with an object that is open', async () => {
    const open = { 200: Type.Object({}) }
    const route = (kernel: LikaApp) => kernel.route({ ...spec, responses: open }, () => okay({}))
    await assert.rejects(starts(route), /lets unknown members through/)
  })

  test('with a status that does not fit its method', async () => {
    const route = (kernel: LikaApp) =>
      kernel.route({ ...spec, responses: { 201: closed({}) } }, () => created({}))
    await assert.rejects(starts(route), /must not answer 201/)
  })
})
