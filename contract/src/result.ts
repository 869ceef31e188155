/** Expected failure as a value: a command answers a value or a refusal; only faults are thrown. */
import type { Refusal } from './refusals.ts'

export type Result<T, R = Refusal> = { ok: true; value: T } | { ok: false; refusal: R }

export function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value }
}

export function refused<R = Refusal>(refusal: R): { ok: false; refusal: R } {
  return { ok: false, refusal }
}

/** Closes an exhaustive switch: the compiler proves that no case is left. */
export function assertNever(value: never): never {
  throw new Error(`unreachable case: ${String(value)}`)
}
