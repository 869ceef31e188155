/** The limits of the values of subscribe messages: the longest that fits, and one more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unfitting } from './message-values.ts'

const cases: readonly (readonly [key: string, fits: readonly string[], not: readonly string[]])[] =
  [
    ['thing1', ['礼'.repeat(20), '🎁'.repeat(20)], ['礼'.repeat(21), '']],
    ['number2', ['9'.repeat(32), '1.5', '-3'], ['9'.repeat(33), '1a']],
    ['letter3', ['a'.repeat(32)], ['a'.repeat(33), 'a1']],
    ['symbol4', ['!?#'], ['!'.repeat(6), 'a']],
    ['character_string5', ['A-1_b'.padEnd(32, 'x')], ['x'.repeat(33), '礼']],
    ['time6', ['15:01', '2019年10月1日 15:01', '2019-10-01 15:01:02'], ['今天', '15点']],
    ['date7', ['2019年10月1日', '2019-10-01 15:01'], ['10月1日', 'soon']],
    ['amount8', ['¥1234567890.12', '5.5元'], ['¥12345678901', '5,000', '五元']],
    ['phone_number9', ['+86-0766-66888866'], ['+86-0766-668888661', 'abc']],
    ['car_number10', ['粤A8Z888挂'], ['粤A8Z888挂挂挂']],
    ['name11', ['礼'.repeat(10), 'a'.repeat(20)], ['礼'.repeat(11), 'a'.repeat(21)]],
    ['phrase12', ['已发放礼卡'], ['已发放礼卡了', 'done']],
  ]

for (const [key, fits, not] of cases) {
  test(`${key.replace(/\d+$/, '')} takes what WeChat takes and nothing more`, () => {
    for (const value of fits) assert.equal(unfitting({ [key]: value }), undefined, value)
    for (const value of not) assert.equal(unfitting({ [key]: value }), key, value)
  })
}

test('a kind that is not known is left to WeChat, the first wrong key is named', () => {
  assert.equal(unfitting({ novelty1: 'x'.repeat(99) }), undefined)
  assert.equal(unfitting({ thing1: 'ok', number2: 'no', phrase3: 'no' }), 'number2')
})
