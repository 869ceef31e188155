import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type BusinessDate, businessDateOf, dayMs } from '@lika/contract'
import { closeDay, startDayCloser } from '../server/src/flows/close-day.ts'
import { Auditor, LedgerReads } from '../server/src/modules/ledger/index.ts'
import { newId } from '../server/src/platform/ids.ts'
import { charge, type LedgerBook, ledgerBook, load, newIssuer } from './harness/ledger-book.ts'

let ledger: LedgerBook
const issuer = newIssuer('test')
const merchant = newId()
const card = newId(601)

beforeEach(async () => {
  ledger = await ledgerBook(2)
  await ledger.engine.execute(load(issuer, card, 1_000n))
})

afterEach(() => ledger.close())

const closer = () =>
  startDayCloser(
    { engine: ledger.engine, database: ledger.database.app },
    { log: console, lookEveryMs: 3_600_000 },
  )
const pay = () => ledger.engine.execute(charge(issuer, card, merchant, 10n))
const today = () => businessDateOf(ledger.engine.now('test'))
const later = (days: number) =>
  ledger.engine.setTestOffset(ledger.engine.testOffsetMs + days * dayMs)

async function cutsOf(lane: number) {
  const { sql } = ledger.database.app
  return [
    ...(await sql<{ day: BusinessDate; seq: number }[]>`
    select day, seq::int from cut where lane = ${lane} order by day`),
  ]
}

describe('the end of a business day', () => {
  test('is nothing to do while the day lasts', async () => {
    const { closed, written } = await closer().runNow()
    assert.deepEqual([closed, written], [[], 0])
    const early = await ledger.engine.execute(closeDay('test', 601, today()))
    assert.equal(early.status === 'refused' && early.refusal.code, 'date.out_of_range')
  })

  test('comes once in each lane of the clock that passed midnight, whoever closes it', async () => {
    const day = today()
    await later(1)
    const [one, two] = [closer(), closer()]
    const all = await Promise.all([one.runNow(), two.runNow(), one.runNow(), two.runNow()])
    const lanes = new Set(all.flatMap(({ closed }) => closed.map(({ lane }) => lane)))
    assert.deepEqual(
      [...lanes].toSorted((a, b) => a - b),
      [601, 602],
    )
    for (const lane of [601, 602]) {
      const cuts = await cutsOf(lane)
      assert.deepEqual(
        cuts.map((cut) => cut.day),
        [day],
      )
    }
    assert.deepEqual(await cutsOf(1), [])
    const again = await ledger.engine.execute(closeDay('test', 601, day))
    assert.deepEqual([again.status, again.replayed], ['done', true])
  })

  test('puts what comes after it into the next day', async () => {
    await pay()
    await later(1)
    // Late on the clock, but before the cut: still of the first day.
    await pay()
    const one = closer()
    await one.runNow()
    await pay()
    await later(1)
    await one.runNow()
    const [first, second] = await cutsOf(601)
    assert.deepEqual([first?.seq, second?.seq], [4, 6])
    const { sql } = ledger.database.app
    const closings = await sql<{ debits: bigint; credits: bigint }[]>`
      select debits, credits from closing where account_id::text like ${`${merchant.slice(0, 32)}%`} order by day`
    assert.deepEqual(
      [...closings],
      [
        { debits: 0n, credits: 20n },
        { debits: 0n, credits: 30n },
      ],
    )
  })

  test('leaps with the test clock: days on which nothing could happen have no cut', async () => {
    const day = today()
    await later(400)
    const one = closer()
    await one.runNow()
    await pay()
    assert.deepEqual((await one.runNow()).closed, [])
    assert.deepEqual(
      (await cutsOf(601)).map((cut) => cut.day),
      [day],
    )
    await later(1)
    await one.runNow()
    assert.equal((await cutsOf(601)).length, 2)
  })

  test('can be interrupted while closings are written', async () => {
    await pay()
    await later(1)
    await ledger.engine.execute(
      closeDay('test', 601, businessDateOf(ledger.engine.now('test') - dayMs)),
    )
    const reads = new LedgerReads(ledger.database.app, ledger.engine, {
      hasCard: async () => true,
      hasMerchant: async () => true,
      merchantsBefore: async () => [],
    })
    const before = await reads.trialBalance(issuer.book, undefined)
    assert.equal((await closer().runNow()).written, 2)
    // As after a crash between the rows and the cursor that says that they are complete.
    await ledger.database.owner.sql`delete from consumer where name = 'closings'`
    await ledger.database.owner
      .sql`delete from closing where ctid in (select ctid from closing limit 1)`
    assert.equal((await closer().runNow()).written, 2)
    const after = await reads.trialBalance(issuer.book, undefined)
    assert.deepEqual(after.lines, before.lines)
    const report = await new Auditor({ database: ledger.database.app }).verify({ book: undefined })
    assert.equal(report.firstWrong, null)
  })
})
