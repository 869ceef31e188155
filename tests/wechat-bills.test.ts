/**
 * Bills of WeChat Pay against the books, to the fen: what was sold, given back and kept as a fee; what was never told is
 * learned from them; what does not fit becomes a case.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { businessDateOf, dayMs, endOfDay } from '@lika/contract'
import { reconcileDue } from '../server/src/flows/bills/run.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

let shop: OrderShop
before(async () => {
  shop = await startOrderShop()
})
after(async () => {
  try {
    await shop.check()
  } finally {
    await shop.stop()
  }
})

const now = () => shop.flows.engine.now('test')

/** To eleven in the morning of the next day in Shanghai. */
async function nextMorning(): Promise<string> {
  const day = businessDateOf(now())
  await shop.advance(Math.ceil((endOfDay(day) + 11 * 3_600_000 - now()) / 1_000))
  return day
}

async function reconcile(): Promise<number> {
  const accounts = await shop.flows.payAccounts.every()
  let all = 0
  for (;;) {
    const done = await reconcileDue(shop.flows, shop.log, 'test', accounts)
    if (done === 0) return all
    all += done
  }
}

type Json = ReturnType<typeof JSON.parse>

const billOf = async (day: string): Promise<Json> =>
  (await shop.get(shop.key, `/v1/wechat/bills?day=${day}`)).body.data[0]
const cases = async (): Promise<Json[]> =>
  (await shop.get(shop.key, '/v1/reserve_cases?limit=200')).body.data.filter((one: Json) =>
    one.kind.startsWith('wechat'),
  )

test('a day of payments and refunds is right to the fen, and its fees are an expense', async () => {
  await nextMorning()
  await reconcile()
  const before = await shop.accounts('channel_fee', 'wechat')
  const one = await shop.bought()
  await shop.bought({ amount: 12_345 })
  await shop.advance(70)
  assert.equal((await shop.refund(one.id)).status, 200)
  for (let minute = 0; minute < 3; minute += 1) {
    await shop.advance(70)
    await shop.tend()
  }
  const day = await nextMorning()
  await reconcile()
  const bill = await billOf(day)
  assert.equal(bill.status, 'reconciled', JSON.stringify(bill))
  assert.deepEqual(
    [bill.payments, bill.paid_amount, bill.refunds, bill.refunded_amount, bill.exceptions],
    [2, 22_345, 1, 10_000, 0],
  )
  // 0.6 % of what was sold, less the fee of what went back.
  assert.equal(bill.fees, 74)
  assert.equal(bill.funds, 22_345 - 10_000 - 74)
  const after = await shop.accounts('channel_fee', 'wechat')
  assert.equal((after[0] ?? 0) - (before[0] ?? 0), 74)
  assert.equal((after[1] ?? 0) - (before[1] ?? 0), bill.funds)
  assert.deepEqual(await cases(), [])
})

test('the same day is not counted twice', async () => {
  const before = await shop.accounts('channel_fee', 'wechat')
  assert.equal(await reconcile(), 0)
  assert.deepEqual(await shop.accounts('channel_fee', 'wechat'), before)
})

test('a day on which nothing happened has an empty bill', async () => {
  const day = businessDateOf(now())
  await shop.advance(dayMs / 1_000)
  await reconcile()
  assert.deepEqual([(await billOf(day)).status, (await billOf(day)).exceptions], ['empty', 0])
})

test('a payment of which nobody ever heard is learned from the bill, and delivered', async () => {
  const { id } = await shop.ordered()
  const invitation = await shop.invited(id)
  await shop.twin.control.fault({ path: '*', times: 50 }, 'drop_notification')
  await shop.payInWechat(invitation)
  const day = await nextMorning()
  assert.equal((await shop.show(id)).status, 'paying')
  await reconcile()
  await shop.twin.control.clearFaults()
  assert.ok(['delivered', 'completed'].includes((await shop.show(id)).status))
  const bill = await billOf(day)
  assert.deepEqual([bill.learnt, bill.exceptions], [1, 0])
})

test('what the books do not know, or the bill does not have, becomes a case for two people', async () => {
  const port = shop.flows.wechatPay
  const paid = await shop.bought()
  const day = await nextMorning()
  const row = {
    交易时间: `${day} 08:00:00`,
    公众账号ID: 'wxofficial000000001',
    商户号: shop.merchant.mchid,
    微信订单号: '4299',
    用户标识: 'o1',
    交易状态: 'SUCCESS',
    手续费: '0.00000',
  }
  const rows = [
    { ...row, 商户订单号: 'somebody-elses', 订单金额: '1.00' },
    { ...row, 商户订单号: paid.payment.out_trade_no, 订单金额: '99.99' },
  ]
  const shown = {
    ...port,
    bill: async (_: unknown, asked: { kind: string }) => ({
      status: 'done',
      value: { rows: asked.kind === 'trade' ? rows : [], summary: {} },
    }),
  }
  Object.assign(shop.flows, { wechatPay: shown })
  await reconcile()
  Object.assign(shop.flows, { wechatPay: port })
  const found = await cases()
  const kinds = found.map(({ kind, amount }) => [kind, amount])
  assert.ok(kinds.some(([kind, amount]) => kind === 'wechat_unknown_row' && amount === 100))
  assert.ok(kinds.some(([kind, amount]) => kind === 'wechat_row_differs' && amount === -1))
  assert.ok(kinds.some(([kind, amount]) => kind === 'wechat_fund_gap' && amount === -10_099))
  assert.equal((await billOf(day)).exceptions, 3)
  const [first] = found
  assert.deepEqual(first.actions, ['dismiss'])
})

const refunds = '/v3/refund/domestic/refunds'

/** A refund of an order of 100.00 that ends so at WeChat; as it stands some minutes later. */
async function refundedAs(effect: 'refund_closed' | 'refund_abnormal' | undefined): Promise<Json> {
  const { id } = await shop.bought()
  await shop.advance(70)
  if (effect !== undefined) await shop.twin.control.fault({ path: refunds, times: 1 }, effect)
  assert.equal((await shop.refund(id)).status, 200)
  await pass(3)
  return shop.show(id)
}

async function pass(minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await shop.advance(70)
    await shop.tend()
  }
}

/** What the book says lies at WeChat, and what WeChat says. */
async function atWechat(): Promise<[number, number]> {
  const [inBook = 0] = await shop.accounts('wechat')
  const path = `/merchants/${shop.merchant.mchid}`
  return [inBook, (await shop.twin.control.call('GET', path)).balance_fen]
}

test('a refund that WeChat closed moved nothing, what is on its way or abnormal did: no case, the fees are right', async () => {
  await nextMorning()
  await reconcile()
  const [before, atWechatBefore] = await atWechat()
  const casesBefore = await cases()
  const closed = await refundedAs('refund_closed')
  const abnormal = await refundedAs('refund_abnormal')
  const done = await refundedAs(undefined)
  assert.deepEqual(
    [closed, abnormal, done].map(({ status, refunded_amount }) => [status, refunded_amount]),
    [
      ['refunding', 0],
      ['refunding', 0],
      ['refunded', 10_000],
    ],
  )
  const day = await nextMorning()
  await reconcile()
  const bill = await billOf(day)
  assert.deepEqual(await cases(), casesBefore)
  // The closed one paid its fee; the other two had it back.
  assert.deepEqual(
    [bill.payments, bill.paid_amount, bill.refunds, bill.refunded_amount, bill.fees],
    [3, 30_000, 2, 20_000, 60],
  )
  assert.equal(bill.funds, 30_000 - 20_000 - 60)
  // What is abnormal has left WeChat's account and is owed in the book still.
  const [inBook, there] = await atWechat()
  assert.deepEqual([inBook - before - 10_000, there - atWechatBefore], [bill.funds, bill.funds])
  assert.equal((await shop.refund(closed.id)).status, 200)
  await pass(3)
  assert.equal((await shop.show(closed.id)).status, 'refunded')
  const next = await nextMorning()
  await reconcile()
  const second = await billOf(next)
  assert.deepEqual(
    [second.refunds, second.refunded_amount, second.fees, second.funds, second.exceptions],
    [1, 10_000, -60, -9_940, 0],
  )
})

for (const [how, seconds, status] of [
  ['before the bill was written', 9 * 3_600, 'FAIL'],
  ['when the bill said that it was on its way', 20 * 3_600, 'PROCESSING'],
] as const)
  test(`a refund of a day that was closed on the next, ${how}, comes back in the funds with the fee`, async () => {
    await nextMorning()
    await reconcile()
    const [before, atWechatBefore] = await atWechat()
    const casesBefore = await cases()
    // In the evening, so that it is closed after midnight.
    await shop.advance(10 * 3_600)
    await shop.twin.control.settings({ refundSeconds: seconds })
    const { id } = await refundedAs('refund_closed')
    await shop.twin.control.settings({ refundSeconds: 30 })
    const day = await nextMorning()
    const rows: Json[] = []
    const port = shop.flows.wechatPay
    const bill: typeof port.bill = async (account, asked) => {
      const answer = await port.bill(account, asked)
      if (asked.kind === 'trade' && answer.status === 'done') rows.push(...answer.value.rows)
      return answer
    }
    Object.assign(shop.flows, { wechatPay: { ...port, bill } })
    await reconcile()
    Object.assign(shop.flows, { wechatPay: port })
    assert.ok(
      rows.some((row) => row.退款状态 === status),
      JSON.stringify(rows),
    )
    const first = await billOf(day)
    assert.deepEqual(
      [first.payments, first.refunds, first.refunded_amount, first.fees, first.funds],
      [1, 1, 10_000, 0, 0],
    )
    const next = await nextMorning()
    await shop.tend()
    await reconcile()
    const second = await billOf(next)
    assert.deepEqual([second.refunds, second.fees, second.funds], [0, 60, 9_940])
    assert.deepEqual(await cases(), casesBefore)
    const [inBook, there] = await atWechat()
    assert.deepEqual([inBook - before, there - atWechatBefore], [9_940, 9_940])
    assert.equal((await shop.refund(id)).status, 200)
    await pass(3)
    assert.equal((await shop.show(id)).status, 'refunded')
  })

test('money that comes back for a refund that WeChat does not call closed is a case', async () => {
  await nextMorning()
  await reconcile()
  const { id } = await shop.bought()
  await shop.advance(70)
  assert.equal((await shop.refund(id)).status, 200)
  await pass(3)
  const day = await nextMorning()
  const port = shop.flows.wechatPay
  const bill: typeof port.bill = async (account, asked) => {
    const answer = await port.bill(account, asked)
    if (asked.kind !== 'fund' || answer.status !== 'done') return answer
    const rows = answer.value.rows.flatMap((row) =>
      row['业务类型'] === '退款'
        ? [row, { ...row, 收支类型: '收入', '收支金额(元)': '99.50' }]
        : [row],
    )
    return { ...answer, value: { ...answer.value, rows } }
  }
  Object.assign(shop.flows, { wechatPay: { ...port, bill } })
  await reconcile()
  Object.assign(shop.flows, { wechatPay: port })
  assert.deepEqual(
    (await cases()).filter((one) => one.day === day).map(({ kind, amount }) => [kind, amount]),
    [['wechat_fund_gap', 9_950]],
  )
})

test('a bill that is not ready, or not the one that was announced, waits', async () => {
  const day = businessDateOf(now())
  await shop.bought()
  await nextMorning()
  await shop.twin.control.fault({ path: '/v3/bill/*', times: 1 }, 'bill_not_ready')
  assert.equal(await reconcile(), 0)
  await shop.twin.control.fault({ path: '/v3/bill/*', times: 1 }, 'corrupt_bill_hash')
  assert.equal(await reconcile(), 0)
  assert.equal(await billOf(day), undefined)
  await shop.twin.control.clearFaults()
  assert.equal(await reconcile(), 1)
  assert.equal((await billOf(day)).payments, 1)
})
