/** Campaigns over HTTP: two people, dates, budgets over all lanes; bonus that comes with a load and goes back with it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { bookOf, parseId } from '@lika/contract'
import { openLoyalty } from '../server/src/modules/loyalty/index.ts'
import { type Campaigns, startCampaigns } from './harness/campaigns.ts'
import type { Answered } from './harness/http-app.ts'

let shop: Campaigns
before(async () => {
  shop = await startCampaigns()
})
after(async () => {
  await shop.check()
  await shop.stop()
})

const fixed = (from: number, bonus: number) => ({ kind: 'load_bonus', tiers: [{ from, bonus }] })
const ladder = { kind: 'ladder', step: 50_000, rate_bp: 500 }
const code = ({ status, body }: Answered) => body.code ?? status

/** A campaign about a product of its own, so that the tests of this file do not meet. */
async function own(rule: object, more: object = {}) {
  const productId = await shop.makeProduct({})
  const id = await shop.campaign(rule, { products: [productId], ...more })
  return {
    id,
    productId,
    card: (lane?: number) => shop.emptyCard({ productId, ...(lane && { lane }) }),
  }
}

describe('a campaign', () => {
  test('gives nothing until another person has published it, and says who they were', async () => {
    const productId = await shop.makeProduct({})
    const draft = await shop.propose(fixed(1_000, 100), { products: [productId] })
    assert.deepEqual([draft.status, draft.body.status, draft.body.version], [201, 'draft', null])
    const card = await shop.emptyCard({ productId })
    assert.equal((await shop.load(card, 1_000)).body.rebates, undefined)
    const self = await shop.publish(draft.body.id, shop.issuer.test)
    assert.deepEqual([self.status, self.body.code], [409, 'approval.same_person'])
    const { body } = await shop.publish(draft.body.id)
    const [version] = body.versions
    assert.deepEqual(
      [body.status, version.proposed_by.owner, version.published_by.owner],
      ['published', 'tests', 'Somebody Else'],
    )
    assert.equal((await shop.load(card, 1_000)).body.rebates[0].amount, 100)
    assert.equal(code(await shop.publish(draft.body.id)), 'campaign.already_published')
  })

  test('follows its newest version once that is published; a rebate keeps the one that gave it', async () => {
    const { id, card } = await own(fixed(1_000, 100))
    const one = await card()
    const first = await shop.load(one, 1_000)
    const path = `/v1/campaigns/${id}`
    const revised = await shop.request('PATCH', path, {
      rule: fixed(1_000, 300),
      budget: 2_000_000,
    })
    assert.deepEqual(
      [revised.body.version, revised.body.latest_version, revised.body.versions.length],
      [1, 2, 2],
    )
    assert.equal((await shop.load(one, 1_000)).body.rebates[0].amount, 100)
    assert.equal((await shop.publish(id)).status, 200)
    assert.equal((await shop.load(one, 1_000)).body.rebates[0].amount, 300)
    const back = await shop.refundLoad(first.body.id, 1)
    assert.equal(back.body.rebates_taken_back[0].amount, 100)
    const [line] = await shop.budget(id)
    assert.deepEqual([line.budget, line.granted, line.left], [2_000_000, 500, 1_999_500])
    const { body: versions } = await shop.request('GET', `${path}/versions`)
    assert.deepEqual(
      versions.data.map((one: { version: number; published_by: { owner: string } }) => [
        one.version,
        one.published_by.owner,
      ]),
      [
        [2, 'Somebody Else'],
        [1, 'Somebody Else'],
      ],
    )
    await shop.request('PATCH', path, { budget: 1_999_999 })
    const lowered = await shop.publish(id)
    assert.deepEqual([lowered.status, lowered.body.code], [422, 'campaign.budget_lowered'])
  })

  test('gives between its first and last day only, in Shanghai', async () => {
    const { card } = await own(fixed(1_000, 100), {
      starts_on: shop.dayIn(1),
      ends_on: shop.dayIn(1),
    })
    const one = await card()
    assert.equal((await shop.load(one, 1_000)).body.rebates, undefined)
    await shop.passTime(86_400_000)
    assert.equal((await shop.load(one, 1_000)).body.rebates[0].amount, 100)
    await shop.passTime(86_400_000)
    assert.equal((await shop.load(one, 1_000)).body.rebates, undefined)
  })

  test('that has ended gives no more, and its money comes back', async () => {
    const { id, card } = await own(fixed(1_000, 100), { budget: 1_000 })
    const before = await shop.account('rebate_expense')
    await shop.load(await card(601), 1_000)
    const ended = await shop.end(id)
    assert.deepEqual([ended.body.status, ended.body.ended_by.owner], ['ended', 'tests'])
    assert.equal((await shop.load(await card(602), 1_000)).body.rebates, undefined)
    const [line] = await shop.budget(id)
    assert.deepEqual([line.granted, line.left, line.returned, line.status], [100, 0, 900, 'closed'])
    assert.equal(await shop.account('rebate_expense'), before - 900)
    assert.equal((await shop.end(id)).status, 200)
    assert.equal(code(await shop.publish(id)), 'campaign.not_running')
    assert.equal(
      code(await shop.request('PATCH', `/v1/campaigns/${id}`, {})),
      'campaign.not_running',
    )
  })

  test('whose money did not come home when it ended brings it with the next run of the schedule', async () => {
    const { id } = await own(fixed(1_000, 100), { budget: 1_000 })
    // As where the server died in between.
    await shop.database.owner.sql`
      update lika.campaign
      set status = 'ended', ended_by = id, ended_owner = 'x', ended_at = now()
      where id = ${parseId('campaign', id) ?? ''}`
    assert.equal((await shop.budget(id))[0].status, 'open')
    await shop.run()
    const [line] = await shop.budget(id)
    assert.deepEqual([line.status, line.returned], ['closed', 1_000])
  })

  test('is refused with what is wrong about it', async () => {
    const wrong = await shop.propose({ kind: 'ladder', step: 100 })
    assert.deepEqual([wrong.status, wrong.body.errors[0].path], [400, 'rule.rate_bp'])
    const beyond = await shop.propose({ ...ladder, face: 1 })
    assert.deepEqual([beyond.status, beyond.body.errors[0].path], [400, 'rule.face'])
    const other = await shop.propose(ladder, { products: [`prod_${'0'.repeat(32)}`] })
    assert.equal(code(other), 'product.not_found')
    const past = await shop.propose(ladder, { starts_on: '2020-01-01', ends_on: '2020-01-02' })
    assert.equal(code(await shop.publish(past.body.id)), 'date.out_of_range')
    const draft = await shop.propose(ladder)
    assert.equal(code(await shop.end(draft.body.id)), 'campaign.not_running')
    const kind = await shop.request('PATCH', `/v1/campaigns/${draft.body.id}`, {
      rule: fixed(1, 1),
    })
    assert.equal(code(kind), 'campaign.rule_invalid')
  })

  for (const [what, rule, good, bad] of [
    [
      'a voucher of 90 days is published, one of 91 is not',
      (valid_days: number) => ({ kind: 'voucher', threshold: 100, face: 10, valid_days }),
      [1, 90],
      [91],
    ],
    [
      'a cash-back of 1 to 5 percent is published, others are not',
      (rate_bp: number) => ({ kind: 'cash_back', rate_bp, window_days: 7 }),
      [100, 500],
      [99, 501],
    ],
    [
      'a random rebate of up to 50 yuan is published, one of 50.01 is not',
      (max: number) => ({ kind: 'random', min: 1, max }),
      [5_000],
      [5_001],
    ],
  ] as const) {
    test(what, async () => {
      const productId = await shop.makeProduct({})
      for (const number of [...good, ...bad]) {
        const { body } = await shop.propose(rule(number), { products: [productId] })
        const published = await shop.publish(body.id)
        const isGood = (good as readonly number[]).includes(number)
        assert.equal(code(published), isGood ? 200 : 'policy.rebate_out_of_range', `${number}`)
        if (!isGood) assert.ok(published.body.policy.rule && published.body.allowed)
      }
    })
  }
})

describe('the bonus of a load', () => {
  test('comes with it, out of the budget of its campaign', async () => {
    const { id, card } = await own({
      kind: 'load_bonus',
      tiers: [
        { from: 10_000, bonus: 1_000 },
        { from: 50_000, rate_bp: 1_250 },
      ],
    })
    const one = await card()
    const loaded = await shop.load(one, 50_004, { bonus_amount: 7 })
    assert.equal(loaded.status, 201, JSON.stringify(loaded.body))
    assert.deepEqual(loaded.body.rebates, [
      {
        campaign_id: id,
        card_id: one.id,
        form: 'bonus',
        amount: 6_251,
        set_off: 0,
        voucher_id: null,
      },
    ])
    assert.equal(loaded.body.bonus_amount, 7)
    assert.deepEqual(await shop.balance(one), { principal: 50_005, bonus: 6_258, held: 0 })
    assert.deepEqual(loaded.body.balance.bonus, 6_258)
    const [line] = await shop.budget(id)
    assert.deepEqual([line.granted, line.left], [6_251, 993_749])
    const [rebate] = await shop.rebates(`card_id=${one.id}`)
    assert.deepEqual(
      [rebate.source, rebate.source_id, rebate.base, rebate.amount, rebate.reversed],
      ['load', loaded.body.id, 50_004, 6_251, 0],
    )
  })

  test('by the ladder: 499.99 nothing, 500 25.00', async () => {
    const { card } = await own(ladder)
    const one = await card()
    assert.equal((await shop.load(one, 49_999)).body.rebates, undefined)
    assert.equal((await shop.load(one, 50_000)).body.rebates[0].amount, 2_500)
  })

  test('counts for the cap of the card', async () => {
    const { card } = await own(fixed(1_000, 100))
    const one = await card()
    const most = 5_000_000 - 1
    assert.equal(code(await shop.load(one, most - 99)), 'policy.card_limit')
    assert.equal((await shop.load(one, most - 100)).status, 201)
  })

  test('is the same for a repeat of the load', async () => {
    const { id, card } = await own(fixed(1_000, 100))
    const one = await card()
    const key = shop.newKey()
    const [first, ...others] = await Promise.all(
      [1, 2, 3].map(() => shop.load(one, 1_000, {}, key)),
    )
    for (const other of others) assert.deepEqual(other.body, first?.body)
    assert.equal((await shop.budget(id))[0].granted, 100)
  })

  test('is given whole or not at all, to the last fen of the budget, over all lanes at once', async () => {
    const { id, card } = await own(fixed(1_000, 100), { budget: 2_050 })
    const cards = await Promise.all(
      Array.from({ length: 12 }, (_, index) => card(601 + (index % 3))),
    )
    const answers = await Promise.all(
      cards.flatMap((one) => [1, 2, 3].map(() => shop.load(one, 1_000))),
    )
    assert.ok(answers.every(({ status }) => status === 201))
    const given = answers.filter(({ body }) => body.rebates !== undefined)
    assert.equal(given.length, 20)
    const [line] = await shop.budget(id)
    assert.deepEqual([line.granted, line.left], [2_000, 50])
  })
})

test('however many campaigns give for one load, all of them do', async () => {
  const productId = await shop.makeProduct({})
  for (let n = 1; n <= 12; n += 1)
    await shop.campaign(fixed(1_000, n), { products: [productId], budget: 1_000 })
  const cards = await Promise.all(
    [601, 602, 603].map((lane) => shop.emptyCard({ productId, lane })),
  )
  const answers = await Promise.all(cards.map((one) => shop.load(one, 1_000)))
  for (const { status, body } of answers) {
    assert.equal(status, 201, JSON.stringify(body))
    const amounts = body.rebates.map(({ amount }: { amount: number }) => amount)
    assert.deepEqual(amounts, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  }
})

describe('a load that is given back', () => {
  test('takes its unspent bonus along first', async () => {
    const { card } = await own(ladder)
    const one = await card(601)
    const { body: loaded } = await shop.load(one, 100_000)
    const part = await shop.refundLoad(loaded.id, 1)
    assert.equal(part.status, 201, JSON.stringify(part.body))
    assert.deepEqual([part.body.amount, part.body.paid_out, part.body.deducted], [1, 1, 0])
    const [taken] = part.body.rebates_taken_back
    assert.deepEqual(
      [taken.amount, taken.from_rebate, taken.deducted, taken.owed],
      [2_500, 2_500, 0, 0],
    )
    const rest = await shop.refundLoad(loaded.id, 99_999)
    assert.equal(rest.body.rebates_taken_back[0].amount, 2_500)
    assert.deepEqual(await shop.balance(one), { principal: 1, bonus: 0, held: 0 })
    assert.equal(code(await shop.refundLoad(loaded.id, 1)), 'refund.exceeds_load')
    const { body: list } = await shop.request('GET', `/v1/loads/${loaded.id}/refunds`)
    assert.deepEqual(list.data, [part.body, rest.body])
    const told = await shop.event('load.refunded', 'load_refund_id', part.body.id)
    assert.deepEqual([told.load_id, told.paid_out], [loaded.id, 1])
  })

  test('keeps of the money what was spent of the bonus', async () => {
    const { card } = await own(ladder)
    const one = await card()
    const { body: loaded } = await shop.load(one, 50_000)
    assert.equal((await shop.pay(one, 1_000)).status, 201)
    assert.deepEqual(await shop.balance(one), { principal: 50_001, bonus: 1_500, held: 0 })
    const expense = await shop.account('rebate_expense')
    const { body } = await shop.refundLoad(loaded.id, 50_000)
    assert.deepEqual([body.amount, body.paid_out, body.deducted], [50_000, 49_000, 1_000])
    const [taken] = body.rebates_taken_back
    assert.deepEqual(
      [taken.amount, taken.from_rebate, taken.deducted, taken.owed],
      [2_500, 1_500, 1_000, 0],
    )
    assert.equal(await shop.account('rebate_expense'), expense - 2_500)
    assert.deepEqual(await shop.balance(one), { principal: 1, bonus: 0, held: 0 })
  })

  test('leaves a debt where bonus was spent that the money does not cover; the next bonus settles it first', async () => {
    const { card } = await own(fixed(1_000, 5_000))
    const one = await card()
    const { body: loaded } = await shop.load(one, 1_000)
    assert.equal((await shop.pay(one, 5_000)).status, 201)
    const { body } = await shop.refundLoad(loaded.id, 1_000)
    assert.deepEqual(
      [body.paid_out, body.deducted, body.rebates_taken_back[0].owed],
      [0, 1_000, 4_000],
    )
    const debt = async () =>
      (await shop.request('GET', `/v1/cards/${one.id}/rebate_debt`)).body.amount
    assert.equal(await debt(), 4_000)
    const next = await shop.load(one, 1_000)
    assert.equal(next.body.rebates[0].set_off, 4_000)
    assert.equal(await debt(), 0)
    assert.deepEqual(await shop.balance(one), { principal: 1_001, bonus: 1_000, held: 0 })
  })

  test('never gives more than the load, however many ask at once', async () => {
    const { card } = await own(ladder)
    const one = await card()
    await shop.load(one, 900)
    const { body: loaded } = await shop.load(one, 1_000)
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => shop.refundLoad(loaded.id, 100)),
    )
    assert.equal(answers.filter(({ status }) => status === 201).length, 10)
    assert.deepEqual(await shop.balance(one), { principal: 901, bonus: 0, held: 0 })
  })

  test('takes of a bonus that was given by hand the same share, and follows a replaced card', async () => {
    const { card } = await own(ladder)
    const one = await card()
    const { body: loaded } = await shop.load(one, 1_000, { bonus_amount: 101 })
    const two = await shop.replace(one)
    const half = await shop.refundLoad(loaded.id, 500)
    assert.deepEqual([half.body.card_id, half.body.bonus_reversed], [two.id, 51])
    const rest = await shop.refundLoad(loaded.id, 500)
    assert.equal(rest.body.bonus_reversed, 50)
    assert.deepEqual(await shop.balance(two), { principal: 1, bonus: 0, held: 0 })
  })

  test('is refused for what is no load, for a card that is lost, and where the money is gone', async () => {
    const { card } = await own(ladder)
    const one = await card()
    const { body: loaded } = await shop.load(one, 1_000)
    const unknown = `load_${one.uuid.replaceAll('-', '')}`
    assert.equal(code(await shop.refundLoad(unknown, 1)), 'load.not_found')
    assert.equal(code(await shop.refundLoad(`load_${'0'.repeat(32)}`, 1)), 'load.not_found')
    await shop.pay(one, 600)
    const gone = await shop.refundLoad(loaded.id, 1_000)
    assert.deepEqual(
      [gone.body.code, gone.body.allowed],
      ['refund.exceeds_load', { min: 1, max: 401 }],
    )
    const reference = shop.reference()
    assert.equal((await shop.refundLoad(loaded.id, 1, { reference })).status, 201)
    assert.equal(code(await shop.refundLoad(loaded.id, 1, { reference })), 'reference.already_used')
    await shop.reportLost(one)
    assert.equal(code(await shop.refundLoad(loaded.id, 1)), 'card.lost')
  })
})

test('another server sees at its next look what was published, and at once that there is something to take back', async () => {
  const issuer = await shop.makeIssuer()
  const { secret: second } = await shop.makeKey(issuer.id, 'test', { owner: 'Somebody Else' })
  const id = parseId('issuer', issuer.id)
  assert.ok(id)
  const book = bookOf(id, 'test')
  const [first, other, third] = [1, 2, 3].map(() => openLoyalty(shop.flows.database))
  assert.ok(first && other && third)
  await first.refresh()
  assert.deepEqual(await other.inForce(book), [])
  assert.equal(await third.everGave(book), false)
  const terms = shop.terms(fixed(1_000, 100))
  const made = await shop.call('POST', '/v1/campaigns', { key: issuer.test, body: terms })
  await shop.call('POST', `/v1/campaigns/${made.body.id}/publish`, { key: second })
  assert.deepEqual(other.known(book), [])
  assert.equal(await third.everGave(book), true)
  await other.refresh()
  assert.equal(other.known(book)?.length, 1)
  await shop.call('POST', `/v1/campaigns/${made.body.id}/end`, { key: issuer.test })
  await other.refresh()
  assert.deepEqual(other.known(book), [])
  assert.equal(await third.everGave(book), true)
})

test('in a bulk all or nothing is given and taken back', async () => {
  const { id, card } = await own(ladder)
  const one = await card()
  const { body: loaded } = await shop.load(one, 50_000)
  const bulk = (on_error: string, ...operations: { path: string; body: object }[]) =>
    shop.request('POST', '/v1/bulk', {
      on_error,
      operations: operations.map((each) => ({ ...each, idempotency_key: shop.newKey() })),
    })
  const load = {
    path: `/v1/cards/${one.id}/loads`,
    body: { amount: 100_000, funding: { method: 'cash' } },
  }
  const back = (amount: number) => ({
    path: `/v1/loads/${loaded.id}/refunds`,
    body: { amount, reference: shop.reference() },
  })
  const statuses = ({ body }: Answered) => body.results.map((one: { status: number }) => one.status)
  assert.deepEqual(statuses(await bulk('atomic', load, back(50_001))), [409, 409])
  assert.equal((await shop.budget(id))[0].granted, 2_500)
  assert.deepEqual(statuses(await bulk('atomic', load, back(50_000))), [201, 201])
  assert.equal((await shop.budget(id))[0].granted, 7_500)
  assert.deepEqual(await shop.balance(one), { principal: 100_001, bonus: 5_000, held: 0 })
  const publish = { path: `/v1/campaigns/${id}/publish`, body: {} }
  assert.deepEqual(statuses(await bulk('continue', publish)), [404])
})

test('the auditor names a rebate that is not what its entry gave', async () => {
  const { card } = await own(fixed(1_000, 100))
  const one = await card()
  await shop.load(one, 1_000)
  const verify = async () => (await shop.request('POST', '/v1/ledger/verify')).body
  assert.equal((await verify()).ok, true)
  const change = (amount: number) => shop.database.owner.sql`
    update lika.rebate set amount = ${amount} where card_id = ${one.uuid}`
  await change(101)
  const { ok, first_wrong } = await verify()
  assert.deepEqual([ok, first_wrong.table, first_wrong.column], [false, 'rebate', 'amount'])
  await change(100)
  assert.equal((await verify()).ok, true)
})

test('a redemption takes unspent bonus back to its campaign, and nothing takes it a second time', async () => {
  const { card } = await own(ladder)
  const one = await card()
  const { body: loaded } = await shop.load(one, 50_000, { bonus_amount: 300 })
  const [rebates, given] = [
    await shop.account('rebate_expense'),
    await shop.account('bonus_expense'),
  ]
  const body = {
    reason: 'operator',
    payout: { method: 'same_name_account', account_name: 'A', account_number: '1' },
    holder: { kind: 'person', name: 'A' },
  }
  const redeemed = await shop.request('POST', `/v1/cards/${one.id}/redemptions`, body)
  assert.equal(redeemed.status, 201, JSON.stringify(redeemed.body))
  assert.equal(redeemed.body.bonus_forfeited, 2_800)
  assert.equal(await shop.account('rebate_expense'), rebates - 2_500)
  assert.equal(await shop.account('bonus_expense'), given - 300)
  const [rebate] = await shop.rebates(`card_id=${one.id}`)
  assert.equal(rebate.reversed, 2_500)
  assert.equal(code(await shop.refundLoad(loaded.id, 1)), 'card.closed')
})
