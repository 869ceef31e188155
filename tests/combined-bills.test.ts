/** Codes that were shown at a till and taken back, in the bills: WeChat has a payment and its reversal, the books neither. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { businessDateOf, dayMs, endOfDay } from '@lika/contract'
import { reconcileDue } from '../server/src/flows/bills/run.ts'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import type { WechatPay } from '../server/src/modules/wechat/index.ts'
import { assertBooks } from './harness/books.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

let shop: OrderShop
let till: string
let product: string
let made = 0
before(async () => {
  shop = await startOrderShop()
  product = await shop.makeProduct(shop.key)
  till = (await shop.post(shop.key, '/v1/merchants', { name: '茶馆', category: 'food' })).body.id
  await morning()
  await reconcile()
})
after(async () => {
  await assertBooks(shop.database.owner.sql)
  await shop.stop()
})

const now = () => shop.flows.engine.now('test')
const morning = () =>
  shop.advance(Math.ceil((endOfDay(businessDateOf(now())) + 11 * 3_600_000 - now()) / 1_000))

async function reconcile(wechatPay: Partial<WechatPay> = {}): Promise<void> {
  const accounts = await shop.flows.payAccounts.every()
  const context = { ...shop.flows, wechatPay: { ...shop.flows.wechatPay, ...wechatPay } }
  while ((await reconcileDue(context, shop.log, 'test', accounts)) > 0);
}

/** WeChat has taken 17.50 by code, Lika has never heard of it and took it back. */
async function takenBack(): Promise<string> {
  const { auth_code } = await shop.twin.control.do(shop.buyer.id, 'show_code')
  const card: string = (await shop.makeCard(shop.key, product, 1_250)).id
  await shop.twin.control.fault({ path: '/pay/micropay', times: 1 }, 'answer_500_after')
  await shop.twin.control.fault({ path: '/pay/orderquery', times: 100 }, 'answer_500_before')
  made += 1
  const begun = await shop.post(shop.key, '/v1/combined_payments', {
    amount: 3_000,
    merchant_id: till,
    reference: `code-${made}`,
    sources: [{ card_id: card }],
    rest: { method: 'wechat', scene: 'micropay', auth_code },
  })
  assert.equal(begun.body.status, 'waiting', JSON.stringify(begun.body))
  for (const seconds of [31, 6, 6]) {
    await shop.advance(seconds)
    await lookAfterCombined({ ...shop.flows, legLog: shop.log }, 'test')
  }
  await shop.twin.control.clearFaults()
  const { body } = await shop.get(shop.key, `/v1/combined_payments/${begun.body.id}`)
  assert.equal(body.status, 'failed')
  const orders = await shop.twin.control.orders(shop.merchant.mchid)
  const found = orders.filter(({ state }: { state: string }) => state === 'REVOKED')
  assert.equal(found.length, made)
  return found.at(-1).out_trade_no
}

/** The bill of the day before, and the cases that it opened. */
async function yesterday() {
  const day = businessDateOf(now() - dayMs)
  const [bills, cases] = await Promise.all([
    shop.get(shop.key, `/v1/wechat/bills?day=${day}`),
    shop.get(shop.key, '/v1/reserve_cases?limit=200'),
  ])
  const { payments, refunds, fees, funds, exceptions, learnt } = bills.body.data[0]
  const opened = cases.body.data.filter((one: Record<string, unknown>) => one['day'] === day)
  return { bill: { payments, refunds, fees, funds, exceptions, learnt }, opened: opened.length }
}

test('both rows stand in the bill of a day: nothing is learned from them, no case is opened', async () => {
  await takenBack()
  const before = await shop.accounts('wechat', 'order_suspense')
  await morning()
  await reconcile()
  assert.deepEqual(await yesterday(), {
    bill: { payments: 1, refunds: 1, fees: 0, funds: 0, exceptions: 0, learnt: 0 },
    opened: 0,
  })
  assert.deepEqual(await shop.accounts('wechat', 'order_suspense'), before)
})

/** The bills of WeChat with these of their rows. */
function billOf(isOfDay: (row: Readonly<Record<string, string>>) => boolean): WechatPay['bill'] {
  return async (account, asked) => {
    const said = await shop.flows.wechatPay.bill(account, asked)
    if (said.status !== 'done') return said
    return { ...said, value: { ...said.value, rows: said.value.rows.filter(isOfDay) } }
  }
}

test('of one that was taken back after midnight the bill of its day asks WeChat, and no refund is asked for', async () => {
  const number = await takenBack()
  const before = await shop.accounts('order_suspense')
  await morning()
  // As WeChat writes it where the reversal came after midnight.
  const bill = billOf(
    (row) =>
      row['交易状态'] !== 'REVOKED' && !['退款', '退还交易手续费'].includes(row['业务类型'] ?? ''),
  )
  // WeChat is asked too often just now: that says nothing of it.
  let refusals = 0
  const queryMicropay: WechatPay['queryMicropay'] = async () => {
    refusals += 1
    return { status: 'refused', code: 'FREQUENCY_LIMITED', detail: '' }
  }
  await reconcile({ bill, queryMicropay })
  assert.equal(refusals, 1)
  assert.equal(shop.faults.splice(0).length, 1)
  assert.deepEqual(await shop.accounts('order_suspense'), before)
  await reconcile({ bill })
  const { bill: found, opened } = await yesterday()
  assert.deepEqual(
    [found.payments, found.refunds, found.learnt, found.exceptions, opened],
    [1, 0, 0, 0, 0],
  )
  const sent = await shop.twin.control.requests('/v3/refund/domestic/refunds', 500)
  assert.ok(!sent.some(({ body }: { body: string }) => body.includes(number)))
  assert.deepEqual(await shop.accounts('order_suspense'), before)
})

for (const code of ['API_V2_KEY_MISSING', 'NO_AUTH'])
  test(`where nobody can ask whether a code was taken back, for ${code}, it is a case, and nothing is learned`, async () => {
    const number = await takenBack()
    const before = await shop.accounts('order_suspense')
    await morning()
    await reconcile({
      bill: billOf((row) => row['交易状态'] !== 'REVOKED'),
      queryMicropay: async () => ({ status: 'refused', code, detail: '' }),
    })
    const { body } = await shop.get(shop.key, '/v1/reserve_cases?limit=200')
    const found = body.data.filter((one: Record<string, unknown>) => one['subject'] === number)
    assert.deepEqual(
      found.map(({ kind, amount }: Record<string, unknown>) => [kind, amount]),
      [['wechat_row_differs', 1_750]],
    )
    assert.deepEqual(await shop.accounts('order_suspense'), before)
  })

test('a code of a till that is not ours, taken back a day later: the cases of both days cancel out', async () => {
  const row = (day: string, more: object) => ({
    交易时间: `${day} 08:00:00`,
    公众账号ID: 'wxofficial000000001',
    商户号: shop.merchant.mchid,
    微信订单号: '4299',
    商户订单号: 'somebody-elses-1',
    用户标识: 'o1',
    手续费: '0.00000',
    订单金额: '17.50',
    ...more,
  })
  const only = (one: Record<string, string>): Partial<WechatPay> => ({
    bill: async (_, { kind }) => ({
      status: 'done',
      value: { rows: kind === 'trade' ? [one] : [], summary: {} },
    }),
  })
  const first = businessDateOf(now())
  await morning()
  await reconcile(only(row(first, { 交易状态: 'SUCCESS' })))
  const second = businessDateOf(now())
  await morning()
  await reconcile(
    only(
      row(second, {
        交易状态: 'REVOKED',
        微信退款单号: '5099',
        商户退款单号: '',
        退款金额: '17.50',
        退款状态: 'SUCCESS',
      }),
    ),
  )
  const { body } = await shop.get(shop.key, '/v1/reserve_cases?limit=200')
  const found = body.data.filter(
    (one: Record<string, unknown>) => one['subject'] === 'somebody-elses-1',
  )
  assert.deepEqual(
    found.map(({ kind, amount }: Record<string, unknown>) => [kind, amount]).toReversed(),
    [
      ['wechat_unknown_row', 1_750],
      ['wechat_unknown_row', -1_750],
    ],
  )
})
