/** Quarters and due days, by the delivered packs and by packs whose numbers are moved. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOfDay } from '@lika/contract'
import {
  choosePacks,
  effectiveRules,
  loadPacks,
  loadTables,
  type Policy,
  type RuleId,
} from '../policy/index.ts'
import {
  filingDue,
  isToBeReminded,
  parseQuarter,
  quarterBefore,
  quarterOf,
  reportDue,
} from './calendar.ts'

const folder = join(import.meta.dirname, '../../../../policies')
const delivered = await loadPacks(folder)
const tables = await loadTables(join(folder, 'tables'))

function policyOf(names: string[], moved: Partial<Record<RuleId, number>> = {}): Policy {
  const chosen = choosePacks(delivered, names)
  assert.ok(chosen.ok)
  const policy = effectiveRules(chosen.value, startOfDay('2026-11-24'))
  return new Map([...policy].map(([id, rule]) => [id, { ...rule, value: moved[id] ?? rule.value }]))
}

const q3 = parseQuarter('2026Q3') ?? assert.fail()
const q4 = parseQuarter('2026Q4') ?? assert.fail()

test('a quarter knows its days, and the one before', () => {
  assert.deepEqual(q4, { name: '2026Q4', from: '2026-10-01', to: '2026-12-31' })
  assert.equal(quarterOf('2026-10-01').name, '2026Q4')
  assert.equal(quarterOf('2026-09-30').name, '2026Q3')
  assert.equal(quarterBefore('2026-01-01').to, '2025-12-31')
  assert.equal(quarterBefore('2026-03-31').name, '2025Q4')
  assert.equal(parseQuarter('2026Q5'), undefined)
})

test('groups and brands report within 20 working days: over the holidays of October 2026', () => {
  // 1–7 October off, 10 October worked: 8, 9, 10, 12–16, 19–23, 26–30 are eighteen, 2 and 3 November the rest.
  const due = reportDue(policyOf(['cn-national']), 'brand', q3, tables)
  assert.deepEqual(due, { rule: 'report_group_days', day: '2026-11-03', isCalendarKnown: true })
  assert.equal(reportDue(policyOf(['cn-national']), 'scale', q3, tables)?.day, '2026-10-27')
})

test('other issuers report once a year', () => {
  const national = policyOf(['cn-national'])
  assert.equal(reportDue(national, 'other', q3, tables), undefined)
  assert.equal(reportDue(national, 'other', q4, tables)?.day, '2027-01-31')
})

test('the earliest of several rules holds', () => {
  const both = policyOf(['cn-national', 'cn-shanghai'])
  assert.equal(reportDue(both, 'brand', q3, tables)?.day, '2026-10-25')
  assert.equal(reportDue(both, 'brand', q3, tables)?.rule, 'report_local_days')
})

test('a due day in a year whose holidays are not known says so', () => {
  const due = reportDue(policyOf(['cn-national']), 'brand', q4, { restYears: [] })
  assert.equal(due?.isCalendarKnown, false)
})

test('every number moves its day', () => {
  const due = (
    moved: Partial<Record<RuleId, number>>,
    name: 'brand' | 'scale' | 'other',
    quarter = q3,
  ) =>
    reportDue(
      policyOf(['cn-national', 'cn-shanghai'], { report_local_days: 99, ...moved }),
      name,
      quarter,
      tables,
    )?.day
  assert.equal(due({ report_group_days: 1 }, 'brand'), '2026-10-08')
  assert.equal(due({ report_scale_days: 2 }, 'scale'), '2026-10-09')
  assert.equal(due({ report_other_days: 3 }, 'other', q4), '2027-01-03')
  assert.equal(due({ report_local_days: 4 }, 'other'), '2026-10-04')
  assert.equal(filingDue(policyOf(['cn-national']), '2026-11-01'), '2026-12-01')
  assert.equal(
    filingDue(policyOf(['cn-national'], { filing_within_days: 5 }), '2026-11-01'),
    '2026-11-06',
  )
})

test('what ends is called to mind from that many days before on', () => {
  const open = policyOf(['open'])
  assert.equal(isToBeReminded(open, '2027-03-31', '2026-12-30'), false)
  assert.equal(isToBeReminded(open, '2027-03-31', '2026-12-31'), true)
  assert.equal(
    isToBeReminded(policyOf(['open'], { filing_reminder_days: 1 }), '2027-03-31', '2027-03-29'),
    false,
  )
  assert.equal(
    isToBeReminded(policyOf(['open'], { filing_reminder_days: 1 }), '2027-03-31', '2027-03-30'),
    true,
  )
})
