import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import type { Answered } from './harness/http-app.ts'

let app: CardApp
/** Of an issuer under Chinese law: 1,000 yuan at most on a card without a name, 5,000 on one with. */
let lawful: string
let anonymous: string
let registered: string

before(async () => {
  app = await startCardApp()
  lawful = (await app.makeIssuer(['cn-national'])).test
  anonymous = await app.makeProduct(lawful)
  registered = await app.makeProduct(lawful, { registered: true, validity_months: null })
})
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
})

const cash = { method: 'cash' }
const bank = { method: 'bank_transfer', reference: 'T-1' }
const buyer = {
  kind: 'person',
  name: '王小明',
  id_type: 'resident_id',
  id_number: '110101199003070000',
  phone: '13800000000',
}

function load(card: string, amount: number): Promise<Answered> {
  return app.post(lawful, `/v1/cards/${card}/loads`, { amount, funding: cash })
}

describe('the law at its limits', () => {
  const sell = async (body: object) => {
    const { status, body: answer } = await app.post(lawful, '/v1/cards', body)
    return status === 201 ? 'ok' : answer.code
  }

  test('a card without a name holds 1,000 yuan, principal and bonus together', async () => {
    const card = { product_id: anonymous, funding: cash }
    assert.equal(await sell({ ...card, amount: 99_999 }), 'ok')
    assert.equal(await sell({ ...card, amount: 100_000 }), 'ok')
    assert.equal(await sell({ ...card, amount: 100_001 }), 'policy.card_limit')
    assert.equal(await sell({ ...card, amount: 99_999, bonus_amount: 1 }), 'ok')
    assert.equal(await sell({ ...card, amount: 100_000, bonus_amount: 1 }), 'policy.card_limit')
  })

  test('a refusal by law names pack, rule and article', async () => {
    const body = { product_id: anonymous, funding: cash, amount: 100_001 }
    const { body: problem } = await app.post(lawful, '/v1/cards', body)
    assert.deepEqual(problem.policy, {
      pack: 'cn-national',
      rule: 'card_limit_anonymous_fen',
      article: '18',
    })
    assert.deepEqual(problem.allowed, { min: 1, max: 100_000 })
  })

  test('a card with a name holds 5,000 yuan and always knows its buyer', async () => {
    const card = { product_id: registered, funding: bank, buyer }
    assert.equal(await sell({ ...card, amount: 499_999 }), 'ok')
    assert.equal(await sell({ ...card, amount: 500_000 }), 'ok')
    assert.equal(await sell({ ...card, amount: 500_000, bonus_amount: 1 }), 'policy.card_limit')
    const nobody = { product_id: registered, funding: bank, amount: 100 }
    assert.equal(await sell(nobody), 'policy.identity_required')
    const { phone: _, ...unreachable } = buyer
    assert.equal(await sell({ ...nobody, buyer: unreachable }), 'policy.identity_required')
  })

  test('a unit pays less than 5,000 yuan in cash', async () => {
    const unit = { ...buyer, kind: 'unit', id_type: 'business_licence' }
    const card = { product_id: registered, funding: cash, buyer: unit }
    assert.equal(await sell({ ...card, amount: 499_999 }), 'ok')
    assert.equal(await sell({ ...card, amount: 500_000 }), 'policy.cash_not_allowed')
    assert.equal(await sell({ ...card, amount: 500_000, funding: bank }), 'ok')
  })

  test('a top-up is bound by what is on the card after it', async () => {
    const { id } = await app.makeCard(lawful, anonymous, 99_998)
    const up = async (amount: number) => (await load(id, amount)).body.code ?? 'ok'
    assert.equal(await up(3), 'policy.card_limit')
    assert.equal(await up(2), 'ok')
    assert.equal(await up(1), 'policy.card_limit')
  })

  test('two top-ups that cross the cap only together: exactly one of them wins', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await app.makeCard(lawful, anonymous, 60_000)
      const answers = await Promise.all([load(id, 30_000), load(id, 30_000)])
      const codes = answers.map(({ status, body }) => (status === 201 ? 'ok' : body.code))
      assert.deepEqual(new Set(codes), new Set(['ok', 'policy.card_limit']))
      assert.equal((await app.get(lawful, `/v1/cards/${id}`)).body.balance.principal, 90_000)
    }
  })

  test('what a buyer said of himself stands nowhere in plain text', async () => {
    const { sql } = app.database.owner
    const rows = await sql<{ text: string }[]>`
      select person::text || encode(sealed, 'escape') as text from lika.person
      union all select journal::text from lika.journal
      union all select claim::text from lika.claim`
    assert.ok(rows.length > 0)
    for (const { text } of rows) assert.ok(!/王小明|110101199003070000|13800000000/.test(text))
    const [kept] = await sql<{ id: string; sealedKey: Uint8Array; sealed: Uint8Array }[]>`
      select id, sealed_key as "sealedKey", sealed from lika.person limit 1`
    assert.ok(kept)
    assert.match(app.flows.keyring.openPerson(kept.id, kept).toString(), /王小明/)
  })
})
