/**
 * Business days: those of the published calendar, and of years that the operator laid down because the calendar lacks
 * them. A year that neither knows is not guessed: whoever needs it waits.
 */
import { type BusinessDate, ok, type Result, refusal, refused } from '@lika/contract'
import { addDays, isRestDay, type Tables } from '../policy/index.ts'

export type Calendar = Pick<Tables, 'restYears'>

/** Rest days of one year, as the operator laid them down. */
export interface CalendarYear {
  readonly year: number
  readonly off: readonly (readonly [BusinessDate, BusinessDate])[]
  readonly work: readonly BusinessDate[]
}

/** The published years win. */
export function withYears(published: Calendar, laidDown: readonly CalendarYear[]): Calendar {
  const known = new Set(published.restYears.map(({ year }) => year))
  const more = laidDown
    .filter(({ year }) => !known.has(year))
    .map((year) => ({ ...year, source: 'operator' }))
  return { restYears: [...published.restYears, ...more] }
}

export function hasYear({ restYears }: Calendar, year: number): boolean {
  return restYears.some((known) => known.year === year)
}

/** The business day that is `count` of them after `day`. Refusals: `calendar.year_missing`. */
export function businessDaysAfter(
  calendar: Calendar,
  day: BusinessDate,
  count: number,
): Result<BusinessDate> {
  let at = day
  for (let left = count; left > 0; ) {
    at = addDays(at, 1)
    const year = yearOf(at)
    if (!hasYear(calendar, year)) return refused(yearMissing(year))
    if (!isRestDay(calendar, at)) left -= 1
  }
  return ok(at)
}

/** How long before a year begins its rest days should be known. */
const noticeDays = 92

/** The year that is missing on that day or within a quarter; undefined: all is well. */
export function missingYear(calendar: Calendar, today: BusinessDate): number | undefined {
  return [today, addDays(today, noticeDays)].map(yearOf).find((year) => !hasYear(calendar, year))
}

function yearMissing(year: number) {
  return refusal(
    'calendar.year_missing',
    `The calendar of business days lacks ${year}: install policies/tables/rest-days.json with it, or lay the year down.`,
    { data: { year } },
  )
}

function yearOf(day: BusinessDate): number {
  return Number(day.slice(0, 4))
}
