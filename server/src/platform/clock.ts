/**
 * The real clock. Everything that has a business meaning takes its time from the database's lanes instead;
 * this is for keys, throttles, logs and the like, which run on real time in test mode too.
 */
import { performance } from 'node:perf_hooks'
import type { Instant } from '@lika/contract'

export function realNow(): Instant {
  return Date.now()
}

/** Milliseconds since some moment: for durations, unmoved when somebody sets the clock. */
export function elapsedMs(): number {
  return performance.now()
}
