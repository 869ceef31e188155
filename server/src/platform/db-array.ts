/**
 * PostgreSQL array literals from JavaScript arrays: one text parameter carries a whole column of a
 * set-based statement, `unnest(${uuidArray(ids)}::uuid[])`. Written by hand because this runs for every
 * row of every round. `null` becomes SQL null. The parsers read one-dimensional array results.
 */
import { type Instant, laneOfId } from '@lika/contract'

type Column<T> = readonly (T | null)[]

/** UUIDs with or without dashes; anything else is refused by PostgreSQL. */
export function uuidArray(values: Column<string>): string {
  return plain(values)
}

/** int2, int4, and int8 within the safe integers. */
export function intArray(values: Column<number>): string {
  return plain(values)
}

/** int[] of the lanes in which these are, each once. */
export function laneArray(ids: readonly string[]): string {
  return intArray([...new Set(ids.map(laneOfId))])
}

export function bigintArray(values: Column<bigint>): string {
  return plain(values)
}

export function boolArray(values: Column<boolean>): string {
  return plain(values)
}

/** Any text, also for json[] and jsonb[] with elements already serialised. */
export function textArray(values: Column<string>): string {
  let literal = '{'
  let comma = ''
  for (const value of values) {
    literal += comma + (value === null ? 'null' : quoted(value))
    comma = ','
  }
  return `${literal}}`
}

/**
 * JSON texts, a line each, for `string_to_array(${jsonLines(texts)}, E'\\n', '')`: JSON.stringify writes no line break, and
 * escaping it all once more for an array literal costs as much as writing it.
 */
export function jsonLines(values: Column<string>): string {
  return values.map((value) => value ?? '').join('\n')
}

export function byteaArray(values: Column<Uint8Array>): string {
  let literal = '{'
  let comma = ''
  for (const value of values) {
    literal += comma + (value === null ? 'null' : `\\\\x${hexOf(value)}`)
    comma = ','
  }
  return `${literal}}`
}

/** timestamptz[] from epoch milliseconds. */
export function instantArray(values: Column<Instant>): string {
  return plain(values.map((at) => (at === null ? null : new Date(at).toISOString())))
}

/** The elements of a one-dimensional array result. */
export function parseArray(literal: string): (string | null)[] {
  const values: (string | null)[] = []
  let at = 1
  while (at < literal.length - 1) {
    const end = literal[at] === '"' ? endOfQuoted(literal, at) : endOfPlain(literal, at)
    const text = literal.slice(at, end)
    if (text.startsWith('"')) values.push(text.slice(1, -1).replace(/\\(.)/gs, '$1'))
    else values.push(text.toLowerCase() === 'null' ? null : text)
    at = end + 1
  }
  return values
}

/** For values whose text has nothing that an array literal would have to escape. */
function plain(values: Column<string | number | bigint | boolean>): string {
  return `{${values.map((value) => (value === null ? 'null' : String(value))).join(',')}}`
}

const special = /["\\]/g

function quoted(value: string): string {
  return `"${value.includes('"') || value.includes('\\') ? value.replace(special, '\\$&') : value}"`
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

function endOfQuoted(literal: string, from: number): number {
  let at = from + 1
  while (literal[at] !== '"') at += literal[at] === '\\' ? 2 : 1
  return at + 1
}

function endOfPlain(literal: string, from: number): number {
  const comma = literal.indexOf(',', from)
  return comma === -1 ? literal.length - 1 : comma
}
