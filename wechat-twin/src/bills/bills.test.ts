/** Bills: how they are written, that they agree with everything that happened on their day, and how they are fetched. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Formatter } from 'wechatpay-axios-plugin'
import { formatDay, startOfDay } from '../kernel/time.ts'
import { appid, openWorld, type TestMerchant } from '../testing/world.ts'
import { writeBill, yuan } from './csv.ts'

const world = await openWorld()
after(() => world.close())
const { twin } = world
twin.settings.change({
  rates: { 'sharing.order': 1e6, 'sharing.payee': 1e6, 'refund.create': 1e6 },
  refundGapSeconds: 0,
})
const user = world.user()
let count = 0
function fresh(prefix: string): string {
  count += 1
  return `${prefix}${String(count).padStart(9, '0')}`
}

const now = () => twin.clock.now()
const today = () => formatDay(now())
/** To `hour` o'clock in China, `days` from today. */
function goTo(days: number, hour: number): void {
  const start = startOfDay(today()) ?? 0
  world.advance(Math.ceil((start + days * 86_400_000 + hour * 3_600_000 - now()) / 1000))
}

async function pay(merchant: TestMerchant, total: number, more: object = {}) {
  const out_trade_no = fresh('T')
  const placed = await world.v3(merchant, 'POST', '/v3/pay/transactions/jsapi', {
    appid,
    mchid: merchant.mchid,
    description: '礼卡 100 元, 含税',
    out_trade_no,
    notify_url: 'http://127.0.0.1:9/notify',
    amount: { total },
    settle_info: { profit_sharing: true },
    payer: { openid: world.openid(user) },
    ...more,
  })
  const done = twin.prepays.pay(placed.body.prepay_id, user)
  assert.ok(done.paid, placed.text)
  return { out_trade_no, transaction_id: done.transaction_id, total }
}

async function refund(
  merchant: TestMerchant,
  order: { out_trade_no: string; total: number },
  amount: number,
) {
  const answer = await world.v3(merchant, 'POST', '/v3/refund/domestic/refunds', {
    out_trade_no: order.out_trade_no,
    out_refund_no: fresh('R'),
    amount: { refund: amount, total: order.total, currency: 'CNY' },
  })
  assert.equal(answer.outcome, '200', answer.text)
  return answer.body
}

/** Asked for, fetched, its digest checked, and read by a reader that is not ours. */
async function bill(merchant: TestMerchant, path: string) {
  const offered = await world.v3(merchant, 'GET', path)
  assert.equal(offered.outcome, '200', offered.text)
  const url = new URL(offered.body.download_url)
  const response = await world.v3Bytes(merchant, url.pathname + url.search)
  const bytes = path.includes('tar_type=GZIP') ? gunzipSync(response.bytes) : response.bytes
  assert.equal(createHash('sha1').update(bytes).digest('hex'), offered.body.hash_value)
  const { rows, summary } = Formatter.castCsvBill(bytes) as {
    rows: Record<string, string>[]
    summary: Record<string, string>
  }
  return { rows, summary, text: bytes.toString('utf8'), response }
}

const sum = (rows: Record<string, string>[], column: string) =>
  Math.round(rows.reduce((all, row) => all + Number(row[column]) * 100, 0))

// Everything that is waited for comes before the first test: after it the world may end at any time.
const one = await world.merchant()
goTo(1, 9)
const payday = today()
await pay(one, 100)

test('a bill has a header, values behind back-ticks, and a summary of two lines', () => {
  const table = {
    header: ['a', 'b'],
    rows: [['1', 'x`y\nz']],
    summaryHeader: ['总'],
    summary: ['1'],
  }
  assert.equal(writeBill(table, false).toString(), 'a,b\r\n`1,`x y z\r\n总\r\n`1\r\n')
  assert.equal(writeBill(table, true).toString().codePointAt(0), 0xfeff)
})

for (const [fen, text, long] of [
  [0, '0.00', '0.00000'],
  [1, '0.01', '0.01000'],
  [1_250, '12.50', '12.50000'],
  [-7, '-0.07', '-0.07000'],
  [100_000_000_00, '100000000.00', '100000000.00000'],
] as const) {
  test(`${fen} fen are ${text} yuan`, () => {
    assert.equal(yuan(fen), text)
    assert.equal(yuan(fen, 5), long)
  })
}

test('the bills of a day agree with its payments, fees, refunds, shares and returns, to the fen', async () => {
  const merchant = await world.merchant()
  const shop = await world.merchant({ name: '门店' })
  const { value, headers } = world.secret(merchant, shop.name)
  const receiver = {
    appid,
    type: 'MERCHANT_ID',
    account: shop.mchid,
    name: value,
    relation_type: 'STORE',
  }
  await world.v3(merchant, 'POST', '/v3/profitsharing/receivers/add', receiver, headers)
  goTo(1, 9)
  const day = today()
  const opening = twin.trades.balanceOf(merchant.mchid)
  const orders = []
  for (const total of [10_000, 1, 83, 123_456, 84]) orders.push(await pay(merchant, total))
  world.advance(60)
  const [first, , , big] = orders
  assert.ok(first !== undefined && big !== undefined)
  const refunds = [await refund(merchant, big, 3_333), await refund(merchant, big, 20_001)]
  const shared = await world.v3(merchant, 'POST', '/v3/profitsharing/orders', {
    appid,
    transaction_id: first.transaction_id,
    out_order_no: fresh('S'),
    receivers: [
      { type: 'MERCHANT_ID', account: shop.mchid, amount: 2_500, description: '分给门店' },
    ],
    unfreeze_unsplit: true,
  })
  world.advance(60)
  const back = await world.v3(merchant, 'POST', '/v3/profitsharing/return-orders', {
    order_id: shared.body.order_id,
    out_return_no: fresh('B'),
    return_mchid: shop.mchid,
    amount: 700,
    description: '退款',
  })
  assert.equal(back.body.result, 'SUCCESS')
  const closing = twin.trades.balanceOf(merchant.mchid)
  goTo(1, 10)

  const trades = await bill(merchant, `/v3/bill/tradebill?bill_date=${day}`)
  const paid = trades.rows.filter((row) => row['交易状态'] === 'SUCCESS')
  const undone = trades.rows.filter((row) => row['交易状态'] === 'REFUND')
  assert.deepEqual(
    paid.map((row) => row['商户订单号']),
    orders.map((order) => order.out_trade_no),
  )
  assert.equal(sum(paid, '订单金额'), 133_624)
  // 0.6 % of each payment, rounded: 60, 0, 0, 741 and 1.
  assert.deepEqual(
    paid.map((row) => row['手续费']),
    ['0.60000', '0.00000', '0.00000', '7.41000', '0.01000'],
  )
  assert.deepEqual(
    undone.map((row) => [row['微信退款单号'], row['申请退款金额'], row['退款状态']]),
    [
      [refunds[0].refund_id, '33.33', 'SUCCESS'],
      [refunds[1].refund_id, '200.01', 'SUCCESS'],
    ],
  )
  const fees = sum(paid, '手续费') + sum(undone, '手续费')
  assert.deepEqual(trades.summary, {
    总交易单数: '7',
    应结订单总金额: '1336.24',
    退款总金额: '233.34',
    充值券退款总金额: '0.00',
    手续费总金额: yuan(fees, 5),
    订单总金额: '1336.24',
    申请退款总金额: '233.34',
  })

  const shares = await bill(merchant, `/v3/profitsharing/bills?bill_date=${day}`)
  assert.deepEqual(
    shares.rows.map((row) => [row['业务类型'], row['分账金额'], row['分账接收方']]),
    [
      ['解冻', '74.40', merchant.mchid],
      ['分账', '25.00', shop.mchid],
      ['分账回退', '7.00', shop.mchid],
    ],
  )
  assert.deepEqual(Object.values(shares.summary), ['3', '2', '99.40', '1', '7.00'])

  const funds = await bill(merchant, `/v3/bill/fundflowbill?bill_date=${day}&account_type=BASIC`)
  const gains = funds.rows.filter((row) => row['收支类型'] === '收入')
  const losses = funds.rows.filter((row) => row['收支类型'] === '支出')
  const moved = sum(gains, '收支金额(元)') - sum(losses, '收支金额(元)')
  assert.equal(moved, closing - opening)
  assert.equal(moved, 133_624 - fees - 23_334 - 2_500 + 700)
  assert.equal(funds.rows.at(-1)?.['账户结余(元)'], yuan(closing))
  const serials = new Set(funds.rows.map((row) => row['资金流水单号']))
  assert.equal(serials.size, funds.rows.length)
  assert.deepEqual(funds.summary, {
    资金流水总笔数: String(funds.rows.length),
    收入笔数: String(gains.length),
    收入金额: yuan(sum(gains, '收支金额(元)')),
    支出笔数: String(losses.length),
    支出金额: yuan(sum(losses, '收支金额(元)')),
  })
  // Each balance is the one before it and the movement.
  let balance = opening
  for (const row of funds.rows) {
    const sign = row['收支类型'] === '收入' ? 1 : -1
    balance += sign * Math.round(Number(row['收支金额(元)']) * 100)
    assert.equal(row['账户结余(元)'], yuan(balance))
  }
  // The receiver's own day.
  const theirs = await bill(shop, `/v3/bill/fundflowbill?bill_date=${day}`)
  assert.deepEqual(
    theirs.rows.map((row) => [row['业务类型'], row['收支类型'], row['收支金额(元)']]),
    [
      ['分账', '收入', '25.00'],
      ['分账回退', '支出', '7.00'],
    ],
  )
})

test('headers are those of the documentation, by kind of bill', async () => {
  const merchant = await world.merchant()
  goTo(1, 9)
  const day = today()
  const order = await pay(merchant, 100)
  await refund(merchant, order, 40)
  goTo(1, 10)
  const headerOf = async (path: string) =>
    (await bill(merchant, path)).text.replace('\uFEFF', '').split('\r\n')[0]
  assert.equal(
    await headerOf(`/v3/bill/tradebill?bill_date=${day}&bill_type=ALL`),
    '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注',
  )
  assert.equal(
    await headerOf(`/v3/bill/tradebill?bill_date=${day}&bill_type=SUCCESS`),
    '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注',
  )
  assert.equal(
    await headerOf(`/v3/bill/tradebill?bill_date=${day}&bill_type=REFUND`),
    '交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注',
  )
  assert.equal(
    await headerOf(`/v3/bill/fundflowbill?bill_date=${day}`),
    '记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号',
  )
  const [success, refunds] = [
    await bill(merchant, `/v3/bill/tradebill?bill_date=${day}&bill_type=SUCCESS`),
    await bill(merchant, `/v3/bill/tradebill?bill_date=${day}&bill_type=REFUND`),
  ]
  assert.deepEqual([success.rows.length, refunds.rows.length], [1, 1])
  assert.equal(success.rows[0]?.['商品名称'], '礼卡 100 元, 含税')
  assert.equal(success.rows[0]?.['费率'], '0.60%')
  assert.equal(refunds.rows[0]?.['手续费'], '0.00000')
})

test('a refund that is still on its way or failed stands in the bill as it is', async () => {
  const merchant = await world.merchant()
  goTo(1, 9)
  const day = today()
  const order = await pay(merchant, 10_000)
  twin.faults.add({ path: '*', mchid: merchant.mchid }, 'refund_abnormal', {})
  await refund(merchant, order, 100)
  twin.faults.add({ path: '*', mchid: merchant.mchid }, 'refund_closed', {})
  await refund(merchant, order, 200)
  twin.settings.change({ refundSeconds: 2 * 86_400 })
  await refund(merchant, order, 300)
  twin.settings.change({ refundSeconds: 30 })
  goTo(1, 10)
  const states = async () =>
    (await bill(merchant, `/v3/bill/tradebill?bill_date=${day}&bill_type=REFUND`)).rows.map(
      (row) => row['退款状态'],
    )
  assert.deepEqual(await states(), ['CHANGE', 'FAIL', 'PROCESSING'])
  goTo(5, 10)
  assert.deepEqual(await states(), ['CHANGE', 'FAIL', 'PROCESSING'])
  const { rows } = await bill(merchant, `/v3/bill/fundflowbill?bill_date=${day}`)
  assert.deepEqual(
    rows.map((row) => [row['业务类型'], row['收支金额(元)'], row['备注']]),
    [
      ['交易', '100.00', ''],
      ['扣除交易手续费', '0.60', ''],
      ['退款', '0.99', '退款总金额1.00元;含手续费0.01元'],
      ['退款', '1.99', '退款总金额2.00元;含手续费0.01元'],
      ['退款', '2.98', '退款总金额3.00元;含手续费0.02元'],
      ['退款', '1.99', '退款关闭'],
    ],
  )
})

test('parts of a refund never give back more of the fee than it was', async () => {
  const merchant = await world.merchant()
  const opening = twin.trades.balanceOf(merchant.mchid)
  const order = await pay(merchant, 84)
  for (const part of [21, 21, 42]) await refund(merchant, order, part)
  assert.equal(twin.trades.balanceOf(merchant.mchid), opening)
})

test('GZIP is the same file compressed, and the digest is of the file', async () => {
  const merchant = await world.merchant()
  goTo(1, 9)
  const day = today()
  await pay(merchant, 100)
  goTo(1, 10)
  const plain = await bill(merchant, `/v3/bill/tradebill?bill_date=${day}`)
  const zipped = await bill(merchant, `/v3/bill/tradebill?bill_date=${day}&tar_type=GZIP`)
  assert.equal(zipped.text, plain.text)
  assert.notDeepEqual(zipped.response.bytes, plain.response.bytes)
})

test('the file is for its merchant, signed by the caller, unsigned by WeChat, and for five minutes', async () => {
  const merchant = await world.merchant()
  const other = await world.merchant()
  goTo(1, 9)
  const day = today()
  await pay(merchant, 100)
  goTo(1, 10)
  const { body } = await world.v3(merchant, 'GET', `/v3/bill/tradebill?bill_date=${day}`)
  const url = new URL(body.download_url)
  const target = url.pathname + url.search
  const file = await world.v3(merchant, 'GET', target)
  assert.equal(file.outcome, '200')
  assert.equal(file.headers.get('wechatpay-signature'), null)
  assert.equal((await fetch(body.download_url)).status, 401)
  assert.equal((await world.v3(other, 'GET', target)).outcome, '403 NO_AUTH')
  assert.equal(
    (await world.v3(merchant, 'GET', `${url.pathname}?token=none`)).outcome,
    '400 INVALID_REQUEST',
  )
  world.advance(299)
  assert.equal((await world.v3(merchant, 'GET', target)).outcome, '200')
  world.advance(2)
  assert.equal((await world.v3(merchant, 'GET', target)).outcome, '400 INVALID_REQUEST')
})

for (const [what, days, hour, date, expected] of [
  ['today', 0, 23, 0, '400 INVALID_REQUEST'],
  ['the day before at 09:59', 1, 9.98, 0, '400 STATEMENT_CREATING'],
  ['the day before at 10:00', 1, 10, 0, '200'],
  ['a day without anything', 1, 11, -1, '400 NO_STATEMENT_EXIST'],
  ['the ninetieth day back', 90, 11, 0, '200'],
  ['the ninety-second', 92, 11, 0, '400 INVALID_REQUEST'],
  ['tomorrow', 92, 11, 93, '400 INVALID_REQUEST'],
] as const) {
  test(`the bill of ${what}: ${expected}`, async () => {
    const start = startOfDay(payday) ?? 0
    const at = start + days * 86_400_000 + hour * 3_600_000
    world.advance(Math.ceil((at - now()) / 1000))
    const day = formatDay(start + date * 86_400_000)
    for (const path of ['/v3/bill/tradebill', '/v3/bill/fundflowbill'])
      assert.equal((await world.v3(one, 'GET', `${path}?bill_date=${day}`)).outcome, expected)
  })
}

test('what a bill is asked for is checked', async () => {
  const get = async (query: string, path = '/v3/bill/tradebill') =>
    (await world.v3(one, 'GET', `${path}?${query}`)).outcome
  assert.equal(await get(''), '400 PARAM_ERROR')
  assert.equal(await get('bill_date=2026-02-30'), '400 PARAM_ERROR')
  assert.equal(await get('bill_date=20260201'), '400 PARAM_ERROR')
  assert.equal(await get(`bill_date=${payday}&bill_type=SOME`), '400 PARAM_ERROR')
  assert.equal(await get(`bill_date=${payday}&tar_type=ZIP`), '400 PARAM_ERROR')
  assert.equal(await get(`bill_date=${payday}&page=1`), '400 PARAM_ERROR')
  assert.equal(
    await get(`bill_date=${payday}&account_type=CASH`, '/v3/bill/fundflowbill'),
    '400 PARAM_ERROR',
  )
})

test('faults: a bill that is not ready, and a digest that is not of the file', async () => {
  const merchant = await world.merchant()
  goTo(1, 9)
  const path = `/v3/bill/tradebill?bill_date=${today()}`
  await pay(merchant, 100)
  goTo(1, 10)
  twin.faults.add({ path: '/v3/bill/*' }, 'bill_not_ready', {})
  assert.equal((await world.v3(merchant, 'GET', path)).outcome, '400 STATEMENT_CREATING')
  const sound = (await world.v3(merchant, 'GET', path)).body.hash_value
  twin.faults.add({ path: '/v3/bill/*' }, 'corrupt_bill_hash', {})
  const corrupt = (await world.v3(merchant, 'GET', path)).body.hash_value
  assert.match(corrupt, /^[0-9a-f]{40}$/)
  assert.notEqual(corrupt, sound)
})
