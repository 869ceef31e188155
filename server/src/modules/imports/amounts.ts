/** Amounts of a legacy file, written in yuan by people and by other programs. Pure. */
import type { Fen, Result } from '@lika/contract'
import { ok, parseYuan, refused } from '@lika/contract'
import type { RowErrorCode } from './row-errors.ts'

/**
 * Yuan → fen, never negative: `88`, `1,234.50`, `¥0.5`. Refuses, in this order, what is empty,
 * negative, scientific, not a number (`12,34`, `.5`, `abc`), finer than a fen (even `1.000`: such
 * a file is in another unit more often than not), and above 2^53 − 1 fen.
 */
export function parseAmount(text: string): Result<Fen, RowErrorCode> {
  const bare = text.replace(/^¥\s*/, '')
  if (bare === '') return refused('import.amount_missing')
  if (/^[-−]|^\(.*\)$/.test(bare)) return refused('import.amount_negative')
  if (/^[\d.,]+e[+-]?\d+$/i.test(bare)) return refused('import.amount_scientific')
  if (!/^(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$/.test(bare)) return refused('import.amount_format')
  if (/\.\d{3}/.test(bare)) return refused('import.amount_decimals')
  const amount = parseYuan(bare)
  return amount === undefined ? refused('import.amount_too_large') : ok(amount)
}

/** A bonus may be left empty, which is none. */
export function parseBonus(text: string): Result<Fen, RowErrorCode> {
  return text === '' ? ok(0n) : parseAmount(text)
}
