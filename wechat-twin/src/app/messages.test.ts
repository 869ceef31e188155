/** What reaches a user's phone: subscribe, template and custom messages, each only as far as the user let the app. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, startWorld, type TestApp, type TestWorld } from './test-world.ts'

let world: TestWorld
let account: TestApp
let mini: TestApp
let user: Json
before(async () => {
  world = await startWorld()
  account = await world.app('official_account')
  mini = await world.app('mini_program')
  user = await world.user()
})
after(() => world.stop())

const openid = (app: TestApp, who: Json = user) => world.twin.users.openidOf(who.id, app.appid)
const send = (body: object, app = mini) => {
  const name = app === mini ? 'send' : 'bizsend'
  return world.post(app, `/cgi-bin/message/subscribe/${name}`, body)
}
const messages = async (who: Json = user) => (await world.do(who, 'messages')).data
const setting = (app: object) => world.control('POST', '/settings', { app })
const templateOf = async (app: TestApp, template_id: string, keys?: string[]) =>
  world.control('POST', `/apps/${app.appid}/templates`, { template_id, keys })
const agree = (template_id: string, app = mini) =>
  world.do(user, 'subscribe', { appid: app.appid, template_id })

const message = (
  template_id: string,
  data: object = { thing1: { value: '礼卡' } },
  app = mini,
) => ({
  touser: openid(app),
  template_id,
  data,
})

test('one consent is one message, and the phone shows it', async () => {
  assert.equal((await agree('paid')).consents, 1)
  assert.equal((await agree('paid')).consents, 2)
  const body = { ...message('paid'), page: 'pages/card/show?id=1', lang: 'zh_CN' }
  assert.equal((await send(body)).errcode, 0)
  assert.equal((await send({ ...body, miniprogram_state: 'trial' })).errcode, 0)
  assert.equal((await send(body)).errcode, 43101)
  const [first, ...others] = await messages()
  assert.equal(others.length, 1)
  assert.equal(first.kind, 'subscribe')
  assert.equal(first.from, mini.appid)
  assert.equal(first.url, 'pages/card/show?id=1')
  assert.deepEqual(first.data, { thing1: '礼卡' })
})

test('a user who refuses has consented to nothing, and the app is told either way', async () => {
  const before = (await world.posted(mini)).length
  await world.do(user, 'subscribe', { appid: mini.appid, template_id: 'refused', refuse: true })
  assert.equal((await send(message('refused'))).errcode, 43101)
  await agree('refused')
  const events = (await world.posted(mini)).slice(before)
  const said = events.map((one: Json) => one.message.SubscribeMsgPopupEvent.List)
  assert.deepEqual(
    said.map(({ SubscribeStatusString }: Json) => SubscribeStatusString),
    ['reject', 'accept'],
  )
})

test('a message that is refused for its content uses up no consent', async () => {
  await agree('kept')
  assert.equal((await send(message('kept', { thing1: { value: '' } }))).errcode, 47003)
  assert.equal((await send({ ...message('kept'), page: '/pages/a' })).errcode, 41030)
  assert.equal((await send(message('kept'))).errcode, 0)
})

test('a template takes its keywords, all of them and no others', async () => {
  await templateOf(mini, 'listed', ['thing1', 'amount2'])
  await agree('listed')
  const data = { thing1: { value: '礼卡' }, amount2: { value: '¥12.50' } }
  const { amount2: _, ...fewer } = data
  assert.equal((await send(message('listed', fewer))).errcode, 47003)
  assert.equal((await send(message('listed', { ...data, thing3: { value: 'x' } }))).errcode, 47003)
  assert.equal((await send(message('listed', { ...data, thing1: '礼卡' }))).errcode, 47003)
  assert.equal((await send(message('listed', {}))).errcode, 47003)
  assert.equal((await send(message('listed', data))).errcode, 0)
  await agree('unlisted')
  assert.equal((await send(message('unlisted', {}))).errcode, 47003)
})

test('states and languages are those that there are', async () => {
  await agree('states')
  assert.equal((await send({ ...message('states'), lang: 'fr_FR' })).errcode, 40097)
  assert.equal((await send({ ...message('states'), miniprogram_state: 'live' })).errcode, 40097)
  assert.equal(
    (await send({ ...message('states'), lang: 'en_US', miniprogram_state: 'formal' })).errcode,
    0,
  )
})

test('each kind of app has its own path, and its users by its own OpenIDs', async () => {
  await agree('biz', account)
  const body = message('biz', { thing1: { value: '礼卡' } }, account)
  const other = await world.post(account, '/cgi-bin/message/subscribe/send', body)
  assert.equal(other.errcode, 48001)
  assert.equal((await send({ ...body, touser: openid(mini) }, account)).errcode, 40003)
  assert.equal((await send({ ...body, touser: undefined }, account)).errcode, 40003)
  assert.equal((await send({ ...body, page: 'https://shop.example.cn/' }, account)).errcode, 0)
})

test('a day has so many messages, and one too many uses up no consent', async () => {
  const busy = await world.app('mini_program')
  const ask = () =>
    world.post(busy, '/cgi-bin/message/subscribe/send', {
      ...message('day'),
      touser: openid(busy),
    })
  await agree('day', busy)
  await setting({ subscribeDay: 0 })
  assert.equal((await ask()).errcode, 45009)
  await setting({ subscribeDay: 10_000_000 })
  assert.equal((await ask()).errcode, 0)
})

const template = (more: object = {}) =>
  world.post(account, '/cgi-bin/message/template/send', {
    touser: openid(account),
    template_id: 'receipt',
    data: { first: { value: '已支付' } },
    ...more,
  })

test('a template message goes to followers, and the account is told that it arrived', async () => {
  await templateOf(account, 'receipt', ['first'])
  assert.equal((await template()).errcode, 43004)
  await world.do(user, 'follow', { appid: account.appid })
  const before = (await messages()).length
  const miniprogram = { appid: mini.appid, pagepath: 'pages/a' }
  const sent = await template({ url: 'https://shop.example.cn', miniprogram })
  assert.equal(sent.errcode, 0)
  const [last] = (await messages()).slice(before)
  assert.equal(last.kind, 'template')
  assert.equal(last.url, 'pages/a')
  const finished = (await world.posted(account)).at(-1)
  assert.equal(finished.name, 'TEMPLATESENDJOBFINISH')
  assert.equal(finished.message.MsgID, sent.msgid)
  await world.do(user, 'unfollow', { appid: account.appid })
  assert.equal((await template()).errcode, 43004)
})

test('the same client_msg_id is sent once', async () => {
  await world.do(user, 'follow', { appid: account.appid })
  const before = (await messages()).length
  const one = await template({ client_msg_id: 'order-1' })
  const other = await template({ client_msg_id: 'order-1' })
  assert.equal(other.msgid, one.msgid)
  assert.notEqual((await template({ client_msg_id: 'order-2' })).msgid, one.msgid)
  assert.equal((await messages()).length, before + 2)
})

test('template messages have a day’s number, and their own template', async () => {
  await world.do(user, 'follow', { appid: account.appid })
  assert.equal((await template({ template_id: 'x' })).errcode, 40037)
  assert.equal((await template({ template_id: 'x'.repeat(65) })).errcode, 40036)
  assert.equal((await template({ data: { other: { value: 'x' } } })).errcode, 47003)
  await setting({ templateDay: 0 })
  assert.equal((await template()).errcode, 45009)
  await setting({ templateDay: 100_000 })
  assert.equal((await template()).errcode, 0)
})

const say = (who: Json, more: object = {}) =>
  world.post(account, '/cgi-bin/message/custom/send', {
    touser: openid(account, who),
    msgtype: 'text',
    text: { content: '你好' },
    ...more,
  })

test('an account answers for two days after a user did something, five times', async () => {
  const talker = await world.user()
  assert.equal((await say(talker)).errcode, 45015)
  await world.do(talker, 'send_message', { appid: account.appid, text: '在吗' })
  for (let count = 0; count < 5; count++) assert.equal((await say(talker)).errcode, 0)
  assert.equal((await say(talker)).errcode, 45047)
  await world.do(talker, 'send_message', { appid: account.appid, text: '还在吗' })
  assert.equal((await say(talker)).errcode, 0)
  await world.wait(48 * 3600 + 1)
  assert.equal((await say(talker)).errcode, 45015)
  assert.equal((await messages(talker)).length, 6)
})

test('an answer is a text or a card, with what belongs to it', async () => {
  await world.do(user, 'follow', { appid: account.appid })
  assert.equal((await say(user, { text: {} })).errcode, 41011)
  assert.equal((await say(user, { msgtype: 'song' })).errcode, 40097)
  assert.equal((await say(user, { msgtype: 'wxcard', wxcard: {} })).errcode, 41012)
  assert.equal((await say(user, { msgtype: 'wxcard', wxcard: { card_id: 'p1' } })).errcode, 40078)
})
