/** A card is topped up through WeChat: principal and bonus, a second person for large sums, and back again. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type OrderShop, startOrderShop } from './harness/orders.ts'

let shop: OrderShop
let second: string
let product: string
before(async () => {
  shop = await startOrderShop()
  const made = await shop.makeKey(shop.issuer.id, 'test', { owner: 'somebody else' })
  second = made.secret
  product = await shop.makeProduct(shop.key, { face_range: { min: 100, max: 5_000_000 } })
})
after(async () => {
  await shop.check()
  await shop.stop()
})

const card = async (amount = 1_000, more: object = {}) =>
  (await shop.makeCard(shop.key, product, amount, more)).id

const asked = (card_id: string, amount: number, more: object = {}) => ({
  kind: 'top_up',
  product_id: undefined,
  card_id,
  amount,
  ...more,
})

const balance = async (id: string) => (await shop.get(shop.key, `/v1/cards/${id}`)).body.balance

test('what is paid goes onto the principal, what is given onto the bonus, at once usable', async () => {
  const id = await card()
  const done = await shop.bought(asked(id, 20_000, { bonus_amount: 500 }))
  assert.deepEqual(
    [done.status, done.kind, done.cards, done.sealed_until],
    ['completed', 'top_up', [id], null],
  )
  const { principal, bonus } = await balance(id)
  assert.deepEqual([principal, bonus], [21_000, 500])
  const { body: line } = await shop.get(shop.key, `/v1/cards/${id}/statement`)
  assert.ok(line.data.some((one: { amount: number }) => one.amount === 20_000))
})

test('above 5,000 yuan a second person has to agree; one who does not closes it', async () => {
  const id = await card()
  const small = await shop.ordered(asked(id, 500_000))
  assert.equal(small.review, null)
  const large = await shop.ordered(asked(id, 500_001))
  assert.equal(large.review, 'pending')
  assert.equal((await shop.invite(large.id)).body.code, 'order.review_pending')
  const own = await shop.act(large.id, 'review', { decision: 'approve' })
  assert.equal(own.body.code, 'approval.same_person')
  const other = await shop.post(second, `/v1/orders/${large.id}/review`, { decision: 'approve' })
  assert.deepEqual([other.status, other.body.review], [200, 'approved'], JSON.stringify(other.body))
  const again = await shop.post(second, `/v1/orders/${large.id}/review`, { decision: 'reject' })
  assert.equal(again.body.code, 'order.not_under_review')
  await shop.payInWechat(await shop.invited(large.id))
  assert.equal((await shop.show(large.id)).status, 'completed')
  assert.equal((await balance(id)).principal, 501_001)
  const refused = await shop.ordered(asked(id, 600_000))
  const no = await shop.post(second, `/v1/orders/${refused.id}/review`, { decision: 'reject' })
  assert.deepEqual([no.body.status, no.body.review], ['closed', 'rejected'])
  const closed = await shop.ordered(asked(id, 600_000))
  await shop.act(closed.id, 'close')
  for (const decision of ['approve', 'reject']) {
    const late = await shop.post(second, `/v1/orders/${closed.id}/review`, { decision })
    assert.equal(late.body.code, 'order.not_under_review')
  }
})

test('what would cross the cap is refused before any money is asked for, and again when it was paid', async () => {
  const id = await card(4_500_000)
  const over = await shop.order(asked(id, 500_001))
  assert.equal(over.body.code, 'policy.card_limit')
  const [one, two] = [
    await shop.ordered(asked(id, 300_000)),
    await shop.ordered(asked(id, 300_000)),
  ]
  const first = await shop.invited(one.id)
  const then = await shop.invited(two.id)
  await shop.payInWechat(first)
  await shop.payInWechat(then)
  assert.equal((await shop.show(one.id)).status, 'completed')
  const back = await shop.show(two.id)
  assert.deepEqual([back.status, back.undeliverable], ['refunding', 'policy.card_limit'])
  assert.equal((await balance(id)).principal, 4_800_000)
  for (let turn = 0; turn < 3; turn += 1) {
    await shop.advance(60)
    await shop.tend()
  }
  assert.equal((await shop.show(two.id)).status, 'refunded')
})

test('a card that is gone or frozen when the money comes takes none; its successor does', async () => {
  const [frozen, replaced] = [await card(), await card()]
  const one = await shop.ordered(asked(frozen, 5_000))
  const two = await shop.ordered(asked(replaced, 5_000))
  const ways = [await shop.invited(one.id), await shop.invited(two.id)]
  await shop.post(shop.key, `/v1/cards/${frozen}/freeze`, { reason: 'doubt' })
  const { body: successor } = await shop.post(shop.key, `/v1/cards/${replaced}/replace`)
  for (const way of ways) await shop.payInWechat(way)
  assert.equal((await shop.show(one.id)).undeliverable, 'card.frozen')
  assert.deepEqual((await shop.show(two.id)).cards, [successor.id])
  assert.equal((await balance(successor.id)).principal, 6_000)
})

test('a top-up goes back: bonus first, what of it was spent is kept of the money', async () => {
  const id = await card()
  const order = await shop.bought(asked(id, 20_000, { bonus_amount: 2_000 }))
  const { body: merchant } = await shop.call('POST', '/v1/merchants', {
    key: shop.key,
    body: { name: 'Tea', category: 'tea' },
  })
  const paid = await shop.post(shop.key, '/v1/payments', {
    amount: 500,
    currency: 'CNY',
    merchant_id: merchant.id,
    reference: 'p-1',
    sources: [{ card_id: id }],
  })
  assert.equal(paid.status, 201, JSON.stringify(paid.body))
  const back = await shop.refund(order.id)
  assert.deepEqual(
    [back.body.refund?.amount, back.body.refund?.basis],
    [19_500, 'load'],
    JSON.stringify(back.body),
  )
  const left = await balance(id)
  assert.deepEqual([left.principal, left.bonus], [1_000, 0])
  for (let turn = 0; turn < 3; turn += 1) {
    await shop.advance(60)
    await shop.tend()
  }
  const done = await shop.show(order.id)
  assert.deepEqual([done.status, done.refunded_amount], ['refunded', 19_500])
})

test('a purchase names a product and a top-up a card', async () => {
  const id = await card()
  const wrong = [
    asked(id, 1_000, { product_id: product }),
    { kind: 'top_up', product_id: product },
    { kind: 'purchase', card_id: id },
  ]
  for (const more of wrong) assert.equal((await shop.order(more)).body.code, 'order.card_missing')
  assert.equal(
    (await shop.order(asked(id, 1_000, { quantity: 2 }))).body.code,
    'order.too_many_cards',
  )
  const fixed = await shop.makeProduct(shop.key, { reloadable: false })
  const unloadable = (await shop.makeCard(shop.key, fixed, 1_000)).id
  assert.equal((await shop.order(asked(unloadable, 1_000))).body.code, 'product.not_reloadable')
})

test('what a campaign gives for a load comes with a top-up, and goes back with it', async () => {
  const { body: clock } = await shop.call('POST', '/v1/test/clock', {
    key: shop.key,
    body: { advance_seconds: 0 },
  })
  const terms = {
    name: 'Spring',
    rule: { kind: 'load_bonus', tiers: [{ from: 10_000, bonus: 1_500 }] },
    budget: 100_000,
    starts_on: clock.now.slice(0, 10),
    ends_on: `${Number(clock.now.slice(0, 4)) + 1}-12-31`,
  }
  const campaign = await shop.post(shop.key, '/v1/campaigns', terms)
  assert.equal(campaign.status, 201, JSON.stringify(campaign.body))
  const published = await shop.post(second, `/v1/campaigns/${campaign.body.id}/publish`)
  assert.equal(published.status, 200, JSON.stringify(published.body))
  await shop.flows.loyalty.refresh()
  const id = await card()
  const order = await shop.bought(asked(id, 20_000))
  assert.equal((await balance(id)).bonus, 1_500)
  const back = await shop.refund(order.id)
  assert.equal(back.body.refund?.amount, 20_000, JSON.stringify(back.body))
  const left = await balance(id)
  assert.deepEqual([left.principal, left.bonus], [1_000, 0])
})
