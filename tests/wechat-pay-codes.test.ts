/** Payment codes against the local WeChat: shown, paid, typed a password for, reversed. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Micropay } from '../server/src/modules/wechat/index.ts'
import { credentialsOf, startPayConnector } from './harness/pay-connector.ts'
import { startTwin, type TwinMerchant, type TwinProcess, type TwinUser } from './harness/twin.ts'

const appid = 'wxd678efh567hg6787'
let twin: TwinProcess
let connector: Awaited<ReturnType<typeof startPayConnector>>
let merchant: TwinMerchant
let account: ReturnType<typeof connector.put>
let buyer: TwinUser

before(async () => {
  twin = await startTwin()
  connector = await startPayConnector(twin)
  merchant = await twin.control.merchant()
  account = connector.put(credentialsOf(merchant))
  buyer = await twin.control.user({ name: '王五' })
})
after(async () => {
  await connector.stop()
  await twin.stop()
})

let made = 0
async function order(showing: object = {}, more: Partial<Micropay> = {}): Promise<Micropay> {
  const { auth_code } = await twin.control.do(buyer.id, 'show_code', { ...showing })
  made += 1
  return {
    outTradeNo: `TILL-${String(made).padStart(6, '0')}`,
    amount: 1_750n,
    description: '柠檬茶 & 点心 <大>',
    appid,
    authCode: auth_code,
    clientIp: '203.0.113.9',
    creditCards: true,
    ...more,
  }
}

function done<T>(answer: { status: string; value?: T }): T {
  const text = JSON.stringify(answer, (_, value) =>
    typeof value === 'bigint' ? `${value}` : value,
  )
  assert.equal(answer.status, 'done', text)
  return (answer as { value: T }).value
}
const codeOf = (answer: { status: string; code?: string }) =>
  answer.status === 'refused' ? answer.code : answer.status

test('a code that is shown pays at once, and a query says the same', async () => {
  const asked = await order()
  const trade = done(await connector.pay.micropay(account, asked))
  assert.deepEqual(
    [trade.state, trade.amount, trade.openid, trade.mchid, trade.appid],
    ['paid', 1_750n, buyer.openids[appid], merchant.mchid, appid],
  )
  assert.deepEqual(done(await connector.pay.queryMicropay(account, asked.outTradeNo)), trade)
  const [request] = await twin.control.requests('/pay/micropay', 1)
  for (const member of [
    'appid',
    'mch_id',
    'nonce_str',
    'sign',
    'sign_type',
    'body',
    'out_trade_no',
    'total_fee',
    'spbill_create_ip',
    'auth_code',
  ])
    assert.match(request.body, new RegExp(`<${member}>`), member)
  const over = await connector.pay.micropay(account, { ...asked, outTradeNo: 'TILL-OTHER' })
  assert.equal(over.status, 'refused', 'a code pays once')
})

test('while a password is typed it is paying; then it is paid', async () => {
  const asked = await order({ password: true })
  assert.equal(done(await connector.pay.micropay(account, asked)).state, 'paying')
  assert.equal(done(await connector.pay.queryMicropay(account, asked.outTradeNo)).state, 'paying')
  await twin.control.do(buyer.id, 'enter_password', { ok: true })
  assert.equal(done(await connector.pay.queryMicropay(account, asked.outTradeNo)).state, 'paid')
})

test('what nobody pays is reversed, what was paid goes back, and neither can be paid any more', async () => {
  const typing = await order({ password: true })
  done(await connector.pay.micropay(account, typing))
  assert.equal(done(await connector.pay.reverse(account, typing.outTradeNo)), 'reversed')
  assert.equal(done(await connector.pay.queryMicropay(account, typing.outTradeNo)).state, 'revoked')

  const bought = await order()
  done(await connector.pay.micropay(account, bought))
  assert.equal(done(await connector.pay.reverse(account, bought.outTradeNo)), 'reversed')
  assert.equal(done(await connector.pay.reverse(account, bought.outTradeNo)), 'reversed')
  const again = await order({ recalls: 1 })
  done(await connector.pay.micropay(account, again))
  const before = (await twin.control.requests('/secapi/pay/reverse', 1_000)).length
  assert.equal(done(await connector.pay.reverse(account, again.outTradeNo)), 'reversed')
  assert.equal((await twin.control.requests('/secapi/pay/reverse', 1_000)).length, before + 2)
  const [reversal] = await twin.control.requests('/secapi/pay/reverse', 1)
  assert.match(reversal.body, /<out_trade_no>/)
})

test('refusals by their code of today: no money, no such order, no such code', async () => {
  const poor = await twin.control.user({ name: '穷', balance_fen: 10 })
  const { auth_code } = await twin.control.do(poor.id, 'show_code')
  const short = await connector.pay.micropay(account, await order({}, { authCode: auth_code }))
  assert.equal(codeOf(short), 'NOT_ENOUGH')
  assert.equal(codeOf(await connector.pay.queryMicropay(account, 'TILL-NEVER')), 'ORDER_NOT_EXIST')
  const forged = await order({}, { authCode: '100000000000000000' })
  assert.match(String(codeOf(await connector.pay.micropay(account, forged))), /^AUTH_CODE/)
})

test('credit cards are kept out where the law wants it', async () => {
  const creditor = await twin.control.user({ name: '信', pays_with: 'credit' })
  const { auth_code } = await twin.control.do(creditor.id, 'show_code')
  const asked = await order({}, { authCode: auth_code, creditCards: false })
  assert.equal(codeOf(await connector.pay.micropay(account, asked)), 'NOT_SUPPORT_CARD')
})

test('an answer that is lost after the work is asked about by number, and the code is not shown again', async () => {
  for (const effect of ['hang_after', 'answer_500_after'] as const) {
    const asked = await order()
    await twin.control.fault({ path: '/pay/micropay' }, effect)
    assert.equal((await connector.pay.micropay(account, asked)).status, 'unknown', effect)
    assert.equal(done(await connector.pay.queryMicropay(account, asked.outTradeNo)).state, 'paid')
  }
  for (const [code, when, state] of [
    ['SYSTEMERROR', 'after', 'paid'],
    ['BANKERROR', 'before', 'not_paid'],
  ] as const) {
    const stumbled = await order({ stumble: { code, when } })
    assert.equal((await connector.pay.micropay(account, stumbled)).status, 'unknown')
    const answer = await connector.pay.queryMicropay(account, stumbled.outTradeNo)
    assert.equal(answer.status === 'done' && answer.value.state, state, code)
  }
  const before = (await twin.control.requests('/pay/micropay', 1_000)).length
  const asked = await order()
  await twin.control.fault({ path: '/pay/micropay' }, 'close_before')
  assert.equal((await connector.pay.micropay(account, asked)).status, 'unknown')
  assert.equal((await twin.control.requests('/pay/micropay', 1_000)).length, before + 1)
  assert.equal(
    codeOf(await connector.pay.queryMicropay(account, asked.outTradeNo)),
    'ORDER_NOT_EXIST',
  )
})

test('the doctor finds a wrong key of the second protocol', async () => {
  const wrongOf = async (more: object) => {
    const steps = await connector.pay.check(connector.put(credentialsOf(merchant, more)))
    return steps.filter(({ ok }) => !ok).map(({ step }) => step)
  }
  assert.deepEqual(await wrongOf({}), [])
  assert.deepEqual(await wrongOf({ apiV2Key: 'f'.repeat(32) }), ['api_v2_key'])
  assert.deepEqual(await wrongOf({ apiV2Key: null }), [])
})
