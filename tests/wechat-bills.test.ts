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
