/**
 * The bench runs, in miniature: every part of it does its work and its result has the members that are promised. How
 * fast anything is, is asserted nowhere.
 */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { findPgbench } from '../bench/anchor.ts'
import { quickPlan } from '../bench/plan.ts'
import { type Report, reportOf, tableOf } from '../bench/report.ts'
import { type Measured, run } from '../bench/run.ts'

const miniature = {
  ...quickPlan,
  merchants: 20,
  cards: 2_000,
  growth: [3_000],
  anchor: { scale: 1, seconds: 1 },
  warmUpSeconds: 0.2,
  seconds: 0.3,
  rowSeconds: 0.2,
  hotSeconds: 0.2,
  latencySeconds: 0.2,
  callers: 50,
  connections: 8,
  issued: 500,
  bought: { perSecond: 20, seconds: 0.5 },
  cleared: { payments: 4_000, merchants: 30 },
}

describe('the bench', () => {
  let measured: Measured
  let report: Report

  before(async () => {
    measured = await run(miniature, { profiled: true, pgledgerUrl: undefined })
    report = reportOf(measured)
  })

  test('names every ratio, null where it was not measured', () => {
    const isAnchored = findPgbench() !== undefined
    const found = [report.engine_vs_pgbench, report.http_vs_pgbench].map((ratio) => typeof ratio)
    assert.deepEqual(found, isAnchored ? ['number', 'number'] : ['object', 'object'])
    assert.equal(typeof report.engine_vs_row_by_row, 'number')
    assert.equal(typeof report.issue_vs_copy, 'number')
    assert.equal(report.engine_vs_pgledger, null)
    assert.equal(report.cards10m_vs_cards10k, null)
    assert.equal(typeof report.clearing_vs_groupby, 'number')
    assert.equal(typeof report.purchase_vs_bare_order, 'number')
    assert.equal(measured.purchase.delivered, measured.purchase.orders)
    assert.equal(report.risk_p99_ms, null)
  })

  test('runs with durable commits, and says so', () => {
    assert.equal(report.fsync, 'on')
    assert.equal(report.synchronous_commit, 'on')
    assert.equal(report.settings['full_page_writes'], 'on')
  })

  test('leaves a book in which the auditor finds nothing wrong', () => {
    assert.equal(report.audit.wrong, null)
    assert.ok(report.audit.entries > 3_000)
  })

  test('settles every merchant of the day that it clears, and the auditor agrees', () => {
    const { statements, merchants, wrong } = measured.clearing
    assert.deepEqual([statements, wrong], [merchants, null])
  })

  test('is refused nothing', () => {
    assert.equal(report.refused, 0)
  })

  test('measures the same number of stretches of ours as of the anchor', () => {
    assert.equal(measured.engine.stretches.length, 3)
    assert.equal(measured.http.stretches.length, 3)
    assert.deepEqual(Object.keys(measured.rowByRow).sort(), ['1', '32', '8'])
    assert.deepEqual(
      measured.growth.map((size) => size.cards),
      [3_000],
    )
  })

  test('tells where the time of a payment goes', () => {
    const { files, statements } = measured.profile ?? { files: [], statements: [] }
    assert.ok(files.length > 0)
    assert.ok(statements.some(({ what }) => what.startsWith('insert into journal')))
  })

  test('is one JSON object, or a table', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report)
    assert.match(tableOf(measured), /engine \/ pgbench/)
  })
})
