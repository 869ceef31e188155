import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { laneOfId } from '@lika/contract'
import type { TwinUser } from './harness/twin.ts'
import { startWechatApp, type WechatTestApp } from './harness/wechat-app.ts'

let app: WechatTestApp
/** Everything that was answered, to be searched for OpenIDs at the end. */
const answered: string[] = []

before(async () => {
  app = await startWechatApp()
})
after(() => app.stop())

async function call(method: string, path: string, key?: string, body?: unknown) {
  const given = { ...(key !== undefined && { key }), ...(body !== undefined && { body }) }
  const answer = await app.call(method, path, given)
  answered.push(JSON.stringify(answer.body), JSON.stringify([...answer.headers]))
  return answer
}

const appid = (kind: 'official' | 'miniProgram') => app[kind].appid as string

async function codeOf(user: TwinUser, kind: 'official' | 'miniProgram'): Promise<string> {
  const action = kind === 'official' ? 'oauth_code' : 'js_code'
  const scope = 'snsapi_userinfo'
  return (await app.twin.control.do(user.id, action, { appid: appid(kind), scope })).code
}

async function logIn(user: TwinUser, kind: 'official' | 'miniProgram' = 'miniProgram') {
  const code = await codeOf(user, kind)
  const { status, body } = await call('POST', '/wallet/v1/sessions', undefined, {
    app_id: app[kind].id,
    code,
  })
  assert.equal(status, 201, JSON.stringify(body))
  return body as { token: string; member: { id: string; is_guest: boolean }; expires_at: string }
}

const me = async (token: string) => (await call('GET', '/wallet/v1/me', token)).body
const staff = async (id: string) => (await call('GET', `/v1/members/${id}`, app.key)).body
const members = async () => (await call('GET', '/v1/members?limit=200', app.key)).body.data

async function guest(): Promise<string> {
  const body = { app_id: app.official.id }
  return (await call('POST', '/wallet/v1/guests', undefined, body)).body.member.id
}

describe('a login', () => {
  test('by a code of a mini-program makes a member, and the next one finds it', async () => {
    const user = await app.twin.control.user()
    const first = await logIn(user)
    const second = await logIn(user)
    assert.equal(second.member.id, first.member.id)
    assert.notEqual(second.token, first.token)
    assert.match(first.token, /^lika_wallet_[\w-]{32}$/)
    const shown = await me(first.token)
    assert.deepEqual(
      [shown.id, shown.is_guest, shown.app_id],
      [first.member.id, false, app.miniProgram.id],
    )
  })

  test('of one OpenID twelve times at once makes one member', async () => {
    const user = await app.twin.control.user()
    const before = (await members()).length
    const sessions = await Promise.all(Array.from({ length: 12 }, () => logIn(user)))
    assert.equal(new Set(sessions.map(({ member }) => member.id)).size, 1)
    assert.equal((await members()).length, before + 1)
  })

  test('takes a code once', async () => {
    const user = await app.twin.control.user()
    const body = { app_id: app.miniProgram.id, code: await codeOf(user, 'miniProgram') }
    const first = await call('POST', '/wallet/v1/sessions', undefined, body)
    const again = await call('POST', '/wallet/v1/sessions', undefined, body)
    assert.deepEqual(
      [first.status, again.status, again.body.code],
      [201, 422, 'login.code_refused'],
    )
  })

  test('takes no code that is another app’s, too old or made up', async () => {
    const user = await app.twin.control.user()
    const old = await app.twin.control.do(user.id, 'js_code', {
      appid: appid('miniProgram'),
      age_seconds: 600,
    })
    for (const code of [await codeOf(user, 'official'), old.code, 'made-up']) {
      const body = { app_id: app.miniProgram.id, code }
      const refused = await call('POST', '/wallet/v1/sessions', undefined, body)
      assert.deepEqual([refused.status, refused.body.code], [422, 'login.code_refused'])
    }
  })

  test('is tried again where WeChat fails once, and is to be begun again where it goes on', async () => {
    const user = await app.twin.control.user()
    for (const [times, status] of [
      [1, 201],
      [20, 503],
    ] as const) {
      const body = { app_id: app.miniProgram.id, code: await codeOf(user, 'miniProgram') }
      await app.twin.control.fault({ path: '/sns/jscode2session', times }, 'answer_500_before')
      const answer = await call('POST', '/wallet/v1/sessions', undefined, body)
      await app.twin.control.clearFaults()
      assert.equal(answer.status, status)
    }
  })

  test('by the id of an app that is not there is answered like one that is malformed', async () => {
    const unknown = `wxapp_${'0'.repeat(32)}`
    const body = { app_id: unknown, code: 'x' }
    const refused = await call('POST', '/wallet/v1/sessions', undefined, body)
    assert.deepEqual([refused.status, refused.body.code], [404, 'wechat_app.not_found'])
  })
})

describe('a session', () => {
  test('ends at once when it is ended, and others of the member go on', async () => {
    const user = await app.twin.control.user()
    const [one, other] = [await logIn(user), await logIn(user)]
    assert.equal((await call('DELETE', '/wallet/v1/sessions/current', one.token)).status, 204)
    const over = await call('GET', '/wallet/v1/me', one.token)
    assert.deepEqual([over.status, over.body.code], [401, 'session.not_recognised'])
    assert.equal((await call('GET', '/wallet/v1/me', other.token)).status, 200)
  })

  test('is over after two hours of real time', async () => {
    const { token, expires_at: at } = await logIn(await app.twin.control.user())
    const hours = (Date.parse(at) - Date.now()) / 3_600_000
    assert.ok(hours > 1.9 && hours <= 2)
    await app.database.owner.sql`
      update wallet_session set expires_at = now() where expires_at = ${new Date(at)}::timestamptz`
    assert.equal((await call('GET', '/wallet/v1/me', token)).status, 401)
  })

  test('opens nothing but the wallet, and no key opens the wallet', async () => {
    const { token } = await logIn(await app.twin.control.user())
    const platform = await call('GET', '/v1/members', token)
    assert.deepEqual([platform.status, platform.body.code], [401, 'auth.not_recognised'])
    for (const key of [app.key, app.operator]) {
      const wallet = await call('GET', '/wallet/v1/me', key)
      assert.deepEqual([wallet.status, wallet.body.code], [401, 'session.not_recognised'])
    }
    const none = await call('GET', '/wallet/v1/me')
    assert.deepEqual([none.status, none.body.code], [401, 'session.missing'])
  })

  test('is kept as a digest', async () => {
    const { token } = await logIn(await app.twin.control.user())
    const rows = await app.database.owner.sql<{ row: string }[]>`
      select wallet_session::text as row from wallet_session`
    assert.ok(rows.length > 0)
    for (const { row } of rows) assert.ok(!row.includes(token))
  })
})

describe('one person', () => {
  test('with two OpenIDs under one UnionID is one member, and it can be undone', async () => {
    const user = await app.twin.control.user()
    const first = await logIn(user, 'miniProgram')
    const second = await logIn(user, 'official')
    assert.notEqual(second.member.id, first.member.id)
    assert.equal((await me(second.token)).id, first.member.id)
    const joined = await staff(second.member.id)
    assert.equal(joined.canonical_id, first.member.id)
    assert.deepEqual(joined.same_person, [first.member.id, second.member.id])

    const undone = await app.post(app.key, `/v1/members/${second.member.id}/unmerge`)
    assert.equal(undone.status, 200)
    assert.equal(undone.body.kind, 'unmerged')
    assert.equal((await me(second.token)).id, second.member.id)
    const log = await call('GET', `/v1/members/${second.member.id}/merges`, app.key)
    assert.deepEqual(
      log.body.data.map(({ kind, told_by: by }: Record<string, unknown>) => [kind, by]),
      [
        ['unmerged', null],
        ['merged', second.member.id],
      ],
    )

    await logIn(user, 'official')
    await logIn(user, 'miniProgram')
    assert.equal((await staff(second.member.id)).canonical_id, second.member.id)

    const path = `/v1/members/${second.member.id}/merge`
    const again = await app.post(app.key, path, { with: first.member.id })
    assert.equal(again.status, 200, JSON.stringify(again.body))
    assert.equal((await staff(second.member.id)).canonical_id, first.member.id)
    const twice = await app.post(app.key, path, { with: first.member.id })
    assert.deepEqual([twice.status, twice.body.code], [409, 'member.already_merged'])
  })

  test('stays one when both apps log in at once, ten times over', async () => {
    for (let round = 0; round < 10; round += 1) {
      const user = await app.twin.control.user()
      const [one, other] = await Promise.all([logIn(user, 'official'), logIn(user, 'miniProgram')])
      const [shown, otherShown] = [await staff(one.member.id), await staff(other.member.id)]
      assert.equal(shown.canonical_id, otherShown.canonical_id, `round ${round}`)
    }
  })

  test('is found to be one when an app learns its UnionID later', async () => {
    const user = await app.twin.control.user()
    const { code } = await app.twin.control.do(user.id, 'oauth_code', { appid: appid('official') })
    const body = { app_id: app.official.id, code }
    const { body: quiet } = await call('POST', '/wallet/v1/sessions', undefined, body)
    assert.equal((await staff(quiet.member.id)).has_unionid, false)
    const other = await logIn(user, 'miniProgram')
    assert.equal((await staff(other.member.id)).canonical_id, other.member.id)
    const again = await logIn(user, 'official')
    assert.equal(again.member.id, quiet.member.id)
    assert.equal((await staff(other.member.id)).canonical_id, quiet.member.id)
  })

  test('is joined once when two people say so at once, each from his side', async () => {
    for (let round = 0; round < 5; round += 1) {
      const [one, other, third] = [await guest(), await guest(), await guest()]
      const answers = await Promise.all([
        app.post(app.key, `/v1/members/${one}/merge`, { with: other }),
        app.post(app.key, `/v1/members/${other}/merge`, { with: one }),
      ])
      const [refused] = answers.filter(({ status }) => status !== 200)
      assert.deepEqual([answers.length, refused?.body.code], [2, 'member.already_merged'])
      assert.ok(answers.some(({ status }) => status === 200))
      await app.post(app.key, `/v1/members/${third}/merge`, { with: other })
      assert.deepEqual((await staff(other)).same_person, [one, other, third])
      assert.equal((await app.post(app.key, `/v1/members/${other}/unmerge`)).status, 200)
      assert.deepEqual((await staff(one)).same_person, [one, third])
      assert.deepEqual((await staff(other)).same_person, [other])
    }
  })

  test('has an unmerge repeated under its key, and refused under another', async () => {
    const user = await app.twin.control.user()
    await logIn(user, 'miniProgram')
    const { member } = await logIn(user, 'official')
    const path = `/v1/members/${member.id}/unmerge`
    const [first, replay] = [
      await app.again(app.key, path, 'unmerge-once'),
      await app.again(app.key, path, 'unmerge-once'),
    ]
    assert.deepEqual(replay.body, first.body)
    assert.equal(replay.headers.get('idempotent-replayed'), 'true')
    const again = await app.post(app.key, path)
    assert.deepEqual([again.status, again.body.code], [409, 'member.not_merged'])
  })

  test('has a merge repeated under its key, in whichever lanes they live and whatever came after', async () => {
    const laneOf = async (member: string) => laneOfId((await bookAndId(member)).id)
    const [first, one] = [await guest(), await guest()]
    let other = await guest()
    while ((await laneOf(other)) === (await laneOf(one))) other = await guest()
    const path = `/v1/members/${one}/merge`
    const merge = () => app.again(app.key, path, `merge-${one}`, { with: other })
    const done = await merge()
    assert.deepEqual([done.status, done.body.into_id], [200, one], JSON.stringify(done.body))
    const repeated = async () => {
      const { status, body, headers } = await merge()
      assert.deepEqual(
        [status, body, headers.get('idempotent-replayed')],
        [200, done.body, 'true'],
        JSON.stringify(body),
      )
    }
    await repeated()
    assert.equal((await app.post(app.key, `/v1/members/${other}/unmerge`)).status, 200)
    assert.equal((await app.post(app.key, path, { with: first })).status, 200)
    await repeated()
    assert.deepEqual((await staff(other)).same_person, [other])
  })

  test('is known to WeChat by the name of each app, whichever member one asks for', async () => {
    const user = await app.twin.control.user()
    const [one, other] = [await logIn(user, 'miniProgram'), await logIn(user, 'official')]
    const { members: known } = app.flows
    const { book, id } = await bookAndId(one.member.id)
    const { id: otherId } = await bookAndId(other.member.id)
    for (const member of [id, otherId]) {
      for (const kind of ['official', 'miniProgram'] as const) {
        const openid = await known.openidOf(book, member, appid(kind))
        assert.equal(openid, user.openids[appid(kind)])
      }
    }
    assert.equal(await known.openidOf(book, id, 'wxsomewhereelse'), undefined)
  })
})

async function bookAndId(text: string) {
  const { parseId, bookOf } = await import('@lika/contract')
  const issuer = parseId('issuer', app.issuer.id)
  const id = parseId('member', text)
  assert.ok(issuer !== undefined && id !== undefined)
  return { book: bookOf(issuer, 'test'), id }
}

describe('a guest', () => {
  test('looks and comes without a login, and is the same person once logged in', async () => {
    const product = await app.makeProduct(app.key)
    const path = `/wallet/v1/products?app_id=${app.official.id}`
    const shelf = await call('GET', path)
    assert.deepEqual(
      shelf.body.data.map(({ id }: { id: string }) => id),
      [product],
    )
    const shop = await call('GET', `/wallet/v1/shops/${app.official.id}`)
    assert.deepEqual([shop.body.mode, shop.body.issuer.id], ['test', app.issuer.id])

    const { status, body: guest } = await call('POST', '/wallet/v1/guests', undefined, {
      app_id: app.official.id,
    })
    assert.equal(status, 201)
    assert.equal((await me(guest.token)).is_guest, true)
    const session = await logIn(await app.twin.control.user(), 'official')
    const joined = await call('POST', '/wallet/v1/me/guest', session.token, { token: guest.token })
    assert.deepEqual([joined.status, joined.body.id], [200, session.member.id])
    assert.deepEqual((await staff(guest.member.id)).same_person, [
      session.member.id,
      guest.member.id,
    ])
    assert.equal((await call('GET', '/wallet/v1/me', guest.token)).status, 401)
  })

  test('cannot be somebody who has logged in', async () => {
    const [one, other] = [
      await logIn(await app.twin.control.user()),
      await logIn(await app.twin.control.user()),
    ]
    const stolen = await call('POST', '/wallet/v1/me/guest', one.token, { token: other.token })
    assert.deepEqual([stolen.status, stolen.body.code], [404, 'member.not_found'])
    assert.equal((await staff(other.member.id)).canonical_id, other.member.id)
  })
})

describe('a phone', () => {
  test('comes from WeChat for a code, once, and is told by its end', async () => {
    const user = await app.twin.control.user({ phone: '13800138000' })
    const { token, member } = await logIn(user)
    const { code } = await app.twin.control.do(user.id, 'phone_code', {
      appid: appid('miniProgram'),
    })
    const given = await call('POST', '/wallet/v1/me/phone', token, { code })
    assert.deepEqual([given.status, given.body], [200, { phone_last4: '8000' }])
    assert.equal((await me(token)).phone_last4, '8000')
    assert.equal((await staff(member.id)).phone_last4, '8000')
    const again = await call('POST', '/wallet/v1/me/phone', token, { code })
    assert.deepEqual([again.status, again.body.code], [422, 'login.code_refused'])
    const rows = await app.database.owner.sql<
      { row: string }[]
    >`select member::text as row from member`
    const everything = [...answered, ...rows.map(({ row }) => row)].join()
    assert.ok(everything.includes('8000') && !everything.includes('13800138000'))
  })
})

describe('what a client says of itself', () => {
  test('has no place for an OpenID, on any route of the wallet', async () => {
    const { token } = await logIn(await app.twin.control.user())
    const response = await fetch(`${app.url}/wallet/openapi.json`)
    const document = (await response.json()) as { paths: Record<string, Record<string, unknown>> }
    let tried = 0
    for (const [path, methods] of Object.entries(document.paths)) {
      const concrete = path.replace('{id}', app.official.id)
      for (const method of Object.keys(methods)) {
        if (path.endsWith('/sessions/current')) continue
        const options = { key: token, headers: { 'idempotency-key': `openid-${tried}` } }
        const query = await app.call(
          method.toUpperCase(),
          `${concrete}?openid=oForgedForgedForged`,
          options,
        )
        assert.equal(query.status, 400, `${method} ${path}`)
        if (method === 'get') continue
        for (const name of ['openid', 'member_id', 'unionid']) {
          const body = { [name]: 'oForgedForgedForged' }
          const { status, body: problem } = await app.call(method.toUpperCase(), concrete, {
            ...options,
            body,
          })
          assert.equal(status, 400, `${method} ${path} ${name}`)
          assert.ok(
            problem.errors.some((error: { path: string }) => error.path === name),
            `${method} ${path} ${name}: ${JSON.stringify(problem)}`,
          )
          tried += 1
        }
      }
    }
    assert.ok(tried >= 12)
  })

  test('no OpenID, UnionID or key has gone out, nor stands in journal, rows or log', async () => {
    const users = (await app.twin.control.call('GET', '/users')).data as TwinUser[]
    const names = users.flatMap(({ openids, unionid }) => [...Object.values(openids), unionid])
    assert.ok(names.length > 20)
    const { sql } = app.database.owner
    const tables = ['journal', 'member', 'member_link', 'member_merge', 'app_event', 'directory']
    const rows = await Promise.all(
      tables.map((table) => sql.unsafe(`select ${table}::text as row from ${table}`)),
    )
    const everything = [...answered, JSON.stringify(rows), ...app.logged].join('\n')
    for (const name of names) assert.ok(!everything.includes(name), name)
  })
})
