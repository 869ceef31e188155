import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { TwinUser } from './harness/twin.ts'
import { startWechatApp, type WechatTestApp } from './harness/wechat-app.ts'

let app: WechatTestApp
let user: TwinUser
/** Of the H5 page. */
let page = ''

before(async () => {
  app = await startWechatApp()
  user = await app.twin.control.user()
  page = `/h5/${app.official.id}`
})
after(() => app.stop())

/** One step of a browser: where it is sent, and the cookies that it gets. */
async function visit(url: string, cookies: Record<string, string> = {}) {
  const cookie = Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
  const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
  const set = response.headers.getSetCookie().map((line) => {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    return { name, value, line }
  })
  return {
    status: response.status,
    location: response.headers.get('location') ?? '',
    set,
    text: await response.text(),
  }
}

async function start(scope = 'snsapi_userinfo', returnTo = page) {
  const query = new URLSearchParams({ app_id: app.official.id, scope, return_to: returnTo })
  const begun = await visit(`${app.url}/wallet/v1/oauth/start?${String(query)}`)
  const cookies = Object.fromEntries(begun.set.map(({ name, value }) => [name, value]))
  return { ...begun, cookies }
}

/** The user at WeChat's page; answers where WeChat sends the browser. */
async function decide(url: string, more: object = {}): Promise<string> {
  return (await app.twin.control.do(user.id, 'authorize', { url, ...more })).location
}

const memberCount = async () =>
  (await app.call('GET', '/v1/members?limit=200', { key: app.key })).body.data.length

describe('a page inside WeChat', () => {
  test('logs in over WeChat and comes back with a session for the page alone', async () => {
    const { location, cookies, set } = await start()
    assert.match(set[0]?.line ?? '', /HttpOnly/)
    assert.match(set[0]?.line ?? '', /SameSite=Lax/)
    const returned = await visit(await decide(location), cookies)
    assert.equal(returned.status, 302)
    assert.equal(returned.location, `${page}?login=done`)
    const session = returned.set.find(({ name }) => name === 'lika_session')
    assert.match(session?.line ?? '', /Path=\/h5;/)
    const me = await app.call('GET', '/wallet/v1/me', { key: session?.value ?? '' })
    assert.deepEqual([me.status, me.body.is_guest], [200, false])
    assert.ok(!returned.location.includes(session?.value ?? '?'))
  })

  test('comes back once: state and code are used up', async () => {
    const { location, cookies } = await start()
    const back = await decide(location)
    assert.equal((await visit(back, cookies)).location, `${page}?login=done`)
    const again = await visit(back, cookies)
    assert.deepEqual([again.status, JSON.parse(again.text).code], [422, 'login.code_refused'])
  })

  test('comes back to the browser that set out, and to no other', async () => {
    const { location } = await start()
    const back = await decide(location)
    const other = await start()
    for (const cookies of [{}, other.cookies, { lika_login: 'x.y' }]) {
      const refused = await visit(back, cookies)
      assert.equal(refused.status, 422)
      assert.deepEqual(refused.set, [])
    }
  })

  test('with a state that was changed, or made for another app, comes back to nothing', async () => {
    const { location, cookies } = await start()
    const back = new URL(await decide(location))
    const state = back.searchParams.get('state') ?? ''
    const changed = state.slice(0, 4) + (state[4] === 'A' ? 'B' : 'A') + state.slice(5)
    for (const forged of [changed, state.slice(0, -1), 'x', `${state}AA`]) {
      back.searchParams.set('state', forged)
      assert.equal((await visit(back.href, cookies)).status, 422, forged)
    }
  })

  test('goes on without a login where the user refuses, and is not asked again by itself', async () => {
    const before = await memberCount()
    const { location, cookies } = await start()
    const returned = await visit(await decide(location, { agrees: false }), cookies)
    assert.equal(returned.location, `${page}?login=refused`)
    assert.ok(returned.set.every(({ name }) => name !== 'lika_session'))
    assert.equal(await memberCount(), before)
    const shelf = await app.call('GET', `/wallet/v1/products?app_id=${app.official.id}`)
    assert.equal(shelf.status, 200)
  })

  test('that is a snapshot binds nothing to anybody', async () => {
    const before = await memberCount()
    const { location, cookies } = await start()
    const returned = await visit(await decide(location, { snapshot: true }), cookies)
    assert.equal(returned.location, `${page}?login=snapshot`)
    assert.ok(returned.set.every(({ name }) => name !== 'lika_session'))
    assert.equal(await memberCount(), before)
  })

  test('comes back to its own place, query and all', async () => {
    const { location, cookies } = await start('snsapi_base', `${page}?product=1`)
    const returned = await visit(await decide(location), cookies)
    assert.equal(returned.location, `${page}?product=1&login=done`)
  })

  for (const elsewhere of [
    'https://evil.example/h5/x',
    '//evil.example/h5/x',
    '/h5//evil.example',
    '/h5/\\evil.example',
    '/h5/x\r\nset-cookie: a=b',
    '/v1/members',
    'javascript:alert(1)',
    '/h5/x#y',
    '',
  ]) {
    test(`is not sent on to ${JSON.stringify(elsewhere)}`, async () => {
      const refused = await start('snsapi_base', elsewhere)
      assert.deepEqual([refused.status, refused.location, refused.set], [400, '', []])
    })
  }

  test('of a mini-program there is none', async () => {
    const query = new URLSearchParams({ app_id: app.miniProgram.id, return_to: page })
    assert.equal((await visit(`${app.url}/wallet/v1/oauth/start?${String(query)}`)).status, 400)
  })
})
