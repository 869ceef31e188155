/**
 * `POST /v1/wechat/doctor` before apps that are wrong in one thing each: the step that fails names that thing, and
 * says what to do. Everything else about them is in order.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { wechatApp } from '../server/src/connectors/wechat-app/index.ts'
import { openAppDesk } from '../server/src/modules/wechat/index.ts'
import { startWechatApp, type WechatTestApp } from './harness/wechat-app.ts'
import { doctorOf } from './harness/wechat-doctor.ts'

let app: WechatTestApp
let made = 0

const { failing, names, create, instead } = doctorOf(() => app)

before(async () => {
  app = await startWechatApp()
})
after(() => app.stop())

const token = 'tokenOfTests'
const aes = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'

/** `here`: what we have; `there`: what WeChat has otherwise, null: it knows no such app. */
async function makeApp(here: object = {}, there: object | null = {}, key = app.key) {
  made += 1
  const appid = `wxdoctor${String(made).padStart(10, '0')}`
  const secret = randomBytes(16).toString('hex')
  const kind = 'official_account'
  const common = { appid, kind, secret, token, encoding_aes_key: aes }
  const atTwin = { ...common, subject: 'lika', redirect_hosts: ['127.0.0.1'], ...there }
  if (there !== null) await app.twin.control.app(atTwin)
  const ours = await create('/v1/wechat/apps', { ...common, ...here }, key)
  return { id: ours.id as string, appid, callback: ours.callback_url as string, atTwin }
}

/** Lets WeChat call back once. */
async function callBack(appid: string): Promise<void> {
  const user = await app.twin.control.user()
  await app.twin.control.do(user.id, 'follow', { appid })
  await app.twin.control.settle()
}

const connector = (more: { now?: () => number; url?: string }) => {
  const { database, keyring, wechatApps } = app.flows
  const url = more.url ?? app.twin.url
  return wechatApp({
    desk: openAppDesk({ database, keyring, apps: wechatApps }),
    urlsOf: () => ({ api: url, open: url }),
    log: { debug: () => {}, warn: () => {} },
    tuning: { firstPauseMs: 1 },
    ...(more.now === undefined ? {} : { now: more.now }),
  })
}

const anHourAhead = () => Date.now() + 3_600_000

describe('an app', () => {
  test('that is in order has nothing wrong, called back or not', async () => {
    assert.deepEqual(await failing({ app_id: app.official.id }), [])
    assert.deepEqual(await failing({ app_id: app.miniProgram.id }), [])
    const { id, appid, callback, atTwin } = await makeApp()
    await app.twin.control.app({ ...atTwin, callback_url: callback })
    await callBack(appid)
    assert.deepEqual(await failing({ app_id: id }), [])
  })

  test('with the wrong secret', async () => {
    const { id } = await makeApp({ secret: 'f'.repeat(32) })
    await names({ app_id: id }, 'app_secret', /secret that ends in ffff/)
  })

  test('with the wrong appid', async () => {
    const { id, appid } = await makeApp({}, null)
    await names({ app_id: id }, 'appid', new RegExp(`knows no app ${appid}`))
  })

  test('whose allow list lacks this server', async () => {
    const { id } = await makeApp({}, { ip_allow_list: ['203.0.113.9'] })
    await names({ app_id: id }, 'ip_allow_list', /127\.0\.0\.1.*allow list/)
  })

  test('that was connected as the wrong kind', async () => {
    const { id } = await makeApp({ kind: 'mini_program' })
    await names({ app_id: id }, 'login', /48001.*official account/)
  })

  test('that may not use the JS-SDK', async () => {
    const { id } = await makeApp({}, { unauthorized_paths: ['/cgi-bin/ticket/getticket'] })
    await names({ app_id: id }, 'jsapi_ticket', /48001.*JS-SDK/)
  })

  test('while WeChat cannot be reached', async () => {
    const away = createServer()
    away.listen(0, '127.0.0.1')
    await once(away, 'listening')
    const url = `http://127.0.0.1:${(away.address() as AddressInfo).port}`
    await new Promise((closed) => away.close(closed))
    const { id } = await makeApp()
    await instead({ wechatApp: connector({ url }) }, () =>
      names({ app_id: id }, 'reach', /ECONNREFUSED.*firewall/),
    )
  })

  test('on a server whose clock is wrong', async () => {
    const { id } = await makeApp()
    await instead({ wechatApp: connector({ now: anHourAhead }) }, () =>
      names({ app_id: id }, 'clock', /3\d{3} seconds.*NTP/),
    )
  })

  test('of live mode whose callbacks would not go over https, or only inside', async () => {
    const live = await makeApp({}, {}, app.issuer.live)
    await names({ app_id: live.id }, 'callback_url', /https.*LIKA_PUBLIC_URL/, app.issuer.live)
    await instead({ publicUrl: () => 'https://10.1.2.3' }, () =>
      names({ app_id: live.id }, 'callback_url', /10\.1\.2\.3 from outside/, app.issuer.live),
    )
  })

  test('whose address of callbacks leads nowhere, or to something else', async () => {
    const { id } = await makeApp()
    await instead({ publicUrl: () => 'http://127.0.0.1:1' }, () =>
      names({ app_id: id }, 'callback_url', /not reached.*proxy/),
    )
    await instead({ publicUrl: () => `${app.url}/elsewhere` }, () =>
      names({ app_id: id }, 'callback_url', /HTTP 404/),
    )
    const other = createServer((_request, response) => response.end('welcome'))
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    await instead({ publicUrl: () => url }, () =>
      names({ app_id: id }, 'callback_url', /not this server/),
    )
    other.close()
    other.closeAllConnections()
  })

  test('with another token than WeChat has', async () => {
    const { id, callback, atTwin } = await makeApp({ token: 'anotherToken' })
    await assert.rejects(app.twin.control.app({ ...atTwin, callback_url: callback }))
    await names({ app_id: id }, 'callback_token', /signature.*Token/)
    const change = { token, encoding_aes_key: aes }
    await app.call('PATCH', `/v1/wechat/apps/${id}`, { key: app.key, body: change })
    await app.twin.control.app({ ...atTwin, callback_url: callback })
    assert.deepEqual(await failing({ app_id: id }), [])
  })

  test('with another EncodingAESKey', async () => {
    const { id, appid, callback, atTwin } = await makeApp({ encoding_aes_key: aes.toUpperCase() })
    await app.twin.control.app({ ...atTwin, callback_url: callback })
    await callBack(appid)
    await names({ app_id: id }, 'callback_key', /does not open.*EncodingAESKey/)
  })

  test('that gets plain text although it has a key', async () => {
    const { id, appid, callback, atTwin } = await makeApp()
    await app.twin.control.app({ ...atTwin, message_mode: 'plain', callback_url: callback })
    await callBack(appid)
    await names({ app_id: id }, 'callback_mode', /plain text.*safe mode/)
  })

  test('whose address was set at another app', async () => {
    const { id, callback } = await makeApp()
    const other = await makeApp()
    await app.twin.control.app({ ...other.atTwin, callback_url: callback })
    await callBack(other.appid)
    await names({ app_id: id }, 'callback_appid', /another app/)
  })
})

describe('the doctor', () => {
  test('looks at everything of the issuer, and at nothing of another', async () => {
    const { body } = await app.call('POST', '/v1/wechat/doctor', { key: app.issuer.live, body: {} })
    assert.deepEqual(
      body.data.map((one: { kind: string }) => one.kind),
      ['app'],
    )
    const other = await app.makeIssuer()
    const none = await app.call('POST', '/v1/wechat/doctor', { key: other.test, body: {} })
    assert.deepEqual(none.body, { ok: true, data: [] })
    const foreign = await app.call('POST', '/v1/wechat/doctor', {
      key: other.test,
      body: { app_id: app.official.id },
    })
    assert.deepEqual([foreign.status, foreign.body.code], [404, 'wechat_app.not_found'])
  })

  test('and all that it did left no secret in the log', () => {
    const text = app.logged.join('\n')
    for (const secret of ['ffffffffffffffff', 'wxofficial000000001'.padEnd(32, '0'), token, aes])
      assert.equal(text.includes(secret), false)
  })
})
