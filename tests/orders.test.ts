/** Cards are sold through WeChat: made, paid once whichever way it is learnt, delivered, closed. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseId } from '@lika/contract'
import { finishClosing } from '../server/src/flows/purchase/close.ts'
import { learnTrade } from '../server/src/flows/purchase/learn.ts'
import { closedCommand } from '../server/src/flows/purchase/trades.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

let shop: OrderShop
before(async () => {
  shop = await startOrderShop()
})
after(async () => {
  await shop.check()
  await shop.stop()
})

test('an order is made, paid in WeChat and delivered sealed by the callback', async () => {
  const made = await shop.ordered({ reference: 'o-1', metadata: { why: 'spring' } })
  assert.deepEqual(
    [made.status, made.amount, made.total, made.cards, made.payment.out_trade_no, made.reference],
    ['created', 10_000, 10_000, [], null, 'o-1'],
  )
  const before = await shop.accounts('wechat', 'card_principal')
  const invitation = await shop.invited(made.id)
  assert.equal((await shop.show(made.id)).status, 'paying')
  await shop.payInWechat(invitation)
  const paid = await shop.show(made.id)
  assert.equal(paid.status, 'delivered')
  assert.equal(paid.cards.length, 1)
  assert.deepEqual(paid.metadata, { why: 'spring' })
  assert.equal(paid.payment.out_trade_no, invitation.out_trade_no)
  const [wechat = 0, principal = 0] = before
  assert.deepEqual(await shop.accounts('wechat', 'card_principal'), [
    wechat + 10_000,
    principal - 10_000,
  ])
  const { body: card } = await shop.get(shop.key, `/v1/cards/${paid.cards[0]}`)
  assert.deepEqual([card.status, card.balance.principal], ['active', 10_000])
  assert.equal(card.sealed_until, paid.sealed_until)
})

test('an answer that is given again is the one that was given first', async () => {
  const body = {
    kind: 'purchase',
    product_id: shop.product,
    amount: 5_000,
    channel: 'h5',
    member_id: shop.buyer.member,
  }
  const first = await shop.again(shop.key, '/v1/orders', 'same-order', body)
  const { id } = first.body
  const asked = await shop.again(shop.key, `/v1/orders/${id}/pay`, 'same-pay', { scene: 'jsapi' })
  assert.equal(asked.status, 200, JSON.stringify(asked.body))
  const again = await shop.again(shop.key, `/v1/orders/${id}/pay`, 'same-pay', { scene: 'jsapi' })
  assert.deepEqual(again.body, asked.body)
  await shop.payInWechat(asked.body)
  assert.deepEqual((await shop.again(shop.key, '/v1/orders', 'same-order', body)).body, first.body)
  const late = await shop.again(shop.key, `/v1/orders/${id}/pay`, 'same-pay', { scene: 'native' })
  assert.equal(late.body.code, 'idempotency.key_reused')
})

test('and it has the same bytes, whatever order the members of metadata came in', async () => {
  const body = {
    kind: 'purchase',
    product_id: shop.product,
    amount: 1_000,
    channel: 'h5',
    metadata: { why: 'spring', at: 'noon', a: '1' },
  }
  const ask = () => shop.again(shop.key, '/v1/orders', 'metadata-in-order', body)
  const [first, second] = [await ask(), await ask()]
  assert.deepEqual([first.status, second.headers.get('idempotent-replayed')], [201, 'true'])
  assert.equal(JSON.stringify(second.body), JSON.stringify(first.body))
})

test('what is asked for by several at once is answered to each of his own book alone', async () => {
  const { id } = await shop.ordered()
  const other = await shop.makeIssuer()
  const both = await Promise.all([
    shop.get(shop.key, `/v1/orders/${id}`),
    shop.get(other.test, `/v1/orders/${id}`),
    shop.get(shop.key, `/v1/products/${shop.product}`),
    shop.get(other.test, `/v1/products/${shop.product}`),
    shop.get(shop.key, `/v1/members/${shop.buyer.member}`),
    shop.get(other.test, `/v1/members/${shop.buyer.member}`),
  ])
  assert.deepEqual(
    both.map(({ status }) => status),
    [200, 404, 200, 404, 200, 404],
  )
})

test('two open pages of one way charge once: they are one number at WeChat', async () => {
  const { id } = await shop.ordered()
  const [one, two] = await Promise.all([shop.invited(id), shop.invited(id)])
  assert.equal(one.out_trade_no, two.out_trade_no)
  await shop.payInWechat(one)
  const second = await shop.payInWechat(two).catch((error: unknown) => String(error))
  assert.match(String(second), /4\d\d/)
  const shown = await shop.show(id)
  assert.deepEqual([shown.status, shown.payments.length], ['delivered', 1])
})

test('whoever changes over half-way takes the order along; the old way is closed and cannot be paid', async () => {
  const { id } = await shop.ordered()
  const page = await shop.invited(id)
  const code = await shop.invited(id, { scene: 'native' })
  assert.notEqual(page.out_trade_no, code.out_trade_no)
  await assert.rejects(shop.payInWechat(page))
  await shop.payInWechat(code)
  const shown = await shop.show(id)
  assert.equal(shown.status, 'delivered')
  assert.deepEqual(
    shown.payments.map(({ scene, status }: { scene: string; status: string }) => [scene, status]),
    [
      ['jsapi', 'closed'],
      ['native', 'paid'],
    ],
  )
})

test('paid on the old page while changing over: the order is paid, and the new way is not asked for', async () => {
  const { id } = await shop.ordered()
  const page = await shop.invited(id)
  await shop.twin.control.fault({ path: notifications() }, 'drop_notification')
  await shop.twin.control.do(shop.buyer.id, 'pay', {
    prepay_id: page.parameters.package.replace('prepay_id=', ''),
  })
  const changed = await shop.invite(id, { scene: 'native' })
  assert.equal(changed.status, 409, JSON.stringify(changed.body))
  assert.equal(changed.body.code, 'order.wrong_status')
  await shop.twin.control.clearFaults()
  await shop.twin.control.settle()
  await shop.tend()
  assert.equal((await shop.show(id)).status, 'delivered')
})

test('what is known three ways has one effect', async () => {
  const { id } = await shop.ordered()
  const invitation = await shop.invited(id)
  const [before = 0] = await shop.accounts('wechat')
  await shop.payInWechat(invitation)
  const [order] = (await shop.twin.control.orders(shop.merchant.mchid)).filter(
    (one) => one.out_trade_no === invitation.out_trade_no,
  )
  const trade = {
    outTradeNo: invitation.out_trade_no,
    state: 'paid' as const,
    mchid: shop.merchant.mchid,
    appid: 'wxofficial000000001',
    transactionId: order.transaction_id,
    openid: shop.buyer.openid,
    amount: 10_000n,
  }
  const account = accountId()
  const learnt = await Promise.all(
    Array.from({ length: 8 }, () => learnTrade(shop.flows, shop.book, account, trade)),
  )
  assert.deepEqual([...new Set(learnt)], ['in_book'])
  assert.deepEqual(await shop.accounts('wechat'), [before + 10_000])
  assert.equal((await shop.show(id)).cards.length, 1)
})

test('a genuine fact for 0.01, of another app, payer or merchant does not pay 100.00', async () => {
  const { id } = await shop.ordered()
  const invitation = await shop.invited(id)
  const trade = {
    outTradeNo: invitation.out_trade_no,
    state: 'paid' as const,
    mchid: shop.merchant.mchid,
    appid: 'wxofficial000000001',
    transactionId: 'T-1',
    openid: shop.buyer.openid,
    amount: 10_000n,
  }
  for (const wrong of [
    { amount: 1n },
    { mchid: '1900009999' },
    { appid: 'wxminiprogram000001' },
    { openid: 'oSomebodyElse' },
  ]) {
    const learnt = await learnTrade(shop.flows, shop.book, accountId(), { ...trade, ...wrong })
    assert.equal(
      learnt,
      'differs',
      JSON.stringify(wrong, (_, value) => String(value)),
    )
  }
  assert.equal((await shop.show(id)).status, 'paying')
  assert.equal(await learnTrade(shop.flows, shop.book, accountId(), trade), 'in_book')
  assert.equal((await shop.show(id)).status, 'delivered')
})

test('a callback that is lost is found by asking', async () => {
  const { id } = await shop.ordered()
  const invitation = await shop.invited(id)
  await shop.twin.control.fault({ path: notifications() }, 'drop_notification')
  await shop.payInWechat(invitation)
  await shop.twin.control.clearFaults()
  assert.equal((await shop.show(id)).status, 'paying')
  await shop.advance(30)
  await shop.tend()
  assert.equal((await shop.show(id)).status, 'delivered')
})

test('a callback that nobody signed, or that is none, is refused', async () => {
  const answered = await fetch(`${shop.url}${notifications()}`, {
    method: 'POST',
    body: '{"id":"x"}',
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(answered.status, 401)
  assert.equal(JSON.parse(await answered.text()).code, 'FAIL')
})

test('several cards of one order, each with its money; too many are a batch', async () => {
  const paid = await shop.bought({ quantity: 3, amount: 2_000 })
  assert.deepEqual([paid.total, paid.cards.length], [6_000, 3])
  for (const card of paid.cards) {
    const { body } = await shop.get(shop.key, `/v1/cards/${card}`)
    assert.equal(body.balance.principal, 2_000)
  }
  const many = await shop.order({ quantity: 51 })
  assert.deepEqual(
    [many.body.code, many.body.allowed],
    ['order.too_many_cards', { min: 1, max: 50 }],
  )
})

test('an order is closed at WeChat first, and cannot be paid after', async () => {
  const { id } = await shop.ordered()
  const invitation = await shop.invited(id)
  const closed = await shop.act(id, 'close')
  assert.deepEqual([closed.status, closed.body.status], [200, 'closed'])
  await assert.rejects(shop.payInWechat(invitation))
  assert.equal((await shop.invite(id)).body.code, 'order.wrong_status')
  const never = await shop.ordered()
  assert.equal((await shop.act(never.id, 'close')).body.status, 'closed')
})

test('of a close and a payment at once one wins, and the order says which', async () => {
  for (let turn = 0; turn < 6; turn += 1) {
    const { id } = await shop.ordered()
    const invitation = await shop.invited(id)
    const [paid, closed] = await Promise.all([
      shop.payInWechat(invitation).then(
        () => true,
        () => false,
      ),
      shop.act(id, 'close'),
    ])
    await shop.twin.control.settle()
    await shop.advance(20)
    await shop.tend()
    const { status } = await shop.show(id)
    assert.equal(status, paid ? 'delivered' : 'closed', JSON.stringify(closed.body))
  }
})

test('what nobody pays is closed when its time is over', async () => {
  const { id } = await shop.ordered({ pay_within_minutes: 5 })
  const asked = await shop.ordered({ pay_within_minutes: 5 })
  const invitation = await shop.invited(asked.id)
  await shop.advance(301)
  assert.equal((await shop.invite(id)).body.code, 'order.expired')
  await shop.tend()
  assert.equal((await shop.show(id)).status, 'closed')
  assert.equal((await shop.show(asked.id)).status, 'closed')
  await assert.rejects(shop.payInWechat(invitation))
})

test('a payment for an order that was closed goes back by itself', async () => {
  const { id } = await shop.ordered()
  const invitation = await shop.invited(id)
  await shop.twin.control.fault({ path: notifications() }, 'drop_notification')
  await shop.payInWechat(invitation)
  await shop.twin.control.clearFaults()
  // As if WeChat had said that it is closed, and had been wrong.
  const closed = closedCommand(shop.flows, shop.book, { orderId: shop.idOf(id), n: 1 })
  assert.ok(closed.ok)
  await shop.flows.engine.execute(closed.value)
  assert.ok((await finishClosing(shop.flows, shop.book, shop.idOf(id))).ok)
  const [wechat = 0, owed = 0] = await shop.accounts('wechat', 'order_suspense')
  const no = invitation.out_trade_no
  const told = await shop.flows.wechatPay.query(accountId(), no)
  assert.ok(told.status === 'done')
  assert.equal(await learnTrade(shop.flows, shop.book, accountId(), told.value), 'in_book')
  const late = await shop.show(id)
  assert.deepEqual([late.status, late.undeliverable], ['refunding', 'order.wrong_status'])
  assert.deepEqual(await shop.accounts('wechat', 'order_suspense'), [
    wechat + 10_000,
    owed - 10_000,
  ])
  await shop.advance(30)
  await shop.tend()
  await shop.advance(30)
  await shop.tend()
  const back = await shop.show(id)
  assert.deepEqual([back.status, back.refunded_amount, back.cards], ['refunded', 10_000, []])
  assert.deepEqual(await shop.accounts('wechat', 'order_suspense'), [wechat, owed])
})

test('what cannot be delivered any more goes back, exactly once', async () => {
  const { id } = await shop.ordered()
  const invitation = await shop.invited(id)
  const issuer = `/v1/issuers/${shop.issuer.id}`
  const stop = (stopped: boolean) =>
    shop.call('POST', `${issuer}/sale`, {
      key: shop.operator,
      body: { stopped, reason: 'an inspection' },
    })
  const stopped = await stop(true)
  assert.ok(stopped.status < 300, JSON.stringify(stopped.body))
  assert.equal((await shop.order()).body.code, 'policy.sale_stopped')
  await shop.payInWechat(invitation)
  const paid = await shop.show(id)
  assert.deepEqual([paid.status, paid.undeliverable], ['refunding', 'policy.sale_stopped'])
  await stop(false)
  await shop.advance(30)
  await shop.tend()
  await shop.advance(30)
  await shop.tend()
  const back = await shop.show(id)
  assert.deepEqual(
    [back.status, back.refunded_amount, back.refunds.length],
    ['refunded', 10_000, 1],
  )
})

test('while WeChat does not close the old way there is no new one; the same key goes on', async () => {
  const { id } = await shop.ordered()
  await shop.invited(id)
  await shop.twin.control.fault(
    { path: '/v3/pay/transactions/out-trade-no/*/close', times: 50 },
    'answer_500_before',
  )
  const path = `/v1/orders/${id}/pay`
  const busy = await shop.again(shop.key, path, 'changing', { scene: 'native' })
  assert.deepEqual([busy.status, busy.body.code], [503, 'busy'])
  assert.ok(busy.headers.get('retry-after'))
  await shop.twin.control.clearFaults()
  const code = await shop.again(shop.key, path, 'changing', { scene: 'native' })
  assert.equal(code.status, 200, JSON.stringify(code.body))
  await shop.payInWechat(code.body)
  assert.equal((await shop.show(id)).status, 'delivered')
})

test('what WeChat refuses is said with its code, and another way may be tried', async () => {
  const { id } = await shop.ordered()
  const refusing = { name: 'status', http: 403, code: 'NO_AUTH' }
  await shop.twin.control.fault({ path: '/v3/pay/transactions/jsapi' }, refusing)
  const refused = await shop.invite(id)
  assert.deepEqual(
    [refused.status, refused.body.code, refused.body.code_at_wechat],
    [409, 'wechat.refused', 'NO_AUTH'],
    JSON.stringify(refused.body),
  )
  await shop.twin.control.clearFaults()
  await shop.payInWechat(await shop.invited(id, { scene: 'native' }))
  assert.equal((await shop.show(id)).status, 'delivered')
})

const refusedForNow = { name: 'status', http: 429, code: 'FREQUENCY_LIMITED' }

/** WeChat refuses the invitation for now, and says nothing of the number when it is asked about it. */
async function refuseForNow(scene: string): Promise<void> {
  await shop.twin.control.fault({ path: `/v3/pay/transactions/${scene}`, times: 1 }, refusedForNow)
  const query = { path: '/v3/pay/transactions/out-trade-no/*', times: 1 }
  await shop.twin.control.fault(query, refusedForNow)
}

for (const [scene, more] of [
  ['jsapi', {}],
  ['native', {}],
  ['h5', { client_ip: '203.0.113.7' }],
] as const)
  test(`a number that WeChat refused for now is asked for again: ${scene}`, async () => {
    const { id } = await shop.ordered()
    const pay = (key: string) =>
      shop.again(shop.key, `/v1/orders/${id}/pay`, key, { scene, ...more })
    await refuseForNow(scene)
    const refused = await pay(`for-now-${scene}`)
    assert.deepEqual(
      [refused.body.code, refused.body.code_at_wechat],
      ['wechat.refused', 'FREQUENCY_LIMITED'],
    )
    const [waiting] = (await shop.show(id)).payments
    assert.equal(waiting.status, 'asked')
    const made = await pay(`for-now-${scene}`)
    assert.deepEqual(
      [made.status, made.body.out_trade_no],
      [200, waiting.out_trade_no],
      JSON.stringify(made.body),
    )
    await shop.payInWechat(made.body)
    assert.equal((await shop.show(id)).status, 'delivered')
    assert.deepEqual(await tradesOf(id), ['paid'])
  })

test('a code that WeChat refused for now is the same number under another key too', async () => {
  const { id } = await shop.ordered()
  await refuseForNow('native')
  assert.equal((await shop.invite(id, { scene: 'native' })).body.code, 'wechat.refused')
  await shop.payInWechat(await shop.invited(id, { scene: 'native' }))
  assert.deepEqual(await tradesOf(id), ['paid'])
})

test('a number of which WeChat knows nothing after it refused it is done with at once', async () => {
  const { id } = await shop.ordered()
  const refusing = { name: 'status', http: 403, code: 'NO_AUTH' }
  await shop.twin.control.fault({ path: '/v3/pay/transactions/native', times: 1 }, refusing)
  const ask = () =>
    shop.again(shop.key, `/v1/orders/${id}/pay`, 'nothing-known', { scene: 'native' })
  assert.equal((await ask()).body.code_at_wechat, 'NO_AUTH')
  assert.deepEqual(await tradesOf(id), ['closed'])
  assert.deepEqual((await ask()).body.code_at_wechat, 'NO_AUTH', 'and nobody went on meanwhile')
  await shop.payInWechat(await shop.invited(id, { scene: 'native' }))
  assert.deepEqual(await tradesOf(id), ['closed', 'paid'])
  assert.equal((await ask()).body.code, 'order.wrong_status')
})

test('what WeChat refuses of a number that was asked for a while ago is said with its code', async () => {
  const { id } = await shop.ordered()
  const ask = () => shop.again(shop.key, `/v1/orders/${id}/pay`, 'a-while-ago', { scene: 'native' })
  await shop.twin.control.fault(
    { path: '/v3/pay/transactions/native', times: 1 },
    'answer_500_before',
  )
  assert.equal((await ask()).body.code, 'busy')
  await shop.advance(61)
  const refusing = { name: 'status', http: 403, code: 'NO_AUTH' }
  await shop.twin.control.fault({ path: '/v3/pay/transactions/native', times: 1 }, refusing)
  for (let i = 0; i < 2; i += 1) {
    const { body } = await ask()
    assert.deepEqual([body.code, body.code_at_wechat], ['wechat.refused', 'NO_AUTH'])
  }
  await shop.payInWechat(await shop.invited(id, { scene: 'native' }))
  assert.equal((await shop.show(id)).status, 'delivered')
})

test('while the call of a server that died may still reach WeChat, another way is busy; then it is made', async () => {
  const { id } = await shop.ordered()
  // Written down, and then the server died: whether WeChat will have the number nobody knows.
  const inBrowser = { scene: 'h5', client_ip: '203.0.113.7' }
  const lost = { path: '/v3/pay/transactions/h5', times: 1 }
  await shop.twin.control.fault(lost, 'answer_500_before')
  assert.equal((await shop.invite(id, inBrowser)).body.code, 'busy')
  for (const way of [inBrowser, { scene: 'native' }]) {
    const busy = await shop.invite(id, way)
    assert.deepEqual([busy.status, busy.body.code], [503, 'busy'], JSON.stringify(busy.body))
  }
  await shop.advance(61)
  await shop.payInWechat(await shop.invited(id, { scene: 'native' }))
  assert.equal((await shop.show(id)).status, 'delivered')
})

test('a page that is open is closed at WeChat before another is made, however a reload ends', async () => {
  const { id } = await shop.ordered()
  const page = await shop.invited(id)
  const limited = { name: 'status', http: 429, code: 'FREQUENCY_LIMITED' }
  await shop.twin.control.fault({ path: '/v3/pay/transactions/jsapi' }, limited)
  await shop.twin.control.fault({ path: '/v3/pay/transactions/out-trade-no/*' }, limited)
  assert.equal((await shop.invite(id)).body.code, 'wechat.refused')
  assert.deepEqual(await tradesOf(id), ['closing'])
  await shop.twin.control.clearFaults()
  const next = await shop.invited(id)
  assert.notEqual(next.out_trade_no, page.out_trade_no)
  await assert.rejects(shop.payInWechat(page))
  await shop.payInWechat(next)
  assert.deepEqual(await tradesOf(id), ['closed', 'paid'])
})

test('a number that WeChat has with something else in it is closed, and the next one is used', async () => {
  const { id } = await shop.ordered()
  const page = await shop.invited(id)
  const used = { name: 'status', http: 403, code: 'OUT_TRADE_NO_USED' }
  await shop.twin.control.fault({ path: '/v3/pay/transactions/jsapi', times: 1 }, used)
  assert.equal((await shop.invite(id)).body.code_at_wechat, 'OUT_TRADE_NO_USED')
  const next = await shop.invited(id)
  assert.notEqual(next.out_trade_no, page.out_trade_no)
  await assert.rejects(shop.payInWechat(page))
  await shop.payInWechat(next)
  assert.equal((await shop.show(id)).status, 'delivered')
})

async function tradesOf(id: string): Promise<string[]> {
  const { payments } = await shop.show(id)
  return payments.map(({ status }: { status: string }) => status)
}

test('what was paid and refunded in the console of WeChat delivers nothing, and a person looks into it', async () => {
  const { id } = await shop.ordered({ pay_within_minutes: 5 })
  const invitation = await shop.invited(id)
  const [wechat = 0] = await shop.accounts('wechat')
  const trade = {
    outTradeNo: invitation.out_trade_no,
    state: 'refunded' as const,
    mchid: shop.merchant.mchid,
    appid: 'wxofficial000000001',
    transactionId: 'T-console',
    openid: shop.buyer.openid,
    amount: 10_000n,
  }
  for (const state of ['refunded', 'refunded'] as const)
    assert.equal(
      await learnTrade(shop.flows, shop.book, accountId(), { ...trade, state }),
      'in_book',
    )
  // The bill and a callback that comes late tell of the payment alone.
  assert.equal(
    await learnTrade(shop.flows, shop.book, accountId(), { ...trade, state: 'paid' }),
    'differs',
  )
  const shown = await shop.show(id)
  assert.deepEqual([shown.cards, shown.refunds], [[], []])
  assert.deepEqual(await tradesOf(id), ['closed'])
  assert.deepEqual(await shop.accounts('wechat'), [wechat])
  const opened = await shop.database.owner.sql`
    select kind, amount
    from reserve_case
    where subject = ${invitation.out_trade_no}`
  assert.deepEqual(
    opened.map(({ kind, amount }) => [kind, Number(amount)]),
    [['wechat_row_differs', 10_000]],
  )
  await shop.advance(301)
  await shop.tend()
  assert.equal((await shop.show(id)).status, 'closed')
})

test('of two payments of one order one delivers it and the other goes back', async () => {
  const { id } = await shop.ordered()
  const page = await shop.invited(id)
  // As if WeChat had said that the page is closed, and had been wrong.
  const closed = closedCommand(shop.flows, shop.book, { orderId: shop.idOf(id), n: 1 })
  assert.ok(closed.ok)
  await shop.flows.engine.execute(closed.value)
  const code = await shop.invited(id, { scene: 'native' })
  const [wechat = 0] = await shop.accounts('wechat')
  await shop.payInWechat(code)
  await shop.payInWechat(page)
  const paid = await shop.show(id)
  assert.deepEqual(
    [paid.status, paid.cards.length, paid.refunds.map(({ basis }: { basis: string }) => basis)],
    ['delivered', 1, ['surplus']],
  )
  for (let turn = 0; turn < 3; turn += 1) {
    await shop.advance(60)
    await shop.tend()
  }
  const after = await shop.show(id)
  assert.deepEqual([after.refunds[0].status, after.refunded_amount], ['succeeded', 0])
  assert.deepEqual(await shop.accounts('wechat'), [wechat + 10_000])
})

test('orders are found by reference, status and member', async () => {
  const { id } = await shop.ordered({ reference: 'to-find' })
  const found = await shop.get(shop.key, '/v1/orders?reference=to-find')
  assert.deepEqual(
    found.body.data.map((one: { id: string }) => one.id),
    [id],
  )
  const open = await shop.get(shop.key, '/v1/orders?status=created&limit=1')
  assert.equal(open.body.data[0].id, id)
  const own = await shop.get(shop.key, `/v1/orders?member_id=${shop.buyer.member}&limit=200`)
  assert.ok(own.body.data.some((one: { id: string }) => one.id === id))
  const taken = await shop.order({ reference: 'to-find' })
  assert.deepEqual([taken.body.code, taken.body.existing_id], ['reference.already_used', id])
})

function accountId() {
  const id = parseId('wechat_account', shop.account.id)
  assert.ok(id)
  return id
}

function notifications(): string {
  return `/wechat/pay/${shop.account.id}/notifications`
}

test('a member who topped a card of his other self up has that order under its key, also once they are two', async () => {
  const [self, other] = [await shop.makeBuyer(), await shop.makeBuyer()]
  const action = { appid: 'wxofficial000000001', scope: 'snsapi_base' }
  const { code } = await shop.twin.control.do(self.id, 'oauth_code', action)
  const logIn = { body: { app_id: shop.official.id, code } }
  const { token } = (await shop.call('POST', '/wallet/v1/sessions', logIn)).body
  const { id } = await shop.ordered({ member_id: other.member })
  await shop.payInWechat(await shop.invited(id), other.id)
  const [card] = (await shop.act(id, 'unseal')).body.cards
  const topUp = { kind: 'top_up', card_id: card, amount: 1_000 }
  const ask = (key: string) => shop.again(token, '/wallet/v1/orders', key, topUp)
  assert.equal((await ask('before')).body.code, 'card.not_found')
  const joined = await shop.post(shop.key, `/v1/members/${self.member}/merge`, {
    with: other.member,
  })
  assert.equal(joined.status, 200, JSON.stringify(joined.body))
  const made = await ask('together')
  assert.equal(made.status, 201, JSON.stringify(made.body))
  const parted = await shop.post(shop.key, `/v1/members/${joined.body.member_id}/unmerge`)
  assert.equal(parted.status, 200, JSON.stringify(parted.body))
  const repeated = await ask('together')
  assert.deepEqual(
    [repeated.status, repeated.body, repeated.headers.get('idempotent-replayed')],
    [201, made.body, 'true'],
    JSON.stringify(repeated.body),
  )
  assert.equal((await ask('apart')).body.code, 'card.not_found')
})

test('a member buys for himself, sees his own orders alone, and tops his own cards up', async () => {
  const buyer = await shop.makeBuyer()
  const { code } = await shop.twin.control.do(buyer.id, 'oauth_code', {
    appid: 'wxofficial000000001',
    scope: 'snsapi_base',
  })
  const session = await shop.call('POST', '/wallet/v1/sessions', {
    body: { app_id: shop.official.id, code },
  })
  const { token } = session.body
  const own = await shop.post(token, '/wallet/v1/orders', {
    kind: 'purchase',
    product_id: shop.product,
    amount: 10_000,
  })
  assert.deepEqual(
    [own.status, own.body.channel],
    [201, 'official_account'],
    JSON.stringify(own.body),
  )
  const path = `/wallet/v1/orders/${own.body.id}`
  const invitation = await shop.post(token, `${path}/pay`, { scene: 'jsapi' })
  assert.equal(invitation.status, 200, JSON.stringify(invitation.body))
  await shop.payInWechat(invitation.body, buyer.id)
  const shown = await shop.get(token, path)
  assert.equal(shown.body.status, 'delivered')
  const list = await shop.get(token, '/wallet/v1/orders')
  assert.deepEqual(
    list.body.data.map(({ id }: { id: string }) => id),
    [own.body.id],
  )
  const foreign = await shop.ordered()
  for (const [method, rest, body] of [
    ['GET', '', undefined],
    ['POST', '/pay', { scene: 'native' }],
    ['POST', '/close', undefined],
    ['POST', '/unseal', undefined],
    ['POST', '/refunds', { reason: 'not mine' }],
  ] as const) {
    const target = `/wallet/v1/orders/${foreign.id}${rest}`
    const answered =
      method === 'GET' ? await shop.get(token, target) : await shop.post(token, target, body)
    assert.equal(answered.body.code, 'order.not_found', target)
  }
  const unsealed = await shop.post(token, `${path}/unseal`)
  assert.equal(unsealed.body.status, 'completed')
  const [card] = unsealed.body.cards
  const topUp = { kind: 'top_up', card_id: card, amount: 1_000 }
  assert.equal((await shop.post(token, '/wallet/v1/orders', topUp)).status, 201)
  const stranger = await shop.makeCard(shop.key, shop.product, 1_000)
  const wrong = await shop.post(token, '/wallet/v1/orders', { ...topUp, card_id: stranger.id })
  assert.equal(wrong.body.code, 'card.not_found')
  const back = await shop.post(token, `${path}/refunds`, { reason: 'changed my mind' })
  assert.equal(back.body.refund?.basis, 'statutory', JSON.stringify(back.body))
})
