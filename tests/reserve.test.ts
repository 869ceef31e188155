/**
 * The reserve over HTTP: what must lie on custody accounts at the quarter's end, what may leave them, what is reported
 * when money leaves without cause.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import { type ReserveParty, reserveDays, reserveParty } from './harness/reserve.ts'

let app: CardApp
let days: ReturnType<typeof reserveDays>

before(async () => {
  app = await startCardApp()
  days = reserveDays(app)
})
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
})

describe('what must be set aside', () => {
  let party: ReserveParty

  before(async () => {
    party = await reserveParty(app, ['cn-national'], { issuer_class: 'scale' })
  })

  test('is measured by the balance at the end of the quarter before, not by what is sold since', async () => {
    await party.sell(100_000)
    const now = await party.get('/v1/reserve')
    assert.equal(now.required, 0)
    await days.nextQuarter()
    await party.sell(70_000)
    const then = await party.get('/v1/reserve')
    assert.equal(then.required, 20_000)
    assert.equal(then.binding_rule, 'reserve_scale_bp')
    const [claim] = then.claims
    assert.equal(claim.base, 100_000)
    assert.equal(claim.base_day, days.quarterEnd())
    assert.equal(claim.article, '26')
    assert.equal(then.surplus, -20_000)
  })

  test('a withdrawal that leaves a fen less is refused with rule and article, the exact one passes', async () => {
    party.must(await party.move(30_000))
    const refused = await party.move(-10_001)
    assert.equal(refused.status, 422)
    assert.equal(refused.body.code, 'policy.reserve_short')
    assert.deepEqual(refused.body.policy, {
      pack: 'cn-national',
      rule: 'reserve_scale_bp',
      article: '26',
    })
    assert.equal(refused.body.short, 1)
    assert.equal(await party.codeOfMove(-10_000), 'ok')
    assert.equal(await party.codeOfMove(-1), 'policy.reserve_short')
    assert.equal((await party.get('/v1/reserve')).custody, 20_000)
  })

  test('two withdrawals that only together take too much: exactly one passes', async () => {
    for (let round = 0; round < 5; round += 1) {
      party.must(await party.move(100))
      const codes = await Promise.all([party.codeOfMove(-60), party.codeOfMove(-60)])
      assert.deepEqual(codes.toSorted(), ['ok', 'policy.reserve_short'])
      party.must(await party.move(-40))
    }
  })

  test('a guarantee stands for a part, and cannot be given back while it is needed', async () => {
    const today = days.today()
    const body = {
      kind: 'bank_guarantee',
      guarantor: '招商银行',
      document_number: 'LG-1',
      amount: 5_000,
      valid_from: today,
      valid_to: '2099-12-31',
    }
    const { id } = party.must(await app.post(party.key, '/v1/guarantees', body))
    const approve = (key: string) => app.post(key, `/v1/guarantees/${id}/approve`)
    assert.equal(await party.codeOfMove(-1), 'policy.reserve_short')
    assert.equal((await approve(party.key)).body.code, 'approval.same_person')
    party.must(await approve(party.second), 200)
    assert.equal((await approve(party.second)).body.code, 'approval.not_pending')
    assert.equal((await app.post(party.key, '/v1/guarantees', body)).body.code, 'name.already_used')
    assert.equal(await party.codeOfMove(-5_001), 'policy.reserve_short')
    assert.equal(await party.codeOfMove(-5_000), 'ok')
    const end = () => app.post(party.key, `/v1/guarantees/${id}/end`)
    assert.equal((await end()).body.code, 'policy.reserve_short')
    party.must(await party.move(5_000))
    party.must(await end(), 200)
    assert.equal((await end()).body.code, 'guarantee.ended')
  })

  test('more than lies on the account never leaves it, and a number is used once', async () => {
    assert.equal(await party.codeOfMove(-999_999), 'funds.insufficient')
    assert.equal(await party.codeOfMove(9_007_199_254_740_991), 'amount.out_of_range')
    party.must(await party.move(7, { reference: 'D-1' }))
    assert.equal(await party.codeOfMove(7, { reference: 'D-1' }), 'reference.already_used')
  })
})

test('what was said of the issuer is changed by two people only', async () => {
  const party = await reserveParty(app, ['cn-national'], { issuer_class: 'brand' })
  const say = (issuerClass: string) =>
    app.call('POST', '/v1/reserve/profile', { key: party.key, body: { issuer_class: issuerClass } })
  const approve = (key: string) => app.call('POST', '/v1/reserve/profile/approve', { key })
  assert.equal((await approve(party.second)).body.code, 'approval.not_pending')
  const said = await say('other')
  assert.deepEqual([said.body.issuer_class, said.body.approved_at], ['other', null])
  assert.equal((await party.get('/v1/reserve/profile')).issuer_class, 'brand')
  assert.equal((await approve(party.key)).body.code, 'approval.same_person')
  assert.equal((await party.get('/v1/reserve')).issuer_class, 'brand')
  assert.equal((await approve(party.second)).body.approved_by, 'Wang')
  assert.equal((await party.get('/v1/reserve')).issuer_class, 'other')
})

test('a statement that does not come is asked for, once for an account', async () => {
  const party = await reserveParty(app, ['open'])
  for (let day = 0; day < 14; day += 1) await days.nextDay()
  const missing = await party.cases('&kind=statement_missing')
  assert.deepEqual(
    missing.map(({ subject }) => subject),
    [party.account],
  )
})

test('without a profile there is no custody account: nobody would watch it', async () => {
  const { test: key } = await app.makeIssuer(['cn-national'])
  const body = { bank_name: 'B', bank_code: '1', account_name: 'A', account_number: '62220000' }
  const { status, body: problem } = await app.post(key, '/v1/custody_accounts', body)
  assert.equal(status, 409)
  assert.equal(problem.code, 'reserve.profile_missing')
})

test('a payment institution keeps all that it owes, and pays holders out of it', async () => {
  const party = await reserveParty(app, ['multi-purpose', 'open'])
  const card = await party.sell(50_000)
  party.must(await party.move(50_000))
  assert.equal((await party.get('/v1/reserve')).surplus, 0)
  assert.equal(await party.codeOfMove(-1), 'policy.reserve_short')
  await party.pay(card, 20_000)
  assert.equal((await party.get('/v1/reserve')).required, 50_000)
  const payout = { kind: 'redemption_payout' }
  assert.equal(await party.codeOfMove(-1, payout), 'amount.out_of_range')
  const redeemed = await app.post(party.key, `/v1/cards/${card}/redemptions`, {
    reason: 'operator',
    holder: { kind: 'person', name: '王芳', id_type: 'passport', id_number: 'E1', phone: '138' },
    payout: { method: 'same_name_account', account_name: '王芳', account_number: '6222020000' },
  })
  party.must(redeemed)
  assert.equal(await party.codeOfMove(-30_001, payout), 'amount.out_of_range')
  party.must(await party.move(30_000))
  const twice = await Promise.all([
    party.codeOfMove(-30_000, payout),
    party.codeOfMove(-30_000, payout),
  ])
  assert.deepEqual(twice.toSorted(), ['amount.out_of_range', 'ok'])
  const after = await party.get('/v1/reserve')
  assert.deepEqual([after.required, after.custody, after.surplus], [20_000, 50_000, 30_000])
  await days.watch()
  assert.deepEqual(await party.cases('&kind=outflow_unmatched'), [])
})

test('money that leaves although nobody is owed less opens an alert at the next look, once, to the fen', async () => {
  const party = await reserveParty(app, ['cn-national'], { issuer_class: 'other' })
  await party.sell(80_000)
  party.must(await party.move(60_000))
  await days.watch()
  assert.deepEqual(await party.cases(), [])
  party.must(await party.move(-25_000))
  const began = Date.now()
  await days.watch()
  await days.watch()
  assert.ok(Date.now() - began < 60_000)
  const first = await party.cases('&kind=outflow_unmatched')
  assert.deepEqual(
    first.map(({ amount, state }) => [amount, state]),
    [[-25_000, 'open']],
  )
  party.must(await party.move(-1))
  await days.watch()
  const amounts = (await party.cases('&kind=outflow_unmatched')).map(({ amount }) => amount)
  assert.deepEqual(amounts, [-1, -25_000])
  const { data } = await party.get('/v1/events?type=reserve.case_opened')
  assert.equal(data.at(-1).data.case_kind, 'outflow_unmatched')
  assert.equal(data.at(-1).data.amount, -1)
})

test('a day ends with a position; a fen that is missing opens a case, one for as long as it stays open', async () => {
  const party = await reserveParty(app, ['cn-national'], { issuer_class: 'brand' })
  await party.sell(100_000)
  await days.nextQuarter()
  party.must(await party.move(39_999))
  const day = days.today()
  await days.nextDay()
  await days.nextDay()
  const { data } = await party.get(`/v1/reserve/positions?from=${day}&to=${day}`)
  assert.equal(data.length, 1)
  const [position] = data
  assert.deepEqual(
    [position.rule, position.base, position.required, position.custody, position.shortfall],
    ['reserve_brand_bp', 100_000, 40_000, 39_999, 1],
  )
  const short = await party.cases('&kind=reserve_short')
  assert.equal(short.length, 1)
  party.must(await party.move(1))
  const filled = days.today()
  await days.nextDay()
  const [now] = (await party.get(`/v1/reserve/positions?from=${filled}&to=${filled}`)).data
  assert.deepEqual([now.custody, now.shortfall], [40_000, 0])
})

test('nobody sees or moves another issuer’s reserve', async () => {
  const [mine, other] = [await reserveParty(app, ['open']), await reserveParty(app, ['open'])]
  const path = `/v1/custody_accounts/${mine.account}`
  assert.equal((await app.get(other.key, path)).status, 404)
  const move = { kind: 'deposit', amount: 1 }
  const moved = await app.post(other.key, `${path}/movements`, move)
  assert.equal(moved.body.code, 'custody.not_found')
  const body = {
    day: days.today(),
    opening_balance: 0,
    closing_balance: 0,
    content: 'date,amount\n',
  }
  const imported = await app.call('POST', `${path}/statements`, { key: other.key, body })
  assert.equal(imported.body.code, 'custody.not_found')
})
