/**
 * A card as another system knew it: the columns of its file and what may stand in them. Pure.
 * Every cell comes in as `toHalfWidth` leaves it.
 */
import type { Fen, Instant, Result } from '@lika/contract'
import { endOfDay, ok, parseBusinessDate, refused } from '@lika/contract'
import type { RowErrorCode } from './row-errors.ts'

export interface LegacyCard {
  readonly number: string
  /** Null where the whole file has no such column: the card is then known by its number alone. */
  readonly secret: string | null
  readonly amount: Fen
  readonly bonusAmount: Fen
  /** The first instant at which the card no longer pays; null leaves it to the product's terms. */
  readonly expiresAt: Instant | null
}

export type Field = 'number' | 'secret' | 'amount' | 'bonus' | 'expires_on'

const fieldsByName: ReadonlyMap<string, Field> = new Map([
  ['卡号', 'number'],
  ['number', 'number'],
  ['密码', 'secret'],
  ['secret', 'secret'],
  ['余额', 'amount'],
  ['amount', 'amount'],
  ['赠送', 'bonus'],
  ['bonus', 'bonus'],
  ['有效期', 'expires_on'],
  ['expires_on', 'expires_on'],
])

/** The fields without which there is no import, under the names that a refusal tells. */
export const requiredFields: ReadonlyMap<Field, string> = new Map([
  ['number', '卡号|number'],
  ['amount', '余额|amount'],
])

/** The field that a header cell names; its unit may follow: `余额（元）`, `amount (yuan)`. */
export function fieldOf(name: string): Field | undefined {
  const bare = toHalfWidth(name).toLowerCase().replaceAll(/\s/g, '')
  return fieldsByName.get(bare.replace(/\((元|yuan)\)$/, ''))
}

/** Full-width letters, digits and signs (`１２．５０`, `￥`) as their plain value, trimmed. */
export function toHalfWidth(text: string): string {
  return text
    .replaceAll(/[\uFF01-\uFF5E]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0))
    .replaceAll('￥', '¥')
    .trim()
}

/**
 * A legacy number: 6–32 digits or letters, without separators; letters in upper case, because the
 * systems that print them do not tell the cases apart. Whoever looks a number up does the same.
 */
export function parseLegacyNumber(text: string): Result<string, RowErrorCode> {
  if (text === '') return refused('import.number_missing')
  if (/^\d(\.\d+)?e\+\d+$/i.test(text)) return refused('import.number_scientific')
  if (!/^[0-9a-z]{6,32}$/i.test(text)) return refused('import.number_format')
  return ok(text.toUpperCase())
}

/** A legacy secret: 4–64 visible ASCII characters, as they are. */
export function parseSecret(text: string): Result<string, RowErrorCode> {
  if (text === '') return refused('import.secret_missing')
  return /^[!-~]{4,64}$/.test(text) ? ok(text) : refused('import.secret_format')
}

const dateForms = [
  /^(\d{4})-(\d{1,2})-(\d{1,2})$/,
  /^(\d{4})\/(\d{1,2})\/(\d{1,2})$/,
  /^(\d{4})(\d{2})(\d{2})$/,
  /^(\d{4})年(\d{1,2})月(\d{1,2})日$/,
]

/** The last day on which the card pays (Asia/Shanghai) → the instant after it; empty → null. */
export function parseExpiry(text: string): Result<Instant | null, RowErrorCode> {
  if (text === '') return ok(null)
  const parts = dateForms.map((form) => form.exec(text)).find((match) => match !== null)
  if (!parts) return refused('import.date_format')
  const [, year = '', month = '', day = ''] = parts
  const date = parseBusinessDate(`${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`)
  return date === undefined ? refused('import.date_not_in_calendar') : ok(endOfDay(date))
}
