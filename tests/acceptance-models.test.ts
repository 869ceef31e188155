/**
 * Closed, alliance and mixed cards from the till to the settlement: who takes them, and what issuer and acceptor have
 * of it afterwards.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ClearingApp, startClearingApp } from './harness/clearing-app.ts'

let app: ClearingApp
/** The issuer's own tea house, and a bakery that pays 10 % of what it takes. */
let own: string
let partner: string

before(async () => {
  app = await startClearingApp({ at: '2026-11-02 09:00:00', lanes: 2 })
  own = await app.merchant({ ownership: 'own' })
  partner = await app.merchant({ ownership: 'partner' })
  await app.contract(partner, { commission: { kind: 'flat', rate_bp: 1_000 } })
})
after(() => app.stop())

/** A card of 100 yuan, of which 20 are bonus, of a product with that model. */
async function cardOf(model: string): Promise<string> {
  const { id } = await app.made('/v1/products', {
    name: model,
    kind: 'stored_value',
    registered: false,
    carrier: 'virtual',
    face_range: { min: 1, max: 10_000 },
    validity_months: 36,
    reloadable: false,
    model,
  })
  await app.made(`/v1/products/${id}/publish`)
  const sold = { product_id: id, amount: 8_000, bonus_amount: 2_000, funding: { method: 'cash' } }
  return (await app.made('/v1/cards', sold)).id
}

/** Pays at own and partner where it may. */
async function spend(card: string, atOwn: number, atPartner: number): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const [merchant, amount] of [
    [own, atOwn],
    [partner, atPartner],
  ] as const) {
    const reference = `${card}-${amount}`
    const order = { amount, currency: 'CNY', merchant_id: merchant, reference }
    const paid = await app.call('POST', '/v1/payments', { ...order, sources: [{ card_id: card }] })
    answers.push(paid.status === 201 ? paid.body.id : paid.body.code)
  }
  return answers
}

/** The next day begins and what was taken is settled; fen by account, as they stand behind it. */
async function settled(day: string): Promise<Record<string, number>> {
  await app.clock(`${day} 00:00:10`)
  await app.settle()
  const { data } = await app.got('/v1/ledger/trial_balance')
  const kinds: { kind: string; debit: number; credit: number }[] = data
  const { ok } = await app.verify()
  assert.equal(ok, true)
  return Object.fromEntries(kinds.map(({ kind, debit, credit }) => [kind, credit - debit]))
}

const refused = 'merchant.not_in_scope'

test('a closed card pays at the issuer’s own merchants alone, and becomes its sales', async () => {
  const [paid, answer] = await spend(await cardOf('closed'), 3_000, 4_000)
  assert.match(String(paid), /^pay_/)
  assert.equal(answer, refused)
  const accounts = await settled('2026-11-03')
  assert.equal(accounts['own_sales'], 3_000)
  assert.equal(accounts['merchant_payable'] ?? 0, 0)
  assert.equal(accounts['commission_income'] ?? 0, 0)
  const [statement] = await app.statements(own)
  assert.deepEqual([statement.own_sales, statement.payable], [3_000, 0])
  assert.deepEqual(await app.statements(partner), [])
})

test('an alliance card pays at partners alone, who are owed it less the commission', async () => {
  const [answer, paid] = await spend(await cardOf('alliance'), 3_000, 4_000)
  assert.equal(answer, refused)
  assert.match(String(paid), /^pay_/)
  const accounts = await settled('2026-11-04')
  assert.equal(accounts['own_sales'], 3_000, 'as it was')
  assert.equal(accounts['commission_income'], 400)
  assert.equal(accounts['merchant_payable'], 3_600)
  const [statement] = await app.statements(partner)
  assert.deepEqual([statement.taken, statement.commission, statement.payable], [4_000, 400, 3_600])
})

test('a mixed card pays at both: one part is sales of the issuer, the other is owed to the partner', async () => {
  const [atOwn, atPartner] = await spend(await cardOf('mixed'), 3_000, 4_000)
  assert.match(String(atOwn), /^pay_/)
  await app.refund(String(atPartner), 1_000)
  const accounts = await settled('2026-11-05')
  assert.equal(accounts['own_sales'], 3_000 + 3_000)
  // 10 % of 4,000 − 1,000
  assert.equal(accounts['commission_income'], 400 + 300)
  assert.equal(accounts['merchant_payable'], 3_600 + 2_700)
  assert.equal(accounts['merchant_unsettled'] ?? 0, 0)
  assert.equal(accounts['transit'] ?? 0, 0)
})

test('a merchant that has a statement gets its first contract from tomorrow on', async () => {
  const terms = {
    class: 'none',
    commission: { kind: 'flat', rate_bp: 100 },
    cycle: { kind: 'weekly' },
  }
  const propose = (validFrom: string) =>
    app.call('POST', `/v1/merchants/${own}/contracts`, { ...terms, valid_from: validFrom })
  const today = await propose('2026-11-05')
  assert.deepEqual([today.status, today.body.code], [422, 'date.out_of_range'])
  assert.deepEqual(today.body.allowed, { min: '2026-11-06' })
  assert.equal((await propose('2026-11-06')).status, 201)
})
