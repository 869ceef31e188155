/** How WeChat writes instants: RFC 3339 in the time of China, and the compact forms of V2 and of bills. */

const china = 8 * 3_600_000

/** `2026-11-25T09:30:00+08:00`, to the second. */
export function formatTime(at: number): string {
  return `${new Date(at + china).toISOString().slice(0, 19)}+08:00`
}

/** `20261125093000`. */
export function formatCompact(at: number): string {
  return new Date(at + china).toISOString().slice(0, 19).replace(/[-T:]/g, '')
}

/** `2026-11-25`, the day in China. */
export function formatDay(at: number): string {
  return new Date(at + china).toISOString().slice(0, 10)
}

/** `2026-11-25 09:30:00`. */
export function formatSpaced(at: number): string {
  return new Date(at + china).toISOString().slice(0, 19).replace('T', ' ')
}

/** Undefined unless it is RFC 3339 to the second with an offset, and a day that exists. */
export function parseTime(text: string): number | undefined {
  const form = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
  const found = form.exec(text)
  if (found === null) return undefined
  const at = Date.parse(text)
  if (Number.isNaN(at)) return undefined
  const offset = found[7] === 'Z' ? 0 : offsetOf(found[7] ?? '')
  return new Date(at + offset).toISOString().slice(0, 10) === text.slice(0, 10) ? at : undefined
}

function offsetOf(text: string): number {
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6))
  return (text.startsWith('-') ? -minutes : minutes) * 60_000
}

/** The first instant of a day in China, or undefined where there is no such day. */
export function startOfDay(day: string): number | undefined {
  return /^\d{4}-\d\d-\d\d$/.test(day) ? parseTime(`${day}T00:00:00+08:00`) : undefined
}
