/** Random rebates by the week: the budget of a week is given to the last fen, over all lanes, and never a fen more. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { bookOf, dayMs, parseId, startOfDay } from '@lika/contract'
import { claimCommand } from '../server/src/flows/rebates/claim.ts'
import { mondayOf } from '../server/src/modules/loyalty/index.ts'
import { type Campaigns, startCampaigns } from './harness/campaigns.ts'
import type { Answered } from './harness/http-app.ts'
import type { TestCard } from './harness/tills.ts'

let shop: Campaigns
before(async () => {
  shop = await startCampaigns()
  // A Wednesday at noon: no week ends on the way.
  await shop.goTo(startOfDay(mondayOf(shop.now())) + 9 * dayMs + dayMs / 2)
})
after(async () => {
  await shop.check()
  await shop.stop()
})

const code = ({ status, body }: Answered) => body.code ?? status
const rule = { kind: 'random', min: 10, max: 5_000, min_load: 10_000 }

async function own(budget: number, more: object = {}) {
  const productId = await shop.makeProduct({})
  const id = await shop.campaign({ ...rule, ...more }, { products: [productId], budget })
  const card = (lane?: number) => shop.emptyCard({ productId, ...(lane && { lane }) })
  return { id, card }
}

async function loaded(card: TestCard, amount = 10_000): Promise<string> {
  const { status, body } = await shop.load(card, amount)
  assert.equal(status, 201, JSON.stringify(body))
  return body.id
}

const claim = (campaign: string, load: string, key?: string) =>
  shop.request('POST', `/v1/campaigns/${campaign}/claims`, { load_id: load }, key)

/** Loads on cards of all lanes. */
async function loads(card: (lane?: number) => Promise<TestCard>, count: number): Promise<string[]> {
  const cards = await Promise.all(Array.from({ length: count }, (_, n) => card(601 + (n % 3))))
  return Promise.all(cards.map((one) => loaded(one)))
}

describe('the budget of a week', () => {
  for (const [budget, count] of [
    [100_000, 90],
    [12_345, 60],
    [7, 9],
  ] as const) {
    test(`of ${budget} fen is given to the last fen to ${count} who claim at once on all lanes`, async () => {
      const { id, card } = await own(budget)
      const ids = await loads(card, count)
      const answers = await Promise.all(ids.map((load) => claim(id, load)))
      const given = answers.filter(({ status }) => status === 201)
      const codes = new Set(answers.map(code))
      assert.deepEqual(codes, new Set([201, 'campaign.budget_spent']))
      const amounts = given.map(({ body }) => body.amount)
      assert.equal(
        amounts.reduce((sum, amount) => sum + amount, 0),
        budget,
      )
      assert.ok(amounts.every((amount) => amount > 0 && amount <= 5_000))
      // All but the last one were drawn.
      assert.ok(amounts.filter((amount) => amount < 10).length <= 1)
      const [line] = await shop.budget(id)
      assert.deepEqual([line.budget, line.granted, line.left], [budget, budget, 0])
      assert.equal(line.period, mondayOf(shop.now()))
      const late = await claim(id, await loaded(await card()))
      assert.equal(code(late), 'campaign.budget_spent')
    })
  }

  test('ends on Monday at 00:00 in Shanghai; the next has its own, and what is left of the old comes back', async () => {
    const { id, card } = await own(20_000)
    const one = await card()
    const monday = startOfDay(mondayOf(shop.now())) + 7 * dayMs
    await shop.goTo(monday - 5_000)
    const [before, unclaimed] = [await loaded(one), await loaded(one)]
    const first = await claim(id, before)
    assert.equal(first.status, 201, JSON.stringify(first.body))
    await shop.goTo(monday)
    assert.equal(code(await claim(id, unclaimed)), 'campaign.not_running')
    const second = await claim(id, await loaded(one))
    assert.deepEqual([second.status, second.body.week], [201, mondayOf(monday)])
    assert.notEqual(first.body.week, second.body.week)
    await shop.run()
    const [old, now] = await shop.budget(id)
    assert.deepEqual(
      [old.status, old.granted, old.left, old.returned],
      ['closed', first.body.amount, 0, 20_000 - first.body.amount],
    )
    assert.deepEqual([now.status, now.granted], ['open', second.body.amount])
  })

  test('also where many claim while the week ends', async () => {
    const { id, card } = await own(30_000)
    const monday = startOfDay(mondayOf(shop.now())) + 7 * dayMs
    const ids = await loads(card, 12)
    await shop.goTo(monday - 150)
    const answers = await Promise.all(
      ids.map(async (load, index) => {
        await new Promise((resolve) => setTimeout(resolve, index * 25))
        return claim(id, load)
      }),
    )
    await shop.run()
    for (const { status, body } of answers)
      assert.ok(status === 201 || body.code === 'campaign.not_running', JSON.stringify(body))
    const lines = await shop.budget(id)
    const given = answers.flatMap(({ status, body }) => (status === 201 ? [body.amount] : []))
    assert.equal(
      lines.reduce((sum: number, line: { granted: number }) => sum + line.granted, 0),
      given.reduce((sum, amount) => sum + amount, 0),
    )
  })
})

describe('a claim', () => {
  test('is answered the same again, and a load gives once', async () => {
    const { id, card } = await own(50_000)
    const load = await loaded(await card())
    const key = shop.newKey()
    const answers = await Promise.all([1, 2, 3].map(() => claim(id, load, key)))
    for (const { status, body } of answers)
      assert.deepEqual([status, body], [201, answers[0]?.body])
    const again = await claim(id, load)
    assert.deepEqual(
      [again.body.code, again.body.existing_id],
      ['campaign.already_claimed', answers[0]?.body.id],
    )
    const many = await Promise.all(Array.from({ length: 8 }, () => claim(id, load)))
    assert.deepEqual(new Set(many.map(code)), new Set(['campaign.already_claimed']))
    assert.equal((await shop.request('POST', `/v1/campaigns/${id}/end`)).status, 200)
    const late = await claim(id, load, key)
    assert.deepEqual([late.status, late.body], [201, answers[0]?.body])
    assert.equal(code(await claim(id, await loaded(await card()), key)), 'idempotency.key_reused')
    assert.equal(code(await claim(id, load)), 'campaign.not_running')
  })

  test('whose server died before it was refused is claimed under its key once the campaign is published', async () => {
    const productId = await shop.makeProduct({})
    const proposed = await shop.propose(rule, { products: [productId], budget: 100_000 })
    const [campaignId, issuerId] = [
      parseId('campaign', proposed.body.id),
      parseId('issuer', shop.issuer.id),
    ]
    const load = await loaded(await shop.emptyCard({ productId, lane: 603 }))
    const loadId = parseId('load', load)
    assert.ok(campaignId && issuerId && loadId, JSON.stringify(proposed.body))
    const caller = { issuerId, mode: 'test', book: bookOf(issuerId, 'test') } as const
    const key = shop.newKey()
    const command = await claimCommand(shop.flows, caller, { campaignId, loadId }, key)
    assert.ok(command.ok)
    const plan = () => assert.fail('the server dies')
    await assert.rejects(shop.flows.engine.execute({ ...command.value, plan }), /dies/)
    assert.equal((await shop.publish(proposed.body.id)).status, 200)
    const claimed = await claim(proposed.body.id, load, key)
    assert.equal(claimed.status, 201, JSON.stringify(claimed.body))
  })

  test('many times at once for one load gives once', async () => {
    const { id, card } = await own(50_000)
    const load = await loaded(await card())
    const answers = await Promise.all(Array.from({ length: 10 }, () => claim(id, load)))
    assert.equal(answers.filter(({ status }) => status === 201).length, 1)
  })

  test('needs a load of this week that is large enough and was kept', async () => {
    const { id, card } = await own(50_000)
    const one = await card()
    assert.equal(code(await claim(id, await loaded(one, 9_999))), 'amount.out_of_range')
    const back = await loaded(one)
    await shop.refundLoad(back, 1)
    assert.equal(code(await claim(id, back)), 'amount.out_of_range')
    assert.equal(code(await claim(id, `load_${'0'.repeat(32)}`)), 'load.not_found')
    assert.equal(code(await claim(`camp_${'0'.repeat(32)}`, back)), 'campaign.not_found')
    const other = await shop.campaign(
      { kind: 'ladder', step: 100, rate_bp: 500 },
      {
        products: [await shop.makeProduct({})],
      },
    )
    assert.equal(code(await claim(other, back)), 'campaign.not_running')
    const foreign = await own(1)
    assert.equal(code(await claim(foreign.id, await loaded(one))), 'campaign.not_running')
  })

  test('counts for the cap of the card', async () => {
    const { id, card } = await own(50_000)
    const one = await card()
    const load = await loaded(one, 5_000_000 - 6)
    const over = await claim(id, load)
    assert.deepEqual(
      [over.body.code, over.body.policy.rule],
      ['policy.card_limit', 'card_limit_anonymous_fen'],
    )
    assert.equal((await shop.budget(id))[0].granted, 0)
  })

  test('is taken back when the load is given back below what it takes', async () => {
    const { id, card } = await own(50_000)
    const one = await card()
    const load = await loaded(one, 20_000)
    const { body } = await claim(id, load)
    const part = await shop.refundLoad(load, 10_000)
    assert.equal(part.body.rebates_taken_back, undefined)
    const rest = await shop.refundLoad(load, 1)
    assert.equal(rest.body.rebates_taken_back[0].amount, body.amount)
    assert.deepEqual(await shop.balance(one), { principal: 10_000, bonus: 0, held: 0 })
  })

  test('races with the refund of its load: nothing is kept of what was not earned', async () => {
    const { id, card } = await own(100_000)
    const cards = await Promise.all(Array.from({ length: 12 }, (_, n) => card(601 + (n % 3))))
    const ids = await Promise.all(cards.map((one) => loaded(one)))
    await Promise.all(ids.flatMap((load) => [claim(id, load), shop.refundLoad(load, 10_000)]))
    for (const one of cards)
      assert.deepEqual(await shop.balance(one), { principal: 1, bonus: 0, held: 0 })
  })
})

test('a payment asks the database nothing of campaigns that do not give for payments', async () => {
  const { card } = await own(50_000)
  const one = await card()
  await loaded(one)
  await shop.pay(one, 1)
  const asked = async () => {
    const rows = await shop.database.owner.sql<{ query: string; calls: bigint }[]>`
      select query, calls
      from public.pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database())
        and query ~ '(campaign|budget_line|rebate|voucher)'
        and query !~ 'pg_stat_statements'`
    return rows.reduce((sum, { calls }) => sum + calls, 0n)
  }
  const before = await asked()
  assert.ok(before > 0n)
  const answers = await Promise.all(Array.from({ length: 20 }, () => shop.pay(one, 1)))
  assert.ok(answers.every(({ status }) => status === 201))
  assert.equal(await asked(), before)
})
