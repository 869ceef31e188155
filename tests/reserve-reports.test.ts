/** What the authority and the board are told: the quarterly set, ledgers, registers, turnover, filings, books by day. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { addDays } from '../server/src/modules/policy/index.ts'
import { quarterOf } from '../server/src/modules/reserve/index.ts'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import { type ReserveParty, reserveDays, reserveParty } from './harness/reserve.ts'

let app: CardApp
let days: ReturnType<typeof reserveDays>
let party: ReserveParty
/** The first day, and its quarter. */
let first: string
let card: string

const buyer = {
  kind: 'person',
  name: '王小明',
  id_type: 'resident_id',
  id_number: '110101199003070000',
  phone: '13800000000',
}

before(async () => {
  app = await startCardApp()
  days = reserveDays(app)
  // From the beginning of a quarter, so that nothing here depends on the day on which it runs.
  await days.nextQuarter()
  party = await reserveParty(app, ['cn-national'], {
    issuer_class: 'brand',
    business_began: days.today(),
    last_year_revenue: 900_000_000,
  })
  first = days.today()
  card = await party.sell(100_000)
  const sold = {
    product_id: party.product,
    amount: 20_000,
    funding: { method: 'bank_transfer', reference: 'T-77' },
  }
  party.must(await app.post(party.key, '/v1/cards', { ...sold, buyer }))
  await days.leapTo(addDays(first, 5))
  await party.pay(card, 30_000)
  const payment = await party.pay(card, 20_000)
  const refund = { amount: 5_000, reference: 'r-1' }
  party.must(await app.post(party.key, `/v1/payments/${payment}/refunds`, refund))
  const taken = { amount: -1_000, sub_balance: 'principal', reason: 'typo' }
  party.must(await app.post(party.key, `/v1/cards/${card}/adjustments`, taken))
  party.must(await party.move(60_000))
  await days.leapTo(addDays(first, 10))
})
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
})

async function csv(path: string, key = party.key): Promise<string[][]> {
  const { status, body } = await app.get(key, path)
  assert.equal(status, 200, JSON.stringify(body))
  const [header, ...rows] = String(body).replace('\uFEFF', '').trim().split('\n')
  return [header, ...rows].map((row) => (row ?? '').split(','))
}

test('turnover: 450 yuan that lay five days each', async () => {
  const {
    spent,
    fen_days: fenDays,
    days: lay,
  } = await party.get(`/v1/reserve/turnover?from=${first}&to=${days.today()}`)
  assert.deepEqual([spent, fenDays, lay], [45_000, '225000', '5.00'])
  const before = await party.get(`/v1/reserve/turnover?from=${first}&to=${addDays(first, 4)}`)
  assert.deepEqual([before.spent, before.days], [0, null])
})

test('the balance ledger goes on from day to day, and ends where the cards are', async () => {
  const until = addDays(first, 9)
  const { data } = await party.get(`/v1/reserve/balance_ledger?from=${first}&to=${until}`)
  assert.equal(data.length, 10)
  assert.deepEqual([data[0].opening, data[0].issued, data[0].closing], [0, 120_000, 120_000])
  const { issued, spent, refunded, other, closing } = data[5]
  assert.deepEqual([issued, spent, refunded, other, closing], [0, 50_000, 5_000, -1_000, 74_000])
  for (const [at, day] of data.entries())
    if (at > 0) assert.equal(day.opening, data[at - 1].closing)
  const rows = await csv(`/v1/reserve/balance_ledger?from=${first}&to=${first}&format=csv`)
  assert.deepEqual(rows[1], [
    first,
    '0.00',
    '1200.00',
    '0.00',
    '0.00',
    '0.00',
    '0.00',
    '0.00',
    '1200.00',
  ])
  const open = await app.get(
    party.key,
    `/v1/reserve/balance_ledger?from=${first}&to=${days.today()}`,
  )
  assert.equal(open.body.code, 'day.not_closed')
  const long = await app.get(party.key, `/v1/reserve/balance_ledger?from=2020-01-01&to=2021-01-01`)
  assert.equal(long.body.code, 'date.out_of_range')
})

describe('the books of a day', () => {
  test('balance, and name every account as accountants do', async () => {
    const day = addDays(first, 5)
    const trial = await party.get(`/v1/ledger/days/trial_balance?day=${day}`)
    assert.equal(trial.balanced, true)
    assert.equal(trial.total_debits, trial.total_credits)
    const line = (kind: string) => trial.data.find((one: { kind: string }) => one.kind === kind)
    const principal = line('card_principal')
    assert.equal(principal.name_zh, '预收卡款—本金')
    assert.deepEqual(
      [principal.opening_credit, principal.debits, principal.credits, principal.closing_credit],
      [120_000, 51_000, 5_000, 74_000],
    )
    const custody = line('custody')
    assert.deepEqual([custody.name_zh, custody.closing_debit], ['存管专户存款', 60_000])
    const rows = await csv(`/v1/ledger/days/trial_balance?day=${day}&format=csv`)
    assert.equal(rows[0]?.[1], '科目名称')
    assert.ok(rows.some((row) => row[1] === '存管专户存款' && row[6] === '600.00'))
  })

  test('an account by days, each going on from the one before', async () => {
    const { data: accounts } = await party.get('/v1/ledger/accounts?limit=200')
    const of = (kind: string) =>
      accounts.find((one: { kind: string; is_control: boolean }) => one.kind === kind).id
    const range = `from=${first}&to=${addDays(first, 6)}`
    const bank = await party.get(`/v1/ledger/accounts/${of('bank')}/days?${range}`)
    assert.equal(bank.name_zh, '银行存款')
    assert.deepEqual(
      [bank.data[0].debits, bank.data[0].closing, bank.data[5].credits, bank.data[6].closing],
      [20_000, 20_000, 60_000, -40_000],
    )
    const shops = await party.get(`/v1/ledger/accounts/${of('merchant_unsettled')}/days?${range}`)
    assert.equal(shops.data[5].closing, 45_000)
    const rows = await csv(`/v1/ledger/accounts/${of('bank')}/days?${range}&format=csv`)
    assert.deepEqual(rows[1], [first, '0.00', '200.00', '0.00', '200.00'])
    const single = card.replace('card_', 'acct_')
    const none = await app.get(party.key, `/v1/ledger/accounts/${single}/days?${range}`)
    assert.equal(none.body.code, 'account.not_found')
  })

  test('of a day that is not over there are none', async () => {
    const open = await app.get(party.key, `/v1/ledger/days/trial_balance?day=${days.today()}`)
    assert.equal(open.body.code, 'day.not_closed')
  })
})

describe('registers', () => {
  test('every sale stands in the issuance ledger', async () => {
    const rows = await csv(`/v1/reserve/issuance_ledger.csv?from=${first}&to=${first}`)
    assert.equal(rows.length, 3)
    const paid = rows.slice(1).map((row) => `${row[6]} ${row[7]} ${row[9]} ${row[11]}`)
    assert.deepEqual(new Set(paid), new Set(['现金  1000.00 否', '银行转账 T-77 200.00 是']))
    const later = await csv(
      `/v1/reserve/issuance_ledger.csv?from=${addDays(first, 1)}&to=${addDays(first, 4)}`,
    )
    assert.equal(later.length, 1)
  })

  test('a buyer is on record with the day until which that is kept, for keys that may see it', async () => {
    const path = `/v1/reserve/buyers.csv?from=${first}&to=${first}`
    const rows = await csv(path)
    assert.equal(rows.length, 2)
    const row = rows[1] ?? []
    assert.deepEqual(row.slice(7, 12), [
      '个人',
      '王小明',
      'resident_id',
      '110101199003070000',
      '13800000000',
    ])
    assert.equal(row.at(-1), `${Number(first.slice(0, 4)) + 5}${first.slice(4)}`)
    const { secret: narrow } = await app.makeKey(party.id, 'test', { scopes: ['reserve:read'] })
    assert.equal((await app.get(narrow, path)).status, 403)
  })

  test('another issuer sees nothing of it', async () => {
    const other = await reserveParty(app, ['open'])
    const rows = await csv(
      `/v1/reserve/issuance_ledger.csv?from=${first}&to=${days.today()}`,
      other.key,
    )
    assert.equal(rows.length, 1)
  })
})

describe('filings', () => {
  test('are exported in the fields of the form, with what the platform knows', async () => {
    const filed = {
      form: 'mofcom_single_purpose',
      number: '310000BA0001',
      authority: '上海市商务委员会',
      filed_on: first,
      valid_to: addDays(first, 100),
      fields: { legal_representative: '李四', contact_phone: '021-1' },
    }
    const { id } = party.must(
      await app.call('POST', '/v1/filings', { key: party.key, body: filed }),
    )
    const form = await party.get(`/v1/filings/${id}/form`)
    const value = (name: string) => form.fields.find((one: { name: string }) => one.name === name)
    assert.deepEqual(
      [
        'enterprise_name',
        'legal_representative',
        'issuer_class',
        'custody_ratio',
        'custody_bank',
        'last_year_revenue',
      ].map((name) => value(name).value),
      ['Tea House Ltd', '李四', '品牌发卡企业', '40%', '工商银行', '9000000.00'],
    )
    assert.equal(value('legal_representative').filled_by, 'filer')
    assert.equal(value('registered_capital').filled_by, null)
    assert.ok(form.papers.includes('售卡企业清单'))
    const rows = await csv(`/v1/filings/${id}/form?format=csv`)
    assert.deepEqual(rows[1], ['企业名称', 'enterprise_name', 'Tea House Ltd'])
    const again = await app.call('POST', '/v1/filings', { key: party.key, body: filed })
    assert.equal(again.body.code, 'reference.already_used')
  })

  test('are called to mind 90 days before they end, once', async () => {
    assert.deepEqual(await party.cases('&kind=expiry_near'), [])
    await days.nextDay()
    await days.nextDay()
    const near = await party.cases('&kind=expiry_near')
    assert.deepEqual(
      near.map(({ subject, day }) => [subject, day]),
      [['mofcom_single_purpose 310000BA0001', addDays(first, 100)]],
    )
  })

  test('a business that began is to be filed within thirty days', async () => {
    const due = await party.cases('&kind=filing_due')
    const subjects = due.map(({ subject }) => subject)
    assert.ok(subjects.includes(`filing by ${addDays(first, 30)}`), subjects.join())
  })
})

test('the quarterly set adds up, and says by when it is due', async () => {
  const quarter = quarterOf(first)
  const early = await app.get(party.key, `/v1/reserve/quarters?quarter=${quarter.name}`)
  assert.equal(early.body.code, 'day.not_closed')
  await days.nextQuarter()
  const set = await party.get(`/v1/reserve/quarters?quarter=${quarter.name}`)
  assert.deepEqual(
    [set.opening, set.issued, set.spent, set.refunded, set.redeemed, set.other, set.closing],
    [0, 120_000, 50_000, 5_000, 0, -1_000, 74_000],
  )
  assert.equal(set.adds_up, true)
  assert.equal(set.custody, 60_000)
  assert.equal(set.report_rule, 'report_group_days')
  assert.ok(set.report_due > quarter.to)
  const rows = await csv(`/v1/reserve/quarters?quarter=${quarter.name}&format=csv`)
  assert.deepEqual(rows[9], ['本期其他变动(元)', '-10.00'])
  assert.deepEqual(rows[10], ['期末预收资金余额(元)', '740.00'])
  const reserve = await party.get('/v1/reserve')
  assert.deepEqual([reserve.required, reserve.claims[0].base], [29_600, 74_000])
})
