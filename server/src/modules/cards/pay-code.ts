/**
 * Pay codes, what a till scans from a phone: 24 digits `9 lll hhhhhhhh tttttt mmmmmm` with lane, handle of the card,
 * time step and MAC. Pure; that each code pays once is for the command that uses it.
 *
 * A step is a tenth of a second since 1970; the code has its last six digits, which come again after 27.7 hours. The
 * MAC covers the whole step. Beginning with 9 it is never taken for a code of WeChat Pay (10–15), Alipay (25–30) or
 * UnionPay (62).
 */
import { type Instant, type Lane, laneOf, payCodePattern } from '@lika/contract'
import { sameBytes } from '../../platform/crypto/compare.ts'

/** Six digits over lane, handle and whole step: `Keyring.payCodeMac`. */
export type PayCodeMac = (lane: Lane, handle: number, step: number) => string

export type PayCodeTarget = { lane: Lane; handle: number }
export type ReadPayCode = PayCodeTarget & { step: bigint }

/** How long a code pays, in seconds, unless the caller wants less. */
const payCodeLifeSeconds = 60

/** Digits of the handle by which codes name a card: 0–99,999,999. */
export const handleDigits = 8

const stepMs = 100
const stepsInCode = 1_000_000
/** Two servers' clocks may differ by this much: a code from the future beyond it is none. */
const clockToleranceMs = 2_000

/** The code of this tenth of a second, and the first instant at which it no longer pays. */
export function makePayCode(
  mac: PayCodeMac,
  { lane, handle }: PayCodeTarget,
  now: Instant,
  lifeSeconds = payCodeLifeSeconds,
): { code: string; expiresAt: Instant } {
  const step = Math.floor(now / stepMs)
  const digits = (value: number, count: number) => String(value).padStart(count, '0')
  const body = `9${digits(lane, 3)}${digits(handle, handleDigits)}${digits(step % stepsInCode, 6)}`
  return { code: body + mac(lane, handle, step), expiresAt: expiryOf(step, lifeSeconds) }
}

/**
 * What the code names. `expired` only under a right MAC, and for codes of the last 27.7 hours; older ones, forged
 * ones and other digits alike are `not_recognised`.
 */
export function readPayCode(
  mac: PayCodeMac,
  code: string,
  now: Instant,
  lifeSeconds = payCodeLifeSeconds,
): ReadPayCode | 'not_recognised' | 'expired' {
  const target = targetOfPayCode(code)
  if (target === undefined) return 'not_recognised'
  const latest = Math.floor((now + clockToleranceMs) / stepMs)
  const age = modulo(latest - Number(code.slice(12, 18)), stepsInCode)
  const step = latest - age
  const right = mac(target.lane, target.handle, step)
  if (!sameBytes(Buffer.from(right), Buffer.from(code.slice(18)))) return 'not_recognised'
  return now < expiryOf(step, lifeSeconds) ? { ...target, step: BigInt(step) } : 'expired'
}

/** The card that the digits point to, whether or not they are genuine: for planning and for counting guesses. */
export function targetOfPayCode(code: string): PayCodeTarget | undefined {
  const lane = payCodePattern.test(code) ? laneOf(code) : undefined
  return lane === undefined ? undefined : { lane, handle: Number(code.slice(4, 12)) }
}

function expiryOf(step: number, lifeSeconds: number): Instant {
  return step * stepMs + lifeSeconds * 1000
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
