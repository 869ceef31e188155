/** Contracts with merchants: proposed by one person, decided by another, never changed, and in force day by day. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  asId,
  type BookId,
  bookOf,
  type ContractId,
  type MerchantId,
  ok,
  parseId,
} from '@lika/contract'
import fc from 'fast-check'
import { cycleOf } from '../server/src/modules/merchants/index.ts'
import { addDays } from '../server/src/modules/policy/index.ts'
import { newId } from '../server/src/platform/ids.ts'
import { type Answered, type Issuer, startHttpApp } from './harness/http-app.ts'

type App = Awaited<ReturnType<typeof startHttpApp>>
let app: App
let issuer: Issuer
let book: BookId
/** A key with every scope that belongs to somebody else. */
let wu: string
/** Monday, 9 March 2026, 10:00 in Shanghai, unless a test says otherwise. */
const monday = Date.parse('2026-03-09T02:00:00Z')
let now = monday

before(async () => {
  app = await startHttpApp([], { bookNow: () => now })
  issuer = await app.makeIssuer()
  book = bookOf(parseId('issuer', issuer.id) ?? assert.fail(), 'test')
  wu = (await app.makeKey(issuer.id, 'test', { owner: 'Wu' })).secret
})
after(() => app.stop())

const get = (path: string) => app.call('GET', path, { key: issuer.test })
const post = (path: string, body?: unknown, key = issuer.test, idempotencyKey: string = newId()) =>
  app.call('POST', path, {
    key,
    headers: { 'idempotency-key': idempotencyKey },
    ...(body === undefined ? {} : { body }),
  })
const ascending = (one: number, other: number) => one - other
const code = (answer: Answered) => [answer.status, answer.body.code]

async function makeMerchant(more: object = {}): Promise<string> {
  const body = { name: 'Shop', category: 'food', ...more }
  return (await post('/v1/merchants', body)).body.id
}
const idOf = (merchant: string): MerchantId => parseId('merchant', merchant) ?? assert.fail()

/** Without a class, 1 % flat, weekly, from today on. */
const plain = {
  valid_from: '2026-03-09',
  class: 'none',
  commission: { kind: 'flat', rate_bp: 100 },
  cycle: { kind: 'weekly' },
}

const propose = (merchant: string, more: object = {}, key?: string, idempotencyKey?: string) =>
  post(`/v1/merchants/${merchant}/contracts`, { ...plain, ...more }, key, idempotencyKey)
const approve = (contract: string, key = wu) =>
  post(`/v1/contracts/${contract}/approve`, undefined, key)

/** Proposed and agreed to. */
async function agree(merchant: string, more: object = {}): Promise<string> {
  const proposed = await propose(merchant, more)
  assert.equal(proposed.status, 201, JSON.stringify(proposed.body))
  const approved = await approve(proposed.body.id)
  assert.equal(approved.status, 200, JSON.stringify(approved.body))
  return proposed.body.id
}

const termsOn = async (merchant: string, day: string) =>
  (await get(`/v1/merchants/${merchant}/terms?on=${day}`)).body
const versionOn = async (merchant: string, day: string) => (await termsOn(merchant, day)).version

const account = {
  bank_name: '招商银行上海分行',
  bank_code: '308290003020',
  account_name: '南门面馆有限公司',
  account_number: '6214830212345678',
}

describe('a proposal', () => {
  test('is one readable record, and the account is shown by its last four digits', async () => {
    const [merchant, partner] = [await makeMerchant(), await makeMerchant()]
    const full = {
      valid_from: '2026-03-10',
      class: 'none',
      monthly_volume: 30_000_000,
      rating_tenths: 45,
      commission: {
        kind: 'tiered',
        by: 'marginal',
        tiers: [
          { from_amount: 0, rate_bp: 300 },
          { from_amount: 100_000, rate_bp: 200 },
        ],
      },
      cycle: { kind: 'half_month' },
      pay_after_business_days: 3,
      margin: { rate_bp: 1_000, release_after_days: 30 },
      split: [
        { merchant_id: merchant, share_bp: 7_000 },
        { merchant_id: partner, share_bp: 3_000 },
      ],
      bonus_share_bp: 5_000,
      voucher_share_bp: 2_500,
      reference: 'HT-2026-001',
      metadata: { signed: 'yes' },
    }
    const { status, body } = await propose(merchant, { ...full, payout_account: account })
    assert.equal(status, 201, JSON.stringify(body))
    const { monthly_volume, rating_tenths, ...terms } = full
    const { id, proposed, ...rest } = body
    assert.deepEqual(rest, {
      ...terms,
      merchant_id: merchant,
      version: 1,
      status: 'proposed',
      class_facts: { monthly_volume, rating_tenths, stores: 0 },
      payout_account: { last4: '5678' },
    })
    assert.equal(proposed.by.owner, 'tests')
    assert.equal(proposed.at, '2026-03-09T02:00:00Z')
    assert.deepEqual((await get(`/v1/contracts/${id}`)).body, body)
    assert.deepEqual((await get(`/v1/contracts?merchant_id=${merchant}`)).body.data, [body])
    assert.deepEqual((await get('/v1/contracts?reference=HT-2026-001')).body.data, [body])
  })

  test('keeps the account encrypted; it opens for the payout of its own version alone', async () => {
    const merchant = await makeMerchant()
    const { body } = await propose(merchant, { payout_account: account })
    const { sql } = app.database.owner
    const [row] = await sql<{ text: string }[]>`
      select contract::text as text
      from lika.contract
      where id = ${parseId('contract', body.id) ?? ''}`
    for (const said of [account.account_number, account.account_name, account.bank_name]) {
      assert.equal(row?.text.includes(said), false)
      assert.equal(row?.text.includes(Buffer.from(said).toString('hex')), false)
    }
    assert.deepEqual(await app.merchants.payoutAccountOf(book, idOf(merchant), 1), {
      bankName: account.bank_name,
      bankCode: account.bank_code,
      accountName: account.account_name,
      accountNumber: account.account_number,
    })
    await propose(merchant)
    assert.equal(await app.merchants.payoutAccountOf(book, idOf(merchant), 2), undefined)
    await sql`
      insert into lika.contract
      select (json_populate_record(contract, json_build_object(
        'id', gen_random_uuid(), 'version', 3, 'idempotency_key', gen_random_uuid()
      ))).*
      from lika.contract
      where id = ${parseId('contract', body.id) ?? ''}`
    await assert.rejects(app.merchants.payoutAccountOf(book, idOf(merchant), 3))
  })

  test('under the same key is the same one, as it was answered first', async () => {
    const merchant = await makeMerchant()
    const given = { payout_account: account, metadata: { a: '1', b: '2' } }
    const first = await propose(merchant, given, undefined, 'contract-1')
    await approve(first.body.id)
    const swapped = { ...given, metadata: { b: '2', a: '1' } }
    const again = await propose(merchant, swapped, undefined, 'contract-1')
    assert.equal(again.status, 201)
    assert.deepEqual(again.body, first.body)
    assert.equal(first.headers.get('idempotent-replayed'), null)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    const reused = [422, 'idempotency.key_reused']
    const otherAccount = { ...account, account_number: '6214830212345679' }
    for (const change of [
      { payout_account: otherAccount },
      { cycle: { kind: 'month' } },
      { reference: 'new' },
    ])
      assert.deepEqual(
        code(await propose(merchant, { ...given, ...change }, undefined, 'contract-1')),
        reused,
      )
    const elsewhere = await propose(await makeMerchant(), given, undefined, 'contract-1')
    assert.deepEqual(code(elsewhere), reused)
  })

  test('gets the next version also when many come at once, one of each key', async () => {
    const merchant = await makeMerchant()
    const keys = [1, 2, 3, 1, 2, 3].map((number) => `at-once-${number}`)
    const made = await Promise.all(keys.map((key) => propose(merchant, {}, undefined, key)))
    assert.deepEqual(
      made.map(({ status }) => status),
      keys.map(() => 201),
    )
    const versions = new Set<number>(made.map(({ body }) => body.version))
    assert.deepEqual([...versions].toSorted(ascending), [1, 2, 3])
    const ids = keys.map((key, index) => `${key} ${made[index]?.body.id}`)
    assert.equal(new Set(ids).size, 3)
  })

  test('whose reference is taken names the contract that has it', async () => {
    const merchant = await makeMerchant()
    const first = await propose(merchant, { reference: 'HT-1' })
    const second = await propose(merchant, { reference: 'HT-1' })
    assert.deepEqual(code(second), [409, 'reference.already_used'])
    assert.equal(second.body.existing_id, first.body.id)
  })

  const contradictions: readonly [string, object, readonly unknown[], string][] = [
    [
      'a first tier above 0',
      { commission: { kind: 'tiered', by: 'whole', tiers: [{ from_amount: 1, rate_bp: 1 }] } },
      [422, 'contract.terms_invalid'],
      'commission.tiers.0.from_amount',
    ],
    [
      'tiers that do not rise',
      {
        commission: {
          kind: 'tiered',
          by: 'whole',
          tiers: [0, 100, 100].map((from_amount) => ({ from_amount, rate_bp: 1 })),
        },
      },
      [422, 'contract.terms_invalid'],
      'commission.tiers.2.from_amount',
    ],
    [
      'a flat commission with tiers',
      { commission: { kind: 'flat', rate_bp: 1, tiers: [{ from_amount: 0, rate_bp: 1 }] } },
      [400, 'request.invalid'],
      'commission',
    ],
    [
      'a flat commission without a rate',
      { commission: { kind: 'flat' } },
      [400, 'request.invalid'],
      'commission',
    ],
    ['T+n without n', { cycle: { kind: 't_plus' } }, [400, 'request.invalid'], 'cycle.days'],
    [
      'a week of n days',
      { cycle: { kind: 'weekly', days: 7 } },
      [400, 'request.invalid'],
      'cycle.days',
    ],
    [
      'T+7 that is paid on another day',
      { cycle: { kind: 't_plus', days: 7 }, pay_after_business_days: 3 },
      [400, 'request.invalid'],
      'pay_after_business_days',
    ],
    [
      'a rate beyond all',
      { commission: { kind: 'flat', rate_bp: 10_001 } },
      [400, 'request.invalid'],
      'commission.rate_bp',
    ],
  ]
  for (const [what, change, expected, path] of contradictions) {
    test(`with ${what} is refused, and the place is named`, async () => {
      const answer = await propose(await makeMerchant(), change)
      assert.deepEqual(code(answer), expected)
      assert.equal(answer.body.errors[0].path, path)
    })
  }

  test('splits among known merchants, once each, the whole', async () => {
    const [merchant, partner] = [await makeMerchant(), await makeMerchant()]
    const foreign = await app.makeIssuer()
    const other = await post('/v1/merchants', { name: 'S', category: 'c' }, foreign.test)
    const split = (...shares: [string, number][]) => ({
      split: shares.map(([merchant_id, share_bp]) => ({ merchant_id, share_bp })),
    })
    const invalid = [422, 'contract.terms_invalid']
    const rows: [object, readonly unknown[]][] = [
      [split([merchant, 9_999]), invalid],
      [split([merchant, 5_000], [partner, 5_001]), invalid],
      [split([merchant, 5_000], [merchant, 5_000]), invalid],
      [split([merchant, 5_000], [other.body.id, 5_000]), [404, 'merchant.not_found']],
      [split([partner, 10_000]), [201, undefined]],
    ]
    for (const [change, expected] of rows)
      assert.deepEqual(code(await propose(merchant, change)), expected)
  })

  test('keeps to its class: band, cycle and what is asked of the merchant', async () => {
    const merchant = await makeMerchant()
    const chain = { class: 'chain', commission: { kind: 'flat', rate_bp: 800 } }
    const few = await propose(merchant, chain)
    assert.deepEqual(code(few), [422, 'contract.class_not_met'])
    assert.deepEqual([few.body.member, few.body.allowed], ['stores', { min: 3 }])
    for (const name of ['A', 'B', 'C'])
      await post(`/v1/merchants/${merchant}/stores`, { name, district: 'West' })
    const cheap = await propose(merchant, { ...chain, commission: { kind: 'flat', rate_bp: 799 } })
    assert.deepEqual(code(cheap), [422, 'contract.rate_out_of_band'])
    assert.deepEqual(cheap.body.allowed, { min: 800, max: 1_000 })
    const monthly = await propose(merchant, { ...chain, cycle: { kind: 'month' } })
    assert.deepEqual(code(monthly), [422, 'contract.cycle_out_of_class'])
    const proposed = await propose(merchant, chain)
    assert.equal(proposed.body.class_facts.stores, 3)
    const shop = { class: 'ecommerce', commission: { kind: 'flat', rate_bp: 1_250 } }
    const due = { cycle: { kind: 't_plus', days: 7 }, monthly_volume: 50_000_000 }
    const agreed = await propose(merchant, { ...shop, ...due })
    assert.equal(agreed.body.pay_after_business_days, 7)
  })
})

describe('a contract', () => {
  test('is agreed to by a second person, once', async () => {
    const merchant = await makeMerchant()
    const { id } = (await propose(merchant)).body
    assert.equal(await versionOn(merchant, '2026-03-09'), 0)
    assert.deepEqual(code(await approve(id, issuer.test)), [409, 'approval.same_person'])
    const twin = await app.makeKey(issuer.id, 'test', { owner: 'TESTS ' })
    assert.deepEqual(code(await approve(id, twin.secret)), [409, 'approval.same_person'])
    assert.equal(await versionOn(merchant, '2026-03-09'), 0)
    const approved = await approve(id)
    assert.equal(approved.body.status, 'approved')
    assert.equal(approved.body.decided.by.owner, 'Wu')
    assert.equal(await versionOn(merchant, '2026-03-09'), 1)
    const again = await approve(id)
    assert.deepEqual(code(again), [409, 'contract.already_decided'])
    assert.equal(again.body.decision, 'approved')
  })

  test('that many agree to at once is agreed to once', async () => {
    const { id } = (await propose(await makeMerchant())).body
    const answers = await Promise.all([approve(id), approve(id), approve(id)])
    assert.deepEqual(answers.map(({ status }) => status).toSorted(ascending), [200, 409, 409])
  })

  test('that was rejected never holds, and says why', async () => {
    const merchant = await makeMerchant()
    const { id } = (await propose(merchant)).body
    const rejected = await post(`/v1/contracts/${id}/reject`, { reason: 'too cheap' }, wu)
    assert.deepEqual(
      [rejected.body.status, rejected.body.decided.reason],
      ['rejected', 'too cheap'],
    )
    assert.deepEqual(code(await approve(id)), [409, 'contract.already_decided'])
    assert.equal(await versionOn(merchant, '2099-12-31'), 0)
  })

  test('may begin today where it is the first, from tomorrow on where terms stand already', async () => {
    const merchant = await makeMerchant()
    const past = await propose(merchant, { valid_from: '2026-03-08' })
    assert.deepEqual(code(past), [422, 'date.out_of_range'])
    assert.deepEqual(past.body.allowed, { min: '2026-03-09' })
    await agree(merchant, { valid_from: '2026-03-09' })
    const today = await propose(merchant, { valid_from: '2026-03-09' })
    assert.deepEqual(code(today), [422, 'date.out_of_range'])
    assert.deepEqual(today.body.allowed, { min: '2026-03-10' })
    await agree(merchant, { valid_from: '2026-03-10' })
    assert.equal(await versionOn(merchant, '2026-03-09'), 1)
    assert.equal(await versionOn(merchant, '2026-03-10'), 2)
  })

  test('that waited past its first day is not agreed to any more', async () => {
    const merchant = await makeMerchant()
    const { id } = (await propose(merchant)).body
    now = Date.parse('2026-03-09T15:59:59.999Z')
    const other = (await propose(await makeMerchant())).body
    assert.equal((await approve(other.id)).status, 200)
    now = Date.parse('2026-03-09T16:00:00Z')
    const late = await approve(id)
    now = monday
    assert.deepEqual(code(late), [422, 'date.out_of_range'])
    assert.deepEqual(late.body.allowed, { min: '2026-03-10' })
  })

  test('begins on no day that is settled, wherever the clock stands', async () => {
    const own = await app.makeIssuer()
    const second = (await app.makeKey(own.id, 'test', { owner: 'Wu' })).secret
    const settled = bookOf(parseId('issuer', own.id) ?? assert.fail(), 'test')
    const merchant = (await post('/v1/merchants', { name: 'S', category: 'c' }, own.test)).body.id
    const make = (validFrom: string) => propose(merchant, { valid_from: validFrom }, own.test)
    const late = (await make('2026-03-31')).body.id
    await app.database.owner.sql`
      insert into lika.clearing_book (book_id, settled_through)
      values (${settled}, '2026-03-31')`
    assert.deepEqual(code(await make('2026-03-31')), [422, 'date.out_of_range'])
    const refused = await approve(late, second)
    assert.deepEqual(code(refused), [422, 'date.out_of_range'])
    assert.deepEqual(refused.body.allowed, { min: '2026-04-01' })
    assert.equal((await approve((await make('2026-04-01')).body.id, second)).status, 200)
  })

  test('of two first ones for today, agreed to at once, only one holds today', async () => {
    const merchant = await makeMerchant()
    const made = await Promise.all([propose(merchant), propose(merchant)])
    const decided = await Promise.all(made.map(({ body }) => approve(body.id)))
    assert.deepEqual(decided.map(({ status }) => status).toSorted(ascending), [200, 422])
  })

  test('whose class is not met any more is not agreed to', async () => {
    const merchant = await makeMerchant()
    for (const name of ['A', 'B', 'C'])
      await post(`/v1/merchants/${merchant}/stores`, { name, district: 'West' })
    const terms = { class: 'chain', commission: { kind: 'flat', rate_bp: 800 } }
    const { id } = (await propose(merchant, terms)).body
    await app.database.owner.sql`
      delete from lika.store
      where merchant_id = ${idOf(merchant)}`
    assert.deepEqual(code(await approve(id)), [422, 'contract.class_not_met'])
  })

  test('changes no earlier day, and holds until the next one begins', async () => {
    const merchant = await makeMerchant()
    const days = [
      '2026-03-08',
      '2026-03-09',
      '2026-03-31',
      '2026-04-01',
      '2026-04-14',
      '2026-04-15',
    ]
    const versions = () => Promise.all(days.map((day) => versionOn(merchant, day)))
    assert.deepEqual(await versions(), [0, 0, 0, 0, 0, 0])
    await agree(merchant, { valid_from: '2026-03-09' })
    assert.deepEqual(await versions(), [0, 1, 1, 1, 1, 1])
    await agree(merchant, { valid_from: '2026-04-15' })
    assert.deepEqual(await versions(), [0, 1, 1, 1, 1, 2])
    // Agreed to later, and begins before: it holds until the other one begins.
    await agree(merchant, { valid_from: '2026-04-01' })
    assert.deepEqual(await versions(), [0, 1, 1, 3, 3, 2])
    // In place of one that has not begun: the later version of the same day.
    await agree(merchant, { valid_from: '2026-04-15' })
    assert.deepEqual(await versions(), [0, 1, 1, 3, 3, 4])
    const { valid_from, valid_to } = await termsOn(merchant, '2026-04-10')
    assert.deepEqual([valid_from, valid_to], ['2026-04-01', '2026-04-14'])
  })

  test('is settled with the cycle cut where the next one begins', async () => {
    const merchant = await makeMerchant()
    await agree(merchant, { valid_from: '2026-03-11' })
    await agree(merchant, { valid_from: '2026-03-20', cycle: { kind: 'month' } })
    const cycle = async (day: string) => {
      const { cycle_from, cycle_to } = await termsOn(merchant, day)
      return [cycle_from, cycle_to]
    }
    assert.deepEqual(await cycle('2026-03-10'), ['2026-03-10', '2026-03-10'])
    assert.deepEqual(await cycle('2026-03-12'), ['2026-03-11', '2026-03-15'])
    assert.deepEqual(await cycle('2026-03-19'), ['2026-03-16', '2026-03-19'])
    assert.deepEqual(await cycle('2026-03-20'), ['2026-03-20', '2026-03-31'])
    assert.deepEqual(await cycle('2026-04-30'), ['2026-04-01', '2026-04-30'])
  })

  test('is never changed or removed by the application', async () => {
    const { id } = (await propose(await makeMerchant())).body
    await approve(id)
    const { sql } = app.database.app
    const uuid = parseId('contract', id) ?? ''
    for (const forbidden of [
      sql`update contract set class = 'chain' where id = ${uuid}`,
      sql`delete from contract where id = ${uuid}`,
      sql`update contract_decision set decision = 'rejected' where contract_id = ${uuid}`,
      sql`delete from contract_decision where contract_id = ${uuid}`,
      sql`update merchant_deed set owner = 'nobody'`,
      sql`update merchant set settlement_lane = 1`,
    ])
      await assert.rejects(forbidden, { code: '42501' })
  })
})

describe('what clearing asks', () => {
  /** The merchants of a book of their own whose cycle ends on that day, with its days. */
  async function ending(of: BookId, day: string) {
    const found: [MerchantId, number, string][] = []
    for await (const page of app.merchants.cyclesEnding(of, day))
      for (const { merchant, terms, cycle } of page)
        found.push([merchant.id, terms.version, cycle.from])
    return found
  }

  test('is who is settled on a day: by calendar, cut, or by default each day by itself', async () => {
    const own = await app.makeIssuer()
    const second = (await app.makeKey(own.id, 'test', { owner: 'Wu' })).secret
    const other = bookOf(parseId('issuer', own.id) ?? assert.fail(), 'test')
    const make = async (more: object = {}) =>
      (await post('/v1/merchants', { name: 'S', category: 'c', ...more }, own.test)).body.id
    const agreed = async (merchant: string, ...contracts: object[]) => {
      for (const more of contracts) {
        const proposed = await propose(merchant, more, own.test)
        assert.equal((await approve(proposed.body.id, second)).status, 200)
      }
    }
    const onboarding = {
      legal_name: 'S',
      credit_code: '91330100799655058B',
      contact: { name: 'Li', phone: '13800000000' },
      documents: [],
    }
    const [daily, weekly, changing, draft] = [
      await make(),
      await make(),
      await make({ ownership: 'own' }),
      await make({ onboarding }),
    ]
    await agreed(weekly, {})
    await agreed(changing, {}, { valid_from: '2026-03-12', cycle: { kind: 'half_month' } })
    const [a, b, c] = [daily, weekly, changing].map(idOf)
    assert.ok(a && b && c)
    assert.deepEqual(await ending(other, '2026-03-10'), [[a, 0, '2026-03-10']])
    assert.deepEqual(await ending(other, '2026-03-11'), [
      [a, 0, '2026-03-11'],
      [c, 1, '2026-03-09'],
    ])
    assert.deepEqual(await ending(other, '2026-03-15'), [
      [a, 0, '2026-03-15'],
      [b, 1, '2026-03-09'],
      [c, 2, '2026-03-12'],
    ])
    const settled = await app.merchants.settledMerchants(other, [c, idOf(draft)])
    assert.equal(settled.get(c)?.ownership, 'own')
    const terms = await app.merchants.termsOf(other, [a, b], '2026-03-10')
    assert.deepEqual([terms.get(a)?.version, terms.get(b)?.version], [0, 1])
    assert.equal((await app.merchants.termsOf(book, [a], '2026-03-10')).size, 0)
  })

  const days = Array.from({ length: 80 }, (_, index) => addDays('2026-03-10', index))
  const cycles = [
    { kind: 't_plus', days: 1 },
    { kind: 'weekly' },
    { kind: 'half_month' },
    { kind: 'month' },
  ] as const
  /** Contracts as they are proposed, and in which order some of them are agreed to. */
  const agreements = fc.array(
    fc.record({
      begins: fc.nat(days.length - 1),
      cycle: fc.constantFrom(...cycles),
      // Above 90: never.
      agreed: fc.nat(100),
    }),
    { maxLength: 6 },
  )

  type Agreement = { begins: number; cycle: (typeof cycles)[number]; agreed: number }
  type Made = { id: ContractId; version: number; from: string; agreed: number }
  const by = { keyId: newId(), owner: 'Lin', at: monday }
  const yes = () => ok(undefined)

  async function proposed(merchant: MerchantId, { begins, cycle, agreed }: Agreement) {
    const validFrom = days[begins] ?? ''
    const text = {
      validFrom,
      class: 'none',
      commission: { kind: 'flat', rateBp: 0 },
      cycle,
      payAfterBusinessDays: 1,
      margin: undefined,
      split: [],
      bonusShareBp: 0,
      voucherShareBp: 0,
    } as const
    const nothing = { monthlyVolume: undefined, ratingTenths: undefined, payoutAccount: undefined }
    const named = { id: asId<'contract'>(newId()), book, merchantId: merchant }
    const proposal = { ...named, text, ...nothing, reference: null, metadata: {} }
    const made = await app.merchants.propose(proposal, by, newId(), yes)
    assert.ok(made.ok && 'proposed' in made.value)
    const { id, version } = made.value.proposed
    return { id, version, from: validFrom, agreed }
  }

  /** Of what was agreed to: what began last, the higher version of two that begin together. */
  function versionByRule(agreed: readonly Made[], day: string): number {
    const [last] = agreed
      .filter(({ from }) => from <= day)
      .toSorted((one, other) =>
        one.from === other.from ? other.version - one.version : one.from < other.from ? 1 : -1,
      )
    return last?.version ?? 0
  }

  test('is one contract and one cycle for each day, whatever was agreed to in which order', async () => {
    await fc.assert(
      fc.asyncProperty(agreements, async (asked) => {
        const merchant = idOf(await makeMerchant())
        const made: Made[] = []
        for (const one of asked) made.push(await proposed(merchant, one))
        const agreed = made
          .filter((one) => one.agreed <= 90)
          .toSorted((one, other) => one.agreed - other.agreed)
        for (const { id } of agreed) {
          const decision = { ...by, decision: 'approved', reason: null } as const
          assert.ok((await app.merchants.decide(book, id, decision, yes)).ok)
        }
        const held = await Promise.all(
          days.map(async (day) => {
            const terms = (await app.merchants.termsOf(book, [merchant], day)).get(merchant)
            assert.ok(terms)
            return { day, version: terms.version, cycle: cycleOf(terms, day) }
          }),
        )
        assert.deepEqual(
          held.map(({ version }) => version),
          days.map((day) => versionByRule(agreed, day)),
        )
        assertTiled(held)
      }),
      { numRuns: 15 },
    )
  })

  /** Cycles follow on each other without a gap, and all days of one are under the same contract. */
  function assertTiled(
    held: readonly { day: string; version: number; cycle: { from: string; to: string } }[],
  ): void {
    for (const [index, { day, version, cycle }] of held.entries()) {
      const next = held[index + 1]
      assert.ok(cycle.from <= day && day <= cycle.to)
      if (next === undefined) continue
      if (cycle.to === day) assert.equal(next.cycle.from, next.day)
      else assert.deepEqual([next.version, next.cycle], [version, cycle])
    }
  }

  test('is answered page by page, without a merchant left out', async () => {
    const own = await app.makeIssuer()
    const other = bookOf(parseId('issuer', own.id) ?? assert.fail(), 'test')
    const { sql } = app.database.owner
    await sql`
      insert into lika.merchant (id, book_id, name, category, settlement_lane, metadata, created_at)
      select gen_random_uuid(), ${other}, 'S', 'c', 601, '{}', now()
      from generate_series(1, 1001)`
    const found = await ending(other, '2026-03-10')
    assert.equal(found.length, 1_001)
    assert.equal(new Set(found.map(([id]) => id)).size, 1_001)
  })
})
