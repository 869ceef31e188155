/**
 * The numbers under which WeChat knows our orders and refunds: derived from the id of the order and a count, so that
 * nobody has to remember them and whatever comes back leads to its order and its lane.
 */
import { asId, type OrderId } from '@lika/contract'

/** At WeChat a number of an order has 6 to 32 characters, that of a refund up to 64. */
const idDigits = 25
const countDigits = 2
/** Invitations, and refunds, of one order: WeChat takes 50 refunds. */
export const mostTrades = 40
export const mostRefunds = 50

export interface NumberOfOrder {
  readonly orderId: OrderId
  /** Counts the invitations or the refunds of the order, from 1. */
  readonly n: number
}

/** `lo`, the id as 25 digits in base 36, the count as two: 29 characters. */
export function outTradeNo({ orderId, n }: NumberOfOrder): string {
  return `lo${digitsOf(orderId)}${countText(n)}`
}

/** As `outTradeNo`, with `lr` before it. */
export function outRefundNo({ orderId, n }: NumberOfOrder): string {
  return `lr${digitsOf(orderId)}${countText(n)}`
}

/** undefined: not one of ours. */
export function readOutTradeNo(text: string): NumberOfOrder | undefined {
  return readNumber('lo', text)
}

/** undefined: not one of ours. */
export function readOutRefundNo(text: string): NumberOfOrder | undefined {
  return readNumber('lr', text)
}

const pattern = /^(lo|lr)([0-9a-z]{25})([0-9a-z]{2})$/

function readNumber(prefix: string, text: string): NumberOfOrder | undefined {
  const [, found, digits, count] = pattern.exec(text) ?? []
  if (found !== prefix || digits === undefined || count === undefined) return undefined
  const hex = fromBase36(digits).toString(16).padStart(32, '0')
  const n = Number.parseInt(count, 36)
  if (hex.length > 32 || n === 0) return undefined
  const orderId: OrderId = asId(
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
  )
  return { orderId, n }
}

function digitsOf(orderId: OrderId): string {
  return BigInt(`0x${orderId.replaceAll('-', '')}`)
    .toString(36)
    .padStart(idDigits, '0')
}

/** @throws RangeError for what two digits cannot say. */
function countText(n: number): string {
  if (!Number.isInteger(n) || n < 1 || n >= 36 ** countDigits)
    throw new RangeError(`an order has no number ${n}`)
  return n.toString(36).padStart(countDigits, '0')
}

function fromBase36(digits: string): bigint {
  let value = 0n
  for (const digit of digits) value = value * 36n + BigInt(Number.parseInt(digit, 36))
  return value
}
