/** Access tokens: how long they hold, what ends them, how often they are given, and that a restart changes nothing. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, startWorld, type TestApp, type TestWorld } from './test-world.ts'

let world: TestWorld
before(async () => {
  world = await startWorld()
})
after(() => world.stop())

const plain = ({ appid, secret }: TestApp) =>
  world.get('/cgi-bin/token', { grant_type: 'client_credential', appid, secret })
const stable = async ({ appid, secret }: TestApp, force_refresh?: boolean) => {
  const body = { grant_type: 'client_credential', appid, secret, force_refresh }
  return (await world.send('POST', '/cgi-bin/stable_token', body))[1]
}
/** 0 while a token is good, else why it is not. */
const errcodeOf = async (access_token: string) =>
  (await world.get('/cgi-bin/ticket/getticket', { access_token, type: 'jsapi' })).errcode
const setting = (app: object) => world.control('POST', '/settings', { app })

test('a token is at most 512 characters and two hours long', async () => {
  const app = await world.app('official_account')
  const { access_token, expires_in } = await plain(app)
  assert.ok(access_token.length <= 512)
  assert.equal(expires_in, 7200)
  world.pass(7199)
  assert.equal(await errcodeOf(access_token), 0)
  world.pass(1)
  assert.equal(await errcodeOf(access_token), 42001)
})

test('the token before is good for five minutes after a new one, and then not the newest', async () => {
  const app = await world.app('official_account')
  const [first, second] = [await plain(app), await plain(app)]
  assert.notEqual(first.access_token, second.access_token)
  world.pass(299)
  assert.equal(await errcodeOf(first.access_token), 0)
  world.pass(1)
  assert.equal(await errcodeOf(first.access_token), 40001)
  assert.equal(await errcodeOf(second.access_token), 0)
})

test('the stable token stays the same until five minutes before its end, and both hold meanwhile', async () => {
  const app = await world.app('official_account')
  const first = await stable(app)
  world.pass(6899)
  assert.deepEqual(await stable(app), { access_token: first.access_token, expires_in: 301 })
  world.pass(1)
  const second = await stable(app)
  assert.notEqual(second.access_token, first.access_token)
  assert.equal(second.expires_in, 7200)
  assert.equal(await errcodeOf(first.access_token), 0)
  assert.equal(await errcodeOf(second.access_token), 0)
})

test('a forced refresh ends the token before at once, and needs half a minute between', async () => {
  const app = await world.app('official_account')
  const first = await stable(app)
  const second = await stable(app, true)
  assert.equal(await errcodeOf(first.access_token), 40001)
  assert.equal((await stable(app, true)).errcode, 45011)
  assert.equal((await stable(app)).access_token, second.access_token)
  world.pass(30)
  assert.notEqual((await stable(app, true)).access_token, second.access_token)
})

test('twenty forced refreshes are a day’s', async () => {
  const app = await world.app('official_account')
  await setting({ forcedApartSeconds: 0 })
  for (let count = 0; count < 20; count++) assert.ok((await stable(app, true)).access_token)
  assert.equal((await stable(app, true)).errcode, 45009)
  assert.ok((await stable(app)).access_token)
  await setting({ forcedApartSeconds: 30 })
})

test('the two kinds of token know nothing of each other', async () => {
  const app = await world.app('official_account')
  const [one, other] = [await plain(app), await stable(app)]
  await plain(app)
  await stable(app, true)
  world.pass(301)
  const again = await stable(app)
  assert.equal(await errcodeOf(one.access_token), 40001)
  assert.equal(await errcodeOf(other.access_token), 40001)
  assert.equal(await errcodeOf(again.access_token), 0)
})

test('the stable token has limits by minute and by day', async () => {
  await setting({ stableTokenMinute: 1 })
  const app = await world.app('official_account')
  world.pass(60)
  assert.ok((await stable(app)).access_token)
  assert.equal((await stable(app)).errcode, 45011)
  await setting({ stableTokenMinute: 10_000, stableTokenDay: 1 })
  world.pass(60)
  assert.equal((await stable(app)).errcode, 45009)
  await setting({ stableTokenDay: 500_000 })
})

test('a token is asked for with the right grant, app, secret and address', async () => {
  const app = await world.app('official_account')
  const asked = { grant_type: 'client_credential', appid: app.appid, secret: app.secret }
  const ask = async (more: object) =>
    (await world.send('POST', '/cgi-bin/stable_token', { ...asked, ...more }))[1].errcode
  assert.equal(await ask({ grant_type: 'password' }), 40002)
  assert.equal(await ask({ appid: 'wx99' }), 40013)
  assert.equal(await ask({ appid: undefined }), 41002)
  assert.equal(await ask({ secret: 'no' }), 40125)
  assert.equal(await ask({ secret: undefined }), 41004)
  await world.control('POST', '/apps', {
    ...asked,
    grant_type: undefined,
    kind: 'official_account',
    ip_allow_list: ['10.1.1.1'],
  })
  assert.equal(await ask({}), 40164)
  await world.control('POST', '/apps', {
    ...asked,
    grant_type: undefined,
    kind: 'official_account',
    ip_allow_list: ['127.0.0.1'],
  })
  assert.equal(await ask({}), undefined)
})

test('any call has the limits that are set for it, and clearing the quota gives a day’s back', async () => {
  const app = await world.app('official_account')
  await setting({ apiDay: 2 })
  const ticket = () => errcodeOf(app.access_token)
  assert.deepEqual([await ticket(), await ticket(), await ticket()], [0, 0, 45009])
  await world.ok(app, '/cgi-bin/clear_quota', { appid: app.appid })
  assert.equal(await ticket(), 0)
  await setting({ apiDay: -1, apiMinute: 1 })
  world.pass(60)
  assert.deepEqual([await ticket(), await ticket()], [0, 45011])
  await world.ok(app, '/cgi-bin/clear_quota', { appid: app.appid })
  assert.deepEqual([await ticket(), await ticket()], [0, 45011])
  world.pass(60)
  assert.equal(await ticket(), 0)
  await setting({ apiMinute: -1 })
})

test('an app clears its own quota only', async () => {
  const [one, other] = [await world.app('official_account'), await world.app('official_account')]
  assert.equal(
    (await world.post(one, '/cgi-bin/clear_quota', { appid: other.appid })).errcode,
    40013,
  )
})

test('tokens, and a day’s quota, are the same after a restart', async () => {
  const app = await world.app('official_account')
  await setting({ tokenDay: 2 })
  const { access_token } = await plain(app)
  await world.restart()
  assert.equal(await errcodeOf(access_token), 0)
  assert.equal((await plain(app)).errcode, 45009)
  await setting({ tokenDay: 2000 })
})

test('what the twin recorded of calls shows no secret and no token', async () => {
  const app = await world.app('official_account', { secret: 'a-secret-of-its-own' })
  await errcodeOf(app.access_token)
  await stable(app)
  const { data } = await world.control('GET', '/requests?path=/cgi-bin/&last=1000')
  const text = JSON.stringify(data)
  assert.ok(text.includes(`appid=${app.appid}`))
  assert.ok(data.some(({ path }: Json) => path === '/cgi-bin/stable_token'))
  assert.ok(!text.includes(app.access_token))
  assert.ok(!text.includes(app.secret))
})
