/** Rebates for payments: cash-back after the return window, vouchers for spending, ladders, months; and their way back. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { businessDateOf, dayMs, endOfDay, startOfDay } from '@lika/contract'
import { type Campaigns, startCampaigns } from './harness/campaigns.ts'
import type { Answered } from './harness/http-app.ts'
import type { TestCard } from './harness/tills.ts'

let shop: Campaigns
before(async () => {
  shop = await startCampaigns()
})
after(async () => {
  await shop.check()
  await shop.stop()
})

const code = ({ status, body }: Answered) => body.code ?? status

async function own(rule: object, more: object = {}) {
  const productId = await shop.makeProduct({})
  const id = await shop.campaign(rule, { products: [productId], ...more })
  const card = (amount = 100_000, bonus = 0, lane?: number) =>
    shop.card(amount, { bonus, productId, ...(lane && { lane }) })
  return { id, productId, card }
}

async function paid(card: TestCard, amount: number, more: object = {}) {
  const { status, body } = await shop.pay(card, amount, more)
  assert.equal(status, 201, JSON.stringify(body))
  return body
}

async function refunded(payment: string, amount: number) {
  const { status, body } = await shop.refund(payment, amount)
  assert.equal(status, 201, JSON.stringify(body))
  return body
}

const rebatesOf = (card: TestCard) => shop.rebates(`card_id=${card.id}`)
const sums = ([taken]: {
  amount: number
  from_rebate: number
  deducted: number
  owed: number
}[]) => [taken?.amount, taken?.from_rebate, taken?.deducted, taken?.owed]

describe('满100减10 by the month', () => {
  const rule = { kind: 'monthly', step: 10_000, back: 1_000 }

  test('is posted on the third business day of the next month, for what each card paid and did not get back', async () => {
    await shop.goTo(startOfDay('2038-01-28') + 3_600_000)
    await shop.setCalendar(2038, [['2038-03-01', '2038-03-02']])
    const { id, card } = await own(rule, { ends_on: '2038-02-27' })
    const [one, two, none] = [await card(), await card(), await card()]
    await paid(one, 15_000)
    const later = await paid(one, 12_000)
    await paid(two, 9_000)
    const fresh = await shop.replace(two)
    await paid(fresh, 1_500)
    await paid(none, 9_999)
    await refunded(later.id, 1_000)
    // 1 February 2038 is a Monday.
    await shop.goTo(startOfDay('2038-02-03') - 1_000)
    await shop.run()
    assert.deepEqual(await rebatesOf(one), [])
    await shop.goTo(startOfDay('2038-02-03') + 1_000)
    await shop.run()
    assert.equal((await shop.run()).granted, 0)
    const [rebate] = await rebatesOf(one)
    assert.deepEqual(
      [rebate.source, rebate.period, rebate.base, rebate.amount],
      ['month', '2038-01-01', 26_000, 2_000],
    )
    assert.equal((await shop.balance(fresh)).bonus, 1_000)
    assert.deepEqual(await rebatesOf(none), [])
    const back = await refunded(later.id, 7_000)
    assert.deepEqual(sums(back.rebates_taken_back), [1_000, 1_000, 0, 0])
    // What is paid in February is another month, and its refund takes nothing of January.
    const next = await paid(one, 1_000)
    assert.equal((await refunded(next.id, 1_000)).rebates_taken_back, undefined)
    assert.equal((await shop.budget(id))[0].granted, 3_000)
  })

  test('over holidays comes on the third day on which people work', async () => {
    const { card } = await own(rule, { ends_on: '2038-03-31' })
    const one = await card()
    await paid(one, 10_000)
    await shop.goTo(startOfDay('2038-03-05') - 1_000)
    await shop.run()
    assert.deepEqual(await rebatesOf(one), [])
    await shop.goTo(startOfDay('2038-03-05') + 1_000)
    await shop.run()
    assert.equal((await rebatesOf(one))[0].amount, 1_000)
  })

  test('waits, and says so, where the calendar lacks the year', async () => {
    await shop.goTo(startOfDay('2039-01-20'))
    const { id, card } = await own(rule, { ends_on: '2039-02-20' })
    const one = await card()
    await paid(one, 10_000)
    await shop.goTo(startOfDay('2039-02-10'))
    const { granted, waiting } = await shop.run()
    assert.deepEqual([granted, waiting[0].campaign_id, waiting[0].month], [0, id, '2039-01-01'])
    await shop.setCalendar(2039)
    assert.equal((await shop.run()).granted, 1)
    assert.equal((await rebatesOf(one))[0].amount, 1_000)
  })
})

describe('a cash-back', () => {
  const rule = { kind: 'cash_back', rate_bp: 150, window_days: 7 }

  test('is posted when the return window has closed, on what was not refunded, and once', async () => {
    const { id, card } = await own(rule)
    const one = await card(100_000, 1_000, 601)
    const first = await paid(one, 11_000)
    const other = await paid(one, 5_000)
    const whole = await paid(one, 2_000)
    await refunded(first.id, 3_000)
    await shop.request('POST', `/v1/payments/${whole.id}/cancel`)
    const day = businessDateOf(shop.now())
    await shop.goTo(endOfDay(day) + 7 * dayMs - 60_000)
    await shop.run()
    assert.deepEqual(await rebatesOf(one), [])
    await shop.goTo(endOfDay(day) + 7 * dayMs + 1_000)
    await Promise.all([shop.run(), shop.run()])
    assert.equal((await shop.run()).granted, 0)
    // As after a run that was interrupted before it noted what it had done.
    await shop.database.owner.sql`delete from lika.rebate_run`
    await shop.run()
    const rows = (await rebatesOf(one)).map(
      (row: { source_id: string; base: number; amount: number }) => [
        row.source_id,
        row.base,
        row.amount,
      ],
    )
    // The bonus of 10.00 paid first, and earns nothing.
    assert.deepEqual(
      new Map(rows.map(([key, ...rest]: [string, ...number[]]) => [key, rest])),
      new Map([
        [first.id, [7_000, 105]],
        [other.id, [5_000, 75]],
      ]),
    )
    assert.equal((await shop.balance(one)).bonus, 180)
    assert.equal((await shop.budget(id))[0].granted, 180)
    const { body: statement } = await shop.request('GET', `/v1/cards/${one.id}/statement`)
    const lines = statement.data.filter(({ kind }: { kind: string }) => kind === 'rebate.granted')
    assert.deepEqual(
      lines.map((line: Record<string, unknown>) => [
        line['counterparty'],
        line['sub_balance'],
        String(line['source_id']).slice(0, 4),
      ]),
      Array(2).fill(['rebate_budget', 'bonus', 'rbt_']),
    )
    const told = await shop.event('rebate.granted', 'payment_id', first.id)
    assert.deepEqual(
      [told.campaign_id, told.card_id, told.base, told.amount],
      [id, one.id, 7_000, 105],
    )
  })

  test('is taken back in proportion by a later refund, first of itself, then of the money refunded, then as a debt', async () => {
    const { card } = await own({ ...rule, rate_bp: 500 })
    const one = await card()
    const { id } = await paid(one, 10_000)
    await shop.goTo(shop.now() + 9 * dayMs)
    await shop.run()
    assert.equal((await shop.balance(one)).bonus, 500)
    const part = await refunded(id, 1_000)
    assert.deepEqual(sums(part.rebates_taken_back), [50, 50, 0, 0])
    assert.deepEqual((await shop.request('GET', `/v1/refunds/${part.id}`)).body, part)
    await paid(one, 450)
    const rest = await refunded(id, 9_000)
    assert.deepEqual(sums(rest.rebates_taken_back), [450, 0, 450, 0])
    assert.deepEqual(await shop.balance(one), { principal: 99_550, bonus: 0, held: 0 })
    const [rebate] = await rebatesOf(one)
    assert.deepEqual([rebate.base, rebate.amount, rebate.reversed], [0, 500, 500])
  })

  test('goes by the version that was published when the payment was made, and only at its merchants', async () => {
    const partner = await shop.merchant()
    const { id, card } = await own(rule, { merchants: [partner] })
    const one = await card()
    const early = await paid(one, 10_000, { merchant_id: partner })
    await paid(one, 10_000)
    await shop.request('PATCH', `/v1/campaigns/${id}`, { rule: { ...rule, rate_bp: 300 } })
    await shop.publish(id)
    const late = await paid(one, 10_000, { merchant_id: partner })
    await shop.goTo(shop.now() + 9 * dayMs)
    await shop.run()
    const rows = (await rebatesOf(one)).map(
      (row: { source_id: string; campaign_version: number; amount: number }) =>
        `${row.source_id} ${row.campaign_version} ${row.amount}`,
    )
    assert.deepEqual(rows.toSorted(), [`${early.id} 1 150`, `${late.id} 2 300`].toSorted())
  })

  test('is given for captured holds, to the successor of a replaced card, and not to a card that is closed', async () => {
    const { card } = await own(rule)
    const [held, old, gone] = [await card(), await card(), await card(10_000)]
    const hold = await shop.request('POST', '/v1/holds', {
      ...shop.order([{ card_id: held.id }], 10_000),
      expires_in: 3_600,
    })
    await shop.request('POST', `/v1/holds/${hold.body.id}/capture`, { amount: 10_000 })
    await paid(old, 10_000)
    const fresh = await shop.replace(old)
    await paid(gone, 10_000)
    assert.equal(
      (await shop.request('POST', `/v1/cards/${gone.id}/close`, { reason: 'x' })).status,
      200,
    )
    await shop.goTo(shop.now() + 9 * dayMs)
    await shop.run()
    assert.equal((await shop.balance(held)).bonus, 150)
    assert.deepEqual([(await shop.balance(old)).bonus, (await shop.balance(fresh)).bonus], [0, 150])
    assert.deepEqual(await rebatesOf(gone), [])
  })

  test('races with a refund: whoever comes first, the holder ends with what the rule gives', async () => {
    const { card } = await own({ ...rule, rate_bp: 500 })
    const cards = await Promise.all(
      Array.from({ length: 12 }, (_, n) => card(100_000, 0, 601 + (n % 3))),
    )
    const payments = await Promise.all(cards.map((one) => paid(one, 10_000)))
    await shop.goTo(shop.now() + 9 * dayMs)
    await Promise.all([shop.run(), ...payments.map(({ id }) => refunded(id, 9_000))])
    for (const one of cards)
      assert.deepEqual(await shop.balance(one), { principal: 99_000, bonus: 50, held: 0 })
  })

  test('that finds the budget spent is not given, and its campaign gives back what is left when all is done', async () => {
    const { id, card } = await own(rule, { budget: 200, ends_on: shop.today() })
    const one = await card()
    await paid(one, 10_000)
    await paid(one, 10_000)
    await shop.goTo(shop.now() + 9 * dayMs)
    await shop.run()
    const [line] = await shop.budget(id)
    assert.deepEqual([line.granted, line.left, line.returned, line.status], [150, 0, 50, 'closed'])
  })
})

describe('a ladder on payments', () => {
  test('gives 5 % per 500 of principal in the payment itself; a cancelled payment takes it back', async () => {
    const { card } = await own({ kind: 'ladder', on: 'payment', step: 50_000, rate_bp: 500 })
    const one = await card(200_000, 100)
    assert.equal((await paid(one, 50_099)).rebates, undefined)
    const payment = await paid(one, 50_000)
    assert.equal(payment.rebates[0].amount, 2_500)
    assert.equal((await shop.balance(one)).bonus, 2_500)
    const cancelled = await shop.request('POST', `/v1/payments/${payment.id}/cancel`)
    assert.equal(cancelled.status, 200)
    assert.deepEqual(await shop.balance(one), { principal: 150_001, bonus: 0, held: 0 })
  })

  test('gives for what is captured of a hold, to the successor of its card', async () => {
    const { card } = await own({ kind: 'ladder', on: 'payment', step: 10_000, rate_bp: 500 })
    const one = await card()
    const made = await shop.request('POST', '/v1/holds', {
      ...shop.order([{ card_id: one.id }], 30_000),
      expires_in: 3_600,
    })
    const fresh = await shop.replace(one)
    const capture = await shop.request('POST', `/v1/holds/${made.body.id}/capture`, {
      amount: 20_000,
    })
    assert.equal(capture.status, 200, JSON.stringify(capture.body))
    assert.deepEqual(
      [capture.body.rebates[0].card_id, capture.body.rebates[0].amount],
      [fresh.id, 1_000],
    )
    const back = await refunded(capture.body.id, 10_001)
    assert.deepEqual(sums(back.rebates_taken_back), [1_000, 1_000, 0, 0])
    assert.deepEqual(await shop.balance(fresh), { principal: 90_001, bonus: 0, held: 10_000 })
  })

  test('is seen in a dry run, gives once for a repeat, and to cards of several lanes the first', async () => {
    const { id, card } = await own({ kind: 'ladder', on: 'payment', step: 10_000, rate_bp: 1_000 })
    const [one, two] = [await card(6_000, 0, 601), await card(6_000, 0, 602)]
    const order = shop.order([{ card_id: two.id }, { card_id: one.id }], 10_000)
    const dry = await shop.request('POST', '/v1/payments', { ...order, dry_run: true })
    assert.equal(dry.status, 200, JSON.stringify(dry.body))
    const key = shop.newKey()
    const answers = await Promise.all(
      [1, 2, 3].map(() => shop.request('POST', '/v1/payments', order, key)),
    )
    for (const { status, body } of answers)
      assert.deepEqual([status, body.rebates], [201, answers[0]?.body.rebates])
    assert.equal(answers[0]?.body.rebates[0].card_id, two.id)
    assert.equal((await shop.budget(id))[0].granted, 1_000)
    const back = await refunded(answers[0]?.body.id, 1)
    assert.deepEqual(sums(back.rebates_taken_back), [1_000, 1_000, 0, 0])
  })
})

describe('a voucher', () => {
  const rule = {
    kind: 'voucher',
    threshold: 20_000,
    face: 2_000,
    min_amount: 5_000,
    valid_days: 30,
  }

  async function withVoucher(more: object = {}) {
    const campaign = await own({ ...rule, ...more })
    const one = await campaign.card()
    const spend = await paid(one, 20_000)
    const [voucher] = await shop.vouchers(one)
    assert.deepEqual([voucher.status, voucher.face, voucher.left], ['open', 2_000, 2_000])
    assert.equal(spend.rebates[0].voucher_id, voucher.id)
    return { ...campaign, one, spend, voucher }
  }

  test('is given for spending enough, and pays before the card', async () => {
    const { one, voucher, card } = await withVoucher()
    const less = await card()
    assert.equal((await paid(less, 19_999)).rebates, undefined)
    const use = await paid(one, 5_000, { vouchers: [voucher.id] })
    assert.deepEqual(use.allocations, [
      {
        card_id: one.id,
        sub_balance: 'voucher',
        voucher_id: voucher.id,
        amount: 2_000,
        balance_after: 0,
      },
      { card_id: one.id, sub_balance: 'principal', amount: 3_000, balance_after: 77_000 },
    ])
    assert.equal((await shop.request('GET', `/v1/vouchers/${voucher.id}`)).body.status, 'used')
    const back = await refunded(use.id, 5_000)
    assert.deepEqual(
      back.allocations.map((part: { sub_balance: string }) => part.sub_balance),
      ['principal', 'voucher'],
    )
    assert.equal((await shop.request('GET', `/v1/vouchers/${voucher.id}`)).body.left, 2_000)
  })

  test('is refused where it does not fit, with what stands in the way', async () => {
    const { one, voucher, card } = await withVoucher()
    const pay = (more: object, amount = 5_000, from = one) => shop.pay(from, amount, more)
    const shown = { vouchers: [voucher.id] }
    const small = await pay(shown, 4_999)
    assert.deepEqual([small.body.code, small.body.allowed], ['voucher.not_usable', { min: 5_000 }])
    assert.equal(code(await pay(shown, 5_000, await card())), 'voucher.not_usable')
    assert.equal(code(await pay({ vouchers: [`vchr_${'0'.repeat(32)}`] })), 'voucher.not_found')
    const split = shop.order([{ card_id: one.id, amount: 5_000 }], 5_000, shown)
    assert.equal(code(await shop.request('POST', '/v1/payments', split)), 'sources.invalid')
    const answers = await Promise.all([1, 2, 3, 4].map(() => pay(shown)))
    assert.deepEqual(answers.map((one) => String(code(one))).sort(), [
      '201',
      ...Array(3).fill('voucher.not_usable'),
    ])
  })

  test('is valid to the end of its last day, and what is left comes back to the issuer', async () => {
    const { one, spend, voucher } = await withVoucher({ valid_days: 31 })
    const last = endOfDay(businessDateOf(Date.parse(spend.created_at))) + 31 * dayMs
    assert.equal(Date.parse(voucher.expires_at), last)
    await shop.goTo(last - 5_000)
    await shop.sweepVouchers()
    assert.equal(
      (await shop.pay(one, 5_000, { vouchers: [voucher.id], dry_run: true })).status,
      200,
    )
    await shop.goTo(last)
    assert.equal(code(await shop.pay(one, 5_000, { vouchers: [voucher.id] })), 'voucher.not_usable')
    const expense = await shop.account('rebate_expense')
    await shop.sweepVouchers()
    assert.equal(await shop.account('rebate_expense'), expense - 2_000)
    assert.equal((await shop.request('GET', `/v1/vouchers/${voucher.id}`)).body.status, 'expired')
    // Nobody is charged for a voucher that did him no good.
    assert.equal((await refunded(spend.id, 20_000)).rebates_taken_back, undefined)
    assert.deepEqual(await shop.balance(one), { principal: 100_000, bonus: 0, held: 0 })
  })

  test('is revoked by the refund of the spend while it is unspent', async () => {
    const { one, spend, voucher } = await withVoucher()
    const back = await refunded(spend.id, 1)
    assert.deepEqual(sums(back.rebates_taken_back), [2_000, 2_000, 0, 0])
    assert.equal((await shop.request('GET', `/v1/vouchers/${voucher.id}`)).body.status, 'revoked')
    assert.equal(code(await shop.pay(one, 5_000, { vouchers: [voucher.id] })), 'voucher.not_usable')
    assert.equal((await refunded(spend.id, 19_999)).rebates_taken_back, undefined)
  })

  test('that was spent is deducted from the refund of the spend, and what that lacks is a debt', async () => {
    const { one, spend, voucher } = await withVoucher()
    const use = await paid(one, 5_000, { vouchers: [voucher.id] })
    const back = await refunded(spend.id, 500)
    assert.deepEqual(sums(back.rebates_taken_back), [2_000, 0, 500, 1_500])
    assert.equal((await shop.balance(one)).principal, 77_000)
    // The voucher's part of what is refunded now pays the debt first; the rest is his, as bonus.
    await refunded(use.id, 5_000)
    const debt = await shop.request('GET', `/v1/cards/${one.id}/rebate_debt`)
    assert.equal(debt.body.amount, 0)
    assert.deepEqual(await shop.balance(one), { principal: 80_000, bonus: 500, held: 0 })
  })

  test('that expired takes back for the issuer what it paid, and nobody is charged for it', async () => {
    const { one, spend, voucher } = await withVoucher({ valid_days: 1 })
    const use = await paid(one, 5_000, { vouchers: [voucher.id] })
    await shop.goTo(Date.parse(voucher.expires_at))
    await shop.sweepVouchers()
    const expense = await shop.account('rebate_expense')
    const back = await refunded(use.id, 5_000)
    assert.deepEqual(back.allocations.at(-1), {
      card_id: one.id,
      sub_balance: 'voucher',
      voucher_id: voucher.id,
      amount: 2_000,
      balance_after: 0,
    })
    assert.equal(await shop.account('rebate_expense'), expense - 2_000)
    assert.equal((await refunded(spend.id, 20_000)).rebates_taken_back, undefined)
    assert.deepEqual(await shop.balance(one), { principal: 100_000, bonus: 0, held: 0 })
  })

  test('pays alone where it is enough', async () => {
    const { one, voucher } = await withVoucher({ min_amount: 0 })
    const use = await paid(one, 1_500, { vouchers: [voucher.id] })
    assert.deepEqual(
      use.allocations.map((part: { sub_balance: string; amount: number }) => [
        part.sub_balance,
        part.amount,
      ]),
      [['voucher', 1_500]],
    )
    const cancelled = await shop.request('POST', `/v1/payments/${use.id}/cancel`)
    assert.equal(cancelled.status, 200, JSON.stringify(cancelled.body))
    assert.equal((await shop.vouchers(one))[0].left, 2_000)
  })

  test('follows a replaced card', async () => {
    const { one, voucher } = await withVoucher()
    const fresh = await shop.replace(one)
    assert.equal(code(await shop.pay(one, 5_000, { vouchers: [voucher.id] })), 'card.replaced')
    assert.equal((await shop.vouchers(fresh))[0].id, voucher.id)
    assert.equal((await paid(fresh, 5_000, { vouchers: [voucher.id] })).allocations.length, 2)
  })
})
