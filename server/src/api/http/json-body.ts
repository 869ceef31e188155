/**
 * Reads JSON bodies. What JSON.parse would quietly change is noticed: a number that is no whole number but is rounded
 * to one, a zero with a sign, text that is not Unicode or holds a NUL, which no column can keep.
 */
import { isUtf8 } from 'node:buffer'
import { ok, type Result, refusal, refused } from '@lika/contract'

/** undefined: no body. Refusals: `request.malformed`, `request.invalid` for text that cannot be stored. */
export function readJson(bytes: Buffer): Result<unknown> {
  if (bytes.length === 0) return ok(undefined)
  if (!isUtf8(bytes)) return malformed('The body is not UTF-8.')
  const text = bytes.toString('utf8')
  try {
    const value: unknown = needsCare(text) ? JSON.parse(text, keepExact) : JSON.parse(text)
    return ok(value)
  } catch (error) {
    if (error instanceof UnusableText) {
      return refused(
        refusal('request.invalid', 'Text must be Unicode without NUL and unpaired surrogates.', {
          errors: [{ path: error.message, message: 'must be Unicode without NUL' }],
        }),
      )
    }
    return malformed('The body is not valid JSON.')
  }
}

function malformed(detail: string) {
  return refused(refusal('request.malformed', detail))
}

class UnusableText extends Error {}

/**
 * Long numbers, zeros with a sign, tiny numbers and escapes are rare: only they are worth the slower way. Raw bytes were
 * checked to be Unicode.
 */
function needsCare(text: string): boolean {
  return text.includes('\\u') || oddNumber.test(text)
}

const oddNumber = /[:[,]\s*(?:-0|-?[\d.]+[eE]-|-?[\d.]{17})/

function keepExact(key: string, value: unknown, context?: { source?: string }): unknown {
  if (isUnusable(key)) throw new UnusableText('')
  if (typeof value === 'string' && isUnusable(value)) throw new UnusableText(key)
  if (typeof value !== 'number' || !Number.isInteger(value)) return value
  if (Object.is(value, -0)) return Number.NaN
  return context?.source === undefined || isWhole(context.source) ? value : Number.NaN
}

function isUnusable(text: string): boolean {
  return text.includes('\0') || !text.isWellFormed()
}

/** Whether a JSON number that came out as an integer was one: 100, 1e2, 1.5e1, not 1.00000000000000001. */
function isWhole(source: string): boolean {
  const [, whole = '', fraction = '', exponent = '0'] = numberParts.exec(source) ?? []
  const digits = whole + fraction
  const trailingZeros = digits.length - digits.replace(/0+$/, '').length
  return trailingZeros === digits.length || fraction.length - trailingZeros <= Number(exponent)
}

const numberParts = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
