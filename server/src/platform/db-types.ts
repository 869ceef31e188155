/**
 * How PostgreSQL's values look in TypeScript: int8 is a bigint, int2/int4 a number, timestamptz an
 * Instant (epoch milliseconds), numeric, uuid, date and json their text, jsonb the parsed value, arrays of
 * text, uuid, integers and booleans JavaScript arrays. Array parameters are literals of db-array.ts.
 */
import type { Instant } from '@lika/contract'
import type postgres from 'postgres'
import { parseArray } from './db-array.ts'

type Codec = Partial<postgres.PostgresType> & Pick<postgres.PostgresType, 'to' | 'from'>

const codecs: Record<string, Codec> = {
  bigint: { to: 20, from: [20], parse: BigInt, serialize: String },
  instant: { to: 1184, from: [1184], parse: parseTimestamp, serialize: formatTimestamp },
  dateText: { to: 1082, from: [1082, 1114], parse: asText, serialize: asText },
  // json keeps its text as it was written: journal bodies are digested and replayed to the byte.
  jsonText: { to: 114, from: [114], parse: asText, serialize: jsonText },
  jsonb: { to: 3802, from: [3802], parse: JSON.parse, serialize: JSON.stringify },
  textArray: { to: 1009, from: [1009, 2951, 1182], parse: parseArray },
  intArray: { to: 1007, from: [1005, 1007], parse: elements(Number) },
  bigintArray: { to: 1016, from: [1016], parse: elements(BigInt) },
  boolArray: { to: 1000, from: [1000], parse: elements((text) => text === 't') },
}

/** For the driver's option `types`; it takes codecs without a serialiser, its typing does not say so. */
export const databaseTypes = codecs as Record<string, postgres.PostgresType>

/** `2026-11-24 05:13:21.962+00`, as PostgreSQL writes it in the time zone UTC. Microseconds are cut off. */
function parseTimestamp(text: string): Instant {
  if (text === 'infinity') return Number.POSITIVE_INFINITY
  if (text === '-infinity') return Number.NEGATIVE_INFINITY
  const number = (from: number, to: number) => Number(text.slice(from, to))
  const millis = text[19] === '.' ? Number(text.slice(20, -3).padEnd(3, '0').slice(0, 3)) : 0
  const at = Date.UTC(
    number(0, 4),
    number(5, 7) - 1,
    number(8, 10),
    number(11, 13),
    number(14, 16),
    number(17, 19),
    millis,
  )
  if (!text.endsWith('+00') || Number.isNaN(at))
    throw new Error(`PostgreSQL answered a time that is not in UTC: ${text}`)
  return at
}

function formatTimestamp(value: unknown): string {
  if (value === Number.POSITIVE_INFINITY) return 'infinity'
  if (value === Number.NEGATIVE_INFINITY) return '-infinity'
  if (typeof value === 'number') return new Date(value).toISOString()
  return value instanceof Date ? value.toISOString() : String(value)
}

function jsonText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function asText(value: string): string {
  return value
}

function elements<T>(parse: (text: string) => T): (literal: string) => (T | null)[] {
  return (literal) => parseArray(literal).map((text) => (text === null ? null : parse(text)))
}
