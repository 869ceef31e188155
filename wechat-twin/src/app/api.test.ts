/** What is the same for every call to WeChat: method, token, permission, body, and an answer of 200 whatever it says. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startWorld, type TestApp, type TestWorld } from './test-world.ts'

let world: TestWorld
let account: TestApp
before(async () => {
  world = await startWorld()
  account = await world.app('official_account')
})
after(() => world.stop())

const errcode = async (body: unknown, app = account) =>
  (await world.post(app, '/card/get', body)).errcode

test('a body is one JSON object in UTF-8', async () => {
  for (const body of [
    '[]',
    '1',
    'null',
    '"card_id"',
    '{"card_id":}',
    Buffer.from([0x22, 0xff, 0x22]),
  ])
    assert.equal(await errcode(body), 47001, String(body))
  assert.equal(await errcode(Buffer.from('{"a":"\xff"}', 'latin1')), 47001)
  assert.equal(await errcode(''), 44002)
  assert.equal(await errcode('{}'), 41012)
})

test('a member of the wrong type is refused, one that is null counts as left out', async () => {
  assert.equal(await errcode({ card_id: 1 }), 47001)
  assert.equal(await errcode({ card_id: null }), 41012)
  assert.equal(await errcode({ card_id: '' }), 41012)
})

test('a token is looked at before permission, and permission before the body', async () => {
  const banned = await world.app('official_account', { banned_paths: ['/card/get'] })
  const bare = await world.app('official_account', { unauthorized_paths: ['/card/get'] })
  assert.equal(await errcode('', { ...banned, access_token: 'short' }), 40014)
  assert.equal(await errcode('', { ...banned, access_token: `88_${'x'.repeat(510)}` }), 40014)
  assert.equal(await errcode('', banned), 48004)
  assert.equal(await errcode('', bare), 48001)
  assert.equal(await errcode('', await world.app('mini_program')), 48001)
})

test('a method that is not due is refused by its own code', async () => {
  const [status, answer] = await world.send(
    'GET',
    `/card/create?access_token=${account.access_token}`,
  )
  assert.deepEqual([status, answer.errcode], [200, 43002])
  const path = `/cgi-bin/ticket/getticket?access_token=${account.access_token}&type=jsapi`
  assert.equal((await world.send('POST', path, {}))[1].errcode, 43001)
})

test('two refusals of one kind differ in their trace number', async () => {
  const [one, other] = [
    await world.post(account, '/card/get', {}),
    await world.post(account, '/card/get', {}),
  ]
  assert.match(one.errmsg, /rid: [0-9a-f]{8}-[0-9a-f]{8}$/)
  assert.notEqual(one.errmsg, other.errmsg)
})

test('a ticket is of one of two kinds, and the same for two hours', async () => {
  const ask = (type: string, app = account) =>
    world.get('/cgi-bin/ticket/getticket', { access_token: app.access_token, type })
  const first = await ask('jsapi')
  assert.equal(first.expires_in, 7200)
  world.pass(100)
  const second = await ask('jsapi')
  assert.deepEqual([second.ticket, second.expires_in], [first.ticket, 7100])
  assert.notEqual((await ask('wx_card')).ticket, first.ticket)
  assert.equal((await ask('card')).errcode, 40097)
  assert.equal((await ask('jsapi', await world.app('mini_program'))).errcode, 48001)
  world.pass(7100)
  account = await world.withToken(account)
  assert.notEqual((await ask('jsapi')).ticket, first.ticket)
})
