/** What an issuer's own systems do through an app, over HTTP against the local WeChat: cards, memberships, pages, messages. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseId } from '@lika/contract'
import { startWechatApp, type WechatTestApp } from './harness/wechat-app.ts'

let app: WechatTestApp
let userId: string

before(async () => {
  app = await startWechatApp()
  const { id } = await app.twin.control.user()
  userId = id
})
after(() => app.stop())

function post(path: string, body: object, id = app.official.id) {
  return app.call('POST', `/v1/wechat/apps/${id}/${path}`, { key: app.key, body })
}

const memberCard = {
  title: '会员卡',
  brand_name: '礼卡',
  logo_url: 'https://mmbiz.qpic.cn/logo.png',
  color: 'Color010',
  notice: '使用时出示',
  service_phone: '020-88888888',
  description: '储值卡',
  prerogative: '会员价',
  quantity: 100,
  shows_balance: true,
  shows_bonus: true,
}

test('a membership card is created, signed, added, activated, and shows another balance', async () => {
  const made = await post('member_cards', memberCard)
  assert.equal(made.status, 201)
  const { wechat_card_id } = made.body
  const signed = await post('card_parameters', { cards: [{ wechat_card_id, outer_str: 'shop' }] })
  assert.equal(signed.status, 200)
  const { card_list } = signed.body
  const { appid } = app.official
  const added = await app.twin.control.do(userId, 'add_card', { appid, card_list })
  const [first] = card_list
  for (const [sent, reason] of [
    [{ ...first, cardExt: first.cardExt.replace('shop', 'shpo') }, 'forged'],
    [first, undefined],
    [first, 'replayed'],
  ] as const) {
    const back = await post('card_parameters/accept', sent)
    assert.equal(back.body.reason, reason)
    assert.equal(back.body.code, reason === undefined ? undefined : 'card_parameters.refused')
    assert.equal(back.status, reason === undefined ? 200 : 409)
  }
  const id = parseId('wechat_app', app.official.id)
  assert.ok(id)
  const opened = await app.flows.wechatApp.decryptCode(id, added.card_list[0].code)
  const code = opened.status === 'done' ? opened.value : ''
  const own = { wechat_card_id, code }
  const active = await post('memberships/activate', {
    ...own,
    membership_number: 'M1',
    balance: 100,
  })
  assert.deepEqual(active.body, { status: 'activated' })
  const updated = await post('memberships/update', { ...own, balance: 75, balance_note: '消费' })
  assert.deepEqual(updated.body, { status: 'updated' })
  const cards = await app.twin.control.do(userId, 'cards')
  const held = cards.data.find((one: { code: string }) => one.code === code)
  assert.equal(held?.balance, 75, JSON.stringify(cards))
})

test('a member brings back what was signed for it: once, and unchanged', async () => {
  const made = await post('member_cards', memberCard)
  const { wechat_card_id } = made.body
  const { appid, id } = app.official
  const user = await app.twin.control.user()
  const { code } = await app.twin.control.do(user.id, 'oauth_code', { appid })
  const session = await app.call('POST', '/wallet/v1/sessions', { body: { app_id: id, code } })
  const key = session.body.token
  const invited = await app.call('POST', '/wallet/v1/wechat_cards/invitations', {
    key,
    body: { wechat_card_ids: [wechat_card_id], scene: 'page' },
  })
  assert.equal(invited.status, 200)
  const { card_list } = invited.body
  const added = await app.twin.control.do(user.id, 'add_card', { appid, card_list })
  const [back] = added.card_list
  const say = (card_ext: string) =>
    app.call('POST', '/wallet/v1/wechat_cards', {
      key,
      body: { wechat_card_id, encrypted_code: back.code, card_ext },
    })
  const forged = await say(back.cardExt.replace('page', 'scan'))
  assert.deepEqual([forged.status, forged.body.reason], [409, 'forged'])
  const taken = await say(back.cardExt)
  assert.equal(taken.status, 200, JSON.stringify(taken.body))
  assert.equal(taken.body.data[0].state, 'received')
  assert.equal((await say(back.cardExt)).body.reason, 'replayed')
})

test('what WeChat refuses is told with its number; what it does not answer is busy', async () => {
  const own = { wechat_card_id: 'p1', code: 'none' }
  const refused = await post('memberships/update', { ...own, balance: 1 })
  assert.deepEqual([refused.status, refused.body.code], [409, 'wechat.refused'])
  assert.match(refused.body.wechat_code, /^4\d{4}$/)
  await app.twin.control.fault({ path: '/card/create' }, 'answer_500_before')
  const lost = await post('member_cards', memberCard)
  assert.deepEqual([lost.status, lost.body.code], [503, 'busy'])
})

test('a page is signed as WeChat checks it', async () => {
  const url = 'http://127.0.0.1/h5?x=1'
  const { status, body } = await post('page_signatures', { url })
  assert.equal(status, 200)
  const { appId: appid, timestamp, nonceStr, signature } = body
  const page = { url, timestamp, nonceStr, signature }
  await app.twin.control.do(userId, 'open_page', { appid, ...page })
})

test('a message goes to the member that WeChat named at the login, once for each consent', async () => {
  const { appid, id } = app.miniProgram
  const { code } = await app.twin.control.do(userId, 'js_code', { appid })
  const session = await app.call('POST', '/wallet/v1/sessions', { body: { app_id: id, code } })
  assert.equal(session.status, 201, JSON.stringify(session.body))
  await app.twin.control.do(userId, 'subscribe', { appid, template_id: 'paid' })
  const message = {
    member_id: session.body.member_id ?? session.body.member.id,
    template_id: 'paid',
    data: { thing1: '礼卡', amount2: '¥12.50' },
  }
  const sent = await post('messages', message, id)
  assert.deepEqual(sent.body, { status: 'sent' })
  const again = await post('messages', message, id)
  assert.equal(again.body.wechat_code, '43101')
  const tooLong = { ...message, data: { thing1: '礼'.repeat(21) } }
  assert.equal((await post('messages', tooLong, id)).body.wechat_code, '47003')
  const elsewhere = await post('messages', message)
  assert.equal(elsewhere.body.code, 'member.not_found')
  const { data } = await app.twin.control.do(userId, 'messages')
  assert.equal(data.filter(({ kind }: { kind: string }) => kind === 'subscribe').length, 1)
})

test('the app of another issuer, and one of the other mode, are not there', async () => {
  const other = await app.makeIssuer()
  for (const key of [other.test, app.issuer.live]) {
    const path = `/v1/wechat/apps/${app.official.id}/page_signatures`
    const answer = await app.call('POST', path, { key, body: { url: 'https://a.example/' } })
    assert.deepEqual([answer.status, answer.body.code], [404, 'wechat_app.not_found'])
  }
})
