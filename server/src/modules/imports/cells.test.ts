import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatInstant, type Result } from '@lika/contract'
import { parseAmount, parseBonus } from './amounts.ts'
import { parseExpiry, parseLegacyNumber, parseSecret, toHalfWidth } from './model.ts'
import type { RowErrorCode } from './row-errors.ts'

function check<T>(parse: (text: string) => Result<T, RowErrorCode>, cases: [string, T | string][]) {
  for (const [text, expected] of cases) {
    const result = parse(toHalfWidth(text))
    assert.deepEqual(result.ok ? result.value : result.refusal, expected, JSON.stringify(text))
  }
}

test('amounts in yuan become fen, or say what is wrong with them', () => {
  check(parseAmount, [
    ['1,234.50', 123_450n],
    ['１，２３４．５０', 123_450n],
    ['12', 1_200n],
    ['12.5', 1_250n],
    ['0', 0n],
    ['007.00', 700n],
    ['¥ 88', 8_800n],
    ['￥88.00', 8_800n],
    [' 1 ', 100n],
    ['1,234,567.89', 123_456_789n],
    ['90071992547409.91', 9_007_199_254_740_991n],
    ['90071992547409.92', 'import.amount_too_large'],
    ['9'.repeat(400), 'import.amount_too_large'],
    ['12.345', 'import.amount_decimals'],
    ['12.340', 'import.amount_decimals'],
    ['-1', 'import.amount_negative'],
    ['－1', 'import.amount_negative'],
    ['(1.00)', 'import.amount_negative'],
    ['1e3', 'import.amount_scientific'],
    ['1.2E+05', 'import.amount_scientific'],
    ['', 'import.amount_missing'],
    ['¥', 'import.amount_missing'],
    ['abc', 'import.amount_format'],
    ['12,34', 'import.amount_format'],
    ['1234,567', 'import.amount_format'],
    ['1.', 'import.amount_format'],
    ['.5', 'import.amount_format'],
    ['+1', 'import.amount_format'],
    ['1 000', 'import.amount_format'],
    ['0x10', 'import.amount_format'],
    ['１２三', 'import.amount_format'],
  ])
})

test('an empty bonus is none', () => {
  check(parseBonus, [
    ['', 0n],
    ['5', 500n],
    ['-5', 'import.amount_negative'],
  ])
})

test('a card pays to the end of its last day in Shanghai', () => {
  const instant = (text: string) => {
    const result = parseExpiry(text)
    return result.ok && result.value !== null
      ? { ok: true as const, value: formatInstant(result.value) }
      : result
  }
  const end = '2027-12-31T16:00:00Z'
  check<string | number | null>(instant, [
    ['2027-12-31', end],
    ['2027/12/31', end],
    ['20271231', end],
    ['2027年12月31日', end],
    ['２０２７－１２－３１', end],
    ['2027/1/5', '2027-01-05T16:00:00Z'],
    ['2028-02-29', '2028-02-29T16:00:00Z'],
    ['9999-12-31', '9999-12-31T16:00:00Z'],
    ['', null],
    ['2027-02-29', 'import.date_not_in_calendar'],
    ['2027-13-01', 'import.date_not_in_calendar'],
    ['2027-00-10', 'import.date_not_in_calendar'],
    ['2027-12/31', 'import.date_format'],
    ['31/12/2027', 'import.date_format'],
    ['2027-12-31 00:00', 'import.date_format'],
    ['46387', 'import.date_format'],
  ])
})

test('a legacy number is 6–32 digits or letters, whatever its case and width', () => {
  check(parseLegacyNumber, [
    ['123456', '123456'],
    ['ａｂc００１', 'ABC001'],
    ['1'.repeat(32), '1'.repeat(32)],
    ['', 'import.number_missing'],
    ['12345', 'import.number_format'],
    ['1'.repeat(33), 'import.number_format'],
    ['6001 2345', 'import.number_format'],
    ['6001-2345', 'import.number_format'],
    ['6001\n2345', 'import.number_format'],
    ['6.00123E+15', 'import.number_scientific'],
    ['6E+15', 'import.number_scientific'],
  ])
})

test('a legacy secret is 4–64 visible ASCII characters, its case kept', () => {
  check(parseSecret, [
    ['1234', '1234'],
    ['１２３４', '1234'],
    ['aB"=1', 'aB"=1'],
    ['', 'import.secret_missing'],
    ['123', 'import.secret_format'],
    ['12 34', 'import.secret_format'],
    ['密码密码', 'import.secret_format'],
    ['x'.repeat(65), 'import.secret_format'],
  ])
})
