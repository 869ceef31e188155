import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startDayCloser } from '../server/src/flows/close-day.ts'
import { accountKinds } from '../server/src/modules/ledger/index.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import type { Issuer } from './harness/http-app.ts'

let app: CardApp
let issuer: Issuer
let stranger: Issuer
let card: { id: string }
let merchant: string
let closer: ReturnType<typeof startDayCloser>
/** After the first day: one card of 100.00 and 5.00 bonus, of which 22.00 were paid. */
let endOfFirst: string

const get = (path: string, key = issuer.test) => app.get(key, path)
const accountOf = (id: string, kind: keyof typeof accountKinds) => {
  const digits = Number.parseInt(id.slice(-4), 16) | (accountKinds[kind].number << 10)
  return `acct_${id.split('_')[1]?.slice(0, -4)}${digits.toString(16).padStart(4, '0')}`
}

async function balance(id: string, at?: string): Promise<number> {
  const { status, body } = await get(
    `/v1/ledger/accounts/${id}${at === undefined ? '' : `?at=${at}`}`,
  )
  assert.equal(status, 200, JSON.stringify(body))
  return body.balance
}

async function nextDay(): Promise<string> {
  const at = new Date(app.flows.engine.now('test')).toISOString()
  await app.flows.engine.setTestOffset(app.flows.engine.testOffsetMs + 86_400_000)
  await closer.runNow()
  return at
}

before(async () => {
  app = await startCardApp()
  closer = startDayCloser(
    { engine: app.flows.engine, database: app.database.app },
    { log: console, lookEveryMs: 3_600_000 },
  )
  ;[issuer, stranger] = [await app.makeIssuer(), await app.makeIssuer()]
  const key = issuer.test
  const made = await app.call('POST', '/v1/merchants', {
    key,
    body: { name: 'Tea', category: 'food' },
  })
  merchant = made.body.id
  const product = await app.makeProduct(key)
  card = await app.makeCard(key, product, 10_000, { bonus_amount: 500 })
  const pay = (amount: number, reference: string) =>
    app.post(key, '/v1/payments', {
      amount,
      currency: 'CNY',
      merchant_id: merchant,
      reference,
      sources: [{ card_id: card.id }],
    })
  const first = await pay(2_200, 'order-1')
  assert.equal(first.status, 201, JSON.stringify(first.body))
  endOfFirst = await nextDay()
  await pay(1_000, 'order-2')
  const back = { amount: 300, reference: 'back-1', reason: 'cold' }
  await app.post(key, `/v1/payments/${first.body.id}/refunds`, back)
  const held = await app.post(key, '/v1/holds', {
    amount: 900,
    currency: 'CNY',
    merchant_id: merchant,
    reference: 'order-3',
    sources: [{ card_id: card.id }],
    expires_in: 3_600,
  })
  await app.post(key, `/v1/holds/${held.body.id}/capture`, { amount: 400, final: true })
  await nextDay()
  await pay(50, 'order-4')
})

after(async () => {
  await closer.stop()
  await app.stop()
})

describe('the ledger over HTTP', () => {
  test('shows accounts now and at any past instant, before and after days were closed', async () => {
    const principal = accountOf(card.id, 'card_principal')
    const bonus = accountOf(card.id, 'card_bonus')
    const owed = accountOf(merchant, 'merchant_unsettled')
    const bank = accountOf(issuer.id, 'cash')
    assert.deepEqual([await balance(principal), await balance(bonus)], [7_150, 0])
    assert.deepEqual([await balance(owed), await balance(bank)], [3_350, 10_000])
    assert.equal(await balance(principal, endOfFirst), 8_300)
    assert.equal(await balance(owed, endOfFirst), 2_200)
    assert.equal(await balance(owed, '2020-01-01T00:00:00Z'), 0)
    assert.equal(await balance(principal, '2020-01-01T00:00:00Z'), 0)
    const all = await balance(accountOf(issuer.id, 'card_principal'))
    assert.equal(all, 7_150)
  })

  test('has a trial balance whose sides are equal at any instant', async () => {
    for (const at of [
      '',
      `?at=${endOfFirst}`,
      '?at=2020-01-01T00:00:00Z',
      '?at=2999-01-01T00:00:00Z',
    ]) {
      const { status, body } = await get(`/v1/ledger/trial_balance${at}`)
      assert.equal(status, 200)
      assert.equal(body.total_debit, body.total_credit)
    }
    const { body } = await get('/v1/ledger/trial_balance')
    assert.equal(body.total_debit, 10_500)
    const line = body.data.find(({ kind }: { kind: string }) => kind === 'card_principal')
    assert.deepEqual(line, {
      kind: 'card_principal',
      name: 'Card principal',
      name_zh: '预收卡款—本金',
      type: 'liability',
      debit: 0,
      credit: 7_150,
    })
  })

  test('lists the chart and then the merchants, page by page', async () => {
    const found: { kind: string; is_control: boolean; balance: number; owner_id: string }[] = []
    for (let cursor = ''; ; ) {
      const { body } = await get(`/v1/ledger/accounts?limit=5${cursor && `&cursor=${cursor}`}`)
      found.push(...body.data)
      if (body.next_cursor === null) break
      cursor = body.next_cursor
    }
    assert.equal(found.length, Object.keys(accountKinds).length + 1)
    assert.deepEqual(
      found.slice(0, -1).map(({ kind }) => kind),
      Object.keys(accountKinds),
    )
    const last = found.at(-1)
    assert.deepEqual([last?.owner_id, last?.is_control, last?.balance], [merchant, false, 3_350])
  })

  test('lists what moved value, oldest first, page by page and within a time', async () => {
    const found: { id: string; kind: string; at: string; transfers: { amount: number }[] }[] = []
    for (let cursor = ''; ; ) {
      const { body } = await get(`/v1/ledger/entries?limit=2${cursor && `&cursor=${cursor}`}`)
      found.push(...body.data)
      if (body.next_cursor === null) break
      cursor = body.next_cursor
    }
    assert.deepEqual(
      found.map(({ kind, transfers }) => [kind, ...transfers.map(({ amount }) => amount)]),
      [
        ['card.issued', 10_000, 500],
        ['payment.created', 500, 1_700],
        ['payment.created', 1_000],
        ['refund.created', 300],
        ['hold.captured', 400],
        ['payment.created', 50],
      ],
    )
    assert.equal(new Set(found.map(({ id }) => id)).size, found.length)
    const { body: early } = await get(`/v1/ledger/entries?to=${endOfFirst}`)
    const { body: late } = await get(`/v1/ledger/entries?from=${endOfFirst}`)
    assert.deepEqual([early.data.length, late.data.length], [2, 4])
  })

  test('verifies the books for the issuer and for the operator', async () => {
    const own = await app.call('POST', '/v1/ledger/verify', { key: issuer.test })
    assert.deepEqual([own.status, own.body.ok, own.body.first_wrong], [200, true, null])
    assert.ok(own.body.checked.transfers >= 8)
    const all = await app.call('POST', '/v1/ledger/verify', { key: app.operator, body: {} })
    assert.deepEqual([all.body.ok, all.body.first_wrong], [true, null])
    assert.ok(all.body.checked.closings > 0)
    const rest = await app.call('POST', '/v1/ledger/verify?since=verified_cut', {
      key: app.operator,
    })
    assert.ok(rest.body.ok && rest.body.checked.entries < all.body.checked.entries)
  })

  test('shows nothing to strangers, nor to the other mode', async () => {
    const ids = [
      accountOf(card.id, 'card_principal'),
      accountOf(merchant, 'merchant_unsettled'),
      accountOf(issuer.id, 'bank'),
      `acct_${'0'.repeat(32)}`,
    ]
    for (const id of ids) {
      const { status, body } = await get(`/v1/ledger/accounts/${id}`, stranger.test)
      assert.deepEqual([status, body.code], [404, 'account.not_found'])
    }
    for (const id of ids.slice(0, 2))
      assert.equal((await get(`/v1/ledger/accounts/${id}`, issuer.live)).status, 404)
    const { body } = await get('/v1/ledger/entries', stranger.test)
    assert.deepEqual(body, { data: [], next_cursor: null })
    assert.equal((await get('/v1/ledger/trial_balance', issuer.live)).body.total_debit, 0)
  })
})
