/** The seal on delivered cards, and money that goes back: within the seal, by law, by what WeChat makes of it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { asId, parseId } from '@lika/contract'
import { learnRefund } from '../server/src/flows/purchase/refund-leg.ts'
import { closedCommand } from '../server/src/flows/purchase/trades.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

let shop: OrderShop
let merchant: string
before(async () => {
  shop = await startOrderShop()
  const { body } = await shop.call('POST', '/v1/merchants', {
    key: shop.key,
    body: { name: 'Tea', category: 'tea' },
  })
  merchant = body.id
})
after(async () => {
  await shop.check()
  await shop.stop()
})

let references = 0
function pay(card: string, amount: number, path = 'payments', more: object = {}) {
  references += 1
  return shop.post(shop.key, `/v1/${path}`, {
    amount,
    currency: 'CNY',
    merchant_id: merchant,
    reference: `p-${references}`,
    sources: [{ card_id: card }],
    ...more,
  })
}

const onCard = (card: string, action: string, body?: object) =>
  shop.post(shop.key, `/v1/cards/${card}/${action}`, body)

const reveal = (card: string) => onCard(card, 'reveal')

test('no path takes anything from a sealed card, or shows its secret', async () => {
  const order = await shop.bought()
  const [card] = order.cards
  const tried = [
    pay(card, 100),
    pay(card, 100, 'holds', { expires_in: 600 }),
    onCard(card, 'split', { amounts: [1_000] }),
    onCard(card, 'redemptions', { reason: 'cooling_off', payout: { method: 'original_route' } }),
    onCard(card, 'replace'),
    shop.call('POST', `/v1/cards/${card}/pay_codes`, { key: shop.key }),
    onCard(card, 'reveal'),
    onCard(card, 'reset_secret'),
    onCard(card, 'loads', { amount: 100, funding: { method: 'cash' } }),
    onCard(card, 'adjustments', { amount: -100, sub_balance: 'principal', reason: 'x' }),
  ]
  for (const answered of await Promise.all(tried)) {
    assert.equal(answered.body.code, 'card.sealed', JSON.stringify(answered.body))
    assert.equal(answered.body.until, order.sealed_until)
  }
  // What protects the card is not sealed, and stands in the way of no refund.
  assert.equal((await onCard(card, 'freeze', { reason: 'doubt' })).status, 200)
  const back = await shop.refund(order.id)
  assert.equal(back.status, 200, JSON.stringify(back.body))
})

test('at 2:59:59 all of it goes back; at 3:00:00 the card pays and shows its secret', async () => {
  const early = await shop.bought()
  const late = await shop.bought()
  await shop.advance(3 * 3_600 - 5)
  const until = Date.parse(late.sealed_until)
  const now = async () =>
    Date.parse(
      (await shop.call('POST', '/v1/test/clock', { key: shop.key, body: { advance_seconds: 0 } }))
        .body.now,
    )
  const setAt = (at: number) =>
    shop.call('POST', '/v1/test/clock', {
      key: shop.key,
      body: { set_at: new Date(at).toISOString() },
    })
  await setAt(Date.parse(early.sealed_until) - 1_000)
  assert.ok((await now()) < Date.parse(early.sealed_until))
  assert.equal((await reveal(early.cards[0])).body.code, 'card.sealed')
  const back = await shop.refund(early.id, { basis: 'cooling_off' })
  assert.deepEqual(
    [back.status, back.body.status, back.body.refund.amount, back.body.refund.basis],
    [200, 'refunding', 10_000, 'cooling_off'],
    JSON.stringify(back.body),
  )
  await setAt(until)
  assert.equal((await shop.show(late.id)).status, 'completed')
  assert.equal((await shop.refund(late.id, { basis: 'cooling_off' })).body.code, 'order.not_sealed')
  assert.equal((await reveal(late.cards[0])).status, 200)
  assert.equal((await pay(late.cards[0], 100)).status, 201)
  assert.equal((await reveal(early.cards[0])).body.code, 'card.closed')
})

test('within the seal all of it goes back the way it came, exactly once', async () => {
  await arrive()
  const before = await shop.accounts('wechat', 'card_principal', 'redemption_payable')
  const order = await shop.bought({ quantity: 2, amount: 3_000 })
  const asked = await shop.again(shop.key, `/v1/orders/${order.id}/refunds`, 'refund-once', {
    reason: 'changed my mind',
  })
  assert.equal(asked.body.status, 'refunding', JSON.stringify(asked.body))
  const again = await shop.again(shop.key, `/v1/orders/${order.id}/refunds`, 'refund-once', {
    reason: 'changed my mind',
  })
  assert.deepEqual(again.body, asked.body)
  assert.equal((await shop.refund(order.id)).body.code, 'order.refund_under_way')
  for (const card of order.cards) {
    const { body } = await shop.get(shop.key, `/v1/cards/${card}`)
    assert.deepEqual([body.status, body.balance.principal], ['closed', 0])
  }
  await arrive()
  const back = await shop.show(order.id)
  assert.deepEqual([back.status, back.refunded_amount], ['refunded', 6_000])
  assert.deepEqual(
    back.refunds.map(({ status }: { status: string }) => status),
    ['succeeded'],
  )
  assert.deepEqual(await shop.accounts('wechat', 'card_principal', 'redemption_payable'), before)
  assert.equal((await shop.refund(order.id)).body.code, 'order.wrong_status')
})

test('the holder may give the seal up, and has only the days of the law from then on', async () => {
  const order = await shop.bought()
  const unsealed = await shop.act(order.id, 'unseal')
  assert.deepEqual([unsealed.body.status, unsealed.body.sealed_until], ['completed', null])
  assert.equal((await shop.act(order.id, 'unseal')).body.code, 'order.not_sealed')
  assert.equal((await reveal(order.cards[0])).status, 200)
  assert.equal(
    (await shop.refund(order.id, { basis: 'cooling_off' })).body.code,
    'order.not_sealed',
  )
  const byLaw = await shop.refund(order.id)
  assert.deepEqual([byLaw.body.refund?.basis, byLaw.body.refund?.amount], ['statutory', 10_000])
  await arrive()
})

test('by law: first the card is void, then what was paid less what was consumed goes back', async () => {
  const order = await shop.bought()
  const [card] = order.cards
  await shop.act(order.id, 'unseal')
  assert.equal((await pay(card, 2_500)).status, 201)
  const back = await shop.refund(order.id)
  assert.deepEqual(
    [back.status, back.body.refund?.amount, back.body.refund?.basis],
    [200, 7_500, 'statutory'],
    JSON.stringify(back.body),
  )
  assert.equal((await pay(card, 100)).body.code, 'card.closed')
  await arrive()
  const done = await shop.show(order.id)
  assert.deepEqual([done.status, done.refunded_amount], ['refunded', 7_500])
})

test('after the days of the law it is too late; a hold stands in the way', async () => {
  const order = await shop.bought()
  await shop.act(order.id, 'unseal')
  const [card] = order.cards
  const hold = await pay(card, 1_000, 'holds', { expires_in: 600 })
  assert.equal(hold.status, 201, JSON.stringify(hold.body))
  assert.equal((await shop.refund(order.id)).body.code, 'card.has_holds')
  await shop.advance(20 * 86_400)
  assert.equal((await shop.refund(order.id)).body.code, 'policy.cooling_off_over')
})

test('a product may sell unsealed cards', async () => {
  const product = await shop.makeProduct(shop.key, { cooling_off_hours: 0 })
  const order = await shop.bought({ product_id: product })
  assert.deepEqual([order.status, order.sealed_until], ['completed', null])
  assert.equal((await reveal(order.cards[0])).status, 200)
})

test('an abnormal refund waits for a person, and arrives when he has seen to it', async () => {
  const order = await shop.bought()
  await shop.twin.control.fault({ path: '/v3/refund/domestic/refunds' }, 'refund_abnormal')
  await shop.refund(order.id)
  await arrive()
  const waiting = await shop.show(order.id)
  assert.deepEqual([waiting.status, waiting.refunds[0].status], ['refunding', 'abnormal'])
  assert.match(waiting.refunds[0].problem, /abnormal/)
  await shop.twin.control.clearFaults()
})

test('a refund whose answer is lost is asked for under the same number, and refunds once', async () => {
  const order = await shop.bought()
  const before = await shop.accounts('wechat')
  await shop.twin.control.fault(
    { path: '/v3/refund/domestic/refunds', method: 'POST', times: 2 },
    'answer_500_after',
  )
  const asked = await shop.refund(order.id)
  assert.equal(asked.status, 200, JSON.stringify(asked.body))
  await arrive()
  await shop.twin.control.clearFaults()
  await arrive()
  const done = await shop.show(order.id)
  assert.deepEqual([done.status, done.refunds.length], ['refunded', 1])
  const [wechat = 0] = before
  assert.deepEqual(await shop.accounts('wechat'), [wechat - 10_000])
})

test('a reason of which WeChat takes no character is left out, and the money arrives', async () => {
  for (const reason of ['😭😭', ' ', `${'😭'.repeat(50)}too late`]) {
    const order = await shop.bought()
    const asked = await shop.refund(order.id, { reason })
    assert.equal(asked.status, 200, JSON.stringify(asked.body))
    await arrive()
    const done = await shop.show(order.id)
    assert.deepEqual([done.status, done.refunds[0].problem], ['refunded', null], reason)
  }
  const sent = await shop.twin.control.requests('/v3/refund/domestic/refunds', 200)
  const reasons = sent.flatMap(({ method, body }) =>
    method === 'POST' ? [JSON.parse(body).reason] : [],
  )
  assert.ok(reasons.includes('too late') && reasons.includes(undefined), JSON.stringify(reasons))
})

const nextIsClosed = () =>
  shop.twin.control.fault({ path: '/v3/refund/domestic/refunds', times: 1 }, 'refund_closed')

test('a refund that WeChat closes is asked for again under another number', async () => {
  const order = await shop.bought()
  await nextIsClosed()
  await shop.refund(order.id)
  const closed = {
    outRefundNo: (await shop.show(order.id)).refunds[0].out_refund_no,
    outTradeNo: order.payment.out_trade_no,
    refundId: '50001',
    state: 'closed' as const,
    amount: 10_000n,
  }
  const account = parseId('wechat_account', shop.account.id)
  assert.ok(account)
  // Another merchant number of the same issuer says nothing of it.
  const other = asId<'wechat_account'>('01900000-0000-7000-8000-00000000aaaa')
  assert.equal(await learnRefund(shop.flows, shop.book, other, closed), 'foreign')
  assert.equal((await shop.show(order.id)).refunds[0].status, 'processing')
  assert.equal(await learnRefund(shop.flows, shop.book, account, closed), 'in_book')
  assert.equal(await learnRefund(shop.flows, shop.book, account, closed), 'in_book')
  const waiting = await shop.show(order.id)
  assert.deepEqual([waiting.status, waiting.refunds[0].status], ['refunding', 'closed'])
  const again = await shop.refund(order.id)
  assert.equal(again.status, 200, JSON.stringify(again.body))
  const { refunds } = await shop.show(order.id)
  assert.equal(refunds.length, 2)
  assert.notEqual(refunds[0].out_refund_no, refunds[1].out_refund_no)
  // Else it might be the next one that WeChat closes, in the test behind this.
  await arrive()
  assert.equal((await shop.show(order.id)).status, 'refunded')
})

/** A delivered order that was paid twice, whose second payment WeChat did not give back. */
async function paidTwice(more: object = {}) {
  const { id } = await shop.ordered(more)
  const page = await shop.invited(id)
  const wrongly = closedCommand(shop.flows, shop.book, { orderId: shop.idOf(id), n: 1 })
  assert.ok(wrongly.ok)
  await shop.flows.engine.execute(wrongly.value)
  await shop.payInWechat(await shop.invited(id, { scene: 'native' }))
  await nextIsClosed()
  await shop.payInWechat(page)
  const twice = await shop.show(id)
  assert.deepEqual(
    [twice.cards.length, twice.refunds.map(({ basis }: { basis: string }) => basis)],
    [1, ['surplus']],
  )
  await arrive()
  assert.deepEqual(await shownRefunds(id), [['surplus', 'closed']])
  return id
}

const shownRefunds = async (id: string) =>
  (await shop.show(id)).refunds.map(({ basis, status }: Record<string, string>) => [basis, status])

test('whoever gives an order back gets it back, though WeChat closed the refund of a second payment', async () => {
  const sealed = await paidTwice()
  const given = await paidTwice()
  await shop.act(given, 'unseal')
  for (const [id, basis] of [
    [sealed, 'cooling_off'],
    [given, 'statutory'],
  ] as const) {
    const own = await shop.refund(id)
    assert.deepEqual(
      [own.body.status, own.body.refund?.basis],
      ['refunding', basis],
      JSON.stringify(own.body),
    )
    assert.equal((await shop.refund(id)).body.code, 'order.refund_under_way')
    const surplus = await shop.refund(id, { basis: 'surplus' })
    assert.equal(surplus.body.refund?.basis, 'surplus', JSON.stringify(surplus.body))
    await arrive()
    assert.equal((await shop.show(id)).status, 'refunded')
    assert.deepEqual(await shownRefunds(id), [
      ['surplus', 'closed'],
      [basis, 'succeeded'],
      ['surplus', 'succeeded'],
    ])
  }
})

test('money that was paid twice is asked for again by its own name, and nothing else with it', async () => {
  const id = await paidTwice()
  const [suspense = 0] = await shop.accounts('order_suspense')
  const asked = await shop.again(shop.key, `/v1/orders/${id}/refunds`, 'surplus-once', {
    reason: 'paid twice',
    basis: 'surplus',
  })
  assert.deepEqual(
    [asked.body.status, asked.body.refund?.basis, asked.body.refund?.amount],
    ['delivered', 'surplus', 10_000],
    JSON.stringify(asked.body),
  )
  await arrive()
  assert.deepEqual(await shownRefunds(id), [
    ['surplus', 'closed'],
    ['surplus', 'succeeded'],
  ])
  assert.deepEqual(await shop.accounts('order_suspense'), [suspense + 10_000])
  const shown = await shop.show(id)
  assert.deepEqual([shown.status, shown.refunded_amount], ['delivered', 0])
  const none = await shop.refund(id, { basis: 'surplus' })
  assert.deepEqual([none.status, none.body.code], [404, 'order.refund_not_found'])
})

test('an order that was paid once has no second payment to ask for', async () => {
  const order = await shop.bought()
  const none = await shop.refund(order.id, { basis: 'surplus' })
  assert.deepEqual([none.status, none.body.code], [404, 'order.refund_not_found'])
  await shop.refund(order.id)
  assert.equal(
    (await shop.refund(order.id, { basis: 'surplus' })).body.code,
    'order.refund_not_found',
  )
  await arrive()
  assert.deepEqual(await shownRefunds(order.id), [['cooling_off', 'succeeded']])
})

/** WeChat needs a while for a refund, and is asked about it. */
async function arrive() {
  for (let turn = 0; turn < 4; turn += 1) {
    await shop.advance(60)
    await shop.tend()
  }
}

test('the auditor finds an order that says something else than the book', async () => {
  const order = await shop.bought()
  const { sql } = shop.database.owner
  const id = shop.idOf(order.id)
  await sql`update order_trade set amount = amount + 1 where order_id = ${id}`
  const { body } = await shop.call('POST', '/v1/ledger/verify', { key: shop.key, body: {} })
  assert.equal(body.ok, false)
  assert.equal(body.first_wrong.table, 'sale_order')
  await sql`update order_trade set amount = amount - 1 where order_id = ${id}`
})
