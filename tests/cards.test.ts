import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type CardAction, type CardState, cardActions, cardMay, cardStates } from '@lika/contract'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import type { Answered } from './harness/http-app.ts'

let app: CardApp
let key: string
let product: string
let plastic: string
let merchant: string

before(async () => {
  app = await startCardApp()
  key = (await app.makeIssuer()).test
  product = await app.makeProduct(key)
  plastic = await app.makeProduct(key, { carrier: 'physical' })
  const shop = { name: 'Tea', category: 'food' }
  merchant = (await app.call('POST', '/v1/merchants', { key, body: shop })).body.id
})
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
})

const reason = 'somebody asked for it'
const funding = { method: 'cash' }
let orders = 0

function pay(card: string, amount = 100): Promise<Answered> {
  orders += 1
  return app.post(key, '/v1/payments', {
    amount,
    currency: 'CNY',
    merchant_id: merchant,
    reference: `order-${orders}`,
    sources: [{ card_id: card }],
  })
}

const paths: Record<Exclude<CardAction, 'pay'>, [string, object?]> = {
  activate: ['activate', { funding }],
  load: ['loads', { amount: 100, funding }],
  adjust: ['adjustments', { amount: 1, sub_balance: 'principal', reason }],
  split: ['split', { amounts: [100] }],
  freeze: ['freeze', { reason }],
  unfreeze: ['unfreeze', { reason }],
  report_lost: ['report_lost'],
  replace: ['replace'],
  close: ['close', { reason }],
  extend: ['extend', { until: '2040-01-01' }],
  reveal: ['reveal'],
  redeem: ['redemptions', { reason: 'operator', payout: { method: 'original_route' } }],
}

function act(card: string, action: CardAction): Promise<Answered> {
  if (action === 'pay') return pay(card)
  const [path, body] = paths[action]
  return app.post(key, `/v1/cards/${card}/${path}`, body)
}

async function empty(card: string): Promise<void> {
  const { balance } = (await app.get(key, `/v1/cards/${card}`)).body
  if (balance.principal === 0) return
  const adjustment = { amount: -balance.principal, sub_balance: 'principal', reason }
  await app.post(key, `/v1/cards/${card}/adjustments`, adjustment)
}

/** A card in that state, with 100 yuan where it can have money, unless it was emptied before. */
async function cardIn(state: CardState, emptied = false): Promise<string> {
  if (state === 'created') return (await app.makeCard(key, plastic)).id
  const { id } = await app.makeCard(key, product)
  const way = { frozen: 'freeze', lost: 'report_lost', replaced: 'replace' } as const
  if (emptied || state === 'closed') await empty(id)
  if (state === 'closed') await act(id, 'close')
  else if (state !== 'active') await act(id, way[state])
  return id
}

test('nothing is taken from a lost card, not by hand either', async () => {
  const card = await cardIn('lost')
  const less = { amount: -1, sub_balance: 'principal', reason }
  const refused = await app.post(key, `/v1/cards/${card}/adjustments`, less)
  assert.deepEqual([refused.status, refused.body.code], [409, 'card.lost'])
  assert.equal((await act(card, 'adjust')).status, 201, 'but it can be given')
})

test('a freeze goes along to the card that replaces it', async () => {
  const successor = await act(await cardIn('frozen'), 'replace')
  assert.equal(successor.body.status, 'frozen')
  assert.equal((await pay(successor.body.id)).body.code, 'card.frozen')
})

describe('what a card may do in which state', () => {
  const actions = Object.keys(cardActions) as CardAction[]
  for (const state of cardStates) {
    test(`a card that is ${state}`, async () => {
      for (const action of actions) {
        const card = await cardIn(state, action === 'close')
        const { status, body } = await act(card, action)
        // Before activation there is no expiry that could be moved.
        if (state === 'created' && action === 'extend')
          assert.equal(body.code, 'card.has_no_expiry')
        else if (cardMay(action, state)) assert.ok(status < 300, `${action}: ${body.code}`)
        else {
          assert.equal(status, 409, action)
          assert.match(
            body.code,
            /^card\.(not_active|already_active|not_frozen|frozen|lost|closed|replaced)$/,
          )
        }
      }
    })
  }
})

describe('issuing', () => {
  test('a virtual card is active with its money on it at once', async () => {
    const { status, body } = await app.post(key, '/v1/cards', {
      product_id: product,
      amount: 10_000,
      bonus_amount: 500,
      funding: { method: 'bank_transfer', reference: 'T-1' },
      reference: 'mine-1',
      metadata: { campaign: 'spring' },
    })
    assert.equal(status, 201)
    assert.equal(body.status, 'active')
    assert.deepEqual(body.balance, { available: 10_500, held: 0, principal: 10_000, bonus: 500 })
    assert.equal(body.reference, 'mine-1')
    assert.deepEqual(body.metadata, { campaign: 'spring' })
    assert.match(body.expires_at, /T16:00:00Z$/)
    assert.deepEqual((await app.get(key, `/v1/cards/${body.id}`)).body, body)
  })

  test('a reference is unique among the cards of a book', async () => {
    const first = await app.makeCard(key, product, 100, { reference: 'mine-2' })
    const again = await app.post(key, '/v1/cards', {
      product_id: product,
      amount: 100,
      funding,
      reference: 'mine-2',
    })
    assert.equal(again.status, 409)
    assert.equal(again.body.code, 'reference.already_used')
    assert.equal(again.body.existing_id, first.id)
  })

  test('a plastic card is worthless until it is sold, and counts its validity from then', async () => {
    const card = await app.makeCard(key, plastic, 10_000)
    assert.equal(card.status, 'created')
    assert.deepEqual(card.balance, { available: 0, held: 0, principal: 0, bonus: 0 })
    assert.equal(card.expires_at, null)
    assert.equal((await pay(card.id)).body.code, 'card.not_active')
    assert.equal((await app.post(key, `/v1/cards/${card.id}/pay_codes`)).status, 409)
    const sold = await act(card.id, 'activate')
    assert.equal(sold.body.status, 'active')
    assert.equal(sold.body.balance.available, 10_000)
    assert.notEqual(sold.body.expires_at, null)
    assert.equal((await pay(card.id)).status, 201)
  })

  test('refusals come in the documented order', async () => {
    const draft = await app.call('POST', '/v1/products', {
      key,
      body: {
        name: 'Draft',
        kind: 'gift',
        registered: false,
        carrier: 'virtual',
        faces: [1_000],
        validity_months: 36,
        reloadable: false,
      },
    })
    const codeOf = async (body: object) => (await app.post(key, '/v1/cards', body)).body.code
    const wrong = { amount: 1, funding: { method: 'wechat' } }
    const nowhere = `prod_${'0'.repeat(32)}`
    assert.equal(await codeOf({ product_id: nowhere, ...wrong }), 'product.not_found')
    assert.equal(await codeOf({ product_id: draft.body.id, ...wrong }), 'product.not_published')
    assert.equal(await codeOf({ product_id: product, ...wrong }), 'amount.out_of_range')
    assert.equal(
      await codeOf({ product_id: product, ...wrong, amount: 100 }),
      'funding.reference_missing',
    )
  })

  test('the same key gives one card and equal answers, ten times at once', async () => {
    const body = { product_id: product, amount: 700, funding }
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => app.again(key, '/v1/cards', 'one-key', body)),
    )
    assert.equal(new Set(answers.map((one) => JSON.stringify(one.body))).size, 1)
    assert.ok(answers.every((one) => one.status === 201))
    const other = await app.again(key, '/v1/cards', 'one-key', { ...body, amount: 701 })
    assert.equal(other.body.code, 'idempotency.key_reused')
  })

  test('a number that is taken is not the caller’s problem', async () => {
    const { mintCards } = app.flows
    const [taken] = (await app.get(key, '/v1/cards?limit=1')).body.data
    const { body: face } = await app.post(key, `/v1/cards/${taken.id}/reveal`)
    let asked = 0
    const colliding: typeof mintCards = (request) => {
      asked += 1
      const minted = mintCards(request)
      return asked > 3 ? minted : minted.map((card) => ({ ...card, number: face.number }))
    }
    const lane = Number(face.number.slice(5, 8))
    Object.assign(app.flows, { mintCards: colliding })
    const { engine } = app.flows
    Object.defineProperty(engine, 'laneForNew', { value: () => lane, configurable: true })
    const made = await app.post(key, '/v1/cards', { product_id: product, amount: 100, funding })
    Object.assign(app.flows, { mintCards })
    Reflect.deleteProperty(engine, 'laneForNew')
    assert.equal(made.status, 201)
    assert.equal(asked, 4)
  })
})

describe('freezing, losing, closing', () => {
  test('once a loss is reported no debit commits any more', async () => {
    const { id } = await app.makeCard(key, product, 100_000)
    const paying = Array.from({ length: 60 }, () => pay(id, 1))
    const lost = act(id, 'report_lost')
    const during = Array.from({ length: 60 }, () => pay(id, 1))
    const reported = await lost
    assert.equal(reported.body.status, 'lost')
    const late = await Promise.all(Array.from({ length: 10 }, () => pay(id, 1)))
    assert.ok(late.every((one) => one.body.code === 'card.lost'))
    const answers = await Promise.all([...paying, ...during])
    const paid = answers.filter((one) => one.status === 201).length
    const { balance } = (await app.get(key, `/v1/cards/${id}`)).body
    assert.equal(balance.available, 100_000 - paid)
    assert.equal(balance.available, reported.body.balance.available)
  })

  test('a card with money on it is not closed', async () => {
    const { id } = await app.makeCard(key, product, 100)
    assert.equal((await act(id, 'close')).body.code, 'card.not_empty')
    await empty(id)
    assert.equal((await act(id, 'close')).body.status, 'closed')
  })
})
