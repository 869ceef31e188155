/** A refund that the payer's account cannot take back is sent to a bank card of his, of an order and at a till. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import { assertBooks } from './harness/books.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

type Json = ReturnType<typeof JSON.parse>

const card = {
  bank_type: 'ICBC_DEBIT',
  bank_account: '6222020200012345678',
  real_name: '欧阳Tsunenori',
}
const refunds = '/v3/refund/domestic/refunds'

let shop: OrderShop
let merchant: string
before(async () => {
  shop = await startOrderShop()
  const body = { name: 'Tea', category: 'tea' }
  merchant = (await shop.post(shop.key, '/v1/merchants', body)).body.id
})
after(async () => {
  try {
    await shop.check()
    await assertBooks(shop.database.owner.sql)
  } finally {
    await shop.stop()
  }
})

/** As many seconds as a refund takes at WeChat, and what is done from time to time. */
async function pass(seconds = 40): Promise<void> {
  await shop.advance(seconds)
  await shop.twin.control.settle()
  await shop.tend()
  await lookAfterCombined({ ...shop.flows, legLog: shop.log }, 'test')
}

async function nextIsAbnormal(ask: () => Promise<{ status: number; body: Json }>): Promise<Json> {
  await shop.twin.control.fault({ path: refunds }, 'refund_abnormal')
  const asked = await ask()
  assert.ok(asked.status < 300, JSON.stringify(asked.body))
  await pass()
  await shop.twin.control.clearFaults()
  return asked.body
}

/** An order whose refund is abnormal, by id and number. */
async function abnormalOrder() {
  const { id } = await shop.bought()
  await nextIsAbnormal(() => shop.refund(id))
  const { refunds: shown } = await shop.show(id)
  assert.equal(shown[0].status, 'abnormal', JSON.stringify(shown))
  return { id, no: shown[0].out_refund_no }
}

let keys = 0
const freshKey = () => {
  keys += 1
  return `apply-${keys}`
}
const apply = (id: string, no: string, more: object = {}, key = freshKey()) =>
  shop.again(shop.key, `/v1/orders/${id}/apply_abnormal_refund`, key, {
    out_refund_no: no,
    ...card,
    ...more,
  })
const refundOf = async (id: string) => (await shop.show(id)).refunds[0]
const applications = async () =>
  (await shop.twin.control.requests(refunds, 1_000)).filter(({ path }) =>
    path.endsWith('/apply-abnormal-refund'),
  ).length
const applyFault = (effect: string, times = 1) =>
  shop.twin.control.fault(
    { path: `${refunds}/*/apply-abnormal-refund`, method: 'POST', times },
    effect,
  )

describe('of an order', () => {
  test('it goes to the card, is owed until it arrives, and arrives once', async () => {
    const { id, no } = await abnormalOrder()
    const owed = await shop.accounts('wechat', 'redemption_payable')
    const key = freshKey()
    const applied = await apply(id, no, {}, key)
    assert.equal(applied.status, 200, JSON.stringify(applied.body))
    assert.deepEqual(
      [applied.body.status, applied.body.refund.status, applied.body.refund.problem],
      ['refunding', 'processing', null],
    )
    assert.deepEqual(await shop.accounts('wechat', 'redemption_payable'), owed)
    const sent = await applications()
    const repeated = await apply(id, no, {}, key)
    assert.equal(repeated.headers.get('idempotent-replayed'), 'true')
    assert.deepEqual([repeated.status, await applications()], [200, sent])
    assert.equal((await apply(id, no)).body.code, 'refund.not_abnormal')
    await pass()
    const done = await shop.show(id)
    assert.deepEqual(
      [done.status, done.refunded_amount, done.refunds[0].status],
      ['refunded', 10_000, 'succeeded'],
    )
    const [wechat = 0, payable = 0] = owed
    const after = await shop.accounts('wechat', 'redemption_payable')
    assert.deepEqual(after, [wechat - 10_000, payable + 10_000])
    await pass(400)
    assert.deepEqual(await shop.accounts('wechat', 'redemption_payable'), after)
    assert.equal((await apply(id, no)).body.code, 'refund.not_abnormal')
  })

  test('the same key with another card is refused', async () => {
    const { id, no } = await abnormalOrder()
    const key = freshKey()
    assert.equal((await apply(id, no, {}, key)).status, 200)
    for (const other of [{ bank_account: '6222020200012345679' }, { real_name: '李四' }]) {
      const answered = await apply(id, no, other, key)
      assert.equal(answered.body.code, 'idempotency.key_reused', JSON.stringify(answered.body))
    }
    await pass()
  })

  test('what is not abnormal, not there, or no card is refused before WeChat hears of it', async () => {
    const { id, no } = await abnormalOrder()
    const bought = await shop.bought()
    const before = await applications()
    const codes = await Promise.all([
      apply(bought.id, no),
      apply(id, `${no.slice(0, -1)}z`),
      apply('ord_0190000000007000800000000000aaaa', no),
      apply(id, no, { bank_account: '12345' }),
      apply(id, no, { bank_type: 'icbc' }),
      apply(id, no, { real_name: '' }),
      apply(id, no, { real_name: 'x'.repeat(51) }),
      apply(id, no, { type: 'MERCHANT_BANK_CARD' }),
    ])
    assert.deepEqual(
      codes.map(({ body }) => body.code),
      [
        'order.refund_not_found',
        'order.refund_not_found',
        'order.not_found',
        ...Array.from({ length: 5 }, () => 'request.invalid'),
      ],
    )
    assert.ok(!JSON.stringify(codes.map(({ body }) => body)).includes('12345'))
    assert.equal(await applications(), before)
    await shop.refund(bought.id)
    const { out_refund_no } = await refundOf(bought.id)
    const early = await apply(bought.id, out_refund_no)
    assert.deepEqual([early.body.code, early.body.status], ['refund.not_abnormal', 409])
    await pass()
  })

  test('the answer is lost: WeChat is asked, and the card is not sent again', async () => {
    const { id, no } = await abnormalOrder()
    const before = await applications()
    await applyFault('answer_500_after')
    const applied = await apply(id, no)
    assert.deepEqual(
      [applied.status, applied.body.refund?.status],
      [200, 'processing'],
      JSON.stringify(applied.body),
    )
    assert.equal(await applications(), before + 1)
    await pass()
    assert.equal((await shop.show(id)).status, 'refunded')
  })

  test('WeChat did not get it: the same key sends it again, another has to wait a minute', async () => {
    const { id, no } = await abnormalOrder()
    await applyFault('answer_500_before')
    const key = freshKey()
    const silent = await apply(id, no, {}, key)
    assert.deepEqual([silent.status, silent.body.code], [503, 'busy'], JSON.stringify(silent.body))
    assert.match((await refundOf(id)).problem, /same key/)
    const other = await apply(id, no, { bank_account: '6222020200012345679' })
    assert.equal(other.body.code, 'refund.already_applied')
    const again = await apply(id, no, {}, key)
    assert.deepEqual([again.status, again.body.refund.status], [200, 'processing'])
    await pass()
    assert.equal((await shop.show(id)).status, 'refunded')
  })

  test('a minute later another card may be named, once WeChat has said that nothing is under way', async () => {
    const { id, no } = await abnormalOrder()
    await applyFault('answer_500_before')
    const key = freshKey()
    assert.equal((await apply(id, no, {}, key)).body.code, 'busy')
    await shop.advance(61)
    const path = `${refunds}/${no}`
    await shop.twin.control.fault({ path, method: 'GET', times: 4 }, 'answer_500_before')
    const other = { bank_account: '6222020200012345679' }
    assert.equal((await apply(id, no, other)).body.code, 'busy', 'nobody knows what is under way')
    await shop.twin.control.clearFaults()
    assert.equal((await apply(id, no, other)).status, 200)
    const sent = await applications()
    assert.equal((await apply(id, no, {}, key)).status, 200, 'the first has had its turn')
    assert.equal(await applications(), sent)
    await pass()
    assert.equal((await shop.show(id)).status, 'refunded')
  })

  test('WeChat refuses the card: the payer is owed on, and another card may be named at once', async () => {
    const { id, no } = await abnormalOrder()
    await shop.twin.control.fault(
      { path: `${refunds}/*/apply-abnormal-refund`, method: 'POST', times: 1 },
      { name: 'status', http: 400, code: 'PARAM_ERROR' },
    )
    const bad = await apply(id, no)
    assert.deepEqual(
      [bad.status, bad.body.code, bad.body.code_at_wechat],
      [409, 'wechat.refused', 'PARAM_ERROR'],
      JSON.stringify(bad.body),
    )
    const waiting = await shop.show(id)
    assert.deepEqual([waiting.status, waiting.refunds[0].status], ['refunding', 'abnormal'])
    assert.match(waiting.refunds[0].problem, /PARAM_ERROR/)
    const good = await apply(id, no, { bank_account: '6222020200012345679' })
    assert.equal(good.status, 200, JSON.stringify(good.body))
    await pass()
    assert.equal((await shop.show(id)).status, 'refunded')
  })

  test('a key whose card WeChat refused reads that again, before and after another card is taken', async () => {
    const { id, no } = await abnormalOrder()
    await shop.twin.control.fault(
      { path: `${refunds}/*/apply-abnormal-refund`, method: 'POST', times: 1 },
      { name: 'status', http: 400, code: 'PARAM_ERROR' },
    )
    const key = freshKey()
    assert.equal((await apply(id, no, {}, key)).status, 409)
    const sent = await applications()
    const again = async (why: string) => {
      const { status, body } = await apply(id, no, {}, key)
      const said = [status, body.code, body.code_at_wechat]
      assert.deepEqual(said, [409, 'wechat.refused', 'PARAM_ERROR'], JSON.stringify([why, body]))
    }
    await again('it is abnormal still')
    assert.equal(await applications(), sent)
    assert.equal((await apply(id, no, { bank_account: '6222020200012345679' })).status, 200)
    await again('another card was taken')
    await pass()
    await again('the money has arrived')
    assert.equal(await applications(), sent + 1)
    assert.equal((await shop.show(id)).status, 'refunded')
  })

  test('two people name a card at the same time, and one is taken', async () => {
    const { id, no } = await abnormalOrder()
    const before = await shop.accounts('wechat')
    const both = await Promise.all([
      apply(id, no),
      apply(id, no, { bank_account: '6222020200012345679' }),
    ])
    const taken = both.filter(({ status }) => status === 200)
    assert.equal(taken.length, 1, JSON.stringify(both.map(({ body }) => body)))
    await pass()
    assert.equal((await shop.show(id)).status, 'refunded')
    assert.deepEqual(await shop.accounts('wechat'), [(before[0] ?? 0) - 10_000])
  })

  test('a notice from before, that it is abnormal, does not undo what is under way since', async () => {
    const { id } = await shop.bought()
    const late = { name: 'delay_notification', seconds: 15 }
    await shop.twin.control.fault({ path: 'REFUND.ABNORMAL', times: 1 }, late)
    await nextIsAbnormal(() => shop.refund(id))
    const { out_refund_no: no, status } = await refundOf(id)
    assert.equal(status, 'abnormal', 'found by asking')
    assert.equal((await apply(id, no)).body.refund.status, 'processing')
    await shop.advance(20)
    await shop.twin.control.settle()
    const told = await shop.twin.control.notifications(shop.merchant.mchid)
    assert.deepEqual(
      told.filter(({ ref }) => ref === no).map(({ state }) => state),
      ['delivered'],
      'it was told late, and taken',
    )
    assert.equal((await refundOf(id)).status, 'processing')
    await pass()
    assert.equal((await shop.show(id)).status, 'refunded')
  })

  test('who asked stands in the journal; nothing of the card stands anywhere', async () => {
    const { id, no } = await abnormalOrder()
    assert.equal((await apply(id, no)).status, 200)
    await pass()
    const rows = await shop.database.owner.sql<{ key: string }[]>`
      select body->>'askedByKeyId' as key
      from journal
      where kind = 'order_refund.applied'
        and body->>'outRefundNo' = ${no}`
    assert.equal(rows.length, 1)
    assert.match(rows[0]?.key ?? '', /^[0-9a-f-]{36}$/)
    const everything = await shop.database.owner.sql<{ name: string }[]>`
      select tablename as name from pg_tables where schemaname = 'lika'`
    for (const { name } of everything) {
      const held = await shop.database.owner.sql.unsafe(
        `select 1 from lika.${name} row where row::text ~ '6222020200012345678|Tsunenori' limit 1`,
      )
      assert.equal(held.length, 0, name)
    }
    const logged = shop.logged.join('')
    for (const secret of [card.bank_account, 'Tsunenori']) assert.ok(!logged.includes(secret))
  })
})

describe('of a payment of a card and WeChat', () => {
  let tills = 0
  /** A refund of which the part by WeChat is abnormal. */
  async function abnormalRefund() {
    const { id: source } = await shop.makeCard(shop.key, shop.product, 1_250)
    tills += 1
    const made = await shop.post(shop.key, '/v1/combined_payments', {
      amount: 3_000,
      merchant_id: merchant,
      reference: `till-${tills}`,
      sources: [{ card_id: source }],
      rest: { method: 'wechat', scene: 'native' },
    })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    await shop.payInWechat(made.body.invitation)
    const path = `/v1/combined_payments/${made.body.id}/refunds`
    const asked = await nextIsAbnormal(async () => {
      const back = await shop.post(shop.key, path, { reference: `back-${tills}` })
      await pass(1)
      return back
    })
    await pass(60)
    assert.equal((await showRefund(asked.id)).status, 'abnormal')
    return asked.id as string
  }
  const showRefund = async (id: string) =>
    (await shop.get(shop.key, `/v1/combined_refunds/${id}`)).body
  const give = (id: string, more: object = {}, key = freshKey()) =>
    shop.again(shop.key, `/v1/combined_refunds/${id}/apply_abnormal_refund`, key, {
      ...card,
      ...more,
    })

  test('it goes to the card, is owed until it arrives, and arrives once', async () => {
    const id = await abnormalRefund()
    const before = await shop.accounts('wechat', 'order_suspense')
    const key = freshKey()
    const given = await give(id, {}, key)
    assert.deepEqual([given.status, given.body.status], [200, 'processing'], JSON.stringify(given))
    assert.deepEqual(await shop.accounts('wechat', 'order_suspense'), before)
    const sent = await applications()
    assert.equal((await give(id, {}, key)).status, 200)
    assert.equal((await give(id)).body.code, 'refund.not_abnormal')
    assert.equal(await applications(), sent)
    await pass()
    assert.equal((await showRefund(id)).status, 'succeeded')
    const [wechat = 0, owed = 0] = before
    const after = await shop.accounts('wechat', 'order_suspense')
    assert.deepEqual(after, [wechat - 1_750, owed + 1_750])
    await pass(2_000)
    assert.deepEqual(await shop.accounts('wechat', 'order_suspense'), after)
    assert.equal((await give(id)).body.code, 'refund.not_abnormal')
  })

  test('an answer that is lost is asked for; what WeChat did not get is sent again under its key', async () => {
    const lost = await abnormalRefund()
    await applyFault('answer_500_after')
    assert.equal((await give(lost)).body.status, 'processing')
    const unsent = await abnormalRefund()
    await applyFault('answer_500_before')
    const key = freshKey()
    assert.equal((await give(unsent, {}, key)).body.code, 'busy')
    assert.equal((await give(unsent)).body.code, 'refund.already_applied')
    assert.equal((await give(unsent, {}, key)).body.status, 'processing')
    await pass()
    for (const id of [lost, unsent]) assert.equal((await showRefund(id)).status, 'succeeded')
  })

  test('nobody hears that it arrived: it is found by asking', async () => {
    const id = await abnormalRefund()
    assert.equal((await give(id)).status, 200)
    await shop.twin.control.fault({ path: '*', times: 20 }, 'drop_notification')
    await pass()
    await shop.twin.control.clearFaults()
    assert.equal((await showRefund(id)).status, 'succeeded')
  })

  test('a card that WeChat refuses changes nothing; a refund that is not there is not found', async () => {
    const id = await abnormalRefund()
    await shop.twin.control.fault(
      { path: `${refunds}/*/apply-abnormal-refund`, method: 'POST', times: 1 },
      { name: 'status', http: 400, code: 'PARAM_ERROR' },
    )
    const key = freshKey()
    const bad = await give(id, {}, key)
    assert.deepEqual([bad.body.code, (await showRefund(id)).status], ['wechat.refused', 'abnormal'])
    assert.equal((await give(id, {}, key)).body.code, 'wechat.refused')
    assert.equal((await give(id)).status, 200)
    assert.equal((await give(id, {}, key)).body.code, 'wechat.refused')
    const nowhere = await give('crfd_0190000000007000800000000000aaaa')
    assert.equal(nowhere.body.code, 'combined_refund.not_found')
    await pass()
    assert.equal((await showRefund(id)).status, 'succeeded')
  })
})
