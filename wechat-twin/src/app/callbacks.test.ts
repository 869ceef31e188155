/** What is posted to an account's callback: proved at registration, signed, sealed, repeated, lost, doubled, late, out of order. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as wecom from '@wecom/crypto'
import { toXml } from './message-body.ts'
import { signatureOf } from './signatures.ts'
import {
  type Json,
  type Received,
  startReceiver,
  startWorld,
  type TestApp,
  type TestWorld,
} from './test-world.ts'

const token = 'callback-token'
const key = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'
const echo = ({ query }: Received): [number, string] => [200, query.get('echostr') ?? 'success']

let world: TestWorld
let user: Json
before(async () => {
  world = await startWorld()
  user = await world.user()
})
after(() => world.stop())

/** An account whose callback answers a post as `answer` says. */
async function accountWith(
  answer: (received: Received) => [number, string] | 'silence',
  more: object = {},
) {
  const receiver = await startReceiver((received) =>
    received.method === 'GET' ? echo(received) : answer(received),
  )
  const app = await world.app('official_account', { token, callback_url: receiver.url, ...more })
  return { app, receiver, follow: () => world.do(user, 'follow', { appid: app.appid }) }
}

const success = (): [number, string] => [200, 'success']
const stateOf = async (app: TestApp) => (await world.posted(app)).map(({ state }: Json) => state)
const fault = (path: string, effect: unknown, more: object = {}) =>
  world.control('POST', '/faults', { rule: { match: { path, ...more }, effect } })

test('a callback is taken once it has answered echostr, signed with its token', async () => {
  const { app, receiver } = await accountWith(success)
  const [check] = receiver.received
  assert.equal(check?.method, 'GET')
  const { query } = check ?? { query: new URLSearchParams() }
  const signed = [token, query.get('timestamp') ?? '', query.get('nonce') ?? '']
  assert.equal(query.get('signature'), signatureOf(signed))
  const shown = await world.control('GET', `/apps/${app.appid}`)
  assert.equal(shown.callback_url, receiver.url)
  assert.equal(shown.secret, undefined)
  assert.equal(shown.token, undefined)
  receiver.stop()
})

for (const [why, answer] of [
  ['something else', () => [200, 'hello']],
  ['a refusal', ({ query }: Received) => [403, query.get('echostr') ?? '']],
] as const)
  test(`a callback that answers ${why} is not registered`, async () => {
    const receiver = await startReceiver((received) => [...answer(received)] as [number, string])
    const given = {
      appid: 'wxunproved',
      secret: 's',
      kind: 'official_account',
      token,
      callback_url: receiver.url,
    }
    assert.equal((await world.send('POST', '/_twin/apps', given))[0], 400)
    assert.equal((await world.send('GET', '/_twin/apps/wxunproved'))[0], 400)
    receiver.stop()
  })

test('an app is registered with what belongs together', async () => {
  const receiver = await startReceiver(echo)
  const given = { appid: 'wxtogether', secret: 's', kind: 'official_account' }
  for (const more of [
    { callback_url: receiver.url },
    { callback_url: 'ftp://127.0.0.1/', token },
    { callback_url: 'http://', token },
    { encoding_aes_key: '!'.repeat(43) },
    { message_mode: 'safe' },
    { unknown: 1 },
  ])
    assert.equal((await world.send('POST', '/_twin/apps', { ...given, ...more }))[0], 400)
  receiver.stop()
})

test('in plain mode the event comes as XML, signed in its query', async () => {
  const { receiver, follow, app } = await accountWith(success)
  await follow()
  await world.settle()
  const [post] = receiver.posts()
  const body = post?.body ?? ''
  const openid = world.twin.users.openidOf(user.id, app.appid)
  assert.ok(body.startsWith('<xml><ToUserName><![CDATA[gh_'))
  assert.ok(body.includes(`<FromUserName><![CDATA[${openid}]]></FromUserName>`))
  assert.match(body, /<CreateTime>\d{10}<\/CreateTime>/)
  assert.ok(
    body.includes('<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe]]></Event>'),
  )
  const { query } = post ?? { query: new URLSearchParams() }
  const signed = [token, query.get('timestamp') ?? '', query.get('nonce') ?? '']
  assert.equal(query.get('signature'), signatureOf(signed))
  assert.equal(query.get('openid'), openid)
  assert.equal(query.get('encrypt_type'), null)
  assert.deepEqual(await stateOf(app), ['delivered'])
  receiver.stop()
})

test('in safe mode the official package opens the event, and nothing stands beside it', async () => {
  const { receiver, follow, app } = await accountWith(success, { encoding_aes_key: key })
  await follow()
  await world.settle()
  const [post] = receiver.posts()
  const sealed = /<Encrypt><!\[CDATA\[(.*)\]\]><\/Encrypt>/.exec(post?.body ?? '')?.[1] ?? ''
  const { query } = post ?? { query: new URLSearchParams() }
  assert.equal(query.get('encrypt_type'), 'aes')
  const [time, nonce] = [query.get('timestamp') ?? '', query.get('nonce') ?? '']
  assert.equal(query.get('msg_signature'), wecom.getSignature(token, time, nonce, sealed))
  const { message, id } = wecom.decrypt(key, sealed)
  assert.equal(id, app.appid)
  assert.ok(message.includes('<![CDATA[subscribe]]>'))
  assert.ok(!post?.body.includes('subscribe'))
  receiver.stop()
})

test('in compatible mode the event stands beside what is sealed', async () => {
  const more = { encoding_aes_key: key, message_mode: 'compatible' }
  const { receiver, follow } = await accountWith(success, more)
  await follow()
  await world.settle()
  const [post] = receiver.posts()
  assert.ok(post?.body.includes('<![CDATA[subscribe]]>'))
  const sealed = /<Encrypt><!\[CDATA\[(.*)\]\]><\/Encrypt>/.exec(post?.body ?? '')?.[1] ?? ''
  assert.ok(wecom.decrypt(key, sealed).message.includes('subscribe'))
  receiver.stop()
})

test('a mini-program may have its events in JSON', async () => {
  const receiver = await startReceiver(echo)
  const mini = await world.app('mini_program', {
    token,
    callback_url: receiver.url,
    encoding_aes_key: key,
    message_format: 'json',
  })
  await world.do(user, 'subscribe', { appid: mini.appid, template_id: 't' })
  await world.settle()
  const { Encrypt } = JSON.parse(receiver.posts()[0]?.body ?? '{}')
  const event = JSON.parse(wecom.decrypt(key, Encrypt).message)
  assert.equal(event.Event, 'subscribe_msg_popup_event')
  assert.equal(event.SubscribeMsgPopupEvent.List.TemplateId, 't')
  receiver.stop()
})

for (const [why, answer] of [
  ['an error', () => [500, '']],
  ['a redirect', () => [302, '']],
  ['neither success nor a reply', () => [200, 'ok']],
] as const)
  test(`an event that is answered by ${why} comes four times in all, then never again`, async () => {
    const { app, receiver, follow } = await accountWith(() => [...answer()] as [number, string])
    await follow()
    for (let count = 0; count < 6; count++) {
      await world.settle()
      await world.wait(5)
    }
    await world.settle()
    assert.equal(receiver.posts().length, 4)
    const bodies = new Set(receiver.posts().map(({ body }) => body))
    assert.equal(bodies.size, 1)
    assert.deepEqual(await stateOf(app), ['given_up'])
    receiver.stop()
  })

test('an event that is not answered in time comes again and is taken then', async () => {
  await world.control('POST', '/settings', { app: { callbackSeconds: 0.2 } })
  let count = 0
  const { app, receiver, follow } = await accountWith(() => {
    count += 1
    return count === 1 ? 'silence' : [200, '']
  })
  await follow()
  await world.settle()
  await world.wait(5)
  await world.settle()
  assert.equal(receiver.posts().length, 2)
  const [posted] = await world.posted(app)
  assert.equal(posted.state, 'delivered')
  assert.deepEqual(posted.outcomes, ['no answer', '200'])
  await world.control('POST', '/settings', { app: { callbackSeconds: 5 } })
  receiver.stop()
})

test('a fault loses an event, doubles one, or makes it late', async () => {
  const { app, receiver, follow } = await accountWith(success)
  await fault('subscribe', 'drop_notification')
  await follow()
  for (let count = 0; count < 5; count++) await world.wait(5)
  assert.equal(receiver.posts().length, 0)
  assert.deepEqual(await stateOf(app), ['dropped'])
  await fault('/callbacks', { name: 'duplicate_notification', count: 3 })
  await follow()
  await world.settle()
  assert.equal(receiver.posts().length, 3)
  await fault('*', { name: 'delay_notification', seconds: 60 })
  await follow()
  await world.wait(59)
  await world.settle()
  assert.equal(receiver.posts().length, 3)
  await world.wait(2)
  await world.settle()
  assert.equal(receiver.posts().length, 4)
  receiver.stop()
})

test('a fault lets a later event overtake an earlier one', async () => {
  const { receiver, follow, app } = await accountWith(success)
  await fault('subscribe', 'reorder_notifications')
  await follow()
  await world.do(user, 'unfollow', { appid: app.appid })
  await world.settle()
  const order = receiver.posts().map(({ body }) => /<Event><!\[CDATA\[(\w+)/.exec(body)?.[1])
  assert.deepEqual(order, ['unsubscribe', 'subscribe'])
  receiver.stop()
})

test('what is held back goes out after a minute even if nothing overtakes it', async () => {
  const { receiver, follow } = await accountWith(success)
  await fault('subscribe', 'reorder_notifications')
  await follow()
  await world.settle()
  assert.equal(receiver.posts().length, 0)
  await world.wait(61)
  await world.settle()
  assert.equal(receiver.posts().length, 1)
  receiver.stop()
})

const reply = (openid: string) =>
  toXml({
    ToUserName: openid,
    FromUserName: 'gh_1',
    CreateTime: 1,
    MsgType: 'text',
    Content: '欢迎',
  })

test('a reply in plain mode comes to the user’s chat', async () => {
  const { receiver, app } = await accountWith(({ query }) => [
    200,
    reply(query.get('openid') ?? ''),
  ])
  const guest = await world.user()
  await world.do(guest, 'follow', { appid: app.appid })
  await world.settle()
  const [message] = (await world.do(guest, 'messages')).data
  assert.equal(message.text, '欢迎')
  assert.equal(message.from, app.appid)
  receiver.stop()
})

test('a reply to somebody else comes to nobody', async () => {
  const { receiver, app } = await accountWith(() => [200, reply('oSomebodyElse')])
  const guest = await world.user()
  await world.do(guest, 'follow', { appid: app.appid })
  await world.settle()
  assert.deepEqual((await world.do(guest, 'messages')).data, [])
  receiver.stop()
})

/** Seals a reply as an account does, by the official package. */
function sealedReply(openid: string, appid: string, signedWith = token): [number, string] {
  const Encrypt = wecom.encrypt(key, reply(openid), appid)
  const [TimeStamp, Nonce] = [1714037059, '486452656']
  const MsgSignature = wecom.getSignature(signedWith, TimeStamp, Nonce, Encrypt)
  return [200, toXml({ Encrypt, MsgSignature, TimeStamp, Nonce })]
}

for (const [why, appid, signedWith, isTaken] of [
  ['sealed by the official package', undefined, token, true],
  ['sealed for another app', 'wxother', token, false],
  ['signed with another token', undefined, 'other-token', false],
] as const)
  test(`a reply ${why} is ${isTaken ? 'shown' : 'not taken'}`, async () => {
    let own = ''
    const { receiver, app } = await accountWith(
      ({ query }) => sealedReply(query.get('openid') ?? '', appid ?? own, signedWith),
      { encoding_aes_key: key },
    )
    own = app.appid
    const guest = await world.user()
    await world.do(guest, 'follow', { appid: app.appid })
    await world.settle()
    const { data } = await world.do(guest, 'messages')
    assert.deepEqual(
      data.map(({ text }: Json) => text),
      isTaken ? ['欢迎'] : [],
    )
    assert.deepEqual(await stateOf(app), [isTaken ? 'delivered' : 'pending'])
    receiver.stop()
  })

test('a reply that is not sealed is not taken in safe mode', async () => {
  const { receiver, app } = await accountWith(
    ({ query }) => [200, reply(query.get('openid') ?? '')],
    { encoding_aes_key: key },
  )
  await world.do(user, 'follow', { appid: app.appid })
  await world.settle()
  assert.deepEqual(await stateOf(app), ['pending'])
  receiver.stop()
})

for (const [why, members] of [
  ['what has no MsgType', { Content: '欢迎' }],
  ['what is empty', {}],
] as const)
  test(`${why} is no reply, in plain mode and in safe mode`, async () => {
    const text = toXml(members)
    const Encrypt = (appid: string) => wecom.encrypt(key, text, appid)
    for (const more of [{}, { encoding_aes_key: key }]) {
      let own = ''
      const { receiver, app } = await accountWith(() => {
        if (!('encoding_aes_key' in more)) return [200, text]
        const sealed = Encrypt(own)
        const MsgSignature = wecom.getSignature(token, 1, '2', sealed)
        return [200, toXml({ Encrypt: sealed, MsgSignature, TimeStamp: 1, Nonce: '2' })]
      }, more)
      own = app.appid
      await world.do(user, 'follow', { appid: app.appid })
      await world.settle()
      const [posted] = await world.posted(app)
      assert.deepEqual(posted.outcomes, ['neither success nor a reply'])
      receiver.stop()
    }
  })

test('what is asked about an app or a card that there is not is a mistake', async () => {
  const status = async (path: string, body: object) =>
    (await world.send('POST', `/_twin/apps/${path}`, body))[0]
  assert.equal(await status('wx9/templates', { template_id: 't' }), 400)
  assert.equal(await status('wx9/expire_tokens', {}), 400)
  const { appid } = await world.app('official_account')
  assert.equal(await status(`${appid}/cards/p9/review`, { passes: true }), 400)
  assert.ok((await world.control('GET', '/callbacks')).data.length > 0)
  assert.ok((await world.control('GET', '/apps')).data.length > 0)
})

test('any event can be posted by hand, of a user or of the account', async () => {
  const { app, receiver } = await accountWith(success)
  const by = (body: object) => world.control('POST', `/apps/${app.appid}/events`, body)
  await by({ event: 'card_pay_order', fields: { OrderId: '404091456', PayCoinCount: 100 } })
  await by({ event: 'user_view_card', user: user.id, fields: { List: { CardId: 'p1' } } })
  await world.settle()
  const bodies = receiver.posts().map(({ body }) => body)
  assert.ok(bodies[0]?.includes('<OrderId><![CDATA[404091456]]></OrderId><PayCoinCount>100<'))
  assert.ok(bodies[1]?.includes(world.twin.users.openidOf(user.id, app.appid)))
  for (const body of [
    { event: 'a b' },
    { event: 'x', fields: [] },
    { event: 'x', fields: { 'a>': 1 } },
    { event: 'x', fields: { a: true } },
    { event: 'x', user: 'nobody' },
  ])
    assert.equal((await world.send('POST', `/_twin/apps/${app.appid}/events`, body))[0], 400)
  receiver.stop()
})

test('an event that waits is posted after a restart', async () => {
  const { receiver, app } = await accountWith(success)
  await fault('subscribe', { name: 'delay_notification', seconds: 60 })
  await world.do(user, 'follow', { appid: app.appid })
  await world.restart()
  await world.wait(61)
  await world.settle()
  assert.equal(receiver.posts().length, 1)
  receiver.stop()
})

test('an event that was on its way when the twin ended is posted again', async () => {
  let count = 0
  const { receiver, app } = await accountWith(() => {
    count += 1
    return count === 1 ? 'silence' : [200, 'success']
  })
  await world.do(user, 'follow', { appid: app.appid })
  while (receiver.posts().length === 0) await new Promise(setImmediate)
  await world.restart()
  await world.settle()
  assert.equal(receiver.posts().length, 2)
  assert.deepEqual(await stateOf(app), ['delivered'])
  receiver.stop()
})

test('an app without a callback is told nothing, and what would have been said can be read', async () => {
  const app = await world.app('official_account')
  await world.do(user, 'follow', { appid: app.appid })
  assert.deepEqual(await stateOf(app), ['no_url'])
})
