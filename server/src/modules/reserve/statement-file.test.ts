/** The bank's statement as CSV: what is read, and what is refused with the line that is wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readStatement } from './statement-file.ts'

const frame = { day: '2026-11-24', opening: 10_000n, closing: 9_500n }

function read(text: string, given = frame) {
  const result = readStatement(text, given)
  return result.ok ? result.value.lines : result.refusal.detail
}

test('lines with sign, number and balance, under Chinese or English names, with or without a mark', () => {
  const chinese =
    '\uFEFF日期,摘要,金额,参考号,流水号,余额\r\n2026-11-24,"退,款",-5.00,R1,B1,95.00\r\n'
  const lines = [{ line: 2, amount: -500n, reference: 'R1', bankNumber: 'B1', balance: 9_500n }]
  assert.deepEqual(read(chinese), lines)
  const english = 'date,amount,reference,bank_number,balance\n2026-11-24,-5,R1,B1,95.00\n'
  assert.deepEqual(read(english), lines)
})

test('a day on which nothing moved', () => {
  assert.deepEqual(read('date,amount\n', { ...frame, closing: 10_000n }), [])
})

for (const [what, text, why] of [
  ['no header', '', /Line 1 has no header/],
  ['a column that is missing', 'date,balance\n', /Line 1 lacks 金额 or amount/],
  ['a column twice', 'date,amount,金额\n', /Line 1 has the column 金额 twice/],
  ['a column that nobody knows', 'date,amount,fee\n', /Line 1 has an unknown column fee/],
  ['another day', 'date,amount\n2026-11-23,-5\n', /Line 2 is of 2026-11-23/],
  ['a day that is none', 'date,amount\n2026-02-30,-5\n', /Line 2 has the day "2026-02-30"/],
  ['a third of a fen', 'date,amount\n2026-11-24,-5.001\n', /Line 2 has the amount "-5.001"/],
  ['nothing', 'date,amount\n2026-11-24,0.00\n', /Line 2 has the amount "0.00"/],
  ['scientific notation', 'date,amount\n2026-11-24,-5e0\n', /Line 2 has the amount/],
  [
    'a balance that does not follow',
    'date,amount,balance\n2026-11-24,-5,95.01\n',
    /Line 2 says a balance of 95.01 where 95.00 follows/,
  ],
  [
    'a closing balance that does not follow',
    'date,amount\n2026-11-24,-4.99\n',
    /Line 2 leads to 95.01, and the closing balance is 95.00/,
  ],
  ['a quote that nobody closed', 'date,amount,text\n2026-11-24,-5,"x\n', /Line 2 has a quote/],
  [
    'a number with blanks',
    'date,amount,reference\n2026-11-24,-5,R 1\n',
    /Line 2 has a number of more than 64/,
  ],
] as const) {
  test(`refused: ${what}`, () => {
    const result = readStatement(text, frame)
    assert.match(result.ok ? 'it was read' : result.refusal.detail, why)
  })
}
