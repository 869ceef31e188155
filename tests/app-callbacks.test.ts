import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { bookOf, formatId, parseId } from '@lika/contract'
import type { TwinUser } from './harness/twin.ts'
import { startWechatApp, type WechatTestApp } from './harness/wechat-app.ts'
import { memberCard } from './harness/wechat-connector.ts'

let app: WechatTestApp
let path = ''
const token = 'tokenOfTests'
const aesKey = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'

before(async () => {
  app = await startWechatApp()
  path = `/wechat/apps/${app.official.id}/callbacks`
  await app.twin.control.app({
    appid: app.official.appid,
    kind: 'official_account',
    secret: app.official.appid.padEnd(32, '0').slice(-32),
    token,
    encoding_aes_key: aesKey,
    subject: 'lika',
    redirect_hosts: ['127.0.0.1'],
    callback_url: app.url + path,
    message_mode: 'safe',
  })
})
after(() => app.stop())

const post = (url: string, body: string, type = 'text/xml') =>
  fetch(app.url + url, { method: 'POST', headers: { 'content-type': type }, body })

const sha1 = (...values: string[]) =>
  createHash('sha1').update(values.toSorted().join('')).digest('hex')

describe("WeChat's check of the address", () => {
  const echoed = (signature: string, id = app.official.id) =>
    fetch(
      `${app.url}/wechat/apps/${id}/callbacks?signature=${signature}&timestamp=1714037059&nonce=486452656&echostr=4375120948345356249`,
    )

  test('is answered by its echo, and nobody else is', async () => {
    const right = await echoed(sha1(token, '1714037059', '486452656'))
    assert.deepEqual([right.status, await right.text()], [200, '4375120948345356249'])
    const wrong = await echoed(sha1('another', '1714037059', '486452656'))
    assert.deepEqual([wrong.status, await wrong.text()], [403, 'not from WeChat'])
    const nowhere = await echoed(sha1(token, '1714037059', '486452656'), `wxapp_${'0'.repeat(32)}`)
    assert.deepEqual([nowhere.status, await nowhere.text()], [403, 'not from WeChat'])
  })

  test('is not fooled by a body that WeChat did not sign, whatever its type', async () => {
    const body = '<xml><FromUserName>oForged</FromUserName><CreateTime>1</CreateTime></xml>'
    for (const type of ['text/xml', 'application/json', 'application/octet-stream']) {
      const refused = await post(`${path}?signature=x&timestamp=1&nonce=1`, body, type)
      assert.equal(refused.status, 403, type)
    }
    assert.equal((await post(path, 'x'.repeat(70_000))).status, 413)
  })
})

describe('an event', () => {
  test('makes its user a member, and is answered with a welcome for him', async () => {
    const user = await newUser()
    await app.twin.control.do(user.id, 'follow', { appid: app.official.appid })
    const [posted, ...others] = await postsTo(user)
    assert.deepEqual([posted?.state, others.length], ['delivered', 0])
    assert.match(posted?.reply?.['Content'] ?? '', /^欢迎来到Tea！.*\/h5\/wxapp_[0-9a-f]{32}/)
    assert.ok(posted?.reply?.['Content']?.includes(`/h5/${app.official.id}`))
    assert.deepEqual(await eventsOf(user), ['subscribe'])
  })

  test('that comes twice at once, and again, is one', async () => {
    const user = await newUser()
    await app.twin.control.fault(
      { path: 'subscribe' },
      { name: 'duplicate_notification', count: 4 },
    )
    await app.twin.control.do(user.id, 'follow', { appid: app.official.appid })
    const [posted] = await postsTo(user)
    assert.equal(posted?.outcomes[0], '200 200 200 200')
    assert.deepEqual(await eventsOf(user), ['subscribe'])
    const known = await memberOf(user)
    assert.equal(known?.openid_masked.length, 9)
  })

  test('that was not answered in time comes again, and is one', async () => {
    const user = await newUser()
    await app.twin.control.fault({ path: 'subscribe' }, { name: 'drop_notification', attempts: 1 })
    await app.twin.control.do(user.id, 'follow', { appid: app.official.appid })
    await app.advance(30)
    const [posted] = await postsTo(user)
    assert.deepEqual([posted?.state, posted?.tries], ['delivered', 2])
    assert.deepEqual(await eventsOf(user), ['subscribe'])
  })

  test('that could not be recorded is not taken, and comes again', async () => {
    const user = await newUser()
    const { sql } = app.database.owner
    await sql`alter table app_event rename to app_event_away`
    await app.twin.control.do(user.id, 'follow', { appid: app.official.appid })
    const [refused] = await postsTo(user)
    await sql`alter table app_event_away rename to app_event`
    assert.deepEqual([refused?.state, refused?.outcomes], ['pending', ['503']])
    await app.advance(30)
    const [taken] = await postsTo(user)
    assert.deepEqual([taken?.state, taken?.outcomes], ['delivered', ['503', '200']])
    assert.deepEqual(await eventsOf(user), ['subscribe'])
  })

  test('a message of a user is recorded without its text, and answered by nothing', async () => {
    const user = await newUser()
    const text = 'my card number is 12345678'
    await app.twin.control.do(user.id, 'send_message', { appid: app.official.appid, text })
    const [posted] = await postsTo(user)
    assert.deepEqual([posted?.state, posted?.reply], ['delivered', undefined])
    const rows = await app.database.owner.sql`select app_event::text as row from app_event`
    assert.ok(!JSON.stringify(rows).includes('12345678'))
  })
})

describe('a card in WeChat', () => {
  let cardId = ''
  before(async () => {
    const made = await app.flows.wechatApp.createCard(officialId(), memberCard)
    assert.equal(made.status, 'done')
    cardId = made.status === 'done' ? made.value.cardId : ''
  })

  /** The user adds the card as a page asked him to, with what the wallet signed; answers the encrypted code. */
  async function add(user: TwinUser, session: string, scene: string): Promise<string> {
    const invited = await app.call('POST', '/wallet/v1/wechat_cards/invitations', {
      key: session,
      body: { wechat_card_ids: [cardId], scene },
    })
    assert.equal(invited.status, 200, JSON.stringify(invited.body))
    const { appid } = app.official
    const given = { appid, card_list: invited.body.card_list }
    const { card_list: added } = await app.twin.control.do(user.id, 'add_card', given)
    return added[0].code
  }

  async function report(session: string, encrypted: string) {
    const body = { wechat_card_id: cardId, encrypted_code: encrypted }
    return app.call('POST', '/wallet/v1/wechat_cards', { key: session, body })
  }

  async function states(session: string): Promise<string[]> {
    await app.twin.control.settle()
    const { body } = await app.call('GET', '/wallet/v1/wechat_cards', { key: session })
    return body.data.map(({ state }: { state: string }) => state)
  }

  async function heldBy(user: TwinUser) {
    const { data } = await app.twin.control.do(user.id, 'cards', {})
    return { appid: app.official.appid, card_id: cardId, code: data[0].code as string }
  }

  test('is received whichever way it was added, and whoever tells first', async () => {
    // On a page: event and report. In a mini-program: the report alone, the event is lost. By a scan: the event alone.
    for (const [scene, reports, drops] of [
      ['page', true, false],
      ['mini_program', true, true],
      ['scan', false, false],
    ] as const) {
      const user = await newUser()
      const session = await logIn(user)
      if (drops) await app.twin.control.fault({ path: 'user_get_card' }, 'drop_notification')
      const code = await add(user, session, scene)
      if (reports) assert.equal((await report(session, code)).status, 200, scene)
      assert.deepEqual(await states(session), ['received'], scene)
      await app.twin.control.clearFaults()
    }
  })

  test('goes where its events say, doubled and the last one first', async () => {
    const user = await newUser()
    const session = await logIn(user)
    await app.twin.control.fault(
      { path: 'user_get_card' },
      { name: 'delay_notification', seconds: 40 },
    )
    await add(user, session, 'page')
    await app.advance(5)
    await app.twin.control.fault(
      { path: 'user_del_card' },
      { name: 'duplicate_notification', count: 3 },
    )
    await app.twin.control.do(user.id, 'delete_card', await heldBy(user))
    assert.deepEqual(await states(session), ['deleted'])
    await app.advance(60)
    assert.deepEqual(await states(session), ['deleted'])
    assert.deepEqual((await eventsOf(user)).toSorted(), ['user_del_card', 'user_get_card'])
  })

  test('stays deleted when the phone reports late that it was added', async () => {
    const user = await newUser()
    const session = await logIn(user)
    const code = await add(user, session, 'page')
    await app.advance(5)
    await app.twin.control.do(user.id, 'delete_card', await heldBy(user))
    assert.deepEqual(await states(session), ['deleted'])
    await report(session, code)
    assert.deepEqual(await states(session), ['deleted'])
  })

  test('that was given to a friend is the friend’s', async () => {
    const [giver, friend] = [await newUser(), await newUser()]
    const [session, other] = [await logIn(giver), await logIn(friend)]
    await add(giver, session, 'page')
    const held = await heldBy(giver)
    await app.advance(5)
    await app.twin.control.do(giver.id, 'give_card', { ...held, to: friend.id })
    assert.deepEqual(await states(session), ['gifting'])
    await app.advance(5)
    await app.twin.control.do(friend.id, 'accept_card', held)
    assert.deepEqual(await states(session), ['gifted'])
    assert.deepEqual(await states(other), ['received'])
  })

  test('that nobody took comes back', async () => {
    const user = await newUser()
    const session = await logIn(user)
    await add(user, session, 'page')
    await app.advance(5)
    await app.twin.control.do(user.id, 'give_card', await heldBy(user))
    assert.deepEqual(await states(session), ['gifting'])
    await app.advance(3 * 86_400)
    assert.deepEqual(await states(session), ['received'])
  })

  test('that was used up is consumed', async () => {
    const user = await newUser()
    const session = await logIn(user)
    await add(user, session, 'page')
    await app.advance(5)
    const { code } = await heldBy(user)
    const used = await app.flows.wechatApp.consumeCode(officialId(), { code, cardId })
    assert.equal(used.status, 'done')
    assert.deepEqual(await states(session), ['consumed'])
  })

  test('of somebody else is not reported as one’s own', async () => {
    const [owner, thief] = [await newUser(), await newUser()]
    const code = await add(owner, await logIn(owner), 'page')
    const session = await logIn(thief)
    const refused = await report(session, code)
    assert.deepEqual([refused.status, refused.body.code], [404, 'card.not_recognised'])
    assert.deepEqual(await states(session), [])
  })
})

const newUser = () => app.twin.control.user()
const openidOf = (user: TwinUser) => user.openids[app.official.appid] ?? ''

function officialId() {
  const id = parseId('wechat_app', app.official.id)
  assert.ok(id !== undefined)
  return id
}

/** A session of the user by the official account. */
async function logIn(user: TwinUser): Promise<string> {
  const { appid } = app.official
  const { code } = await app.twin.control.do(user.id, 'oauth_code', { appid })
  const body = { app_id: app.official.id, code }
  const session = await app.call('POST', '/wallet/v1/sessions', { body })
  assert.equal(session.status, 201, JSON.stringify(session.body))
  return session.body.token
}

interface Posted {
  openid: string
  state: string
  tries: number
  outcomes: string[]
  reply?: Record<string, string>
}

/** What the twin posted about the user, with what came of it. */
async function postsTo(user: TwinUser): Promise<Posted[]> {
  await app.twin.control.settle()
  const path = `/callbacks?appid=${app.official.appid}`
  const { data } = await app.twin.control.call('GET', path)
  return data.filter(({ openid }: Posted) => openid === openidOf(user))
}

async function idOf(user: TwinUser) {
  const issuer = parseId('issuer', app.issuer.id)
  assert.ok(issuer !== undefined)
  const book = bookOf(issuer, 'test')
  return app.flows.members.memberOf(book, app.official.appid, openidOf(user))
}

async function memberOf(user: TwinUser) {
  const id = await idOf(user)
  assert.ok(id !== undefined)
  return (await app.call('GET', `/v1/members/${formatId('member', id)}`, { key: app.key })).body
}

async function eventsOf(user: TwinUser): Promise<string[]> {
  const id = await idOf(user)
  assert.ok(id !== undefined)
  const rows = await app.database.owner.sql<{ event: string }[]>`
    select event from app_event where member_id = ${id} order by at, event`
  return rows.map(({ event }) => event)
}
