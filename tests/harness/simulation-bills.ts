/** The end of a simulation: the bills of all its days, fetched as the server does it, against the book, to the fen. */
import assert from 'node:assert/strict'
import { businessDateOf, endOfDay } from '@lika/contract'
import { reconcileDue } from '../../server/src/flows/bills/run.ts'
import type { OrderShop } from './orders.ts'

/** Whatever JSON: it is looked at member by member. */
type Json = ReturnType<typeof JSON.parse>

const now = (shop: OrderShop) => shop.flows.engine.now('test')

/** To that many hours after the midnight in Shanghai that comes next. */
async function untilNextDay(shop: OrderShop, hours: number): Promise<void> {
  const at = endOfDay(businessDateOf(now(shop))) + hours * 3_600_000
  await shop.advance(Math.ceil((at - now(shop)) / 1_000))
}

const reconcile = async (shop: OrderShop) =>
  reconcileDue(shop.flows, shop.log, 'test', await shop.flows.payAccounts.every())

/** The evening of a day whose orders are paid on two days; nothing happened on the day before. */
export async function untilEvening(shop: OrderShop): Promise<void> {
  await untilNextDay(shop, 21)
  assert.equal(await reconcile(shop), 1)
}

/** Nothing is reconciled while WeChat has no bill, or another than it announces; then every day is. */
export async function reconcileAll(shop: OrderShop, count: (what: string) => void): Promise<void> {
  await untilNextDay(shop, 11)
  await shop.tend()
  for (const effect of ['bill_not_ready', 'corrupt_bill_hash']) {
    await shop.twin.control.fault({ path: '/v3/bill/*' }, effect)
    assert.equal(await reconcile(shop), 0, effect)
    count(`fault ${effect}`)
  }
  await shop.twin.control.clearFaults()
  for (let days = await reconcile(shop); days > 0; days = await reconcile(shop));
  assert.deepEqual(shop.faults, [])
}

/** What the orders say was paid and given back, as they are shown. */
function totalsOf(orders: readonly Json[]) {
  let [payments, paid, refunds, refunded, owed] = [0, 0, 0, 0, 0]
  for (const order of orders) {
    const times = order.payments.filter((one: Json) => one.status === 'paid').length
    payments += times
    paid += times * order.total
    for (const { status, amount } of order.refunds) {
      if (status === 'closed') continue
      refunds += 1
      refunded += amount
      // It has left WeChat's account, and nobody has it yet.
      if (status !== 'succeeded') owed += amount
    }
  }
  return { payments, paid, refunds, refunded, owed }
}

/** Book = bills = what lies at WeChat. */
export async function compareWithBills(shop: OrderShop, orders: readonly Json[]): Promise<void> {
  const bills: Json[] = (await shop.get(shop.key, '/v1/wechat/bills?limit=200')).body.data
  const sum = (name: string): number => bills.reduce((all, bill) => all + bill[name], 0)
  const { body } = await shop.get(shop.key, '/v1/reserve_cases?limit=200')
  assert.deepEqual(
    body.data.filter((one: Json) => one.kind.startsWith('wechat')),
    [],
    'no case',
  )
  assert.equal(sum('exceptions'), 0)
  const book = totalsOf(orders)
  assert.deepEqual([sum('payments'), sum('paid_amount')], [book.payments, book.paid])
  // What left in the evening and was closed after midnight came back in the funds of the next day.
  const back = sum('funds') - (sum('paid_amount') - sum('refunded_amount') - sum('fees'))
  assert.equal(sum('refunded_amount') - back, book.refunded, 'given back by the bills and the book')
  if (back === 0) assert.equal(sum('refunds'), book.refunds)
  const [wechat = 0, fees = 0] = await shop.accounts('wechat', 'channel_fee')
  assert.equal(sum('fees'), fees, 'fees of the bills and the book')
  assert.equal(sum('funds') + book.owed, wechat, 'funds of the bills and the account in the book')
  const merchant: Json = await shop.twin.control.call('GET', `/merchants/${shop.merchant.mchid}`)
  assert.equal(merchant.balance_fen + book.owed, wechat, 'the account at WeChat and in the book')
}
