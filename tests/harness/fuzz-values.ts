/**
 * fast-check arbitraries out of the document's schemas. Ids are placeholders (`@card:17@`), filled in from what exists
 * when the request is sent, so that what is generated depends on the seed alone.
 */
import { idPrefixes } from '@lika/contract'
import fc from 'fast-check'
import type { Json, Operation } from './answer-check.ts'

type Values = fc.Arbitrary<unknown>

const prefixes = Object.values(idPrefixes)
const most = 100_000

/** `@card:17@`: the 17th, counted around, of those there are. */
export function placeholder(kind: string, nth: number): string {
  return `@${kind}:${nth}@`
}

export const placeholderPattern = /@([a-z_]+):(\d+)@/g

const anId = (prefix: string): Values =>
  fc.oneof(
    { weight: 30, arbitrary: fc.nat(most).map((nth) => placeholder(prefix, nth)) },
    { weight: 2, arbitrary: fc.nat(most).map((nth) => placeholder(`foreign_${prefix}`, nth)) },
    { weight: 1, arbitrary: unknownId(prefix) },
  )

const unknownId = (prefix: string): Values =>
  fc.uuid({ version: 7 }).map((id) => `${prefix}_${id.replaceAll('-', '')}`)

/** What text is dangerous: of other scripts, of both directions, without Unicode, with a meaning to something behind. */
export const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\ud800',
    '礼卡',
    '👩‍👩‍👧‍👦',
    '‮right to left',
    "'; drop table card; --",
    '$'.concat('{jndi:ldap://x}'),
    '../../etc/passwd',
    '__proto__',
    '=1+1',
    '\r\nX-Header: 1',
    'x'.repeat(3_000),
  ),
)

const oddNumber = fc.constantFrom<number>(
  0,
  -0,
  -1,
  0.5,
  1.000_000_1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  1e21,
  1e308,
  -(2 ** 53),
)

const oddValue: Values = fc.oneof(
  oddText,
  oddNumber,
  fc.constantFrom(null, true, false, [], {}, [[]], [null]),
  fc.object({ maxDepth: 2, maxKeys: 4 }),
  fc.constantFrom(...prefixes).chain(anId),
)

/** What certain members mean is not in their schemas; and what would keep the server busy for hours is left out. */
const byName: Record<string, Values> = {
  count: fc.constantFrom(1, 1, 2, 3, 0, -1, 10_000_001, 2 ** 53),
  currency: fc.constant('CNY'),
  advance_seconds: fc.constantFrom(0, 1, 60, 3_600, -1, 2 ** 53),
  set_at: near(2),
  expires_in: fc.constantFrom(1, 60, 600, 86_400, 2_147_483_647, 0),
  expires_at: near(400),
  not_after: near(1),
  age_recipient: fc.constantFrom('@recipient:0@', '@recipient:0@', 'age1nobody', ''),
  url: fc.constantFrom('@receiver:0@', '@receiver:0@', 'http://127.0.0.1:1/', 'ftp://x', 'x', ''),
  number: fc.oneof(
    fc.nat(most).map((nth) => placeholder('number', nth)),
    fc.constantFrom('9000160296534348074', '0', '622202'),
  ),
  secret: fc.oneof(
    { weight: 9, arbitrary: fc.nat(most).map((nth) => placeholder('secret', nth)) },
    { weight: 1, arbitrary: fc.constant('A3GKNAH0TD990K6C') },
  ),
  pay_code: fc.nat(most).map((nth) => placeholder('pay_code', nth)),
  reference: fc.oneof(
    { weight: 8, arbitrary: fc.uuid() },
    { weight: 1, arbitrary: fc.constantFrom('A-1', 'A-2', '订单1', 'x'.repeat(64)) },
  ),
  cursor: fc.oneof(
    fc.nat(most).map((nth) => placeholder('cursor', nth)),
    fc.base64String(),
  ),
  until: fc.constantFrom('2030-01-31', '2045-12-31', '2024-02-29', '2023-02-29', '9999-12-31'),
  from: near(3),
  to: near(3),
  after: fc.oneof(anId('evt'), near(1)),
  amount: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 400 }) },
    { weight: 1, arbitrary: fc.constantFrom(5_000_000, 5_000_001, 2 ** 53 - 1) },
  ),
  validity_months: fc.constantFrom(null, 1, 36, 1_200),
  renewal_months: fc.constantFrom(null, 1, 36),
}

/** `@instant:n@` is now and n − this, in milliseconds: placeholders have no signs. */
export const instantZero = 1_000 * 86_400_000

/** An instant within so many days. */
function near(days: number): Values {
  const ms = days * 86_400_000
  return fc.integer({ min: -ms, max: ms }).map((by) => placeholder('instant', by + instantZero))
}

/** A value that mostly has the shape. */
export function shaped(schema: Json, name = ''): Values {
  const known = byName[name]
  if (known !== undefined) return known
  const alternatives: Json[] | undefined = schema.anyOf ?? schema.oneOf
  if (alternatives !== undefined) return fc.oneof(...alternatives.map((one) => shaped(one)))
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (Array.isArray(schema.type))
    return fc.oneof(...schema.type.map((type: string) => shaped({ ...schema, type })))
  switch (schema.type) {
    case 'object':
      return objectOf(schema)
    case 'array':
      return fc.array(shaped(schema.items), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, (schema.minItems ?? 0) + 3),
        size: 'max',
      })
    case 'integer':
    case 'number':
      return integerOf(schema)
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'string':
      return textOf(schema)
    default:
      return oddValue
  }
}

function objectOf(schema: Json): Values {
  const patterns = Object.values<Json>(schema.patternProperties ?? {})
  const [pattern] = patterns
  if (pattern !== undefined) {
    const key = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/)
    return fc.dictionary(key, fc.string({ maxLength: 20 }), { maxKeys: 4 })
  }
  const members = Object.fromEntries(
    Object.entries<Json>(schema.properties ?? {}).map(([name, inner]) => [
      name,
      shaped(inner, name),
    ]),
  )
  return fc.record(members, { requiredKeys: schema.required ?? [] })
}

function integerOf({ minimum = -(2 ** 53), maximum = 2 ** 53 }: Json): Values {
  return fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: minimum, max: Math.min(maximum, minimum + 2_000) }) },
    { weight: 1, arbitrary: fc.constantFrom(minimum, maximum, minimum - 1, maximum + 1) },
  )
}

function textOf(schema: Json): Values {
  const pattern: string = schema.pattern ?? ''
  const prefix = /^\^([a-z]+)_\[0-9a-f\]\{32\}\$$/.exec(pattern)?.[1]
  if (prefix !== undefined) return anId(prefix)
  if (schema.format === 'date-time') return near(30)
  if (schema.format === 'date') return fc.constantFrom('2026-01-31', '2030-12-31')
  const { minLength = 0, maxLength = 20 } = schema
  const plain = fc.stringMatching(/^[a-z0-9-]{1,12}$/).map((text) => text.slice(0, maxLength))
  const edge = fc.constantFrom(
    'x'.repeat(maxLength),
    'x'.repeat(maxLength + 1),
    'x'.repeat(minLength),
  )
  return fc.oneof(
    { weight: 12, arbitrary: plain },
    { weight: 1, arbitrary: edge },
    { weight: 1, arbitrary: oddText },
  )
}

/** The query of an operation, mostly with few of its members. */
export function queryOf(operation: Operation): fc.Arbitrary<Record<string, unknown>> {
  const members = operation.parameters.filter((one) => one.in === 'query')
  return fc.record(
    Object.fromEntries(members.map(({ name, schema }) => [name, shaped(schema, name)])),
    { requiredKeys: members.filter(({ required }) => required).map(({ name }) => name) },
  )
}

/** One change to a value: a member lost, added, or made something else. */
export type Change = { at: number; how: 'lose' | 'add' | 'set' | 'wrap' | 'number'; value: unknown }

export const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    at: fc.nat(60),
    how: fc.constantFrom('lose', 'add', 'set', 'wrap', 'number'),
    value: oddValue,
  }),
  { minLength: 1, maxLength: 2 },
)

/** The changes carried out on a copy. Numbers that keep the server busy for hours are no changes. */
export function changed(value: unknown, all: readonly Change[]): unknown {
  const root = { value: structuredClone(value) }
  for (const change of all) {
    const places = placesIn(root)
    const place = places[change.at % places.length]
    if (place !== undefined) apply(place, change)
  }
  return root.value
}

type Place = { holder: Json; member: string }

function placesIn(holder: Json): Place[] {
  if (typeof holder !== 'object' || holder === null) return []
  return Object.keys(holder).flatMap((member) => [{ holder, member }, ...placesIn(holder[member])])
}

function apply({ holder, member }: Place, { how, ...change }: Change): void {
  // What is generated is shared: another change may be made within it.
  const value = structuredClone(change.value)
  const isSlow = member === 'count' || member === 'advance_seconds' || member === 'set_at'
  if (how === 'lose') delete holder[member]
  else if (how === 'add') holder[`${member}x`] = value
  else if (how === 'wrap') holder[member] = [holder[member]]
  else if (how === 'set' && !isSlow) holder[member] = value
  else if (how === 'number' && !isSlow) holder[member] = 2 ** 53 - 1
}
