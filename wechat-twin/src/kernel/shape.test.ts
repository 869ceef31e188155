import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WechatRefusal } from './refusal.ts'
import {
  flag,
  instant,
  integer,
  list,
  object,
  oneOf,
  optional,
  readQuery,
  type Shape,
  text,
} from './shape.ts'

/** What is said of a value that is refused: field, issue, and the number of the error. */
function said(read: () => unknown): [string | undefined, string | undefined, number] | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    assert.ok(error instanceof WechatRefusal)
    assert.deepEqual([error.status, error.code], [400, 'PARAM_ERROR'])
    return [error.detail?.field, error.detail?.issue, error.suffix]
  }
}

const [other, range, extra] = [268435461, 268435464, 270924358]
const word = text({ min: 2, max: 4, pattern: /^[a-z]+$/ })
const some = object({ word, count: optional(integer({ min: 1, max: 9 })) })

const refused: {
  name: string
  shape: Shape<unknown>
  value: unknown
  field?: string
  issue: RegExp
  suffix?: number
}[] = [
  { name: 'a number for a text', shape: word, value: 1, issue: /string/ },
  { name: 'a null for a text', shape: word, value: null, issue: /string/ },
  { name: 'a list for a text', shape: word, value: ['ab'], issue: /string/ },
  { name: 'too short a text', shape: word, value: 'a', issue: /小于 2/ },
  { name: 'too long a text', shape: word, value: 'abcde', issue: /大于 4/ },
  { name: 'a text of another form', shape: word, value: 'ABC', issue: /格式/ },
  { name: 'a text with a character of four bytes', shape: text(), value: 'a😀', issue: /4 字节/ },
  { name: 'a text for a number', shape: integer(), value: '1', issue: /integer/ },
  { name: 'a fraction', shape: integer(), value: 1.5, issue: /integer/ },
  { name: 'more than can be counted exactly', shape: integer(), value: 2 ** 53, issue: /integer/ },
  {
    name: 'a number below',
    shape: integer({ min: 1 }),
    value: 0,
    issue: /小于最小值 1/,
    suffix: range,
  },
  {
    name: 'a number above',
    shape: integer({ max: 9 }),
    value: 10,
    issue: /大于最大值 9/,
    suffix: range,
  },
  { name: 'a text for a flag', shape: flag, value: 'true', issue: /boolean/ },
  { name: 'a word that is none of them', shape: oneOf('a', 'b'), value: 'c', issue: /应为 a、b/ },
  { name: 'seconds for an instant', shape: instant, value: 1_700_000_000, issue: /RFC 3339/ },
  {
    name: 'an instant without offset',
    shape: instant,
    value: '2030-01-01T00:00:00',
    issue: /RFC 3339/,
  },
  {
    name: 'an instant on no day',
    shape: instant,
    value: '2029-02-29T00:00:00+08:00',
    issue: /RFC 3339/,
  },
  {
    name: 'an instant at no hour',
    shape: instant,
    value: '2029-02-28T25:00:00+08:00',
    issue: /RFC 3339/,
  },
  { name: 'a text for a list', shape: list(word, { max: 2 }), value: 'ab', issue: /array/ },
  {
    name: 'an object for a list',
    shape: list(word, { max: 2 }),
    value: { length: 1 },
    issue: /array/,
  },
  { name: 'an empty list', shape: list(word, { max: 2 }), value: [], issue: /少于 1/ },
  {
    name: 'too long a list',
    shape: list(word, { max: 2 }),
    value: ['ab', 'ab', 'ab'],
    issue: /多于 2/,
  },
  {
    name: 'a wrong item',
    shape: list(word, { max: 2 }),
    value: ['ab', 1],
    field: '/1',
    issue: /string/,
  },
  { name: 'a text for an object', shape: some, value: 'ab', issue: /object/ },
  { name: 'a null for an object', shape: some, value: null, issue: /object/ },
  { name: 'a list for an object', shape: some, value: [], issue: /object/ },
  { name: 'a missing member', shape: some, value: { count: 1 }, field: '/word', issue: /必填/ },
  { name: 'a wrong member', shape: some, value: { word: 1 }, field: '/word', issue: /string/ },
  {
    name: 'a member that nobody knows',
    shape: some,
    value: { word: 'ab', more: 1 },
    field: '/more',
    issue: /多余/,
    suffix: extra,
  },
  {
    name: 'a member of every object',
    shape: some,
    value: { word: 'ab', toString: 1 },
    field: '/toString',
    issue: /多余/,
    suffix: extra,
  },
  {
    name: 'a null for what may be left out',
    shape: some,
    value: { word: 'ab', count: null },
    field: '/count',
    issue: /不能为 null/,
  },
]

for (const { name, shape, value, field = '', issue, suffix = other } of refused) {
  test(`${name} is refused`, () => {
    const [where, what, number] = said(() => shape.read(value, '')) ?? ['nowhere', '', 0]
    assert.equal(where, field)
    assert.match(what ?? '', issue)
    assert.equal(number, suffix)
  })
}

test('what is as it should be is read', () => {
  assert.deepEqual(some.read({ word: 'abcd', count: 9 }, ''), { word: 'abcd', count: 9 })
  assert.deepEqual(some.read({ word: 'ab' }, ''), { word: 'ab' })
  assert.deepEqual(list(word, { min: 0, max: 2 }).read([], ''), [])
  assert.equal(instant.read('2030-01-01T08:00:00+08:00', ''), Date.UTC(2030, 0, 1))
  assert.equal(instant.read('2030-01-01T00:00:00Z', ''), Date.UTC(2030, 0, 1))
  assert.equal(text().read('礼品卡 é', ''), '礼品卡 é')
})

test('queries are read by name, each once, and their faults are of the query', () => {
  const shape = object({ mchid: text({ max: 4 }) })
  const query = (given: string) => said(() => readQuery(shape, new URLSearchParams(given)))
  assert.equal(query('mchid=1900'), undefined)
  assert.equal(query('')?.[0], 'mchid')
  assert.equal(query('mchid=19000')?.[0], 'mchid')
  assert.equal(query('mchid=1900&more=1')?.[0], 'more')
  assert.match(query('mchid=1900&mchid=1900')?.[1] ?? '', /重复/)
})
