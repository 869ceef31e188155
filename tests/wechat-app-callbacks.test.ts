/** What the local WeChat calls back, in every mode it knows, and what is not believed. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { WechatAppId } from '@lika/contract'
import { getSignature } from '@wecom/crypto'
import { startCallbacks } from './harness/wechat-callbacks.ts'
import {
  type Connector,
  connectorOn,
  encodingAesKey,
  memberCard,
  startConnector,
  token,
} from './harness/wechat-connector.ts'

let run: Connector
let callbacks: Awaited<ReturnType<typeof startCallbacks>>
let user: Awaited<ReturnType<Connector['twin']['control']['user']>>

before(async () => {
  run = await startConnector()
  callbacks = await startCallbacks(run.wechat)
  user = await run.twin.control.user()
})
after(async () => {
  await callbacks.stop()
  await run.stop()
})
beforeEach(() => {
  callbacks.events.length = 0
  callbacks.replies.clear()
})

/** Sets the address of the callbacks at WeChat, as people do in the console: WeChat looks whether it knows the token. */
async function setUrl(app: { id: WechatAppId; appid: string; secret: string }, more: object = {}) {
  await run.twin.control.app({
    appid: app.appid,
    secret: app.secret,
    kind: 'official_account',
    subject: 'lika',
    redirect_hosts: ['shop.test'],
    token,
    encoding_aes_key: encodingAesKey,
    callback_url: callbacks.urlOf(app.id),
    ...more,
  })
}

async function follow(appid: string): Promise<void> {
  await run.twin.control.do(user.id, 'follow', { appid })
  await run.twin.control.settle()
}

const last = async (appid: string) => {
  const { data } = await run.twin.control.call('GET', `/callbacks?appid=${appid}`)
  return data.at(-1)
}

describe('callbacks', () => {
  for (const more of [
    { message_mode: 'safe', message_format: 'xml' },
    { message_mode: 'safe', message_format: 'json' },
    { message_mode: 'compatible', message_format: 'xml' },
  ]) {
    test(`in ${more.message_mode} mode as ${more.message_format} are read`, async () => {
      const app = await run.app('official_account')
      await setUrl(app, more)
      await follow(app.appid)
      const [event] = callbacks.events
      assert.equal(event?.event, 'subscribe')
      assert.match(event.openid, /^o/)
      assert.match(event.dedupeKey, /^[0-9a-f]{64}$/)
      assert.equal((await last(app.appid)).state, 'delivered')
    })
  }

  test('in plain text are read where the app has no key, and only there', async () => {
    const open = await run.app('official_account', { here: { encoding_aes_key: null } })
    await setUrl(open, { message_mode: 'plain' })
    await follow(open.appid)
    assert.equal(callbacks.events.length, 1)
    const sealed = await run.app('official_account')
    await setUrl(sealed, { message_mode: 'plain' })
    await follow(sealed.appid)
    assert.equal(callbacks.events.length, 1)
    assert.equal((await run.desk.callbackNote(sealed.id)).refusedWhy, 'not_encrypted')
  })

  test('doubled have one key; those of two cards in one second have two', async () => {
    const app = await run.app('official_account')
    await setUrl(app)
    const { appid } = app
    const card = await run.wechat.createCard(app.id, memberCard)
    assert.ok(card.status === 'done')
    await run.twin.control.settle()
    callbacks.events.length = 0
    await run.twin.control.fault(
      { path: 'user_get_card', times: 2 },
      {
        name: 'duplicate_notification',
        count: 2,
      },
    )
    const asked = [{ cardId: card.value.cardId }, { cardId: card.value.cardId }]
    const list = await run.wechat.addCards(app.id, asked)
    const card_list = list.status === 'done' ? list.value : []
    await run.twin.control.do(user.id, 'add_card', { appid, card_list })
    await run.twin.control.settle()
    const got = callbacks.events.filter(({ event }) => event === 'user_get_card')
    assert.equal(got.length, 4)
    assert.equal(new Set(got.map(({ dedupeKey }) => dedupeKey)).size, 2)
    assert.equal(new Set(got.map(({ fields }) => fields['UserCardCode'])).size, 2)
  })

  test('messages of users are told apart by their number', async () => {
    const app = await run.app('official_account')
    await setUrl(app)
    for (const text of ['你好', '你好'])
      await run.twin.control.do(user.id, 'send_message', { appid: app.appid, text })
    await run.twin.control.settle()
    const [first, second] = callbacks.events
    assert.equal(first?.event, undefined)
    assert.equal(first?.fields['Content'], '你好')
    assert.notEqual(first?.dedupeKey, second?.dedupeKey)
  })

  test('are answered with a text that WeChat opens and shows', async () => {
    const app = await run.app('official_account')
    await setUrl(app)
    callbacks.replies.set('subscribe', '欢迎 <使用> & 再见')
    await follow(app.appid)
    assert.equal((await last(app.appid)).reply?.Content, '欢迎 <使用> & 再见')
  })

  test('under another token are not believed, nor is the address', async () => {
    const app = await run.app('official_account', { here: { token: 'anotherToken' } })
    await assert.rejects(setUrl(app), /not verified/)
    assert.equal((await run.desk.callbackNote(app.id)).refusedWhy, 'signature')
  })

  test('meant for another app, or under another key, are not believed', async () => {
    const app = await run.app('official_account')
    const other = await run.app('official_account')
    await setUrl({ ...other, id: app.id })
    await follow(other.appid)
    assert.equal((await run.desk.callbackNote(app.id)).refusedWhy, 'appid')
    const key = { encoding_aes_key: encodingAesKey.toUpperCase() }
    const changed = await run.app('official_account', { here: key })
    await setUrl(changed)
    await follow(changed.appid)
    assert.equal((await run.desk.callbackNote(changed.id)).refusedWhy, 'key')
    assert.equal(callbacks.events.length, 0)
  })

  test('an old signature on a new text is not believed', async () => {
    const app = await run.app('official_account', { here: { encoding_aes_key: null } })
    const then = Math.floor(Date.now() / 1000)
    const query = signedAt(then)
    const body = '<xml><FromUserName>o1</FromUserName><CreateTime>1</CreateTime></xml>'
    assert.ok(await run.wechat.readEvent(app.id, query, Buffer.from(body)))
    const later = connectorOn(run.database.app, run.twin.url, {
      now: () => (then + 301) * 1000,
    })
    assert.equal(await later.wechat.readEvent(app.id, query, Buffer.from(body)), undefined)
  })

  test('what is no message is not read, whoever signed it', async () => {
    const app = await run.app('official_account', { here: { encoding_aes_key: null } })
    const query = signedAt(Math.floor(Date.now() / 1000))
    for (const body of ['', 'x', '<xml></xml>', '<xml><FromUserName>o</FromUserName></xml>'])
      assert.equal(await run.wechat.readEvent(app.id, query, Buffer.from(body)), undefined, body)
    assert.equal(await run.wechat.echo(app.id, query), undefined)
    assert.equal(await run.wechat.echo(app.id, {}), undefined)
    const { signature: _, ...unsigned } = query
    assert.equal(await run.wechat.readEvent(app.id, unsigned, Buffer.from('<xml/>')), undefined)
  })
})

function signedAt(seconds: number) {
  const timestamp = String(seconds)
  const nonce = '486452656'
  return { timestamp, nonce, signature: getSignature(token, timestamp, nonce, '') }
}
