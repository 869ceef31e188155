/** An entry that somebody made by hand is taken back by its reversal: a reason, two people, and nothing is taken twice. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertBooks } from './harness/books.ts'
import { type CardApp, startCardApp } from './harness/card-app.ts'
import { type ReserveParty, reserveParty } from './harness/reserve.ts'

let app: CardApp
let party: ReserveParty

before(async () => {
  app = await startCardApp()
  party = await reserveParty(app, ['multi-purpose'])
})
after(async () => {
  await assertBooks(app.database.owner.sql)
  await app.stop()
})

const ask = (entry: string, key = party.key) =>
  app.post(key, `/v1/ledger/entries/${entry}/corrections`, { reason: 'typed twice' })
const decide = (id: string, verb: 'approve' | 'reject', key = party.second) =>
  app.post(key, `/v1/ledger/corrections/${id}/${verb}`)

/** The newest entry of that kind. */
async function entryOf(kind: string): Promise<string> {
  const { data } = await party.get('/v1/ledger/entries?limit=200')
  return data.filter((one: { kind: string }) => one.kind === kind).at(-1).id
}
const balance = async () => (await party.get(`/v1/custody_accounts/${party.account}`)).balance

test('a deposit is taken back by two people, once', async () => {
  party.must(await party.move(700))
  const entry = await entryOf('custody.moved')
  const { id } = party.must(await ask(entry))
  assert.equal((await ask(entry)).body.code, 'correction.already_asked')
  assert.equal((await decide(id, 'approve', party.key)).body.code, 'approval.same_person')
  assert.equal(await balance(), 700)
  const done = await decide(id, 'approve')
  assert.equal(done.status, 200, JSON.stringify(done.body))
  assert.equal(await balance(), 0)
  assert.equal((await decide(id, 'approve')).body.code, 'correction.not_pending')
  assert.equal((await ask(entry)).body.code, 'correction.already_asked')
  const shown = await party.get(`/v1/ledger/corrections/${id}`)
  assert.deepEqual(
    [shown.status, shown.reason, shown.proposed_by, shown.decided_by, shown.entry_id],
    ['made', 'typed twice', 'tests', 'Wang', entry],
  )
  const reversal = await entryOf('ledger.corrected')
  const { data } = await party.get('/v1/ledger/entries?limit=200')
  const transfers = (wanted: string) =>
    data.find((one: { id: string }) => one.id === wanted).transfers[0]
  assert.equal(transfers(entry).debit_kind, transfers(reversal).credit_kind)
  assert.equal(transfers(entry).amount, transfers(reversal).amount)
})

test('one that is rejected can be asked for again', async () => {
  party.must(await party.move(100))
  const entry = await entryOf('custody.moved')
  const { id } = party.must(await ask(entry))
  assert.equal((await decide(id, 'reject', party.key)).body.code, 'approval.same_person')
  assert.equal((await decide(id, 'reject')).body.status, 'rejected')
  assert.equal(await balance(), 100)
  party.must(await ask(entry))
})

test('a reversal takes nothing from the reserve that must be there', async () => {
  await party.sell(5_000)
  party.must(await party.move(4_900))
  const entry = await entryOf('custody.moved')
  const { id } = party.must(await ask(entry))
  const { body } = await decide(id, 'approve')
  assert.equal(body.code, 'policy.reserve_short')
  assert.equal(await balance(), 5_000)
})

test('an adjustment is taken back as far as its card can bear it', async () => {
  const card = await party.sell(10_000)
  const adjust = async (amount: number, subBalance = 'bonus') => {
    const body = { amount, sub_balance: subBalance, reason: 'typo' }
    party.must(await app.post(party.key, `/v1/cards/${card}/adjustments`, body))
    return party.must(await ask(await entryOf('adjustment.created'))).id
  }
  const on = async () => (await party.get(`/v1/cards/${card}`)).balance
  const given = await adjust(500)
  assert.equal((await decide(given, 'approve')).status, 200)
  assert.deepEqual([(await on()).bonus, (await on()).principal], [0, 10_000])
  const spent = await adjust(300)
  await party.pay(card, 10_200)
  assert.equal((await decide(spent, 'approve')).body.code, 'funds.insufficient')
  // 1,000 yuan is what the policy lets lie on it: what was taken cannot come back on top of that.
  const taken = await adjust(-100, 'principal')
  const load = { amount: 99_901, funding: { method: 'bank_transfer', reference: 'T-1' } }
  party.must(await app.post(party.key, `/v1/cards/${card}/loads`, load))
  assert.equal((await decide(taken, 'approve')).body.code, 'policy.card_limit')
})

test('what tills did is undone at tills, and what does not exist cannot be corrected', async () => {
  const card = await party.sell(1_000)
  await party.pay(card, 100)
  const refused = await ask(await entryOf('payment.created'))
  assert.equal(refused.body.code, 'correction.not_possible')
  assert.equal((await ask(`ent_${'0'.repeat(32)}`)).body.code, 'entry.not_found')
  const other = await reserveParty(app, ['open'])
  assert.equal((await ask(await entryOf('custody.moved'), other.key)).body.code, 'entry.not_found')
})
