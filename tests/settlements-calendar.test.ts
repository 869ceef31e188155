import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { businessDaysAfter, missingYear } from '../server/src/modules/clearing/index.ts'
import { loadTables } from '../server/src/modules/policy/index.ts'
import { openMetrics } from '../server/src/start-metrics.ts'
import { type ClearingApp, startClearingApp } from './harness/clearing-app.ts'
import { deliveredPolicies } from './harness/http-app.ts'

const published = await loadTables(`${deliveredPolicies}/tables`)
const until2026 = {
  ...published,
  restYears: published.restYears.filter(({ year }) => year <= 2026),
}

describe('business days', () => {
  /** From the notice of the State Council for 2026 (国办发明电〔2025〕7号). */
  const days: [string, number, string][] = [
    ['2026-11-02', 7, '2026-11-11'],
    ['2026-11-06', 1, '2026-11-09'],
    // The national holiday from Thursday to Wednesday; Saturday the 10th is worked.
    ['2026-09-30', 1, '2026-10-08'],
    ['2026-10-08', 2, '2026-10-10'],
    ['2026-10-10', 1, '2026-10-12'],
    // The spring festival, and the Saturday before it that is worked.
    ['2026-02-13', 1, '2026-02-14'],
    ['2026-02-14', 1, '2026-02-24'],
  ]
  for (const [from, count, expected] of days) {
    test(`${count} after ${from} is ${expected}`, () => {
      const found = businessDaysAfter(until2026, from, count)
      assert.deepEqual(found, { ok: true, value: expected })
    })
  }

  test('are not guessed for a year that the calendar lacks', () => {
    const found = businessDaysAfter(until2026, '2026-12-31', 1)
    assert.ok(!found.ok)
    assert.deepEqual(
      [found.refusal.code, found.refusal.data],
      ['calendar.year_missing', { year: 2027 }],
    )
    assert.deepEqual(businessDaysAfter(until2026, '2026-12-30', 1), {
      ok: true,
      value: '2026-12-31',
    })
  })

  test('that will be missing are told a quarter ahead', () => {
    assert.equal(missingYear(until2026, '2026-09-30'), undefined)
    assert.equal(missingYear(until2026, '2026-10-01'), 2027)
    assert.equal(missingYear(until2026, '2027-01-01'), 2027)
  })
})

test('a missing year and books that wait for it are figures that an alarm can watch', async () => {
  const app = await startClearingApp({ at: '2026-11-02 12:00:00' })
  try {
    const { watch, metrics } = openMetrics()
    const long = { ...published, restYears: [] }
    watch({ load: () => new Map() }, app.database.app, long)
    const year = new Date(Date.now() + 8 * 3_600_000).getUTCFullYear()
    assert.match((await metrics()).text, new RegExp(`^lika_calendar_missing_year ${year}$`, 'm'))
    assert.match((await metrics()).text, /^lika_settlement_stopped_books 0$/m)
    await app.database.owner.sql`
      insert into lika.clearing_book (book_id, stopped)
      values (${app.book}, 'calendar.year_missing')`
    assert.match((await metrics()).text, /^lika_settlement_stopped_books 1$/m)
  } finally {
    await app.stop()
  }
})

describe('a settlement whose payment day lies in a year that the calendar lacks', () => {
  let app: ClearingApp
  let merchant: string
  before(async () => {
    app = await startClearingApp({ at: '2026-12-30 12:00:00', tables: until2026 })
    merchant = await app.merchant()
    const card = await app.card(10_000)
    await app.pay(card, 100, merchant)
    await app.clock('2026-12-31 12:00:00')
    await app.pay(card, 200, merchant)
    await app.clock('2027-01-01 12:00:00')
  })
  after(() => app.stop())

  test('stops at that day with a clear reason, and says so again', async () => {
    for (const _ of [1, 2]) {
      const refused = await app.call('POST', '/v1/settlements/run', {})
      assert.deepEqual([refused.status, refused.body.code], [409, 'calendar.year_missing'])
      assert.equal(refused.body.year, 2027)
    }
    const days = (await app.statements(merchant)).map(({ to_day: day, pay_on: payOn }) => [
      day,
      payOn,
    ])
    assert.deepEqual(days, [['2026-12-30', '2026-12-31']])
  })

  test('is told to the operator, who lays the year down; nobody else may', async () => {
    const { body: calendar } = await app.call('GET', '/v1/calendar')
    assert.equal(calendar.years.at(-1).year, 2026)
    const year = {
      year: 2027,
      off: [{ from: '2027-01-01', to: '2027-01-03' }],
      work: [],
      reason: '通知未发布',
    }
    const forbidden = await app.call('POST', '/v1/calendar', year)
    assert.equal(forbidden.body.code, 'auth.not_operator')
    const key = app.operator
    const again = await app.call('POST', '/v1/calendar', { ...year, year: 2026 }, { key })
    assert.equal(again.body.code, 'calendar.year_published')
    const crooked = { ...year, off: [{ from: '2026-12-31', to: '2027-01-03' }] }
    const wrong = await app.call('POST', '/v1/calendar', crooked, { key })
    assert.deepEqual([wrong.status, wrong.body.errors[0].path], [400, 'off.0'])
    const { body: laidDown } = await app.call('POST', '/v1/calendar', year, { key })
    assert.deepEqual(laidDown.years.at(-1), { year: 2027, source: 'operator' })
  })

  test('then goes on, by the days that were laid down', async () => {
    const { body } = await app.call('POST', '/v1/settlements/run', {})
    assert.deepEqual([body.statements, body.settled_through], [1, '2026-12-31'])
    const [, second] = await app.statements(merchant)
    // Friday is a holiday until Sunday.
    assert.deepEqual([second.to_day, second.pay_on], ['2026-12-31', '2027-01-04'])
  })

  test('of a day that is not closed is refused', async () => {
    const refused = await app.call('POST', '/v1/settlements/run', { through: '2027-01-01' })
    assert.deepEqual(
      [refused.status, refused.body.code, refused.body.closed_through],
      [409, 'settlement.day_not_closed', '2026-12-31'],
    )
  })
})
