/** Each kind of keyword with the longest value that fits and one that does not any more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitsKeyword } from './message-values.ts'

const table: readonly [keyword: string, fits: readonly string[], not: readonly string[]][] = [
  ['thing1', ['礼'.repeat(20), 'a b 1!'], ['礼'.repeat(21), '', '   ']],
  ['number2', ['1', '1.50', '9'.repeat(32)], ['9'.repeat(33), '1a', '1,000', '']],
  ['letter3', ['a'.repeat(32)], ['a'.repeat(33), 'a1', '礼']],
  ['symbol4', ['!', '#$%&*'], ['!!!!!!', 'a', '1']],
  ['character_string5', ['A1-'.repeat(10), 'x'.repeat(32)], ['x'.repeat(33), '卡1']],
  [
    'time6',
    ['15:01', '2026年11月25日 15:01', '2026-11-25 15:01:09', '2026年11月25日'],
    ['tomorrow', '2026年11月', '15'],
  ],
  [
    'date7',
    ['2026年11月25日', '2026-11-25', '2026年11月25日 15:01'],
    ['15:01', '25.11.2026', '2026年'],
  ],
  ['amount8', ['¥1234567890', '12.50元', '￥12.50', '0'], ['¥12345678901', 'RMB 5', '¥¥5', '元']],
  ['phone_number9', ['13800138000', '+86-0766-66888866'], ['+86-0766-668888661', 'phone']],
  ['car_number10', ['粤A8Z888挂', '京A12345'], ['粤A8Z8888挂9', '粤A-123']],
  ['name11', ['礼'.repeat(10), 'a'.repeat(20)], ['礼'.repeat(11), 'a'.repeat(21), '张3']],
  ['phrase12', ['已完成', '礼'.repeat(5)], ['礼'.repeat(6), 'done', '已1']],
  ['unknown1', [], ['x']],
  ['thing', [], ['x']],
  ['constructor1', [], ['x']],
]

for (const [keyword, fits, not] of table)
  test(`${keyword} takes what the sheet says and no more`, () => {
    for (const value of fits) assert.equal(fitsKeyword(keyword, value), true, value)
    for (const value of not) assert.equal(fitsKeyword(keyword, value), false, value)
  })
