/** Texts as WeChat Pay takes them: characters of the basic plane, and times of day in Shanghai. */
import type { Instant } from '@lika/contract'

/** No control characters and nothing outside the basic plane, which WeChat refuses; at most so many characters. */
export function plainText(text: string, most: number): string {
  return text.replace(/[\p{Cc}\p{Cs}\u{10000}-\u{10ffff}]/gu, '').slice(0, most)
}

/** As `plainText`, of a member that WeChat wants filled: what is said instead where nothing of it can be shown there. */
export function filledText(text: string, most: number, instead: string): string {
  const plain = plainText(text.trim(), most)
  return plain.trim() === '' ? instead : plain
}

const shanghaiMs = 8 * 3_600_000

/** `2026-11-25T12:00:00+08:00`: whole seconds. */
export function shanghaiTime(at: Instant): string {
  return `${new Date(at + shanghaiMs).toISOString().slice(0, 19)}+08:00`
}

/** `20261125120000` in Shanghai, as the second protocol writes it; undefined for anything else. */
export function parseCompactTime(text: string): Instant | undefined {
  const digits = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)
  if (digits === null) return undefined
  const [, year, month, day, hour, minute, second] = digits
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}+08:00`)
  return Number.isNaN(at) ? undefined : at
}

/** For paths: everything but letters, digits and `-_.~*` as percent codes. */
export function pathPart(text: string): string {
  return encodeURIComponent(text)
}
