/**
 * Our own card numbers: 19 digits `9 pppp lll rrrrrrrrrr c`: 9 for national use (ISO/IEC 7812-1,
 * so never a bank card), issuer prefix, lane, ten random digits, Luhn digit.
 */
import type { Lane } from './ids.ts'
import { laneOfId } from './ids.ts'

export const cardNumberLength = 19
export const randomDigits = 10

/** The Luhn check digit (ISO/IEC 7812-1 annex B) that belongs behind `digits`. */
export function luhnDigit(digits: string): string {
  let sum = 0
  for (let index = digits.length - 1, double = true; index >= 0; index -= 1, double = !double) {
    const digit = digits.charCodeAt(index) - 48
    sum += double ? (digit >= 5 ? digit * 2 - 9 : digit * 2) : digit
  }
  return String((10 - (sum % 10)) % 10)
}

/** Builds a number. `prefix`: 4 digits of the issuer; `random`: ten random digits. */
export function cardNumber(prefix: string, lane: Lane, random: string): string {
  const body = `9${prefix}${String(lane).padStart(3, '0')}${random}`
  return body + luhnDigit(body)
}

/** Whether the text has the form of one of our own numbers, check digit included. */
export function isOwnCardNumber(text: string): boolean {
  return /^9\d{18}$/.test(text) && luhnDigit(text.slice(0, -1)) === text.slice(-1)
}

/** The three lane digits of one of our own numbers; undefined for any other number. */
function laneOfNumber(text: string): Lane | undefined {
  return isOwnCardNumber(text) ? Number(text.slice(5, 8)) : undefined
}

/** Pay codes: 24 digits `9 lll hhhhhhhh tttttt mmmmmm` (lane, handle, time, MAC). */
export const payCodePattern = /^9\d{23}$/

/**
 * The lane that an id, a card number of ours or a pay code names; undefined when it names none
 * (reference data, imported numbers). The one door through which bits and digits become a lane.
 */
export function laneOf(idOrNumberOrCode: string): Lane | undefined {
  const text = idOrNumberOrCode
  if (payCodePattern.test(text)) return Number(text.slice(1, 4)) || undefined
  if (/^\d+$/.test(text)) return laneOfNumber(text) || undefined
  return laneOfId(text) || undefined
}
