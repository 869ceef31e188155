/** How long callers wait for a database that does not answer, and how often it is asked meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import { databaseFaultOf } from '../db-faults.ts'

export interface Patience {
  /** Monotonic milliseconds. */
  readonly monotonic: () => number
  /** Milliseconds that a caller waits. */
  readonly patienceMs: number
}

/** The database did not answer in time. What was asked of it may have happened or not. */
export class OutOfPatience extends Error {}

const pauseMs = { first: 20, longest: 1_000 }

/** Resolves when it is time for the next attempt; `attempt` counts from 0. */
export function pauseAfter(attempt: number): Promise<void> {
  return sleep(Math.min(pauseMs.first * 2 ** attempt, pauseMs.longest))
}

/** Whether the same work may succeed when it is done again. */
export function isWorthRepeating(error: unknown): boolean {
  const fault = databaseFaultOf(error)
  return fault !== undefined && fault !== 'data'
}

/**
 * Does the work, again and again while the database is away, so the work must bear being done twice.
 * @throws OutOfPatience, or at once what a repeat would not mend.
 */
export async function patiently<T>(patience: Patience, work: () => Promise<T>): Promise<T> {
  const until = patience.monotonic() + patience.patienceMs
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isWorthRepeating(error)) throw error
      if (patience.monotonic() >= until)
        throw new OutOfPatience('the database does not answer', { cause: error })
      await pauseAfter(attempt)
    }
  }
}
