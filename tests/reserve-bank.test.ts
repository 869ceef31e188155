/** The bank's statements of custody accounts compared with the books: what fits, which case opens, and what two people do. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import { bankStatement, type ReserveParty, reserveDays, reserveParty } from './harness/reserve.ts'

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

async function resolve(party: ReserveParty, id: string, action: string, second = party.second) {
  const proposed = await app.post(party.key, `/v1/reserve_cases/${id}/propose`, {
    action,
    reason: 'asked the bank',
  })
  assert.equal(proposed.status, 200, JSON.stringify(proposed.body))
  return app.post(second, `/v1/reserve_cases/${id}/approve`)
}

describe('bank statements', () => {
  let party: ReserveParty
  let day: string

  before(async () => {
    party = await reserveParty(app, ['cn-national'], { issuer_class: 'other' })
    day = days.today()
    for (const [fen, reference] of [
      [10_000, 'fits'],
      [20_000, 'one-fen'],
      [30_000, 'one-day'],
      [40_000, 'twice'],
      [50_000, 'split'],
      [60_000, 'never'],
    ] as const)
      party.must(await party.move(fen, { reference }))
  })

  const open = async () => {
    const found = await party.cases('&state=open')
    return found.map(({ kind, amount }) => `${kind} ${amount}`).toSorted()
  }

  test('of the day: what fits is settled, one fen, a doubled and split lines open their cases', async () => {
    const early = await bankStatement(app, party, day, 0, [])
    assert.equal(early.body.code, 'date.out_of_range')
    await days.nextDay()
    const imported = await bankStatement(app, party, day, 0, [
      [10_000, 'fits'],
      [19_999, 'one-fen'],
      [40_000, 'twice'],
      [40_000, 'twice'],
      [20_000, 'split'],
      [30_000, 'split'],
    ])
    assert.equal(imported.status, 201, JSON.stringify(imported.body))
    assert.equal(imported.body.reconciled, true)
    assert.deepEqual(await open(), ['amount_differs -1', 'doubled_line 40000', 'split_lines 0'])
    const { data } = await party.get(`/v1/bank_statements/${imported.body.id}/lines`)
    assert.deepEqual(
      data.map((one: { movement_id: unknown; case_id: unknown }) => [
        one.movement_id !== null,
        one.case_id !== null,
      ]),
      [
        [true, false],
        [false, true],
        [true, false],
        [false, true],
        [false, true],
        [false, true],
      ],
    )
  })

  test('the same file again is the same statement, another one of the day is refused', async () => {
    const body = [
      [10_000, 'fits'],
      [19_999, 'one-fen'],
      [40_000, 'twice'],
      [40_000, 'twice'],
      [20_000, 'split'],
      [30_000, 'split'],
    ] as const
    assert.equal((await bankStatement(app, party, day, 0, body)).status, 201)
    assert.equal((await open()).length, 3)
    const other = await bankStatement(app, party, day, 0, [[1, 'x']])
    assert.equal(other.body.code, 'bank_statement.already_imported')
    const late = await bankStatement(app, party, '2099-01-01', 0, [])
    assert.equal(late.body.code, 'date.out_of_range')
  })

  test('a server that ended in the middle of it: another one finishes, and opens nothing twice', async () => {
    const { sql } = app.database.owner
    const before = await party.cases()
    const lines = async () => sql`
      select line, movement_id, case_id from lika.bank_line
      where day = ${day} and account_id in (select id from lika.custody_account where book_id = ${party.book})
      order by line`
    const asItWas = await lines()
    await sql`update lika.bank_line set case_id = null where case_id is not null`
    await sql`update lika.bank_statement set reconciled = false, at = at - interval '1 hour'`
    await days.watch()
    assert.deepEqual(await party.cases(), before)
    assert.deepEqual(await lines(), asItWas)
    const [left] =
      await sql`select count(*)::int as n from lika.bank_statement where not reconciled`
    assert.equal(left?.['n'], 0)
  })

  test('of the day after: one day late, unknown, and what never came', async () => {
    const next = days.today()
    await days.nextDay()
    const imported = await bankStatement(app, party, next, 159_999, [
      [30_000, 'one-day'],
      [-500, 'fee'],
    ])
    assert.equal(imported.status, 201, JSON.stringify(imported.body))
    assert.deepEqual(await open(), [
      'amount_differs -1',
      'day_differs 0',
      'doubled_line 40000',
      'missing_line -60000',
      'split_lines 0',
      'unknown_outflow -500',
    ])
    assert.deepEqual(await party.cases('&kind=balance_gap'), [])
  })

  test('a case takes two people, and only what fits its kind', async () => {
    const [differs] = await party.cases('&kind=day_differs')
    const wrong = await app.post(party.key, `/v1/reserve_cases/${differs.id}/propose`, {
      action: 'suspend',
      reason: 'x',
    })
    assert.equal(wrong.body.code, 'case.action_not_possible')
    const early = await app.post(party.second, `/v1/reserve_cases/${differs.id}/approve`)
    assert.equal(early.body.code, 'case.not_proposed')
    const alone = await resolve(party, differs.id, 'match', party.key)
    assert.equal(alone.body.code, 'approval.same_person')
    const done = await app.post(party.second, `/v1/reserve_cases/${differs.id}/approve`)
    assert.equal(done.status, 200, JSON.stringify(done.body))
    const again = await app.post(party.second, `/v1/reserve_cases/${differs.id}/approve`)
    assert.equal(again.body.code, 'case.not_open')
    const shown = await party.get(`/v1/reserve_cases/${differs.id}`)
    assert.deepEqual([shown.proposed_by, shown.resolved_by], ['tests', 'Wang'])
  })

  test('when all is dealt with the books say what the bank says, and the rest waits in suspense', async () => {
    for (const one of await party.cases('&state=open')) {
      const isFee = one.kind === 'unknown_outflow'
      const action = isFee ? 'write_off' : one.actions.includes('suspend') ? 'suspend' : 'match'
      const done = await resolve(party, one.id, action)
      assert.equal(done.status, 200, JSON.stringify(done.body))
    }
    const { balance } = await party.get(`/v1/custody_accounts/${party.account}`)
    assert.equal(balance, 189_499)
    const { data } = await party.get('/v1/ledger/trial_balance')
    const of = (kind: string) => data.find((line: { kind: string }) => line.kind === kind)
    assert.equal(of('custody').debit, 189_499)
    // −1 fen, +400 yuan that came twice, −600 yuan that never came; the bank's fee is known.
    assert.equal(of('suspense').debit - of('suspense').credit, 1 - 40_000 + 60_000)
    assert.equal(of('adjustment').debit, 500)
    const last = days.today()
    await days.nextDay()
    const imported = await bankStatement(app, party, last, 189_499, [])
    assert.equal(imported.status, 201)
    assert.deepEqual(await open(), [
      'suspense_open -1',
      'suspense_open -60000',
      'suspense_open 40000',
    ])
  })

  test('suspense is cleared by two people: written off, or dismissed when a later line has set it right', async () => {
    const waiting = await party.cases('&state=open')
    for (const one of waiting) {
      const done = await resolve(party, one.id, one.amount === -1 ? 'write_off' : 'dismiss')
      assert.equal(done.status, 200, JSON.stringify(done.body))
    }
    const { data } = await party.get('/v1/ledger/trial_balance')
    const of = (kind: string) => data.find((line: { kind: string }) => line.kind === kind)
    assert.deepEqual([of('suspense').debit, of('adjustment').debit], [20_000, 501])
    assert.equal((await party.get(`/v1/custody_accounts/${party.account}`)).balance, 189_499)
    assert.deepEqual(await open(), [])
  })

  test('a balance that does not follow from the day before opens a case over the gap', async () => {
    const last = days.today()
    await days.nextDay()
    const imported = await bankStatement(app, party, last, 189_500, [])
    assert.equal(imported.status, 201)
    const gaps = await party.cases('&kind=balance_gap')
    assert.deepEqual(
      gaps.map(({ amount }) => amount),
      [1],
    )
  })
})

test('once statements come in, a deposit that the bank has not shown covers no withdrawal', async () => {
  const party = await reserveParty(app, ['multi-purpose'])
  await party.sell(10_000)
  party.must(await party.move(10_000, { reference: 'true' }))
  const first = days.today()
  await days.nextDay()
  assert.equal((await bankStatement(app, party, first, 0, [[10_000, 'true']])).status, 201)
  const made = party.must(await party.move(7_000, { reference: 'made-up' }))
  const reserve = await party.get('/v1/reserve')
  assert.deepEqual([reserve.custody, reserve.unconfirmed, reserve.surplus], [17_000, 7_000, 0])
  assert.equal(await party.codeOfMove(-1), 'policy.reserve_short')
  const entry = made.id.replace('mvmt_', 'ent_')
  const asked = await app.post(party.key, `/v1/ledger/entries/${entry}/corrections`, {
    reason: 'never sent',
  })
  party.must(await app.post(party.second, `/v1/ledger/corrections/${asked.body.id}/approve`), 200)
  const after = await party.get('/v1/reserve')
  assert.deepEqual([after.custody, after.unconfirmed, after.surplus], [10_000, 0, 0])
})

describe('the auditor', () => {
  let party: ReserveParty

  before(async () => {
    party = await reserveParty(app, ['cn-national'])
    party.must(await party.move(500))
    await days.nextDay()
  })

  const verify = async () => {
    const { body } = await app.call('POST', '/v1/ledger/verify', { key: party.key })
    return body.first_wrong === null ? 'ok' : `${body.first_wrong.table} ${body.first_wrong.column}`
  }

  for (const [what, change, undo, found] of [
    [
      'a custody account that was made larger',
      'update lika.custody_account set balance = balance + 1',
      'update lika.custody_account set balance = balance - 1',
      'custody_account balance',
    ],
    [
      'a movement that is not what its entry moved',
      'update lika.custody_movement set amount = amount + 1',
      'update lika.custody_movement set amount = amount - 1',
      'custody_movement amount',
    ],
    [
      'a position that hides what was missing',
      'update lika.reserve_position set required = required + 1000',
      'update lika.reserve_position set required = required - 1000',
      'reserve_position shortfall',
    ],
  ] as const) {
    test(`names ${what}`, async () => {
      assert.equal(await verify(), 'ok')
      const { sql } = app.database.owner
      await sql.unsafe(`${change} where book_id = '${party.book}'`)
      assert.equal(await verify(), found)
      await sql.unsafe(`${undo} where book_id = '${party.book}'`)
      assert.equal(await verify(), 'ok')
    })
  }
})
