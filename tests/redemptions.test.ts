/** A card is redeemed for money: the four worked examples of the law over HTTP, who may when, and where the money is then. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import type { Answered } from './harness/http-app.ts'

let app: CardApp
/** Under the national law, and under the product's own limits alone. */
let lawful: Party
let open: Party

type Party = { id: string; key: string; product: string; registered: string; merchant: string }

before(async () => {
  app = await startCardApp()
  lawful = await partyUnder(['cn-national'])
  open = await partyUnder(['open'])
})
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
})

async function partyUnder(packs: string[]): Promise<Party> {
  const { id, test: key } = await app.makeIssuer(packs)
  const shop = { name: 'Bistro', category: 'food' }
  return {
    id,
    key,
    product: await app.makeProduct(key, { face_range: { min: 1, max: 5_000_000 } }),
    registered: await app.makeProduct(key, {
      registered: true,
      validity_months: null,
      face_range: { min: 1, max: 5_000_000 },
    }),
    merchant: (await app.call('POST', '/v1/merchants', { key, body: shop })).body.id,
  }
}

const buyer = {
  kind: 'person',
  name: '王小明',
  id_type: 'resident_id',
  id_number: '110101199003070000',
  phone: '13800000000',
}
const account = {
  method: 'same_name_account',
  account_name: '王小明',
  account_number: '6222021234567890123',
}
const bank = { method: 'bank_transfer', reference: 'T-1' }

let orders = 0

/** A registered card of 王小明, of which that much was spent. */
async function cardOf(
  party: Party,
  {
    paid,
    bonus = 0,
    spent = 0,
    more = {},
  }: { paid: number; bonus?: number; spent?: number; more?: object },
): Promise<string> {
  const { status, body } = await app.post(party.key, '/v1/cards', {
    product_id: party.registered,
    amount: paid,
    bonus_amount: bonus,
    funding: bank,
    buyer,
    ...more,
  })
  assert.equal(status, 201, JSON.stringify(body))
  if (spent > 0) await pay(party, body.id, spent)
  return body.id
}

async function pay(party: Party, card: string, amount: number): Promise<Answered> {
  orders += 1
  return app.post(party.key, '/v1/payments', {
    amount,
    currency: 'CNY',
    merchant_id: party.merchant,
    reference: `order-${orders}`,
    sources: [{ card_id: card }],
  })
}

function redeem(party: Party, card: string, body: object = {}): Promise<Answered> {
  const wanted = { reason: 'consumer', payout: account, ...body }
  return app.post(party.key, `/v1/cards/${card}/redemptions`, wanted)
}

async function code(answer: Promise<Answered>): Promise<string> {
  const { status, body } = await answer
  return status < 300 ? 'ok' : body.code
}

describe('the worked examples', () => {
  test('(a) paid 1,000 and given 200, 300 spent, the operator’s fault: 750 back', async () => {
    const card = await cardOf(lawful, { paid: 100_000, bonus: 20_000, spent: 30_000 })
    const { status, body } = await redeem(lawful, card, { reason: 'operator' })
    assert.equal(status, 201, JSON.stringify(body))
    assert.equal(body.principal_returned, 75_000)
    assert.deepEqual(body.formula, {
      articles: '15, 18',
      sold_at: body.formula.sold_at,
      paid: 100_000,
      bonus_given: 20_000,
      consumed: 30_000,
      consumed_value: 25_000,
      due: 75_000,
      principal_on_card: 90_000,
      owed_beyond_card: 0,
      bonus_charged: 15_000,
      kept: 0,
    })
  })

  test('(b) the same for the consumer’s reason: 700 back', async () => {
    const card = await cardOf(lawful, { paid: 100_000, bonus: 20_000, spent: 30_000 })
    const { body } = await redeem(lawful, card)
    assert.deepEqual(
      [body.principal_returned, body.formula.consumed_value, body.formula.bonus_charged],
      [70_000, 30_000, 20_000],
    )
  })

  test('(c) a card at half price: nothing for the consumer’s reason, 250 by the operator’s fault', async () => {
    const card = await cardOf(lawful, { paid: 100_000, spent: 75_000 })
    const refused = await redeem(lawful, card, { list_price: 150_000 })
    assert.deepEqual([refused.status, refused.body.code], [409, 'redemption.nothing_due'])
    assert.deepEqual([refused.body.paid, refused.body.consumed_value], [100_000, 150_000])
    const { body } = await redeem(lawful, card, { reason: 'operator', list_price: 150_000 })
    assert.equal(body.principal_returned, 25_000)
  })

  test('(d) a year card of which the operator stops on day 100: the days that are left', async () => {
    const card = await cardOf(lawful, { paid: 365_000 })
    const term = { days: 365, used_days: 100 }
    const { body } = await redeem(lawful, card, { reason: 'operator', term })
    assert.deepEqual([body.principal_returned, body.formula.kept], [265_000, 100_000])
  })
})

describe('where the money is afterwards', () => {
  test('principal is owed to the holder, what was given goes back, the card is closed', async () => {
    const party = await partyUnder(['cn-national'])
    const card = await cardOf(party, { paid: 100_000, bonus: 20_000, spent: 5_000 })
    const { body } = await redeem(party, card)
    assert.deepEqual([body.principal_returned, body.bonus_forfeited, body.fee], [95_000, 15_000, 0])
    const { body: closed } = await app.get(party.key, `/v1/cards/${card}`)
    assert.deepEqual([closed.status, closed.balance.principal], ['closed', 0])
    const { body: trial } = await app.get(party.key, '/v1/ledger/trial_balance')
    type Line = { kind: string; debit: number; credit: number }
    const lines = Object.fromEntries(
      trial.data
        .filter(({ debit, credit }: Line) => debit + credit > 0)
        .map(({ kind, debit, credit }: Line) => [kind, debit - credit]),
    )
    assert.deepEqual(lines, {
      bank: 100_000,
      merchant_unsettled: -5_000,
      redemption_payable: -95_000,
    })
    const { body: audited } = await app.call('POST', '/v1/ledger/verify', { key: party.key })
    assert.deepEqual([audited.ok, audited.first_wrong], [true, null])
    const { body: statement } = await app.get(party.key, `/v1/cards/${card}/statement`)
    assert.equal(statement.data.at(-1).source_id, body.id)
  })

  test('a repeat, the row and the event tell the same; the account stands nowhere in plain text', async () => {
    const card = await cardOf(lawful, { paid: 10_000 })
    const path = `/v1/cards/${card}/redemptions`
    const body = { reason: 'consumer', payout: account, reference: 'R-1', metadata: { desk: '3' } }
    const first = await app.again(lawful.key, path, 'redeem-once', body)
    const again = await app.again(lawful.key, path, 'redeem-once', body)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    assert.deepEqual(again.body, first.body)
    assert.deepEqual(
      (await app.get(lawful.key, `/v1/redemptions/${first.body.id}`)).body,
      first.body,
    )
    assert.equal((await app.get(open.key, `/v1/redemptions/${first.body.id}`)).status, 404)
    const { body: events } = await app.get(lawful.key, '/v1/events?type=card.redeemed&limit=200')
    const event = events.data.find(
      ({ data }: { data: { redemption_id: string } }) => data.redemption_id === first.body.id,
    )
    assert.equal(event.data.principal_returned, 10_000)
    const other = { ...body, payout: { ...account, account_number: '1' } }
    const reused = await app.again(lawful.key, path, 'redeem-once', other)
    assert.equal(reused.body.code, 'idempotency.key_reused')
    const rows = await app.database.owner.sql<{ text: string }[]>`
      select journal::text as text from lika.journal
      union all select redemption::text from lika.redemption
      union all select claim::text from lika.claim
      union all select person::text || encode(sealed, 'escape') from lika.person`
    for (const { text } of rows) assert.ok(!/6222021234567890123|王小明/.test(text))
    const kept = await app.database.owner.sql<
      { id: string; sealedKey: Uint8Array; sealed: Uint8Array }[]
    >`
      select id, sealed_key as "sealedKey", sealed from lika.person
      where id = (select person_id from lika.redemption where reference = 'R-1')`
    const [person] = kept
    assert.ok(person)
    assert.match(app.flows.keyring.openPerson(person.id, person).toString(), /6222021234567890123/)
  })

  test('a dry run says the same and does nothing', async () => {
    const card = await cardOf(lawful, { paid: 10_000 })
    const { status, body } = await redeem(lawful, card, { dry_run: true })
    assert.deepEqual([status, body.id, body.principal_returned], [200, null, 10_000])
    assert.equal((await app.get(lawful.key, `/v1/cards/${card}`)).body.status, 'active')
    const real = await redeem(lawful, card)
    const { id: _, created_at: __, ...told } = body
    const { id: ___, created_at: ____, ...done } = real.body
    assert.deepEqual(done, told)
  })

  test('the original route goes back through the payments, the last one first', async () => {
    const card = await cardOf(lawful, { paid: 10_000 })
    const wechat = { method: 'wechat', reference: '4200' }
    await app.post(lawful.key, `/v1/cards/${card}/loads`, { amount: 500, funding: wechat, buyer })
    await pay(lawful, card, 1_000)
    const { body } = await redeem(lawful, card, { payout: { method: 'original_route' } })
    assert.deepEqual(body.payout.routes, [
      { method: 'wechat', amount: 500 },
      { method: 'bank_transfer', amount: 9_000 },
    ])
  })

  test('what was split off, or sold in a batch, has no way back of its own', async () => {
    const card = await cardOf(lawful, { paid: 10_000 })
    const split = await app.post(lawful.key, `/v1/cards/${card}/split`, { amounts: [4_000] })
    const [child] = split.body.cards
    const payout = { method: 'original_route' }
    assert.equal(
      await code(redeem(lawful, child.id, { payout, holder: buyer })),
      'redemption.no_original_route',
    )
    const { body } = await redeem(lawful, child.id, { holder: buyer })
    assert.equal(body.principal_returned, 4_000)
    assert.equal((await redeem(lawful, card)).body.principal_returned, 6_000)
  })

  test('a card that replaced another is redeemed by what was spent from both', async () => {
    const card = await cardOf(lawful, { paid: 100_000, bonus: 20_000, spent: 30_000 })
    await app.post(lawful.key, `/v1/cards/${card}/report_lost`)
    const { body: next } = await app.post(lawful.key, `/v1/cards/${card}/replace`, {})
    assert.equal(await code(redeem(lawful, card)), 'card.replaced')
    const { body } = await redeem(lawful, next.id, { reason: 'operator' })
    assert.equal(body.principal_returned, 75_000)
  })
})

describe('who may redeem what', () => {
  test('active and frozen cards, not before the sale and not after the end', async () => {
    const plastic = await app.makeProduct(lawful.key, { carrier: 'physical' })
    const { id: created } = await app.makeCard(lawful.key, plastic)
    assert.equal(await code(redeem(lawful, created)), 'card.not_active')
    const card = await cardOf(lawful, { paid: 10_000 })
    await app.post(lawful.key, `/v1/cards/${card}/freeze`, { reason: 'asked for' })
    assert.equal(await code(redeem(lawful, card)), 'ok')
    assert.equal(await code(redeem(lawful, card)), 'card.closed')
    const lost = await cardOf(lawful, { paid: 10_000 })
    await app.post(lawful.key, `/v1/cards/${lost}/report_lost`)
    assert.equal(await code(redeem(lawful, lost)), 'card.lost')
    assert.equal(await code(redeem(lawful, `card_${'0'.repeat(32)}`)), 'card.not_found')
    assert.equal(await code(redeem(open, lost)), 'card.not_found')
  })

  test('not while a hold sets something aside', async () => {
    const card = await cardOf(lawful, { paid: 10_000 })
    const { body: hold } = await app.post(lawful.key, '/v1/holds', {
      amount: 100,
      currency: 'CNY',
      merchant_id: lawful.merchant,
      reference: 'held',
      expires_in: 3_600,
      sources: [{ card_id: card }],
    })
    assert.equal(await code(redeem(lawful, card)), 'card.has_holds')
    await app.post(lawful.key, `/v1/holds/${hold.id}/release`)
    assert.equal(await code(redeem(lawful, card)), 'ok')
  })

  test('the account bears the name of the holder, who is known', async () => {
    const card = await cardOf(lawful, { paid: 10_000 })
    const to = (name: string) => ({ payout: { ...account, account_name: name } })
    assert.equal(await code(redeem(lawful, card, to('李雷'))), 'policy.account_name_differs')
    const missing = { payout: { method: 'same_name_account' } }
    assert.equal(await code(redeem(lawful, card, missing)), 'redemption.account_missing')
    const { phone: _, ...unreachable } = buyer
    const refused = await redeem(lawful, card, { holder: unreachable })
    assert.deepEqual(refused.body.missing, ['holder.phone'])
    assert.deepEqual(refused.body.policy, {
      pack: 'cn-national',
      rule: 'identity_from_redemption_fen',
      article: '21',
    })
    const holder = { ...buyer, name: '李雷' }
    assert.equal(await code(redeem(lawful, card, { ...to('李 雷'), holder })), 'ok')
  })

  test('at most 100 yuan go back in cash', async () => {
    const sold = (amount: number) =>
      cardOf(lawful, { paid: amount, more: { funding: { method: 'cash' } } })
    const payout = { method: 'original_route' }
    assert.equal(await code(redeem(lawful, await sold(10_000), { payout })), 'ok')
    const more = await sold(10_001)
    assert.equal(await code(redeem(lawful, more, { payout })), 'policy.cash_not_allowed')
    assert.equal(await code(redeem(lawful, more)), 'ok')
  })

  test('a fee for giving money back is what the law forbids and the product alone allows', async () => {
    const body = { reason: 'withdrawal' }
    const refused = await redeem(lawful, await cardOf(lawful, { paid: 10_000 }), body)
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body.policy.article],
      [422, 'policy.withdrawal_not_allowed', 'unconfirmed'],
    )
    const card = await cardOf(open, { paid: 10_033, bonus: 500 })
    const { body: done } = await redeem(open, card, body)
    assert.deepEqual([done.principal_returned, done.fee, done.bonus_forfeited], [9_883, 150, 500])
    assert.equal(done.interest, null)
  })

  test('two at once, and payments in between: the holder has each fen once', async () => {
    const card = await cardOf(lawful, { paid: 10_000 })
    const answers = await Promise.all([
      ...Array.from({ length: 8 }, () => pay(lawful, card, 100)),
      redeem(lawful, card),
      redeem(lawful, card),
      ...Array.from({ length: 8 }, () => pay(lawful, card, 100)),
    ])
    const paid = answers.filter(({ body }) => body.receipt_number !== undefined).length
    const redeemed = answers.filter(({ body }) => body.principal_returned !== undefined)
    assert.equal(redeemed.length, 1)
    assert.equal(redeemed[0]?.body.principal_returned, 10_000 - 100 * paid)
  })
})

describe('days', () => {
  const advance = (days: number) =>
    app.call('POST', '/v1/test/clock', {
      key: lawful.key,
      body: { advance_seconds: days * 86_400 },
    })
  after(() => app.call('DELETE', '/v1/test/clock', { key: lawful.key }))

  test('a card is taken back without a reason for seven days, whose end no holiday shortens', async () => {
    const beijing = await partyUnder(['cn-beijing'])
    const both = await partyUnder(['cn-beijing', 'cn-national'])
    const body = { reason: 'cooling_off' }
    const [used, unused, late] = [
      await cardOf(lawful, { paid: 10_000, spent: 1_000 }),
      await cardOf(beijing, { paid: 10_000 }),
      await cardOf(lawful, { paid: 10_000 }),
    ]
    const inBeijing = await cardOf(beijing, { paid: 10_000, spent: 1_000 })
    const inBoth = await cardOf(both, { paid: 10_000, spent: 1_000 })
    const refused = await redeem(beijing, inBeijing, body)
    assert.deepEqual(
      [refused.body.code, refused.body.policy.article],
      ['policy.card_already_used', '16'],
    )
    assert.equal((await redeem(both, inBoth, body)).body.principal_returned, 9_000)
    await advance(6)
    assert.equal((await redeem(lawful, used, body)).body.principal_returned, 9_000)
    const { body: quick } = await redeem(beijing, unused, body)
    const today = new Date(Date.parse(quick.created_at) + 8 * 3_600_000)
    today.setUTCDate(today.getUTCDate() + 5)
    assert.equal(quick.payout.pay_by, today.toISOString().slice(0, 10))
    // Past the longest rest of a year.
    await advance(12)
    const over = await redeem(lawful, late, body)
    assert.equal(over.body.code, 'policy.cooling_off_over')
    assert.match(over.body.last_day, /^\d{4}-\d\d-\d\d$/)
    assert.equal((await redeem(lawful, late)).body.principal_returned, 10_000)
  })

  test('interest counts from the end of the contract at the rate of its beginning', async () => {
    const card = await cardOf(lawful, { paid: 400_000 })
    const { body: sold } = await app.get(lawful.key, `/v1/cards/${card}`)
    await advance(30)
    const day = new Date(Date.parse(sold.created_at) + 8 * 3_600_000).toISOString().slice(0, 10)
    const preview = (reason: string) =>
      redeem(lawful, card, { reason, rescinded_on: day, dry_run: true })
    const { interest } = (await preview('operator')).body
    assert.deepEqual([interest.table, interest.rate_bp, interest.days], ['lpr-1y', 300, 30])
    assert.equal(interest.amount, Math.round((400_000 * 0.03 * 30) / 365))
    assert.equal((await preview('consumer')).body.interest.table, 'deposit-1y')
    const early = { rescinded_on: '2020-01-01' }
    assert.equal(await code(redeem(lawful, card, early)), 'date.out_of_range')
  })

  test('a card that expired keeps its money: it can be redeemed, prolonged and replaced', async () => {
    const cards = await Promise.all(
      Array.from({ length: 3 }, async () => (await app.makeCard(lawful.key, lawful.product)).id),
    )
    await advance(36 * 31)
    for (const card of cards) {
      const { body } = await app.get(lawful.key, `/v1/cards/${card}`)
      assert.deepEqual([body.status, body.balance.principal], ['expired', 10_000])
    }
    const [redeemed = '', prolonged = '', replaced = ''] = cards
    const { body } = await redeem(lawful, redeemed, { holder: buyer })
    assert.equal(body.principal_returned, 10_000)
    const until = { until: '2049-12-31' }
    const { body: longer } = await app.post(lawful.key, `/v1/cards/${prolonged}/extend`, until)
    assert.deepEqual([longer.status, longer.balance.available], ['active', 10_000])
    const { body: next } = await app.post(lawful.key, `/v1/cards/${replaced}/replace`, {})
    assert.equal(next.balance.principal, 10_000)
  })
})
