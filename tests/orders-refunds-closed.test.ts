/**
 * What goes back of an order, and WeChat closes, is asked for again under another number, which is sent only while WeChat
 * says that those before it are closed; what it paid under one of them all the same is believed where nothing pays twice.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { businessDateOf, endOfDay, laneOfId, parseId, type WechatAccountId } from '@lika/contract'
import { amountInBook } from '../server/src/flows/bills/known.ts'
import { reconcileDue } from '../server/src/flows/bills/run.ts'
import { pursueRefund } from '../server/src/flows/purchase/refund-leg.ts'
import { takeNotice } from '../server/src/flows/wechat-notices.ts'
import { findOrderRefund } from '../server/src/modules/orders/index.ts'
import type { Refund, WechatPay } from '../server/src/modules/wechat/index.ts'
import { assertBooks } from './harness/books.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

type Json = ReturnType<typeof JSON.parse>

const refundsPath = '/v3/refund/domestic/refunds'

let shop: OrderShop
let account: WechatAccountId

before(async () => {
  shop = await startOrderShop()
  const found = parseId('wechat_account', shop.account.id)
  assert.ok(found)
  account = found
})
after(async () => {
  try {
    await shop.check()
    await assertBooks(shop.database.owner.sql)
  } finally {
    await shop.stop()
  }
})

async function minutes(count: number): Promise<void> {
  for (let minute = 0; minute < count; minute += 1) {
    await shop.advance(70)
    await shop.twin.control.settle()
    await shop.tend()
  }
}

const refundsOf = async (id: string): Promise<Json[]> => (await shop.show(id)).refunds
const statesOf = async (id: string) => (await refundsOf(id)).map(({ status }) => status)

/** An order of 100.00 whose refund WeChat closed, and the number of that. */
async function closedRefund(): Promise<{ id: string; number: string }> {
  const { id } = await shop.bought()
  await shop.twin.control.fault({ path: refundsPath, times: 1 }, 'refund_closed')
  assert.equal((await shop.refund(id)).status, 200)
  await minutes(3)
  assert.deepEqual(await statesOf(id), ['closed'])
  return { id, number: (await refundsOf(id))[0].out_refund_no }
}

/** WeChat, as it would be if it said this of one number. `sent`: what it was asked to refund. */
function saying(number: string, state: Refund['state'], sent: string[]): WechatPay {
  const { wechatPay } = shop.flows
  return {
    ...wechatPay,
    queryRefund: async (of, no) => {
      const said = await wechatPay.queryRefund(of, no)
      return no === number && said.status === 'done'
        ? { status: 'done', value: { ...said.value, state } }
        : said
    },
    refund: (of, asked) => {
      sent.push(asked.outRefundNo)
      return wechatPay.refund(of, asked)
    },
  }
}

async function pursue(id: string, n: number, wechatPay: WechatPay) {
  const orderId = shop.idOf(id)
  const row = await findOrderRefund(shop.database.owner.sql, laneOfId(orderId), orderId, n)
  assert.ok(row)
  return pursueRefund({ ...shop.flows, wechatPay }, row)
}

/** Asked for again while WeChat does not answer: written down, and never sent. */
async function askAgainUnsent(id: string): Promise<void> {
  await shop.twin.control.fault({ path: `${refundsPath}*`, times: 0 }, 'answer_500_before')
  const again = await shop.refund(id)
  await shop.twin.control.clearFaults()
  assert.equal(again.status, 200, JSON.stringify(again.body))
  assert.deepEqual(await statesOf(id), ['closed', 'asked'])
}

async function toldOf(number: string, state: Refund['state']) {
  const asked = await shop.flows.wechatPay.queryRefund(account, number)
  assert.ok(asked.status === 'done', asked.status)
  const notice = { id: 'n', kind: 'refund' as const, refund: { ...asked.value, state } }
  return takeNotice(shop.flows, shop.log, { book: shop.book, accountId: account }, notice)
}

async function billedUnder(number: string) {
  const asked = await shop.flows.wechatPay.queryRefund(account, number)
  assert.ok(asked.status === 'done', asked.status)
  const { outTradeNo, outRefundNo, refundId, amount } = asked.value
  const row = { kind: 'refund', outTradeNo, outRefundNo, refundId, amount, fee: 0n } as const
  return amountInBook(shop.flows, shop.book, { ...row, status: 'SUCCESS', isReversal: false })
}

const wechat = async () => (await shop.accounts('wechat'))[0] ?? 0

test('a number is sent only while WeChat says that the one before is closed', async () => {
  const { id, number } = await closedRefund()
  await askAgainUnsent(id)
  const before = await wechat()
  const sent: string[] = []
  assert.equal(await pursue(id, 2, saying(number, 'processing', sent)), 'later')
  assert.match((await refundsOf(id))[1].problem, /does not say any more/)
  assert.equal(await pursue(id, 2, saying(number, 'succeeded', sent)), 'in_book')
  assert.deepEqual([sent, await statesOf(id)], [[], ['closed', 'succeeded']])
  const done = await shop.show(id)
  assert.deepEqual([done.status, done.refunded_amount], ['refunded', 10_000])
  assert.match(done.refunds[1].problem, new RegExp(number))
  assert.equal(await wechat(), before - 10_000)
  assert.equal(await billedUnder(number), 10_000n)
  for (const state of ['succeeded', 'closed'] as const)
    assert.equal(await toldOf(number, state), 'in_book')
  assert.equal((await shop.refund(id)).status, 409)
  assert.equal(await wechat(), before - 10_000)
})

test('a number that nobody sent is sent once WeChat says closed of the one before', async () => {
  const { id, number } = await closedRefund()
  await askAgainUnsent(id)
  const sent: string[] = []
  await pursue(id, 2, saying(number, 'closed', sent))
  assert.deepEqual(sent, [(await refundsOf(id))[1].out_refund_no])
  await minutes(3)
  assert.deepEqual(await statesOf(id), ['closed', 'succeeded'])
})

test('what WeChat had closed and paid all the same is believed where nobody has asked again', async () => {
  const { id, number } = await closedRefund()
  const before = await wechat()
  assert.equal(await toldOf(number, 'succeeded'), 'in_book')
  assert.deepEqual(await statesOf(id), ['succeeded'])
  assert.equal((await shop.show(id)).status, 'refunded')
  assert.equal(await wechat(), before - 10_000)
})

test('what WeChat pays under both numbers is in the book once, and a case for a person', async () => {
  await nextMorning()
  await reconcile()
  const { id, number } = await closedRefund()
  assert.equal((await shop.refund(id)).status, 200)
  const before = await wechat()
  assert.equal(await toldOf(number, 'succeeded'), 'differs')
  await minutes(3)
  assert.deepEqual(await statesOf(id), ['closed', 'succeeded'])
  assert.equal(await toldOf(number, 'succeeded'), 'differs')
  assert.match((await refundsOf(id))[1].problem, /has paid .* as well/)
  assert.equal(await toldOf(number, 'closed'), 'in_book')
  assert.equal(await wechat(), before - 10_000)
  await nextMorning()
  const { wechatPay } = shop.flows
  await reconcile({
    ...wechatPay,
    bill: async (of, asked) => {
      const bill = await wechatPay.bill(of, asked)
      if (bill.status !== 'done') return bill
      const rows = bill.value.rows.map((row) =>
        row['商户退款单号'] === number ? { ...row, 退款状态: 'SUCCESS' } : row,
      )
      return { ...bill, value: { ...bill.value, rows } }
    },
  })
  const { body } = await shop.get(shop.key, '/v1/reserve_cases?limit=200')
  const cases = body.data.filter((one: Json) => JSON.stringify(one).includes(number))
  assert.deepEqual(
    cases.map(({ kind }: Json) => kind),
    ['wechat_row_differs'],
  )
})

/** Compares the bills of the days up to yesterday, where WeChat has them as `wechatPay` says. */
async function reconcile(wechatPay = shop.flows.wechatPay): Promise<void> {
  const accounts = await shop.flows.payAccounts.every()
  while ((await reconcileDue({ ...shop.flows, wechatPay }, shop.log, 'test', accounts)) > 0);
}

function nextMorning(): Promise<unknown> {
  const now = shop.flows.engine.now('test')
  return shop.advance(Math.ceil((endOfDay(businessDateOf(now)) + 11 * 3_600_000 - now) / 1_000))
}
