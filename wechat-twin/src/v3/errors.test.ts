import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { jsapiBody, newNumber, orderBody, paidOrder, refundBody } from '../testing/orders.ts'
import { rawCall } from '../testing/raw-call.ts'
import { appid, openWorld, type TestMerchant } from '../testing/world.ts'

// Every code that the sheet has for orders and refunds, provoked by what a client would do, or by a fault where the cause
// lies in banks and accounts that the twin has no model of.
const world = await openWorld()
after(() => world.close())
const merchant = await world.merchant()
const user = world.user()
const [orders, refunds] = ['/v3/pay/transactions', '/v3/refund/domestic/refunds']

const place = (more: Record<string, unknown> = {}, by: TestMerchant = merchant) =>
  world.v3(by, 'POST', `${orders}/jsapi`, jsapiBody(world, by, user, more))
const refund = (body: object) => world.v3(merchant, 'POST', refunds, body)
const close = (no: string) =>
  world.v3(merchant, 'POST', `${orders}/out-trade-no/${no}/close`, { mchid: merchant.mchid })

async function forced(http: number, code: string) {
  const match = { path: `${orders}/jsapi`, mchid: merchant.mchid }
  const effect = { name: 'status', http, code }
  await world.control('POST', '/faults', { rule: { match, effect } })
  return place()
}

const provoked: [outcome: string, how: () => Promise<{ outcome: string; headers: Headers }>][] = [
  ['400 APPID_MCHID_NOT_MATCH', () => place({ appid: 'wx0000000000000000' })],
  [
    '400 INVALID_REQUEST',
    async () => {
      const out_trade_no = newNumber()
      await place({ out_trade_no })
      return place({ out_trade_no, description: '别的' })
    },
  ],
  ['400 MCH_NOT_EXISTS', async () => place({}, await world.merchant({ closed: true }))],
  ['400 PARAM_ERROR', () => place({ description: '' })],
  ['401 SIGN_ERROR', () => rawCall(world.url, merchant, { signed: { body: 'x' } })],
  ['403 NO_AUTH', async () => place({}, await world.merchant({ suspended: true }))],
  [
    '403 OUT_TRADE_NO_USED',
    async () => {
      const parts = [newNumber(), newNumber()]
      const made = await world.v3(merchant, 'POST', '/v3/combine-transactions/native', {
        combine_appid: appid,
        combine_mchid: merchant.mchid,
        combine_out_trade_no: newNumber('C'),
        notify_url: 'https://example.com/n',
        sub_orders: parts.map((out_trade_no) => ({
          mchid: merchant.mchid,
          attach: 'x',
          amount: { total_amount: 1, currency: 'CNY' },
          out_trade_no,
          description: '礼品卡',
        })),
      })
      assert.equal(made.outcome, '200', made.text)
      return place({ out_trade_no: parts[0] })
    },
  ],
  ['404 ORDER_NOT_EXIST', () => close('T_UNKNOWN')],
  ['404 RESOURCE_NOT_EXISTS', () => world.v3(merchant, 'GET', `${refunds}/R_UNKNOWN`)],
  [
    '404 MCH_NOT_EXISTS',
    async () => refund(refundBody(await paid(), 1, { sub_mchid: '1999999999' })),
  ],
  [
    '400 ORDER_CLOSED',
    async () => {
      const body = jsapiBody(world, merchant, user)
      await world.v3(merchant, 'POST', `${orders}/jsapi`, body)
      await close(body.out_trade_no)
      return world.v3(merchant, 'POST', `${orders}/jsapi`, body)
    },
  ],
  ['400 ORDER_PAID', async () => close((await paid()).out_trade_no)],
  [
    '403 NOT_ENOUGH',
    async () => {
      const order = await paid()
      const { mchid } = merchant
      const amount = -world.twin.trades.balanceOf(mchid)
      world.twin.trades.move({ mchid, kind: 'other', amount, serial: '', out_no: '' })
      return refund(refundBody(order, 10_000))
    },
  ],
  [
    '403 USER_ACCOUNT_ABNORMAL',
    async () => {
      const order = await paidOrder(world, merchant, world.user({ account: 'closed' }))
      return refund(refundBody(order, 1))
    },
  ],
  [
    '429 FREQUENCY_LIMITED',
    async () => {
      const hasty = await world.merchant()
      await world.control('POST', '/settings', { rates: { 'order.native': 2 } })
      const one = () =>
        world.v3(hasty, 'POST', `${orders}/native`, {
          ...orderBody(hasty),
          out_trade_no: newNumber(),
        })
      const [, , , , last] = await Promise.all([one(), one(), one(), one(), one()])
      await world.control('POST', '/settings', { rates: { 'order.native': 600 } })
      return last
    },
  ],
  ...(
    [
      [202, 'USERPAYING'],
      [403, 'TRADE_ERROR'],
      [403, 'RULE_LIMIT'],
      [403, 'ACCOUNT_ERROR'],
      [500, 'OPENID_MISMATCH'],
      [500, 'INVALID_TRANSACTIONID'],
      [500, 'BANK_ERROR'],
      [500, 'SYSTEM_ERROR'],
      [502, 'SERVICE_UNAVAILABLE'],
      [503, 'SERVICE_UNAVAILABLE'],
    ] as const
  ).map(([http, code]): (typeof provoked)[number] => [`${http} ${code}`, () => forced(http, code)]),
]

function paid() {
  return paidOrder(world, merchant, user)
}

for (const [outcome, how] of provoked) {
  test(`${outcome} can be provoked${outcome.startsWith('401') ? '' : ', signed'}`, async () => {
    const answer = await how()
    assert.equal(answer.outcome, outcome)
    assert.equal(answer.headers.has('wechatpay-signature'), !outcome.startsWith('401'))
    assert.match(answer.headers.get('request-id') ?? '', /-\d{9}$/)
  })
}

test('codes are spelled as in earlier years where that is wanted', async () => {
  await world.control('POST', '/settings', { spelling: 'older' })
  const outcomes = [
    (await close('T_UNKNOWN')).outcome,
    (await close((await paid()).out_trade_no)).outcome,
    (await place({}, await world.merchant({ suspended: true }))).outcome,
  ]
  await world.control('POST', '/settings', { spelling: 'current' })
  assert.deepEqual(outcomes, ['404 ORDERNOTEXIST', '400 ORDERPAID', '403 NOAUTH'])
})

test('a call that nobody serves is 404', async () => {
  assert.equal((await world.v3(merchant, 'GET', '/v3/nothing')).status, 404)
})

test('a body that is no JSON, is not UTF-8, or is not said to be JSON is refused', async () => {
  const target = `${orders}/jsapi`
  const post = (body: string | Buffer, headers = {}) =>
    rawCall(world.url, merchant, { method: 'POST', target, body, headers })
  const isRefusedFor = async (asked: ReturnType<typeof post>, message: string, field?: string) => {
    const { outcome, text } = await asked
    assert.equal(outcome, '400 PARAM_ERROR')
    const said = JSON.parse(text)
    assert.deepEqual([said.message, said.detail?.field], [message, field])
  }
  const noJson = '请求报文不是合法的 UTF-8 JSON'
  await isRefusedFor(post('{"appid":'), noJson)
  assert.equal((await post('[]')).outcome, '400 PARAM_ERROR')
  const body = JSON.stringify(jsapiBody(world, merchant, user))
  const latin = Buffer.from(body.replace('礼品卡', 'caf\u00e9'), 'latin1')
  await isRefusedFor(post(latin), noJson)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  await isRefusedFor(post(body, form), 'Content-Type 应为 application/json', 'Content-Type')
  assert.equal((await post(body)).outcome, '200')
})
