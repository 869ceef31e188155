import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { after, test } from 'node:test'
import { jsapiBody, orderBody } from '../testing/orders.ts'
import { appid, openWorld } from '../testing/world.ts'

const world = await openWorld()
after(() => world.close())
const merchant = await world.merchant()
const [user, other] = [world.user(), world.user({ name: '<李四>' })]
const prefix = '/v3/pay/transactions'
const back = 'http://127.0.0.1:9/back?order=1'

const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(new URL(path, world.url), { headers, redirect: 'manual' })
  return { status: response.status, text: await response.text() }
}
const decide = async (form: Record<string, string>, headers: Record<string, string> = {}) => {
  const response = await fetch(`${world.url}/_twin/phone`, {
    method: 'POST',
    body: new URLSearchParams(form),
    redirect: 'manual',
    headers,
  })
  return {
    status: response.status,
    to: response.headers.get('location'),
    text: await response.text(),
  }
}
const stateOf = (no: string) => world.twin.trades.find(merchant.mchid, no)?.state

async function jsapiOrder() {
  const body = jsapiBody(world, merchant, user)
  const { prepay_id } = (await world.v3(merchant, 'POST', `${prefix}/jsapi`, body)).body
  return { ...body, prepay_id: String(prepay_id) }
}

async function h5Order(by = merchant) {
  const scene_info = { payer_client_ip: '203.0.113.9', h5_info: { type: 'Wap' } }
  const body = orderBody(by, { scene_info })
  const { h5_url } = (await world.v3(by, 'POST', `${prefix}/h5`, body)).body
  return { ...body, h5_url: String(h5_url) }
}

test('the phone is one page of its own, and takes nothing from elsewhere', async () => {
  for (const path of ['/', '/_twin/phone.css', '/_twin/phone.js']) {
    const { status, text } = await get(path)
    assert.equal(status, 200)
    assert.doesNotMatch(text, /(src|href)="?https?:|url\(|@import|import .*https?:/)
  }
})

test('the phone shows profile, clock, users, what waits to be paid, and messages', async () => {
  const body = orderBody(merchant, { description: '等人付款' })
  const { code_url } = (await world.v3(merchant, 'POST', `${prefix}/native`, body)).body
  const state = async () => JSON.parse((await get(`/_twin/phone/state?user=${user.id}`)).text)
  const before = await state()
  assert.equal(before.profile, 'local')
  assert.match(before.now, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  const waiting = before.invitations.find(({ token }: { token: string }) => token === code_url)
  assert.deepEqual(
    [waiting.description, waiting.total, waiting.via],
    ['等人付款', 10_000, 'code_url'],
  )
  await world.control('POST', `/users/${user.id}/do`, { action: 'pay', code_url })
  const later = await state()
  assert.ok(!later.invitations.some(({ token }: { token: string }) => token === code_url))
  assert.match(later.messages[0].text, /等人付款 ￥100\.00/)
})

test('what is scanned is shown before it is paid, and why not where it cannot be', async () => {
  const scan = async (token: string) => {
    const asked = `/_twin/phone/invitation?${new URLSearchParams({ token }).toString()}`
    const { status, text } = await get(asked)
    const { code, message, total, merchant: name } = JSON.parse(text)
    return status === 200 ? [status, name, total] : [status, code, message]
  }
  const { prepay_id } = await jsapiOrder()
  const shown = [200, merchant.name, 10_000]
  assert.deepEqual(await scan(prepay_id), shown)
  assert.deepEqual(await scan(`prepay_id=${prepay_id}`), shown)
  assert.deepEqual(await scan(`${(await h5Order()).h5_url}&redirect_url=x`), shown)
  const unknown = await scan('weixin://wxpay/bizpayurl?pr=nothing')
  assert.deepEqual(unknown.slice(0, 2), [409, 'NO_SUCH_INVITATION'])
  assert.match(String(unknown[2]), /^没有这笔付款/)
  const body = orderBody(merchant)
  const place = async () => (await world.v3(merchant, 'POST', `${prefix}/native`, body)).body
  const { code_url: first } = await place()
  const { code_url: second } = await place()
  const pay = (code_url: string) =>
    world.control('POST', `/users/${user.id}/do`, { action: 'pay', code_url })
  await assert.rejects(pay(first), /INVITATION_REPLACED.*二维码已失效/)
  assert.match(String((await scan(first))[2]), /^二维码已失效/)
  await pay(second)
  assert.match(String((await scan(second))[2]), /^订单已支付/)
})

test('the sheet names amount and payer, and sends the buyer back with the result', async () => {
  const { prepay_id, out_trade_no } = await jsapiOrder()
  const { text } = await get(`/_twin/phone?prepay_id=${prepay_id}&back=${encodeURIComponent(back)}`)
  assert.match(text, /¥100\.00/)
  assert.match(text, /张三/)
  assert.match(text, new RegExp(`name="user" value="${user.id}"`))
  const cancelled = await decide({ token: prepay_id, user: user.id, back, decision: 'cancel' })
  assert.deepEqual([cancelled.status, cancelled.to], [303, `${back}&wxpay_result=cancel`])
  assert.equal(stateOf(out_trade_no), 'NOTPAY')
  const wrong = await decide({ token: prepay_id, user: other.id, back, decision: 'pay' })
  assert.equal(wrong.to, `${back}&wxpay_result=fail%3Aanother_user`)
  const paid = await decide({ token: prepay_id, user: user.id, back, decision: 'pay' })
  assert.equal(paid.to, `${back}&wxpay_result=ok`)
  assert.match(world.twin.users.messagesOf(user.id).at(-1)?.text ?? '', /￥100\.00/)
  assert.equal(stateOf(out_trade_no), 'SUCCESS')
})

test('what a page hands to WeChat is verified before the sheet is shown', async () => {
  const { prepay_id } = await jsapiOrder()
  const [timeStamp, nonceStr] = ['1414561699', '5K8264ILTKCH16CQ2502SI8ZNMTM67VS']
  const signed = (lines: string[]) =>
    sign('sha256', Buffer.from(lines.map((line) => `${line}\n`).join('')), merchant.private_key_pem)
  const handed = {
    appId: appid,
    timeStamp,
    nonceStr,
    package: `prepay_id=${prepay_id}`,
    signType: 'RSA',
    paySign: signed([appid, timeStamp, nonceStr, `prepay_id=${prepay_id}`]).toString('base64'),
  }
  const shown = async (more: object) =>
    (await get(`/_twin/phone?${new URLSearchParams({ ...handed, ...more }).toString()}`)).text
  assert.match(await shown({}), /确认付款/)
  assert.match(await shown({ timeStamp: '1414561700' }), /签名失败/)
  assert.match(await shown({ appId: 'wx0000000000000000' }), /appId 与下单的不一致/)
  assert.match(await shown({ signType: 'MD5' }), /signType/)
  assert.match(await shown({ package: 'prepay_id=wx00' }), /没有这笔付款/)
  const left = await shown({ package: 'prepay_id=wx00', back })
  assert.match(left, /href="[^"]*wxpay_result=fail%3Ano_such_invitation"/)
  const pay = (parameters: object) =>
    world.control('POST', `/users/${user.id}/do`, { action: 'pay', parameters })
  await assert.rejects(pay({ ...handed, nonceStr: 'x' }), /BAD_PAY_SIGN/)
  const { appId: _, ...ofMiniProgram } = handed
  assert.match((await pay(ofMiniProgram)).transaction_id, /^\d{28}$/)
})

test('the page behind an h5_url lets the buyer choose who pays, and goes to redirect_url either way', async () => {
  const { h5_url, out_trade_no } = await h5Order()
  const { text } = await get(`${h5_url}&redirect_url=${encodeURIComponent(back)}`)
  assert.match(text, /&#60;李四&#62;/)
  assert.doesNotMatch(text, /<李四>/)
  const form = { token: h5_url, user: other.id, redirect: back }
  const cancelled = await decide({ ...form, decision: 'cancel' })
  assert.deepEqual([cancelled.status, cancelled.to], [303, back])
  assert.equal(stateOf(out_trade_no), 'NOTPAY')
  const paid = await decide({ ...form, decision: 'pay' })
  assert.equal(paid.to, back)
  assert.equal(stateOf(out_trade_no), 'SUCCESS')
  const nobody = await decide({ ...form, user: 'none', decision: 'pay' })
  assert.match(nobody.text, /请选择付款人/)
  const twice = await decide({ ...form, decision: 'pay' })
  assert.match(twice.text, /已支付/)
})

test('an h5_url that is changed, or that has run out, is not shown', async () => {
  const { h5_url } = await h5Order()
  assert.match((await get(`${h5_url}1`)).text, /已失效/)
  world.advance(301)
  assert.match((await get(h5_url)).text, /已过期/)
})

test('an h5_url is opened from a registered domain, and goes back to one', async () => {
  const registered = await world.merchant({ h5_domains: ['shop.example.com'] })
  const { h5_url } = await h5Order(registered)
  const from = (referer: string, redirect = '') =>
    get(redirect === '' ? h5_url : `${h5_url}&redirect_url=${encodeURIComponent(redirect)}`, {
      referer,
    })
  assert.match((await get(h5_url)).text, /商家参数格式有误/)
  assert.match((await from('https://evil.example.com/')).text, /商家参数格式有误/)
  assert.match((await from('https://shop.example.com/cart')).text, /确认付款/)
  assert.match(
    (await from('https://shop.example.com/', 'https://evil.example.com/')).text,
    /回跳地址/,
  )
  assert.match(
    (await from('https://shop.example.com/', 'https://shop.example.com/done')).text,
    /确认付款/,
  )
})

test('an h5_url may be bound to the address that the order names', async () => {
  await world.control('POST', '/settings', { checkH5Address: true })
  const { h5_url } = await h5Order()
  const wrong = await get(h5_url, { 'x-forwarded-for': '203.0.113.10' })
  const right = await get(h5_url, { 'x-forwarded-for': '203.0.113.9' })
  await world.control('POST', '/settings', { checkH5Address: false })
  assert.match(wrong.text, /安全验证/)
  assert.match(right.text, /确认付款/)
})

test('nobody is sent to an address that is none of the web', async () => {
  const { prepay_id } = await jsapiOrder()
  const form = { token: prepay_id, user: user.id, decision: 'cancel' }
  const answer = await decide({ ...form, back: 'javascript:alert(1)' })
  assert.deepEqual([answer.status, answer.to], [200, null])
})

test('a page from elsewhere in the same browser can neither pay nor control', async () => {
  const { prepay_id, out_trade_no } = await jsapiOrder()
  const form = { token: prepay_id, user: user.id, decision: 'pay' }
  assert.equal((await decide(form, { origin: 'https://evil.example.com' })).status, 403)
  assert.equal(stateOf(out_trade_no), 'NOTPAY')
  assert.equal((await decide(form, { origin: world.url })).status, 200)
})

test('a code can be drawn', async () => {
  const { text } = await get('/_twin/qr.svg?text=weixin%3A%2F%2Fwxpay%2Fbizpayurl%3Fpr%3Dabc')
  assert.match(text, /^<svg /)
})
