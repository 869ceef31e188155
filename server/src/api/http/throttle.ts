/** Counts in windows of real time, kept by this process alone: against floods, not against guessing. */
import { elapsedMs } from '../../platform/clock.ts'

export interface Standing {
  readonly limit: number
  /** Calls that are left; below zero: too many. */
  readonly remaining: number
  readonly resetSeconds: number
}

export interface Throttle {
  /** Counts one for `name`. */
  count(name: string): Standing
  /** Without counting. */
  look(name: string): Standing
}

const mostNames = 50_000

export function makeThrottle(limit: number, windowSeconds: number, now = elapsedMs): Throttle {
  const windows = new Map<string, { count: number; endsAt: number }>()
  const find = (name: string) => {
    const at = now()
    const open = windows.get(name)
    if (open !== undefined && at < open.endsAt) return { open, at }
    if (windows.size >= mostNames) forgetPast(windows, at)
    const fresh = { count: 0, endsAt: at + windowSeconds * 1000 }
    windows.set(name, fresh)
    return { open: fresh, at }
  }
  const standing = ({ open, at }: ReturnType<typeof find>): Standing => ({
    limit,
    remaining: limit - open.count,
    resetSeconds: Math.max(1, Math.ceil((open.endsAt - at) / 1000)),
  })
  return {
    count: (name) => {
      const found = find(name)
      found.open.count += 1
      return standing(found)
    },
    look: (name) => standing(find(name)),
  }
}

function forgetPast(windows: Map<string, { endsAt: number }>, at: number): void {
  for (const [name, { endsAt }] of windows) if (endsAt <= at) windows.delete(name)
  // Still full: a flood of names. Counting anew for everybody is better than growing without bound.
  if (windows.size >= mostNames) windows.clear()
}
