/** Pre-sales: paid at a discount, deferred until the card is delivered, given back while it is not. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
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

const code = ({ status, body }: Answered) => body.code ?? status
const rule = { kind: 'presale', price: 9_000, face: 10_000 }

async function own(more: object = {}) {
  const productId = await shop.makeProduct({})
  const id = await shop.campaign(rule, { products: [productId], ...more })
  const sell = (sale: object = {}, key?: string) =>
    shop.request(
      'POST',
      '/v1/presales',
      { campaign_id: id, funding: { method: 'bank_transfer', reference: 'T-1' }, ...sale },
      key,
    )
  return { id, productId, sell }
}

const deliver = (id: string, key?: string) =>
  shop.request('POST', `/v1/presales/${id}/deliver`, {}, key)
const giveBack = (id: string, key?: string) =>
  shop.request('POST', `/v1/presales/${id}/refunds`, {}, key)
const accounts = async (...kinds: string[]) => Promise.all(kinds.map(shop.account))

test('the money is deferred when it is paid and the card’s when it is delivered', async () => {
  const { id, productId, sell } = await own()
  const kinds = ['bank', 'deferred_revenue', 'card_principal', 'card_bonus']
  const [bank = 0, deferred = 0, principal = 0, bonus = 0] = await accounts(...kinds)
  const sold = await sell({ reference: 'pre-1', metadata: { why: 'spring' } })
  assert.equal(sold.status, 201, JSON.stringify(sold.body))
  const { price, face, status, card_id, funding, reference } = sold.body
  assert.deepEqual(
    [price, face, status, card_id, funding, reference],
    [9_000, 10_000, 'sold', null, { method: 'bank_transfer', reference: 'T-1' }, 'pre-1'],
  )
  assert.deepEqual(await accounts(...kinds), [bank + 9_000, deferred + 10_000, principal, bonus])
  const read = await shop.request('GET', `/v1/presales/${sold.body.id}`)
  assert.deepEqual(read.body, sold.body)
  const card = await deliver(sold.body.id)
  assert.equal(card.status, 201, JSON.stringify(card.body))
  assert.deepEqual(
    [card.body.status, card.body.product_id, card.body.balance.principal, card.body.balance.bonus],
    ['active', productId, 9_000, 1_000],
  )
  assert.deepEqual(await accounts(...kinds), [
    bank + 9_000,
    deferred,
    principal + 9_000,
    bonus + 1_000,
  ])
  const after = await shop.request('GET', `/v1/presales/${sold.body.id}`)
  assert.deepEqual([after.body.status, after.body.card_id], ['delivered', card.body.id])
  const paid = await shop.pay(card.body, 10_000)
  assert.equal(paid.status, 201, JSON.stringify(paid.body))
  const [line] = await shop.budget(id)
  assert.deepEqual([line.granted, line.left], [1_000, 999_000])
  const { body: list } = await shop.request(
    'GET',
    `/v1/presales?campaign_id=${id}&status=delivered`,
  )
  assert.deepEqual(list.data, [after.body])
})

test('an undelivered one is given back whole, a delivered one is not', async () => {
  const { sell } = await own()
  const kinds = ['deferred_revenue', 'redemption_payable', 'rebate_expense']
  const [one, two] = [await sell(), await sell()]
  const [deferred = 0, payable = 0, expense = 0] = await accounts(...kinds)
  const key = shop.newKey()
  const back = await giveBack(one.body.id, key)
  assert.deepEqual([back.status, back.body.status], [200, 'refunded'])
  assert.deepEqual((await giveBack(one.body.id, key)).body, back.body)
  assert.deepEqual(await accounts(...kinds), [deferred - 10_000, payable + 9_000, expense - 1_000])
  assert.equal(code(await deliver(one.body.id)), 'presale.closed')
  assert.equal(code(await giveBack(one.body.id)), 'presale.closed')
  const card = await deliver(two.body.id)
  assert.equal(card.status, 201)
  assert.equal(code(await giveBack(two.body.id)), 'presale.closed')
})

test('of delivery and refund at once one happens, once', async () => {
  const { sell } = await own()
  const sold = await Promise.all(Array.from({ length: 8 }, () => sell()))
  const ids: string[] = sold.map(({ body }) => body.id)
  const answers = await Promise.all(ids.flatMap((id) => [deliver(id), giveBack(id), deliver(id)]))
  for (const [index] of ids.entries()) {
    const some = answers.slice(index * 3, index * 3 + 3).map(code)
    assert.equal(some.filter((one) => one === 200 || one === 201).length, 1, String(some))
  }
})

test('sells within its dates, its budget and the law; a repeat sells once', async () => {
  const { id, sell } = await own({ budget: 2_500 })
  const key = shop.newKey()
  const [first, again] = [await sell({}, key), await sell({}, key)]
  assert.deepEqual(first.body, again.body)
  const others = await Promise.all([sell(), sell(), sell()])
  assert.deepEqual(others.map((one) => String(code(one))).sort(), [
    '201',
    'campaign.budget_spent',
    'campaign.budget_spent',
  ])
  assert.equal((await shop.request('POST', `/v1/campaigns/${id}/end`)).status, 200)
  assert.deepEqual((await sell({}, key)).body, first.body)
  assert.equal(code(await sell({ reference: 'other' }, key)), 'idempotency.key_reused')
  assert.equal(code(await sell()), 'campaign.not_running')
  const late = await own({ starts_on: shop.dayIn(5) })
  assert.equal(code(await late.sell()), 'campaign.not_running')
  assert.equal(code(await late.sell({ funding: { method: 'card' } })), 'campaign.not_running')
  const open = await own()
  assert.equal(code(await open.sell({ funding: { method: 'card' } })), 'funding.reference_missing')
  const taken = await open.sell({ reference: 'twice' })
  const twice = await open.sell({ reference: 'twice' })
  assert.deepEqual(
    [twice.body.code, twice.body.existing_id],
    ['reference.already_used', taken.body.id],
  )
  assert.equal(code(await deliver(`psale_${'0'.repeat(32)}`)), 'presale.not_found')
})

test('is a sale before the law; what was paid for is delivered also when the sale was stopped since', async () => {
  const productId = await shop.makeProduct({ face_range: { min: 1, max: 6_000_000 } })
  const above = { kind: 'presale', price: 9_000, face: 5_000_001 }
  const over = await shop.campaign(above, { products: [productId], budget: 10_000_000 })
  const funding = { method: 'cash' }
  const refused = await shop.request('POST', '/v1/presales', { campaign_id: over, funding })
  assert.deepEqual(
    [refused.body.code, refused.body.policy.rule],
    ['policy.card_limit', 'card_limit_anonymous_fen'],
  )
  const { sell } = await own()
  const { body: sold } = await sell()
  const turn = (stopped: boolean) =>
    shop.call('POST', `/v1/issuers/${shop.issuer.id}/sale`, {
      key: shop.operator,
      body: { stopped, reason: 'asked for' },
    })
  assert.equal((await turn(true)).status, 200)
  assert.equal(code(await sell()), 'policy.sale_stopped')
  assert.equal((await deliver(sold.id)).status, 201)
  assert.equal((await turn(false)).status, 200)
})

test('a card that was delivered is redeemed for what was paid, its discount goes back to the campaign', async () => {
  const { sell } = await own()
  const { body: sold } = await sell()
  const { body: card } = await deliver(sold.id)
  const [given, rebates] = [
    await shop.account('bonus_expense'),
    await shop.account('rebate_expense'),
  ]
  const redeemed = await shop.request('POST', `/v1/cards/${card.id}/redemptions`, {
    reason: 'operator',
    payout: { method: 'original_route' },
  })
  assert.equal(redeemed.status, 201, JSON.stringify(redeemed.body))
  assert.deepEqual(
    [redeemed.body.principal_returned, redeemed.body.payout.routes],
    [9_000, [{ method: 'bank_transfer', amount: 9_000 }]],
  )
  assert.equal(await shop.account('bonus_expense'), given)
  assert.equal(await shop.account('rebate_expense'), rebates - 1_000)
})
