/**
 * WeChat has done its part, and there is no room to write that down: nothing is taken for recorded that is not, and it is as
 * soon as whoever tells or asks of it comes again.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { businessDateOf, endOfDay, parseId } from '@lika/contract'
import { reconcileDue } from '../server/src/flows/bills/run.ts'
import { takeTrade } from '../server/src/flows/wechat-notices.ts'
import type { Trade } from '../server/src/modules/wechat/index.ts'
import { assertBooks } from './harness/books.ts'
import { busyFor } from './harness/busy.ts'
import { type SharingShop, startSharingShop } from './harness/sharing.ts'

type Json = ReturnType<typeof JSON.parse>

const refunds = '/v3/refund/domestic/refunds'

let shop: SharingShop
let merchant: string
before(async () => {
  shop = await startSharingShop()
  merchant = (await shop.post(shop.key, '/v1/merchants', { name: 'Tea', category: 'tea' })).body.id
  // Out of which refunds are paid.
  await shop.bought()
})
after(async () => {
  try {
    await assertBooks(shop.database.owner.sql)
  } finally {
    await shop.stop()
  }
})

const now = () => shop.flows.engine.now('test')

async function morning(): Promise<string> {
  const day = businessDateOf(now())
  await shop.advance(Math.ceil((endOfDay(day) + 11 * 3_600_000 - now()) / 1_000))
  return day
}

async function reconcile(): Promise<void> {
  const accounts = await shop.flows.payAccounts.every()
  while ((await reconcileDue(shop.flows, shop.log, 'test', accounts)) > 0);
}

const billOf = async (day: string): Promise<Json> =>
  (await shop.get(shop.key, `/v1/wechat/bills?day=${day}`)).body.data[0]

/** What was written into the log since, and is expected there. */
function complaints(): number {
  return shop.faults.splice(0).length
}

test('a day of which the fees could not be booked is not done, and its fees are booked once', async () => {
  await morning()
  await reconcile()
  const [before = 0] = await shop.accounts('channel_fee')
  await shop.bought()
  const day = await morning()
  const makeRoom = busyFor(shop.flows, 'wechat_bill.fees')
  await reconcile()
  assert.equal(makeRoom(), 1)
  assert.equal(complaints(), 1)
  assert.equal(await billOf(day), undefined)
  assert.deepEqual(await shop.accounts('channel_fee'), [before])
  await reconcile()
  assert.deepEqual([(await billOf(day)).status, (await billOf(day)).fees], ['reconciled', 60])
  assert.deepEqual(await shop.accounts('channel_fee'), [before + 60])
})

test('a payment that comes after it was given up is told again until it is recorded, and goes back', async () => {
  const { id: card_id } = await shop.makeCard(shop.key, shop.product, 1_250)
  const made = await shop.post(shop.key, '/v1/combined_payments', {
    amount: 3_000,
    merchant_id: merchant,
    reference: 'late',
    sources: [{ card_id }],
    rest: { method: 'wechat', scene: 'native' },
  })
  assert.equal(made.status, 201, JSON.stringify(made.body))
  const { id } = made.body
  assert.equal(
    (await shop.post(shop.key, `/v1/combined_payments/${id}/cancel`, {})).body.status,
    'failed',
  )
  const [atWechat] = (await shop.twin.control.orders(shop.merchant.mchid)).filter(
    ({ out_trade_no: no }: Json) => no.startsWith('CP'),
  )
  const trade: Trade = {
    outTradeNo: atWechat.out_trade_no,
    state: 'paid',
    mchid: shop.merchant.mchid,
    appid: atWechat.appid,
    amount: 1_750n,
    transactionId: '4200009999202611250000000001',
    openid: shop.buyer.openid,
    paidAt: now(),
  }
  const accountId = parseId('wechat_account', shop.account.id)
  assert.ok(accountId)
  const tell = () => takeTrade(shop.flows, shop.log, { book: shop.book, accountId }, trade)
  const [before = 0] = await shop.accounts('order_suspense')
  const makeRoom = busyFor(shop.flows, 'combined_payment.paid')
  assert.equal(await tell(), 'later')
  assert.equal(makeRoom(), 1)
  assert.deepEqual(await shop.accounts('order_suspense'), [before])
  assert.equal(await tell(), 'in_book')
  assert.deepEqual(await shop.accounts('order_suspense'), [before - 1_750])
  assert.equal(await tell(), 'in_book')
  assert.deepEqual(await shop.accounts('order_suspense'), [before - 1_750])
})

test('a share that came back and could not be booked keeps its refund waiting, and is booked once', async () => {
  const product_id = await shop.sharedProduct([shop.receiver(0, 1_000)])
  const { id } = await shop.bought({ product_id })
  await shop.shareOf(id)
  await shop.send(62, 60)
  assert.equal((await shop.shareOf(id)).status, 'finished')
  const [shared = 0] = await shop.accounts('shared_sales')
  const makeRoom = busyFor(shop.flows, 'sharing.returned', 100)
  assert.equal((await shop.refund(id)).status, 200)
  for (let turn = 0; turn < 3; turn += 1) {
    await shop.advance(30)
    await shop.tend()
  }
  assert.equal((await shop.show(id)).status, 'refunding')
  assert.ok(makeRoom() >= 2)
  for (let turn = 0; turn < 8; turn += 1) {
    await shop.advance(70)
    await shop.tend()
  }
  assert.equal((await shop.show(id)).status, 'refunded')
  assert.deepEqual(await shop.accounts('shared_sales'), [shared - 1_000])
  assert.equal((await shop.shareOf(id)).returned_amount, 1_000)
})

test('a card that WeChat refuses is answered as refused only once that is kept', async () => {
  const { id } = await shop.bought()
  await shop.twin.control.fault({ path: refunds }, 'refund_abnormal')
  assert.equal((await shop.refund(id)).status, 200)
  await shop.advance(40)
  await shop.twin.control.settle()
  await shop.tend()
  await shop.twin.control.clearFaults()
  const [refund] = (await shop.show(id)).refunds
  assert.equal(refund.status, 'abnormal')
  const apply = (key: string) =>
    shop.again(shop.key, `/v1/orders/${id}/apply_abnormal_refund`, key, {
      out_refund_no: refund.out_refund_no,
      bank_type: 'ICBC_DEBIT',
      bank_account: '6222020200012345678',
      real_name: '李四',
    })
  await shop.twin.control.fault(
    { path: `${refunds}/*/apply-abnormal-refund`, method: 'POST', times: 2 },
    { name: 'status', http: 400, code: 'INVALID_REQUEST' },
  )
  // When it is looked whether WeChat refused it before, and when that it did is to be kept.
  for (const after of [0, 1]) {
    const makeRoom = busyFor(shop.flows, 'refund_application.refused', 1, after)
    const answer = await apply('card-a')
    assert.deepEqual([answer.status, answer.body.code], [503, 'busy'], JSON.stringify(answer.body))
    assert.equal(makeRoom(), 1)
  }
  const again = await apply('card-a')
  assert.equal(again.body.code, 'wechat.refused', JSON.stringify(again.body))
  assert.equal((await apply('card-b')).status, 200)
  assert.equal((await apply('card-a')).body.code, 'wechat.refused')
})
