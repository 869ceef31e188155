/** Quarters, and the days by which the authority wants to hear something. Pure; the numbers come from the policy packs. */
import type { BusinessDate } from '@lika/contract'
import { addDays, countLimit, isRestDay, type Policy, type Tables } from '../policy/index.ts'
import type { IssuerClass } from './model.ts'

export interface Quarter {
  /** `2026Q3` */
  readonly name: string
  readonly from: BusinessDate
  /** The last day. */
  readonly to: BusinessDate
}

export function quarterOf(day: BusinessDate): Quarter {
  const [year = 0, month = 1] = day.split('-').map(Number)
  return quarterAt(year, Math.floor((month - 1) / 3))
}

/** undefined: not the name of a quarter. */
export function parseQuarter(name: string): Quarter | undefined {
  const [, year, number] = /^(\d{4})Q([1-4])$/.exec(name) ?? []
  return year === undefined || number === undefined
    ? undefined
    : quarterAt(Number(year), Number(number) - 1)
}

export function quarterBefore(day: BusinessDate): Quarter {
  return quarterOf(addDays(quarterOf(day).from, -1))
}

/** `index`: 0–3 */
function quarterAt(year: number, index: number): Quarter {
  const first = (y: number, month: number) => `${y}-${String(month).padStart(2, '0')}-01`
  const next = index === 3 ? first(year + 1, 1) : first(year, index * 3 + 4)
  return {
    name: `${year}Q${index + 1}`,
    from: first(year, index * 3 + 1),
    to: addDays(next, -1),
  }
}

export interface ReportDue {
  readonly rule:
    | 'report_group_days'
    | 'report_scale_days'
    | 'report_other_days'
    | 'report_local_days'
  readonly day: BusinessDate
  /** False: holidays of that year are not in the calendar, only its weekends were counted. */
  readonly isCalendarKnown: boolean
}

/** By when the quarter is reported: the earliest day that a rule names; undefined: no rule does. */
export function reportDue(
  policy: Policy,
  issuerClass: IssuerClass | undefined,
  quarter: Quarter,
  tables: Pick<Tables, 'restYears'>,
): ReportDue | undefined {
  const found: ReportDue[] = []
  const add = (rule: ReportDue['rule'], dayOf: (days: number) => BusinessDate) => {
    const days = countLimit(policy, rule)
    if (days === undefined) return
    const day = dayOf(days)
    found.push({ rule, day, isCalendarKnown: isKnown(tables, day) })
  }
  const working = (days: number) => workingDayAfter(tables, quarter.to, days)
  const isYearEnd = quarter.to.endsWith('-12-31')
  if (issuerClass === undefined || issuerClass === 'group' || issuerClass === 'brand')
    add('report_group_days', working)
  if (issuerClass === undefined || issuerClass === 'scale') add('report_scale_days', working)
  if (issuerClass === 'other' && isYearEnd)
    add('report_other_days', (days) => addDays(quarter.to, days))
  add('report_local_days', (days) => addDays(quarter.to, days))
  return found.toSorted((one, other) => (one.day < other.day ? -1 : 1))[0]
}

/** The last day on which the start of the business can be filed in time. */
export function filingDue(policy: Policy, businessBegan: BusinessDate): BusinessDate | undefined {
  const days = countLimit(policy, 'filing_within_days')
  return days === undefined ? undefined : addDays(businessBegan, days)
}

/** Whether what ends on `lastDay` is to be called to mind on `day`. */
export function isToBeReminded(policy: Policy, lastDay: BusinessDate, day: BusinessDate): boolean {
  const days = countLimit(policy, 'filing_reminder_days')
  return days !== undefined && day >= addDays(lastDay, -days)
}

function workingDayAfter(
  tables: Pick<Tables, 'restYears'>,
  day: BusinessDate,
  count: number,
): BusinessDate {
  let at = day
  for (let left = count; left > 0; ) {
    at = addDays(at, 1)
    if (!isRestDay(tables, at)) left -= 1
  }
  return at
}

function isKnown({ restYears }: Pick<Tables, 'restYears'>, day: BusinessDate): boolean {
  return restYears.some(({ year }) => year === Number(day.slice(0, 4)))
}
