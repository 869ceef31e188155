/** Who stands at the door: codes of the authorisation page, of mini-programs and of phone numbers, and what they become. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, startWorld, type TestApp, type TestWorld } from './test-world.ts'

let world: TestWorld
let account: TestApp
let mini: TestApp
let user: Json
before(async () => {
  world = await startWorld()
  account = await world.app('official_account', {
    subject: 'open1',
    redirect_hosts: ['shop.example.cn'],
  })
  mini = await world.app('mini_program', { subject: 'open1' })
  user = await world.user({ phone: '13800138000' })
})
after(() => world.stop())

const proof = ({ appid, secret }: TestApp) => ({ appid, secret })
const exchange = (code: string, app = account) =>
  world.get('/sns/oauth2/access_token', { ...proof(app), code, grant_type: 'authorization_code' })
const login = (js_code: string, app = mini) =>
  world.get('/sns/jscode2session', { ...proof(app), js_code, grant_type: 'authorization_code' })
const oauth = async (scope: string, more: object = {}) =>
  (await world.do(user, 'oauth_code', { appid: account.appid, scope, ...more })).code
const jsCode = async (who = user) => (await world.do(who, 'js_code', { appid: mini.appid })).code
const shown = async () => world.control('GET', `/users/${user.id}`)

test('base scope tells the OpenID and nothing else about the user', async () => {
  const answer = await exchange(await oauth('snsapi_base'))
  assert.equal(answer.openid, (await shown()).openids[account.appid])
  assert.equal(answer.scope, 'snsapi_base')
  assert.equal(answer.expires_in, 7200)
  assert.equal(answer.unionid, undefined)
  assert.equal(answer.is_snapshotuser, undefined)
  const { access_token, openid } = answer
  assert.equal((await world.get('/sns/userinfo', { access_token, openid })).errcode, 48001)
  assert.equal((await world.get('/sns/auth', { access_token, openid })).errcode, 0)
})

test('userinfo scope tells the UnionID too, and a profile without sex and place', async () => {
  const answer = await exchange(await oauth('snsapi_userinfo'))
  const { unionids } = await shown()
  assert.equal(answer.unionid, unionids.open1)
  const { access_token, openid } = answer
  const profile = await world.get('/sns/userinfo', { access_token, openid, lang: 'zh_CN' })
  assert.equal(profile.nickname, '张三')
  assert.equal(profile.unionid, unionids.open1)
  assert.deepEqual([profile.sex, profile.province, profile.city, profile.country], [0, '', '', ''])
  assert.equal((await world.get('/sns/userinfo', { access_token, openid: 'o1' })).errcode, 40003)
  assert.equal((await world.get('/sns/userinfo', { access_token: 'x', openid })).errcode, 40001)
  assert.equal((await world.get('/sns/userinfo', { openid })).errcode, 41001)
})

test('an app that belongs to no open-platform account is told no UnionID', async () => {
  const lonely = await world.app('official_account', { subject: '' })
  const { code } = await world.do(user, 'oauth_code', {
    appid: lonely.appid,
    scope: 'snsapi_userinfo',
  })
  assert.equal((await exchange(code, lonely)).unionid, undefined)
})

test('a snapshot of a page is nobody: another OpenID each time, and no UnionID', async () => {
  const snapshot = async () =>
    exchange((await world.do(user, 'snapshot_code', { appid: account.appid })).code)
  const [one, other] = [await snapshot(), await snapshot()]
  assert.equal(one.is_snapshotuser, 1)
  assert.notEqual(one.openid, other.openid)
  assert.notEqual(one.openid, (await shown()).openids[account.appid])
  assert.equal(one.unionid, undefined)
  const { access_token, openid } = one
  const profile = await world.get('/sns/userinfo', { access_token, openid })
  assert.equal(profile.nickname, '微信用户')
  assert.equal(profile.unionid, undefined)
})

test('a code is good for five minutes, for one app, for one purpose, and once', async () => {
  const late = await oauth('snsapi_base', { age_seconds: 299 })
  assert.ok((await exchange(late)).openid)
  assert.equal((await exchange(late)).errcode, 40163)
  assert.equal((await exchange(await oauth('snsapi_base', { age_seconds: 300 }))).errcode, 42003)
  assert.equal((await exchange(await jsCode())).errcode, 40029)
  const other = await world.app('official_account')
  assert.equal((await exchange(await oauth('snsapi_base'), other)).errcode, 40029)
})

test('codes that ended a day ago are forgotten', async () => {
  const code = await oauth('snsapi_base')
  world.pass(300 + 86_400)
  assert.equal((await exchange(code)).errcode, 42003)
  world.pass(1)
  await oauth('snsapi_base')
  assert.equal((await exchange(code)).errcode, 40029)
  account = await world.withToken(account)
  mini = await world.withToken(mini)
})

test('a code that was refused for another reason is still good', async () => {
  const code = await oauth('snsapi_base')
  const wrong = { appid: account.appid, secret: 'no', code, grant_type: 'authorization_code' }
  assert.equal((await world.get('/sns/oauth2/access_token', wrong)).errcode, 40125)
  const other = { ...proof(account), code, grant_type: 'client_credential' }
  assert.equal((await world.get('/sns/oauth2/access_token', other)).errcode, 40002)
  assert.ok((await exchange(code)).openid)
})

test('a mini-program has no authorisation page, an account no wx.login', async () => {
  assert.equal((await exchange('x', mini)).errcode, 48001)
  assert.equal((await login('x', account)).errcode, 48001)
})

test('a refresh keeps a good token, and gives a new one when its time is over', async () => {
  const first = await exchange(await oauth('snsapi_base'))
  const refresh = () =>
    world.get('/sns/oauth2/refresh_token', {
      appid: account.appid,
      grant_type: 'refresh_token',
      refresh_token: first.refresh_token,
    })
  world.pass(3600)
  const same = await refresh()
  assert.equal(same.access_token, first.access_token)
  assert.equal(same.expires_in, 7200)
  world.pass(7200)
  const { access_token, openid } = first
  assert.equal((await world.get('/sns/auth', { access_token, openid })).errcode, 42001)
  const next = await refresh()
  assert.notEqual(next.access_token, first.access_token)
  assert.equal(next.openid, openid)
  assert.equal(
    (await world.get('/sns/auth', { access_token: next.access_token, openid })).errcode,
    0,
  )
  account = await world.withToken(account)
  mini = await world.withToken(mini)
})

test('a refresh token is of one app, and asked for by its own grant', async () => {
  const { refresh_token } = await exchange(await oauth('snsapi_base'))
  const other = await world.app('official_account')
  const ask = async (more: object) => {
    const asked = { appid: account.appid, grant_type: 'refresh_token', refresh_token, ...more }
    return (await world.get('/sns/oauth2/refresh_token', asked)).errcode
  }
  assert.equal(await ask({ appid: other.appid }), 40030)
  assert.equal(await ask({ grant_type: 'authorization_code' }), 40002)
  assert.equal(await ask({}), undefined)
})

test('a new password ends what was given before, also its refresh', async () => {
  const careful = await world.user()
  const { code } = await world.do(careful, 'oauth_code', { appid: account.appid })
  const { refresh_token } = await exchange(code)
  await world.do(careful, 'change_password')
  const asked = { appid: account.appid, grant_type: 'refresh_token', refresh_token }
  assert.equal((await world.get('/sns/oauth2/refresh_token', asked)).errcode, 42007)
})

test('a mini-program learns OpenID, UnionID and a session key, from a code that is good once', async () => {
  const code = await jsCode()
  const session = await login(code)
  const { openids, unionids } = await shown()
  assert.equal(session.openid, openids[mini.appid])
  assert.notEqual(session.openid, openids[account.appid])
  assert.equal(session.unionid, unionids.open1)
  assert.equal(Buffer.from(session.session_key, 'base64').length, 16)
  assert.equal((await login(code)).errcode, 40163)
  assert.equal((await login('')).errcode, 41008)
  const other = { ...proof(mini), js_code: await jsCode(), grant_type: 'client_credential' }
  assert.equal((await world.get('/sns/jscode2session', other)).errcode, 40002)
})

test('one user logs in a hundred times a minute, others are not hindered', async () => {
  world.pass(60)
  const busy = await world.user()
  for (let count = 0; count < 100; count++) assert.ok((await login(await jsCode(busy))).openid)
  assert.equal((await login(await jsCode(busy))).errcode, 45011)
  assert.ok((await login(await jsCode())).openid)
  world.pass(60)
  assert.ok((await login(await jsCode(busy))).openid)
})

test('a limited user cannot log in at a mini-program', async () => {
  const limited = await world.user()
  await world.do(limited, 'set', { limited: true })
  assert.equal((await login(await jsCode(limited))).errcode, 50002)
})

test('a phone number comes by a code of its own, once, for the user it is of', async () => {
  const phoneCode = async () => (await world.do(user, 'phone_code', { appid: mini.appid })).code
  const ask = (body: object) => world.post(mini, '/wxa/business/getuserphonenumber', body)
  const { openids } = await shown()
  const code = await phoneCode()
  const { phone_info } = await ask({ code, openid: openids[mini.appid] })
  assert.equal(phone_info.purePhoneNumber, '13800138000')
  assert.equal(phone_info.countryCode, '86')
  assert.equal(phone_info.watermark.appid, mini.appid)
  assert.equal((await ask({ code })).errcode, 40163)
  assert.equal(
    (await ask({ code: await phoneCode(), openid: openids[account.appid] })).errcode,
    40003,
  )
  assert.equal((await ask({ code: await jsCode() })).errcode, 40029)
  assert.equal((await ask({})).errcode, 41008)
  assert.equal(
    await world.refused(await world.user(), 'phone_code', { appid: mini.appid }),
    '40097',
  )
})

test('phone numbers are asked for so many times a minute', async () => {
  await world.control('POST', '/settings', { app: { phoneMinute: 0 } })
  assert.equal((await world.post(mini, '/wxa/business/getuserphonenumber', {})).errcode, 45011)
  await world.control('POST', '/settings', { app: { phoneMinute: 5000 } })
})

const link = (scope: string) =>
  `/connect/oauth2/authorize?appid=${account.appid}&redirect_uri=${encodeURIComponent('https://shop.example.cn/in')}&response_type=code&scope=${scope}&state=s1`

test('a user who opens the link agrees, or refuses and comes back without a code', async () => {
  const url = `${world.twin.url}${link('snsapi_userinfo')}`
  const agreed = new URL((await world.do(user, 'authorize', { url })).location)
  assert.equal(agreed.searchParams.get('state'), 's1')
  assert.equal((await exchange(agreed.searchParams.get('code') ?? '')).scope, 'snsapi_userinfo')
  const refused = new URL((await world.do(user, 'authorize', { url, agrees: false })).location)
  assert.equal(refused.href, 'https://shop.example.cn/in?state=s1')
  const silent = `${world.twin.url}${link('snsapi_base')}`
  const asked = new URL(
    (await world.do(user, 'authorize', { url: silent, agrees: false })).location,
  )
  assert.ok(asked.searchParams.get('code'))
  const wrong = url.replace('shop.example.cn', 'evil.example.cn')
  assert.equal(await world.refused(user, 'authorize', { url: wrong }), '10003')
})

test('the page lets a person choose who it is, agree, refuse, or only look', async () => {
  const [status, html] = await world.send('GET', link('snsapi_userinfo'))
  assert.equal(status, 200)
  assert.ok(html.includes(user.id) && html.includes('拒绝'))
  const answer = async (agrees: string) => {
    const response = await fetch(`${world.twin.url}${link('snsapi_userinfo')}`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ user: user.id, agrees }),
    })
    return new URL(response.headers.get('location') ?? '')
  }
  const code = (await answer('yes')).searchParams.get('code') ?? ''
  assert.equal((await exchange(code)).openid, (await shown()).openids[account.appid])
  assert.equal((await answer('no')).searchParams.get('code'), null)
  const looked = (await answer('snapshot')).searchParams.get('code') ?? ''
  assert.equal((await exchange(looked)).is_snapshotuser, 1)
  const nobody = await fetch(`${world.twin.url}${link('snsapi_base')}`, {
    method: 'POST',
    body: new URLSearchParams({ user: 'nobody', agrees: 'yes' }),
  })
  assert.ok((await nobody.text()).includes('请重新打开链接'))
  const [, silent] = await world.send('GET', link('snsapi_base'))
  assert.ok(!silent.includes('拒绝'))
})

test('the page says by number what is wrong with a link, and shows nothing that a link brought', async () => {
  const [, html] = await world.send('GET', link('snsapi_base').replace('shop.', 'evil.'))
  assert.ok(html.includes('10003'))
  const [, script] = await world.send('GET', `${link('snsapi_userinfo')}"><script>`)
  assert.ok(!script.includes('<script>'))
})

test('a profile that was taken back is open again once the user agrees anew', async () => {
  const first = await exchange(await oauth('snsapi_userinfo'))
  const profile = ({ access_token, openid }: Json) =>
    world.get('/sns/userinfo', { access_token, openid })
  await world.do(user, 'withdraw', { appid: account.appid })
  assert.equal((await profile(first)).errcode, 50001)
  const second = await exchange(await oauth('snsapi_userinfo'))
  assert.equal((await profile(second)).nickname, '张三')
  assert.ok((await world.events(account)).includes('user_authorization_revoke'))
})
