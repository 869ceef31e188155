/** Routes of the calendar of business days: which years it has, and years that the operator lays down. */
import { businessDateOf, refusal, refused } from '@lika/contract'
import {
  type CalendarYear,
  hasYear,
  missingYear,
  readCalendarYears,
  withYears,
  writeCalendarYear,
} from '../../modules/clearing/index.ts'
import { realNow } from '../../platform/clock.ts'
import type { Deps } from '../deps.ts'
import { okay } from '../http/answers.ts'
import type { LikaApp } from '../http/kernel.ts'
import { closed, DateText, nullable, Type, text } from '../http/schemas.ts'
import { shapeRefusal } from '../http/shapes.ts'

const Year = closed({
  year: Type.Integer(),
  source: Type.String({ description: 'the published notice, or `operator`' }),
})

const Calendar = closed({
  years: Type.Array(Year),
  missing_year: nullable(
    Type.Integer({ description: 'needed now or within a quarter: lay it down in time' }),
  ),
})

const NewYear = closed({
  year: Type.Integer({ minimum: 2000, maximum: 2999 }),
  off: Type.Array(closed({ from: DateText, to: DateText }), {
    maxItems: 60,
    description: 'days off from first to last; Saturdays and Sundays need not be named',
  }),
  work: Type.Array(DateText, {
    maxItems: 60,
    description: 'Saturdays and Sundays on which people work',
  }),
  reason: text(500),
})

export function register(app: LikaApp, { database, flows }: Deps): void {
  const { sql } = database
  const present = async () => {
    const calendar = withYears(flows.tables, await readCalendarYears(sql))
    const years = calendar.restYears.map(({ year, source }) => ({ year, source }))
    const missing = missingYear(calendar, businessDateOf(realNow()))
    return {
      years: years.sort((one, other) => one.year - other.year),
      missing_year: missing ?? null,
    }
  }

  app.route(
    {
      method: 'GET',
      path: '/v1/calendar',
      summary: 'Shows for which years the business days are known',
      access: { operatorOr: 'settlements:read' },
      responses: { 200: Calendar },
      refusals: [],
    },
    async () => okay(await present()),
  )

  app.route(
    {
      method: 'POST',
      path: '/v1/calendar',
      summary: 'Lays down the rest days of a year that the published calendar lacks',
      access: 'operator',
      body: NewYear,
      responses: { 200: Calendar },
      refusals: ['calendar.year_published'],
    },
    async ({ body }) => {
      const { year, reason } = body
      if (hasYear(flows.tables, year)) {
        const detail = `The calendar has ${year} from its published notice.`
        return refused(refusal('calendar.year_published', detail))
      }
      const laidDown: CalendarYear = {
        year,
        off: body.off.map(({ from, to }) => [from, to] as const),
        work: body.work,
      }
      const wrong = wrongIn(laidDown)
      if (wrong !== undefined) return refused(shapeRefusal([wrong]))
      await writeCalendarYear(sql, laidDown, reason, realNow())
      return okay(await present())
    },
  )
}

function wrongIn({ year, off, work }: CalendarYear) {
  const isOther = (day: string) => day.slice(0, 4) !== String(year)
  const at = off.findIndex(([from, to]) => isOther(from) || isOther(to) || from > to)
  if (at !== -1) return { path: `off.${at}`, message: `must be a stretch of days of ${year}` }
  const day = work.findIndex(isOther)
  return day === -1 ? undefined : { path: `work.${day}`, message: `must be a day of ${year}` }
}
