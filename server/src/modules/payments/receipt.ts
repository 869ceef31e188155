/** Receipt numbers: what a cashier reads out and a holder types, made from the payment's id alone. */
import { businessDateOf, type PaymentId, timeOfId } from '@lika/contract'

/** Crockford's alphabet: no letter that is taken for a digit, none that makes words. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const dayMs = 86_400_000

/**
 * `261124-8K3N0QW-2D7FJ5T`: the day in Shanghai, then millisecond of the (UTC) day, counter and 31 random bits of the
 * id. Within a process two payments never have the same millisecond and counter; in two processes at once the random
 * bits tell them apart.
 */
export function receiptNumberOf(id: PaymentId): string {
  const at = timeOfId(id)
  const counter = Number.parseInt(id.slice(15, 18), 16)
  const random = Number.parseInt(id.slice(24, 32), 16) % 2 ** 31
  const day = businessDateOf(at).slice(2).replaceAll('-', '')
  const left = (at % dayMs) * 2 ** 8 + Math.floor(counter / 2 ** 4)
  const right = (counter % 2 ** 4) * 2 ** 31 + random
  return `${day}-${digits(left)}-${digits(right)}`
}

/** 35 bits as seven characters. */
function digits(value: number): string {
  let text = ''
  let rest = value
  for (let index = 0; index < 7; index += 1) {
    text = alphabet.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return text
}
