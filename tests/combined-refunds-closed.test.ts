/**
 * What goes back of a payment of a card and WeChat, and WeChat closes: it is shown, owed, and asked for again under
 * another number, once whoever asks; what WeChat says of the numbers before disturbs nothing.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { businessDateOf, type CombinedRefundId, dayMs, endOfDay, parseId } from '@lika/contract'
import { amountInBook } from '../server/src/flows/bills/known.ts'
import { reconcileDue } from '../server/src/flows/bills/run.ts'
import { applyForCombinedRefund } from '../server/src/flows/combined/abnormal-refund.ts'
import { lookAfterCombined } from '../server/src/flows/combined/runner.ts'
import { takeNotice } from '../server/src/flows/wechat-notices.ts'
import { outNumberOf } from '../server/src/modules/combined/index.ts'
import type { Refund, WechatPay } from '../server/src/modules/wechat/index.ts'
import { assertBooks } from './harness/books.ts'
import { payersCard } from './harness/good-calls-tills.ts'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

type Json = ReturnType<typeof JSON.parse>

const refunds = '/v3/refund/domestic/refunds'

let shop: OrderShop
let merchant: string
/** What the legs have logged since the last test that looked. */
const errors: string[] = []
const legLog = { error: (_: object, what: string) => void errors.push(what) }

before(async () => {
  shop = await startOrderShop()
  const body = { name: 'Tea', category: 'tea' }
  merchant = (await shop.post(shop.key, '/v1/merchants', body)).body.id
  // The auditor wants to have seen an order.
  await shop.bought()
})
after(async () => {
  try {
    await shop.check()
    await assertBooks(shop.database.owner.sql)
    assert.deepEqual(errors, [])
  } finally {
    await shop.stop()
  }
})

const look = (wechatPay: WechatPay = shop.flows.wechatPay) =>
  lookAfterCombined({ ...shop.flows, wechatPay, legLog }, 'test')

/** As many seconds as a refund takes at WeChat, and what is done from time to time. */
async function pass(seconds = 40): Promise<void> {
  await shop.advance(seconds)
  await shop.twin.control.settle()
  await look()
}

/** WeChat takes one refund of a payment a minute, so more than once. */
async function untilIs(id: string, status: string): Promise<Json> {
  for (let minute = 0; minute < 12; minute += 1) {
    const shown = await show(id)
    if (shown.status === status) return shown
    await pass(70)
  }
  return show(id)
}

let tills = 0
/** A payment of 30.00, of which WeChat paid 17.50, and its refund that was just asked for. */
async function refunding() {
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
  const asked = await shop.post(shop.key, path, { reference: `back-${tills}` })
  assert.equal(asked.status, 201, JSON.stringify(asked.body))
  return asked.body.id as string
}

/** How the next refund that WeChat takes ends. */
const nextEnds = (effect: 'refund_closed' | 'refund_abnormal') =>
  shop.twin.control.fault({ path: refunds, times: 1 }, effect)

async function closedRefund() {
  await nextEnds('refund_closed')
  const id = await refunding()
  const shown = await untilIs(id, 'closed')
  assert.equal(shown.status, 'closed', JSON.stringify(shown))
  return id
}

const show = async (id: string): Promise<Json> =>
  (await shop.get(shop.key, `/v1/combined_refunds/${id}`)).body
let keys = 0
function retry(id: string, key?: string) {
  keys += 1
  return shop.again(shop.key, `/v1/combined_refunds/${id}/retry`, key ?? `retry-${keys}`, {})
}
function apply(id: string, key?: string) {
  const path = `/v1/combined_refunds/${id}/apply_abnormal_refund`
  return key === undefined
    ? shop.post(shop.key, path, payersCard)
    : shop.again(shop.key, path, key, payersCard)
}

const uuidOf = (id: string): CombinedRefundId => {
  const found = parseId('combined_refund', id)
  assert.ok(found)
  return found
}
const firstNumber = (id: string) => outNumberOf('refund', uuidOf(id))
/** Numbers under which WeChat was sent the refund. */
async function sentNumbers(id: string): Promise<string[]> {
  const calls = await shop.twin.control.requests(refunds, 2_000)
  const sent = calls.flatMap(({ method, path, body }) =>
    method === 'POST' && path === refunds ? [String(JSON.parse(body).out_refund_no)] : [],
  )
  return [...new Set(sent.filter((no) => no.startsWith(firstNumber(id))))]
}
const eventsOf = async (id: string): Promise<string[]> => {
  const rows = await shop.database.owner.sql<{ kind: string }[]>`
    select kind
    from journal
    where body ->> 'combinedRefundId' = ${uuidOf(id)}
    order by seq`
  return rows.map(({ kind }) => kind.replace('combined_refund.', ''))
}
const money = () => shop.accounts('wechat', 'order_suspense', 'merchant_unsettled')

describe('a refund that WeChat closes', () => {
  test('reads closed, is told of, owed, and not asked about any more', async () => {
    const before = await money()
    const id = await closedRefund()
    const shown = await show(id)
    assert.deepEqual([shown.status, shown.attempt, shown.ended_at], ['closed', 1, null])
    const [wechat = 0, owed = 0, takings = 0] = before
    assert.deepEqual(await money(), [wechat + 1_750, owed - 1_750, takings])
    const { body } = await shop.get(shop.key, '/v1/events?type=combined_refund.closed')
    assert.equal(body.data.at(-1)?.data.combined_refund_id, id, JSON.stringify(body))
    const left = await shop.database.owner.sql`
      select 1 from combined_call where subject_id = ${uuidOf(id)}`
    assert.equal(left.length, 0)
    const calls = await shop.twin.control.requests(refunds, 2_000)
    await pass(2_000)
    assert.equal((await shop.twin.control.requests(refunds, 2_000)).length, calls.length)
    assert.equal((await show(id)).status, 'closed')
  })

  test('goes to no card: nothing is sent for what is not abnormal', async () => {
    const id = await closedRefund()
    const applied = await apply(id)
    assert.deepEqual(
      [applied.status, applied.body.code, applied.body.detail],
      [409, 'refund.not_abnormal', 'The refund is closed.'],
      JSON.stringify(applied.body),
    )
    assert.deepEqual(await sentNumbers(id), [firstNumber(id)])
  })

  test('while a card is given to it: the card is refused, and so is a repeat', async () => {
    await nextEnds('refund_abnormal')
    const id = await refunding()
    assert.equal((await untilIs(id, 'abnormal')).status, 'abnormal')
    const { wechatPay, engine } = shop.flows
    let asked = 0
    const closing: WechatPay = {
      ...wechatPay,
      applyAbnormalRefund: async () => ({
        status: 'refused',
        code: 'INVALID_REQUEST',
        detail: '',
      }),
      queryRefund: async (account, no) => {
        asked += 1
        return asked === 1
          ? wechatPay.queryRefund(account, no)
          : saying(no, 'closed').queryRefund(account, no)
      },
    }
    const { bank_type: bankType, bank_account: account, real_name: name } = payersCard
    const give = () =>
      applyForCombinedRefund(
        { ...shop.flows, wechatPay: closing, legLog },
        { book: shop.book, keyId: 'a-key' },
        { refundId: uuidOf(id), card: { bankType, account, name } },
        'closes-meanwhile',
        (one) => engine.execute(one),
      )
    for (let times = 0; times < 2; times += 1) {
      const given = await give()
      assert.equal(!given.ok && given.refusal.code, 'refund.not_abnormal', String(times))
    }
    assert.equal((await show(id)).status, 'closed')
  })

  test('is asked for again under the next number, and arrives once', async () => {
    const id = await closedRefund()
    const before = await money()
    const asked = await retry(id)
    assert.deepEqual(
      [asked.status, asked.body.status, asked.body.attempt],
      [200, 'processing', 2],
      JSON.stringify(asked.body),
    )
    assert.deepEqual(await money(), before, 'it was owed all the time')
    const done = await untilIs(id, 'succeeded')
    assert.deepEqual([done.status, done.attempt, done.wechat_amount], ['succeeded', 2, 1_750])
    assert.ok(done.ended_at)
    const [wechat = 0, owed = 0, takings = 0] = before
    const after = [wechat - 1_750, owed + 1_750, takings]
    assert.deepEqual(await money(), after)
    await pass(2_000)
    assert.deepEqual(await money(), after)
    assert.deepEqual(await sentNumbers(id), [firstNumber(id), `${firstNumber(id)}-2`])
    assert.deepEqual(await eventsOf(id), ['created', 'closed', 'asked_again', 'succeeded'])
  })

  test('is closed again, and asked for a third time', async () => {
    const id = await closedRefund()
    await nextEnds('refund_closed')
    assert.equal((await retry(id)).status, 200)
    await pass(70)
    assert.deepEqual((await untilIs(id, 'closed')).attempt, 2)
    assert.equal((await retry(id)).body.attempt, 3)
    assert.equal((await untilIs(id, 'succeeded')).attempt, 3)
    const kinds = ['created', 'closed', 'asked_again', 'closed', 'asked_again', 'succeeded']
    assert.deepEqual(await eventsOf(id), kinds)
  })

  test('is abnormal under its next number, and goes to a card of the payer', async () => {
    const id = await closedRefund()
    await nextEnds('refund_abnormal')
    assert.equal((await retry(id)).status, 200)
    assert.equal((await untilIs(id, 'abnormal')).status, 'abnormal')
    assert.equal((await retry(id)).body.code, 'combined_refund.not_closed')
    const applied = await apply(id)
    assert.deepEqual([applied.status, applied.body.status], [200, 'processing'])
    assert.equal((await untilIs(id, 'succeeded')).status, 'succeeded')
  })

  test('answers a key of before its next number as it did then', async () => {
    const id = await closedRefund()
    const early = await apply(id, 'too-early')
    assert.deepEqual([early.status, early.body.code], [409, 'refund.not_abnormal'])
    await nextEnds('refund_abnormal')
    assert.equal((await retry(id)).status, 200)
    assert.equal((await untilIs(id, 'abnormal')).attempt, 2)
    const repeated = await apply(id, 'too-early')
    assert.deepEqual(
      [repeated.status, repeated.body.code, repeated.headers.get('idempotent-replayed')],
      [409, 'refund.not_abnormal', 'true'],
      JSON.stringify(repeated.body),
    )
    assert.equal((await apply(id)).body.status, 'processing')
    assert.equal((await untilIs(id, 'succeeded')).status, 'succeeded')
  })

  test('gives no card of a key that was about the number before to its next number', async () => {
    await nextEnds('refund_closed')
    await shop.twin.control.fault({ path: 'REFUND.CLOSED', times: 1 }, 'drop_notification')
    const id = await refunding()
    await pass(1)
    await shop.advance(40)
    await shop.twin.control.settle()
    const { sql } = shop.database.owner
    await sql`
      update combined_refund
      set status = 'abnormal', refund_id = '50'
      where id = ${uuidOf(id)}`
    let given = 0
    const give = (wechatPay: WechatPay) => {
      const { bank_type: bankType, bank_account: account, real_name: name } = payersCard
      const applyAbnormalRefund = async () => {
        given += 1
        return { status: 'unknown', why: 'silent' } as const
      }
      return applyForCombinedRefund(
        { ...shop.flows, wechatPay: { ...wechatPay, applyAbnormalRefund }, legLog },
        { book: shop.book, keyId: 'a-key' },
        { refundId: uuidOf(id), card: { bankType, account, name } },
        'about-the-first-number',
        (one) => shop.flows.engine.execute(one),
      )
    }
    const silent = await give(saying(firstNumber(id), 'abnormal'))
    assert.deepEqual([!silent.ok && silent.refusal.code, given], ['busy', 1])
    assert.equal((await apply(id)).body.code, 'refund.not_abnormal', 'WeChat has closed it')
    await nextEnds('refund_abnormal')
    assert.equal((await retry(id)).status, 200)
    assert.equal((await untilIs(id, 'abnormal')).attempt, 2)
    const repeated = await give(shop.flows.wechatPay)
    assert.deepEqual([!repeated.ok && repeated.refusal.code, given], ['refund.not_abnormal', 1])
    assert.equal((await apply(id)).body.status, 'processing')
    assert.equal((await untilIs(id, 'succeeded')).status, 'succeeded')
  })

  test('was shown as abnormal by a server of before: it reads closed as soon as WeChat is asked', async () => {
    await nextEnds('refund_closed')
    await shop.twin.control.fault({ path: 'REFUND.CLOSED', times: 1 }, 'drop_notification')
    const id = await refunding()
    await pass(1)
    await shop.advance(40)
    await shop.twin.control.settle()
    const { sql } = shop.database.owner
    await sql`
      update combined_refund
      set status = 'abnormal', refund_id = '50'
      where id = ${uuidOf(id)}`
    const applied = await apply(id)
    assert.equal(applied.body.code, 'refund.not_abnormal', JSON.stringify(applied.body))
    assert.equal((await show(id)).status, 'closed')
    assert.equal((await retry(id)).status, 200)
    assert.equal((await untilIs(id, 'succeeded')).status, 'succeeded')
  })
})

describe('asking again', () => {
  test('is refused of what is not closed, and of what is not there', async () => {
    const id = await refunding()
    const early = await retry(id)
    assert.deepEqual(
      [early.status, early.body.code, early.body.detail],
      [409, 'combined_refund.not_closed', 'The refund is processing.'],
      JSON.stringify(early.body),
    )
    await untilIs(id, 'succeeded')
    assert.equal((await retry(id)).body.code, 'combined_refund.not_closed')
    const nowhere = await retry('crfd_0190000000007000800000000000aaaa')
    assert.deepEqual([nowhere.status, nowhere.body.code], [404, 'combined_refund.not_found'])
  })

  test('under the same key is one attempt, also when it was closed again since', async () => {
    const id = await closedRefund()
    const key = 'one-key'
    await nextEnds('refund_closed')
    assert.equal((await retry(id, key)).body.attempt, 2)
    const repeated = await retry(id, key)
    assert.equal(repeated.headers.get('idempotent-replayed'), 'true')
    assert.equal(repeated.body.attempt, 2)
    await pass(70)
    await untilIs(id, 'closed')
    assert.deepEqual([(await retry(id, key)).status, (await show(id)).attempt], [200, 2])
    const other = await closedRefund()
    assert.equal((await retry(other, key)).body.code, 'idempotency.key_reused')
  })

  test('by many at once is one attempt', async () => {
    const id = await closedRefund()
    const before = await money()
    const all = await Promise.all(Array.from({ length: 5 }, () => retry(id)))
    assert.equal(all.filter(({ status }) => status === 200).length, 1)
    assert.equal(all.filter(({ body }) => body.code === 'combined_refund.not_closed').length, 4)
    assert.equal((await show(id)).attempt, 2)
    await untilIs(id, 'succeeded')
    assert.equal((await sentNumbers(id)).length, 2)
    const [wechat = 0] = before
    assert.equal((await money())[0], wechat - 1_750)
  })
})

/** WeChat, as it would be if it said this of one number. */
function saying(number: string, state: Refund['state'], calls: string[] = []): WechatPay {
  const { wechatPay } = shop.flows
  return {
    ...wechatPay,
    queryRefund: async (account, no) => {
      const said = await wechatPay.queryRefund(account, no)
      return no === number && said.status === 'done'
        ? { status: 'done', value: { ...said.value, state } }
        : said
    },
    refund: (account, asked) => {
      calls.push(asked.outRefundNo)
      return wechatPay.refund(account, asked)
    },
  }
}

describe('the bill of a day', () => {
  const now = () => shop.flows.engine.now('test')
  /** Compares the bills of the days up to yesterday, where WeChat has them as `wechatPay` says. */
  async function reconcile(wechatPay = shop.flows.wechatPay): Promise<void> {
    const accounts = await shop.flows.payAccounts.every()
    const context = { ...shop.flows, wechatPay }
    while ((await reconcileDue(context, legLog, 'test', accounts)) > 0);
  }
  const nextMorning = () =>
    shop.advance(Math.ceil((endOfDay(businessDateOf(now())) + 11 * 3_600_000 - now()) / 1_000))
  /** Of the day before; the bill of the day, and the cases that it opened. */
  async function yesterday(): Promise<{ bill: Json; cases: Json[] }> {
    const day = businessDateOf(now() - dayMs)
    const [bills, all] = await Promise.all([
      shop.get(shop.key, `/v1/wechat/bills?day=${day}`),
      shop.get(shop.key, '/v1/reserve_cases?limit=200'),
    ])
    return {
      bill: bills.body.data[0],
      cases: all.body.data.filter((one: Json) => one.day === day && one.kind.startsWith('wechat')),
    }
  }
  const amountUnder = (outRefundNo: string) => {
    const row = { kind: 'refund', outTradeNo: '', outRefundNo, refundId: '', fee: 0n } as const
    return amountInBook(shop.flows, shop.book, {
      ...row,
      amount: 1_750n,
      status: 'SUCCESS',
      isReversal: false,
    })
  }

  test('knows the number under which it arrived, and no case is opened for the one before', async () => {
    await nextMorning()
    await reconcile()
    const before = await money()
    const id = await closedRefund()
    assert.equal((await retry(id)).status, 200)
    await untilIs(id, 'succeeded')
    assert.equal(await amountUnder(`${firstNumber(id)}-2`), 1_750n)
    assert.equal(await amountUnder(firstNumber(id)), undefined)
    await nextMorning()
    await reconcile()
    const { bill, cases } = await yesterday()
    assert.deepEqual(cases, [])
    assert.equal(bill.exceptions, 0)
    // It paid its fee of 0.11 once and has it back; what was closed counts for nothing.
    assert.deepEqual(
      [bill.payments, bill.paid_amount, bill.refunds, bill.refunded_amount, bill.fees, bill.funds],
      [1, 1_750, 1, 1_750, 0, 0],
    )
    assert.deepEqual(await money(), before)
  })

  test('opens a case where WeChat paid under the number before too', async () => {
    const id = await closedRefund()
    assert.equal((await retry(id)).status, 200)
    await untilIs(id, 'succeeded')
    const day = businessDateOf(now())
    await nextMorning()
    const { wechatPay } = shop.flows
    const no = firstNumber(id)
    await reconcile({
      ...wechatPay,
      bill: async (account, asked) => {
        const bill = await wechatPay.bill(account, asked)
        if (bill.status !== 'done') return bill
        const rows = bill.value.rows.map((row) =>
          row['商户退款单号'] === no ? { ...row, 退款状态: 'SUCCESS' } : row,
        )
        return { ...bill, value: { ...bill.value, rows } }
      },
    })
    // Its money, of which the funds show that it came back, is the gap.
    const { cases } = await yesterday()
    assert.deepEqual(
      cases.map(({ kind, amount, subject }) => `${kind} ${amount} ${subject}`).sort(),
      [`wechat_fund_gap 1739 ${day}`, `wechat_row_differs -1750 ${no}`],
    )
    assert.match(errors.splice(0).join(), /had closed/)
  })
})

describe('a number that WeChat closed', () => {
  const toldOf = async (number: string, state: Refund['state']) => {
    const account = parseId('wechat_account', shop.account.id)
    assert.ok(account)
    const asked = await shop.flows.wechatPay.queryRefund(account, number)
    assert.ok(asked.status === 'done', asked.status)
    const notice = { id: 'n', kind: 'refund' as const, refund: { ...asked.value, state } }
    const told = { book: shop.book, accountId: account }
    return takeNotice(shop.flows, legLog, told, notice)
  }

  test('is told of late, and disturbs nothing that is under way since', async () => {
    const late = { name: 'delay_notification', seconds: 200 }
    await shop.twin.control.fault({ path: 'REFUND.CLOSED', times: 1 }, late)
    const id = await closedRefund()
    assert.equal((await retry(id)).status, 200)
    for (const state of ['closed', 'abnormal', 'processing'] as const) {
      assert.equal(await toldOf(firstNumber(id), state), 'in_book')
      assert.equal((await show(id)).status, 'processing')
    }
    await pass(70)
    await shop.advance(200)
    await shop.twin.control.settle()
    const told = await shop.twin.control.notifications(shop.merchant.mchid)
    assert.deepEqual(
      told.filter(({ ref }) => ref === firstNumber(id)).map(({ state }) => state),
      ['delivered'],
    )
    assert.equal((await untilIs(id, 'succeeded')).status, 'succeeded')
    assert.equal(await toldOf(firstNumber(id), 'closed'), 'in_book')
    assert.deepEqual(await eventsOf(id), ['created', 'closed', 'asked_again', 'succeeded'])
  })

  test('and paid all the same, before anybody asked again: that was it', async () => {
    const id = await closedRefund()
    const before = await money()
    assert.equal(await toldOf(firstNumber(id), 'succeeded'), 'in_book')
    assert.equal((await show(id)).status, 'succeeded')
    assert.equal((await money())[0], (before[0] ?? 0) - 1_750)
    assert.equal((await retry(id)).body.code, 'combined_refund.not_closed')
  })

  test('and paid all the same, before the next was sent: nothing is sent', async () => {
    const id = await closedRefund()
    const before = await money()
    assert.equal((await retry(id)).status, 200)
    // A notice alone cannot tell that the next number is not on its way.
    assert.equal(await toldOf(firstNumber(id), 'succeeded'), 'differs')
    assert.equal(errors.splice(0).length, 1)
    const sent: string[] = []
    await shop.advance(1)
    await look(saying(firstNumber(id), 'succeeded', sent))
    const shown = await show(id)
    assert.deepEqual([shown.status, sent], ['succeeded', []])
    await pass(2_000)
    assert.deepEqual(await sentNumbers(id), [firstNumber(id)])
    assert.equal((await money())[0], (before[0] ?? 0) - 1_750)
  })

  test('and is under way again: nothing is sent until it is closed once more', async () => {
    const id = await closedRefund()
    assert.equal((await retry(id)).status, 200)
    for (const state of ['processing', 'abnormal'] as const) {
      const sent: string[] = []
      await shop.advance(301)
      await look(saying(firstNumber(id), state, sent))
      assert.deepEqual([sent, (await show(id)).status], [[], 'processing'])
      assert.match(errors.splice(0).join(), /does not say so any more/)
    }
    assert.equal((await untilIs(id, 'succeeded')).attempt, 2)
  })

  test('and paid all the same, after the next was sent: it is seen, and paid once in the book', async () => {
    const id = await closedRefund()
    const before = await money()
    assert.equal((await retry(id)).status, 200)
    await untilIs(id, 'succeeded')
    assert.equal(await toldOf(firstNumber(id), 'succeeded'), 'differs')
    assert.match(errors.splice(0).join(), /had closed/)
    assert.equal((await money())[0], (before[0] ?? 0) - 1_750)
    assert.equal((await show(id)).attempt, 2)
  })
})
