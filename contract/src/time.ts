/**
 * Time: instants are epoch milliseconds; business days are those of Asia/Shanghai, which has been
 * UTC+8 without daylight saving since 1991. Pure: the clock itself is injected elsewhere.
 */

/** Epoch milliseconds. */
export type Instant = number
/** `YYYY-MM-DD` in Asia/Shanghai. */
export type BusinessDate = string

const shanghaiOffsetMs = 8 * 3_600_000
export const dayMs = 86_400_000

/** The business day on which an instant lies. */
export function businessDateOf(at: Instant): BusinessDate {
  const day = Math.floor((at + shanghaiOffsetMs) / dayMs)
  if (day !== latest.day) latest = { day, date: new Date(day * dayMs).toISOString().slice(0, 10) }
  return latest.date
}

/** The answer given last: nearly everybody asks for today. */
let latest: { day: number; date: BusinessDate } = { day: 0, date: '1970-01-01' }

/** 00:00 in Shanghai of that day. */
export function startOfDay(date: BusinessDate): Instant {
  return Date.parse(`${date}T00:00:00.000Z`) - shanghaiOffsetMs
}

/** The first instant after that day: what is "valid to the end of day D" stops paying here. */
export function endOfDay(date: BusinessDate): Instant {
  return startOfDay(date) + dayMs
}

/** `YYYY-MM-DD` that exists in the calendar; undefined otherwise. */
export function parseBusinessDate(text: string): BusinessDate | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined
  const at = Date.parse(`${text}T00:00:00.000Z`)
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text ? undefined : text
}

/** The same day `months` later; the last day of the month where that day does not exist. */
export function addMonths(date: BusinessDate, months: number): BusinessDate {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number)
  const first = new Date(Date.UTC(year, month - 1 + months, 1))
  const days = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate()
  first.setUTCDate(Math.min(day, days))
  return first.toISOString().slice(0, 10)
}

/** RFC 3339 in UTC as it goes over the wire: `…T16:00:00Z`, with milliseconds where there are any. */
export function formatInstant(at: Instant): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}

const hour = '(?:[01]\\d|2[0-3])'
const rfc3339 = new RegExp(
  `^\\d{4}-\\d{2}-\\d{2}T${hour}:[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]${hour}:[0-5]\\d)$`,
  'i',
)

/** RFC 3339 with any offset → instant; undefined when it is not one, as with a 24th hour or a 60th second. */
export function parseInstant(text: string): Instant | undefined {
  if (!rfc3339.test(text) || parseBusinessDate(text.slice(0, 10)) === undefined) return undefined
  const at = Date.parse(text.toUpperCase())
  return Number.isNaN(at) ? undefined : at
}
