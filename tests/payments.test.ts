/** Payments at tills over HTTP: which cards pay what, and what stands in the way. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { laneOfId } from '@lika/contract'
import { newId } from '../server/src/platform/ids.ts'
import { assertBooks } from './harness/books.ts'
import { startTills, type Tills } from './harness/tills.ts'

let tills: Tills
before(async () => {
  tills = await startTills()
})
after(async () => {
  await assertBooks(tills.database.owner.sql)
  await tills.stop()
})

const days = 86_400_000
const post = (body: object, key?: string) => tills.request('POST', '/v1/payments', body, key)
const byId = ({ id }: { id: string }, amount?: number) => ({
  card_id: id,
  ...(amount === undefined ? {} : { amount }),
})
const parts = (body: { allocations: { sub_balance: string; amount: number }[] }) =>
  body.allocations.map(({ sub_balance, amount }) => [sub_balance, amount])

describe('a payment', () => {
  test('takes money from a card, and shows all that it was made with', async () => {
    const card = await tills.card(10_000)
    const store = await tills.request('POST', `/v1/merchants/${tills.shop}/stores`, {
      name: 'Old street',
      district: 'Huangpu',
    })
    const order = tills.order([byId(card)], 2_500, {
      store_id: store.body.id,
      metadata: { table: '7' },
    })
    const paid = await post(order)
    assert.equal(paid.status, 201, JSON.stringify(paid.body))
    const { sources: _, ...asked } = order
    const { id, created_at, receipt_number, ...rest } = paid.body
    assert.deepEqual(rest, {
      ...asked,
      status: 'succeeded',
      refunded_amount: 0,
      terminal_id: null,
      hold_id: null,
      allocations: [
        { card_id: card.id, sub_balance: 'principal', amount: 2_500, balance_after: 7_500 },
      ],
    })
    assert.match(receipt_number, /^\d{6}-[0-9A-HJKMNP-TV-Z]{7}-[0-9A-HJKMNP-TV-Z]{7}$/)
    assert.ok(Math.abs(Date.parse(created_at) - Date.now()) < 5_000)
    const shown = await tills.request('GET', `/v1/payments/${id}`)
    assert.deepEqual(shown.body, paid.body)
  })

  test('takes bonus before principal, or as the product says', async () => {
    const ordinary = await tills.card(1_000, { bonus: 300 })
    assert.deepEqual(parts((await tills.pay(ordinary, 500)).body), [
      ['bonus', 300],
      ['principal', 200],
    ])
    const productId = await tills.makeProduct({ consume_order: ['principal', 'bonus'] })
    const other = await tills.card(1_000, { bonus: 300, productId })
    assert.deepEqual(parts((await tills.pay(other, 1_100)).body), [
      ['principal', 1_000],
      ['bonus', 100],
    ])
  })

  test('takes several cards in the order named until it is paid', async () => {
    const [first, second, third] = await Promise.all([
      tills.card(500, { lane: 601 }),
      tills.card(700, { lane: 602 }),
      tills.card(900, { lane: 603 }),
    ])
    const paid = await post(tills.order([byId(first), byId(second), byId(third)], 1_000))
    assert.equal(paid.status, 201, JSON.stringify(paid.body))
    assert.deepEqual(
      paid.body.allocations.map(({ card_id, amount }: Record<string, unknown>) => [
        card_id,
        amount,
      ]),
      [
        [first.id, 500],
        [second.id, 500],
      ],
    )
    assert.equal((await tills.balance(third)).principal, 900)
  })

  test('takes exactly what each source says, or nothing at all', async () => {
    const [first, second] = await Promise.all([
      tills.card(500, { lane: 601 }),
      tills.card(700, { lane: 602 }),
    ])
    const split = await post(tills.order([byId(first, 100), byId(second, 600)], 700))
    assert.deepEqual(
      split.body.allocations.map(({ amount }: { amount: number }) => amount),
      [100, 600],
    )
    const more = await post(tills.order([byId(first, 100), byId(second, 101)], 201))
    assert.equal(more.status, 409)
    assert.deepEqual(
      [more.body.code, more.body.required, more.body.available, more.body.card_id],
      ['funds.insufficient', 101, 100, second.id],
    )
    assert.equal((await tills.balance(first)).principal, 400)
  })

  test('is paid by number and secret, and by a pay code', async () => {
    const card = await tills.card(1_000)
    const { number, secret } = card
    const typed = secret.toLowerCase().replace(/(.{4})(?=.)/g, '$1 ')
    const bySecret = await post(tills.order([{ number, secret: typed }], 100))
    assert.equal(bySecret.status, 201, JSON.stringify(bySecret.body))
    const byCode = await post(tills.order([{ pay_code: await tills.payCode(card) }], 100))
    assert.equal(byCode.status, 201, JSON.stringify(byCode.body))
    assert.equal((await tills.balance(card)).principal, 800)
  })

  test('by a wrong secret or a forged code is refused alike, and the key stays free', async () => {
    const card = await tills.card(1_000)
    const key = newId()
    const order = tills.order([{ number: card.number, secret: '0123456789ABCDEF' }], 100)
    const wrong = await post(order, key)
    const unknown = await post({
      ...order,
      sources: [{ number: '9000160100000000009', secret: card.secret }],
    })
    assert.deepEqual([wrong.status, wrong.body.code], [404, 'card.not_recognised'])
    assert.deepEqual({ ...unknown.body, request_id: '' }, { ...wrong.body, request_id: '' })
    const right = await post({ ...order, sources: [byId(card)] }, key)
    assert.equal(right.status, 201, JSON.stringify(right.body))
    const forged = await post(tills.order([{ pay_code: '960100000001123456123456' }], 100))
    assert.deepEqual([forged.status, forged.body.code], [404, 'pay_code.not_recognised'])
    assert.equal((await post(tills.order([{ pay_code: 'x' }], 100))).status, 404)
  })

  test('with a right secret is answered again after the secret was changed', async () => {
    const card = await tills.card(1_000)
    const key = newId()
    const order = tills.order([{ number: card.number, secret: card.secret }], 100)
    const first = await post(order, key)
    await tills.database.owner.sql`
      update card set secret_digest = sha256('other') where id = ${card.uuid}`
    const again = await post(order, key)
    assert.deepEqual(again.body, first.body)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    assert.equal((await post({ ...order, reference: tills.reference() })).status, 404)
  })

  for (const [what, sources] of Object.entries({
    'the same card twice': (id: string) => [{ card_id: id }, { card_id: id }],
    'an amount in one source only': (id: string) => [
      { card_id: id, amount: 100 },
      { card_id: `card_${'0'.repeat(32)}` },
    ],
    'amounts that do not sum up': (id: string) => [{ card_id: id, amount: 99 }],
    'a source of two kinds': (id: string) => [{ card_id: id, pay_code: '9' }],
    'a number without a secret': () => [{ number: '9' }],
    'no kind at all': () => [{}],
  })) {
    test(`with ${what} contradicts itself`, async () => {
      const card = await tills.card(1_000)
      const answer = await post(tills.order(sources(card.id), 100))
      assert.deepEqual([answer.status, answer.body.code], [400, 'sources.invalid'])
    })
  }

  test('with one card by id and by number contradicts itself too', async () => {
    const { id: card_id, number, secret } = await tills.card(1_000)
    const answer = await post(tills.order([{ card_id }, { number, secret }], 100))
    assert.deepEqual([answer.status, answer.body.code], [400, 'sources.invalid'])
  })

  test('has at most twenty sources', async () => {
    const { id } = await tills.card(1_000)
    const many = Array.from({ length: 21 }, () => ({ card_id: id }))
    assert.equal((await post(tills.order(many, 100))).status, 400)
  })

  test('is refused beyond what is there, saying how much that is', async () => {
    const card = await tills.card(1_000, { bonus: 50 })
    const answer = await tills.pay(card, 1_051)
    assert.equal(answer.status, 409)
    const { code, required, available } = answer.body
    assert.deepEqual([code, required, available], ['funds.insufficient', 1_051, 1_050])
  })

  test('is refused by the state of the card', async () => {
    const made = await tills.card(1_000, { activate: false })
    assert.equal((await tills.pay(made, 1)).body.code, 'card.not_active')
    const frozen = await tills.card(1_000)
    await tills.freeze(frozen)
    assert.equal((await tills.pay(frozen, 1)).body.code, 'card.frozen')
    const lost = await tills.card(1_000)
    await tills.reportLost(lost)
    assert.equal((await tills.pay(lost, 1)).body.code, 'card.lost')
    await tills.replace(lost)
    assert.equal((await tills.pay(lost, 1)).body.code, 'card.replaced')
  })

  test('is taken only where the product is accepted', async () => {
    const bakery = await tills.merchant({ category: 'bakery' })
    const named = await tills.makeProduct({
      acceptance: { merchants: [bakery], stores: [], categories: [] },
    })
    const card = await tills.card(1_000, { productId: named })
    const here = await tills.pay(card, 100)
    assert.deepEqual([here.status, here.body.code], [422, 'merchant.not_in_scope'])
    assert.equal((await tills.pay(card, 100, { merchant_id: bakery })).status, 201)
    const byCategory = await tills.makeProduct({
      acceptance: { merchants: [], stores: [], categories: ['bakery'] },
    })
    const other = await tills.card(1_000, { productId: byCategory })
    assert.equal((await tills.pay(other, 100, { merchant_id: bakery })).status, 201)
    assert.equal((await tills.pay(other, 100)).status, 422)
  })

  test('does not exist for others, nor do their cards', async () => {
    const card = await tills.card(1_000)
    const paid = await tills.pay(card, 100)
    const stranger = await tills.makeIssuer()
    for (const key of [stranger.test, tills.issuer.live]) {
      const shown = await tills.call('GET', `/v1/payments/${paid.body.id}`, { key })
      assert.deepEqual([shown.status, shown.body.code], [404, 'payment.not_found'])
    }
    const shop = await tills.call('POST', '/v1/merchants', {
      key: stranger.test,
      body: { name: 'Theirs', category: 'food' },
    })
    const order = tills.order([byId(card)], 100, { merchant_id: shop.body.id })
    const foreign = await tills.call('POST', '/v1/payments', {
      key: stranger.test,
      body: order,
      headers: { 'idempotency-key': newId() },
    })
    assert.deepEqual([foreign.status, foreign.body.code], [404, 'card.not_found'])
    const theirShop = await post(tills.order([byId(card)], 100, { merchant_id: shop.body.id }))
    assert.deepEqual([theirShop.status, theirShop.body.code], [404, 'merchant.not_found'])
  })

  test('is listed newest first, by reference and by merchant, in stable pages', async () => {
    const merchant_id = await tills.merchant()
    const card = await tills.card(1_000, { lane: 601 })
    const other = await tills.card(1_000, { lane: 602 })
    const ids: string[] = []
    for (const from of [card, other, card, other, card]) {
      ids.push((await tills.pay(from, 1, { merchant_id })).body.id)
    }
    const list = (more: string) =>
      tills.request('GET', `/v1/payments?merchant_id=${merchant_id}${more}`)
    const first = await list('&limit=2')
    await tills.pay(card, 1, { merchant_id })
    const second = await list(`&limit=2&cursor=${first.body.next_cursor}`)
    const third = await list(`&limit=2&cursor=${second.body.next_cursor}`)
    const seen = [first, second, third].flatMap(({ body }) =>
      body.data.map(({ id }: { id: string }) => id),
    )
    assert.deepEqual(seen, ids.toReversed())
    assert.equal(third.body.next_cursor, null)
    const { reference } = first.body.data[0]
    const found = await tills.request('GET', `/v1/payments?reference=${reference}`)
    assert.deepEqual(found.body.data, [first.body.data[0]])
    assert.deepEqual((await list(`&reference=${reference}`)).body, found.body)
    assert.deepEqual((await list('&reference=unknown')).body, { data: [], next_cursor: null })
  })
})

describe('a dry run', () => {
  test('says what would be taken and changes nothing', async () => {
    const [card, other] = await Promise.all([
      tills.card(1_000, { lane: 601, bonus: 200 }),
      tills.card(1_000, { lane: 602 }),
    ])
    const key = newId()
    const order = tills.order([{ pay_code: await tills.payCode(card) }, byId(other)], 1_500)
    const counts = () => tills.database.owner.sql`
      select (select count(*) from journal) as journal, (select count(*) from claim) as claims,
        (select count(*) from directory) as names, (select count(*) from pay_code_use) as codes`
    const before = await counts()
    const dry = await post({ ...order, dry_run: true }, key)
    assert.equal(dry.status, 200, JSON.stringify(dry.body))
    assert.equal(dry.body.id, null)
    assert.deepEqual(parts(dry.body), [
      ['bonus', 200],
      ['principal', 1_000],
      ['principal', 300],
    ])
    assert.deepEqual(await counts(), before)
    const real = await post(order, key)
    assert.equal(real.status, 201, JSON.stringify(real.body))
    assert.deepEqual(real.body.allocations, dry.body.allocations)
    const refused = await post({ ...order, dry_run: true })
    assert.deepEqual(
      [refused.body.code, refused.body.existing_id],
      ['reference.already_used', real.body.id],
    )
  })

  test('is refused as the payment would be', async () => {
    const card = await tills.card(1_000)
    const dry = await tills.pay(card, 1_001, { dry_run: true })
    assert.deepEqual([dry.status, dry.body.code], [409, 'funds.insufficient'])
    const late = await tills.pay(card, 1, { dry_run: true, not_after: '2020-01-01T00:00:00Z' })
    assert.equal(late.body.code, 'command.too_late')
  })
})

describe('many at once', () => {
  test('the second charge of a round sees the first', async () => {
    const card = await tills.card(1_000)
    const answers = await Promise.all(Array.from({ length: 30 }, () => tills.pay(card, 100)))
    assert.equal(answers.filter(({ status }) => status === 201).length, 10)
    assert.equal((await tills.balance(card)).principal, 0)
    const after = answers
      .filter(({ status }) => status === 201)
      .map(({ body }) => body.allocations[0].balance_after)
    assert.deepEqual(
      after.sort((a, b) => a - b),
      [0, 100, 200, 300, 400, 500, 600, 700, 800, 900],
    )
  })

  test('payments over two lanes in both directions do not block each other', async () => {
    const [one, other] = await Promise.all([
      tills.card(10_000, { lane: 601 }),
      tills.card(10_000, { lane: 602 }),
    ])
    assert.notEqual(laneOfId(one.uuid), laneOfId(other.uuid))
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => {
        const sources = index % 2 === 0 ? [one, other] : [other, one]
        return post(
          tills.order(
            sources.map((card) => byId(card, 50)),
            100,
          ),
        )
      }),
    )
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201])
    assert.equal((await tills.balance(one)).principal, 8_000)
    assert.equal((await tills.balance(other)).principal, 8_000)
    await assertBooks(tills.database.owner.sql)
  })
})

describe('time', () => {
  test('a payment after its not_after is refused for good', async () => {
    const card = await tills.card(1_000)
    const key = newId()
    const rest = tills.order([byId(card)], 100)
    const order = { ...rest, not_after: '2020-01-01T00:00:00+08:00' }
    const late = await post(order, key)
    assert.deepEqual([late.status, late.body.code], [409, 'command.too_late'])
    const again = await post(order, key)
    assert.deepEqual({ ...again.body, request_id: '' }, { ...late.body, request_id: '' })
    assert.equal((await post(rest)).status, 201)
  })

  test('a pay code expires after a minute, and its key answers on', async () => {
    const card = await tills.card(1_000)
    const code = await tills.payCode(card)
    const used = await tills.payCode(card)
    const key = newId()
    const order = tills.order([{ pay_code: used }], 100)
    const paid = await post(order, key)
    assert.equal(paid.status, 201, JSON.stringify(paid.body))
    await tills.passTime(61_000)
    const late = await post(tills.order([{ pay_code: code }], 100))
    assert.deepEqual([late.status, late.body.code], [409, 'pay_code.expired'])
    assert.deepEqual((await post(order, key)).body, paid.body)
  })

  test('an expired card pays no more', async () => {
    const card = await tills.card(1_000)
    await tills.passTime(1_200 * days)
    const answer = await tills.pay(card, 100)
    assert.deepEqual([answer.status, answer.body.code], [409, 'card.expired'])
  })
})
