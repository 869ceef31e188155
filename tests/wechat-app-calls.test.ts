/**
 * Every call of the connector for official accounts and mini-programs, made against the local WeChat, and what arrived there
 * compared with the fact sheet.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Connector, memberCard, startConnector } from './harness/wechat-connector.ts'

let run: Connector
let official: Awaited<ReturnType<Connector['app']>>
let mini: Awaited<ReturnType<Connector['app']>>
let user: Awaited<ReturnType<Connector['twin']['control']['user']>>

before(async () => {
  run = await startConnector()
  official = await run.app('official_account')
  mini = await run.app('mini_program')
  user = await run.twin.control.user({ phone: '13800138000' })
  user = await run.twin.control.call('GET', `/users/${user.id}`)
})
after(() => run.stop())

/** The value of what has to be done. */
async function done<T>(
  answer: Promise<{ status: string; value?: T }> | { status: string; value?: T },
): Promise<T> {
  const got = await answer
  assert.equal(got.status, 'done', JSON.stringify(got))
  return got.value as T
}

const grant = 'authorization_code'

describe('logins', () => {
  test('the address of the login page has its parameters in WeChat’s order', async () => {
    const asked = {
      redirectUri: 'https://shop.test/back?x=1&y=礼',
      scope: 'snsapi_base',
      state: 'a b',
    } as const
    const url = await run.wechat.authorizeUrl(official.id, asked)
    assert.equal(
      url,
      `${run.twin.url}/connect/oauth2/authorize?appid=${official.appid}&redirect_uri=https%3A%2F%2Fshop.test%2Fback%3Fx%3D1%26y%3D%E7%A4%BC&response_type=code&scope=snsapi_base&state=a%20b#wechat_redirect`,
    )
    const { location } = await run.twin.control.do(user.id, 'authorize', { url })
    assert.match(location, /^https:\/\/shop\.test\/back\?x=1&y=.*&code=\w+&state=a/)
    const long = { ...asked, state: 'x'.repeat(129) }
    await assert.rejects(run.wechat.authorizeUrl(official.id, long), /128 bytes/)
  })

  test('a code of the page becomes an OpenID, with the UnionID where the user agreed', async () => {
    for (const [scope, unionid] of [
      ['snsapi_base', undefined],
      ['snsapi_userinfo', user.unionid],
    ] as const) {
      const { appid } = official
      const { code } = await run.twin.control.do(user.id, 'oauth_code', { appid, scope })
      const login = await done(run.wechat.exchangeCode(official.id, code))
      const openid = user.openids[appid]
      assert.deepEqual(login, { appid, openid, unionid, isSnapshot: false })
      assert.deepEqual(await run.lastCall('/sns/oauth2/access_token'), {
        method: 'GET',
        query: { appid, secret: '…', code, grant_type: grant },
        body: undefined,
      })
    }
  })

  test('a page seen as a snapshot is told apart', async () => {
    const { appid } = official
    const { code } = await run.twin.control.do(user.id, 'snapshot_code', { appid })
    const login = await done(run.wechat.exchangeCode(official.id, code))
    assert.equal(login.isSnapshot, true)
  })

  test('a code of wx.login becomes an OpenID; the key of the session goes nowhere', async () => {
    const { appid } = mini
    const { code } = await run.twin.control.do(user.id, 'js_code', { appid })
    const login = await done(run.wechat.loginMiniProgram(mini.id, code))
    const { unionid } = user
    assert.deepEqual(login, { appid, openid: user.openids[appid], unionid, isSnapshot: false })
    assert.deepEqual(await run.lastCall('/sns/jscode2session'), {
      method: 'GET',
      query: { appid, secret: '…', js_code: code, grant_type: grant },
      body: undefined,
    })
  })

  test('a used, a made-up and an old code are refused by WeChat’s own numbers, asked once', async () => {
    const { appid } = official
    const { code } = await run.twin.control.do(user.id, 'oauth_code', { appid })
    await done(run.wechat.exchangeCode(official.id, code))
    const old = await run.twin.control.do(user.id, 'oauth_code', { appid, age_seconds: 301 })
    for (const [sent, refusal] of [
      [code, '40163'],
      ['nobody', '40029'],
      [old.code, '42003'],
    ] as const) {
      const before = (await run.twin.control.requests('/sns/oauth2/access_token')).length
      const answer = await run.wechat.exchangeCode(official.id, sent)
      assert.equal(answer.status === 'refused' && answer.code, refusal)
      const calls = await run.twin.control.requests('/sns/oauth2/access_token')
      assert.equal(calls.length, before + 1)
    }
  })

  test('the code of the phone button becomes a number', async () => {
    const { code } = await run.twin.control.do(user.id, 'phone_code', { appid: mini.appid })
    const told = await done(run.wechat.phoneOf(mini.id, code))
    assert.deepEqual(told, { phone: '13800138000' })
    assert.deepEqual(await run.lastCall('/wxa/business/getuserphonenumber'), {
      method: 'POST',
      query: { access_token: '…' },
      body: { code },
    })
  })
})

describe('tokens and pages', () => {
  test('the stable token is asked for, in its ordinary mode', async () => {
    const { method, body, query } = await run.lastCall('/cgi-bin/stable_token')
    assert.deepEqual({ method, query }, { method: 'POST', query: {} })
    assert.deepEqual(Object.keys(body).toSorted(), [
      'appid',
      'force_refresh',
      'grant_type',
      'secret',
    ])
    assert.equal(body.grant_type, 'client_credential')
    assert.equal(body.force_refresh, false)
  })

  test('a page that is signed for wx.config is let in by WeChat, another address is not', async () => {
    const url = 'https://shop.test/buy?card=1'
    const signed = await done(run.wechat.jsSdk(official.id, `${url}#top`))
    const { appid } = official
    const { timestamp, nonceStr, signature } = signed
    const page = { url, timestamp, nonceStr, signature }
    await run.twin.control.do(user.id, 'open_page', { appid, ...page })
    await assert.rejects(
      run.twin.control.do(user.id, 'open_page', { appid, ...page, url: `${url}1` }),
    )
    assert.deepEqual((await run.lastCall('/cgi-bin/ticket/getticket')).query, {
      access_token: '…',
      type: 'jsapi',
    })
  })

  test('a second page and a second call use the ticket and the token that are there', async () => {
    const count = async () =>
      (await run.twin.control.requests('/cgi-bin/ticket')).length +
      (await run.twin.control.requests('/cgi-bin/stable_token')).length
    const before = await count()
    await done(run.wechat.jsSdk(official.id, 'https://shop.test/other'))
    assert.equal(await count(), before)
  })
})

describe('messages', () => {
  test('a subscribe message arrives on the phone; one consent is good for one', async () => {
    const { appid } = mini
    const templateId = 'tmpl_paid'
    await run.twin.control.do(user.id, 'subscribe', { appid, template_id: templateId })
    const openid = user.openids[appid] ?? ''
    const data = { thing1: '礼卡', amount2: '¥12.50' }
    const message = { openid, templateId, page: 'pages/card', data }
    assert.equal(await done(run.wechat.sendSubscribe(mini.id, message)), 'sent')
    assert.deepEqual(await run.lastCall('/cgi-bin/message/subscribe/send'), {
      method: 'POST',
      query: { access_token: '…' },
      body: {
        touser: openid,
        template_id: templateId,
        page: 'pages/card',
        data: { thing1: { value: '礼卡' }, amount2: { value: '¥12.50' } },
      },
    })
    const again = await run.wechat.sendSubscribe(mini.id, message)
    assert.equal(again.status === 'refused' && again.code, '43101')
  })

  test('an official account sends over its own path', async () => {
    const { appid } = official
    await run.twin.control.do(user.id, 'subscribe', { appid, template_id: 't' })
    const openid = user.openids[appid] ?? ''
    const data = { thing1: 'x' }
    await done(run.wechat.sendSubscribe(official.id, { openid, templateId: 't', data }))
    const { body } = await run.lastCall('/cgi-bin/message/subscribe/bizsend')
    assert.deepEqual(body, { touser: openid, template_id: 't', data: { thing1: { value: 'x' } } })
  })

  test('a value that does not fit is refused before it is sent, so that no consent is lost', async () => {
    const { appid } = mini
    await run.twin.control.do(user.id, 'subscribe', { appid, template_id: 'tmpl_paid' })
    const openid = user.openids[appid] ?? ''
    const before = (await run.twin.control.requests('/cgi-bin/message')).length
    const answer = await run.wechat.sendSubscribe(mini.id, {
      openid,
      templateId: 'tmpl_paid',
      data: { thing1: '礼'.repeat(21) },
    })
    assert.equal(answer.status === 'refused' && answer.code, '47003')
    assert.equal((await run.twin.control.requests('/cgi-bin/message')).length, before)
  })
})

describe('cards', () => {
  let cardId: string
  let code: string

  test('a card is created', async () => {
    cardId = (await done(run.wechat.createCard(official.id, memberCard))).cardId
    assert.deepEqual(await run.lastCall('/card/create'), {
      method: 'POST',
      query: { access_token: '…' },
      body: { card: memberCard },
    })
  })

  test('WeChat lets a user add what we signed; the code in its answer is decrypted', async () => {
    const { appid } = official
    const asked = [{ cardId, outerStr: 'shop' }]
    const cardList = await done(run.wechat.addCards(official.id, asked))
    const [card] = cardList
    assert.ok(card)
    const ext = JSON.parse(card.cardExt)
    assert.deepEqual(Object.keys(ext), ['timestamp', 'nonce_str', 'outer_str', 'signature'])
    assert.equal(typeof ext.timestamp, 'string')
    const added = await run.twin.control.do(user.id, 'add_card', { appid, card_list: cardList })
    const sealed = added.card_list[0].code
    code = await done(run.wechat.decryptCode(official.id, sealed))
    assert.deepEqual((await run.lastCall('/card/code/decrypt')).body, { encrypt_code: sealed })
  })

  test('parameters with a code and an OpenID are signed over both', async () => {
    const openid = user.openids[official.appid] ?? ''
    const asked = [{ cardId, code: 'own-1', openid }]
    const [card] = await done(run.wechat.addCards(official.id, asked))
    const ext = JSON.parse(card?.cardExt ?? '')
    assert.deepEqual(Object.keys(ext), ['code', 'openid', 'timestamp', 'nonce_str', 'signature'])
  })

  test('a code is looked at without being held against it', async () => {
    const found = await done(run.wechat.cardCode(official.id, { code, cardId }))
    const openid = user.openids[official.appid]
    assert.deepEqual(found, { cardId, openid, canConsume: true, status: 'NORMAL' })
    const { body } = await run.lastCall('/card/code/get')
    assert.deepEqual(body, { code, card_id: cardId, check_consume: false })
  })

  test('a membership is activated and its balance shown', async () => {
    const number = 'M0001'
    const asked = { cardId, code, membershipNumber: number, initBalance: 100, initBonus: 7 }
    await done(run.wechat.activateMember(official.id, asked))
    assert.deepEqual((await run.lastCall('/card/membercard/activate')).body, {
      membership_number: number,
      code,
      card_id: cardId,
      init_bonus: 7,
      init_balance: 100,
    })
    const change = { cardId, code, balance: 90, recordBalance: '消费' }
    await done(run.wechat.updateMember(official.id, change))
    assert.deepEqual((await run.lastCall('/card/membercard/updateuser')).body, {
      code,
      card_id: cardId,
      balance: 90,
      record_balance: '消费',
    })
  })

  test('a code is consumed once', async () => {
    const openid = user.openids[official.appid]
    const consumed = await done(run.wechat.consumeCode(official.id, { code }))
    assert.deepEqual(consumed, { cardId, openid })
    assert.deepEqual((await run.lastCall('/card/code/consume')).body, { code })
    const again = await run.wechat.consumeCode(official.id, { code, cardId })
    assert.equal(again.status === 'refused' && again.code, '40099')
    assert.deepEqual((await run.lastCall('/card/code/consume')).body, { code, card_id: cardId })
    const { status } = await done(run.wechat.cardCode(official.id, { code }))
    assert.equal(status, 'CONSUMED')
  })
})
