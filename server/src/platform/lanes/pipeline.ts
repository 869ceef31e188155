/** Statements that were sent one behind the other without waiting: all of them settle before anybody goes on. */
import { codeOf } from '../db-faults.ts'

/** "current transaction is aborted": the echo of a statement that failed before. */
const echo = '25P02'

/** Rejects with the error that came first, not with its echoes in the statements behind it. */
export async function sendTogether(statements: readonly PromiseLike<unknown>[]): Promise<void> {
  const settled = await Promise.allSettled(statements)
  const errors = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  if (errors.length === 0) return
  throw errors.find((error) => codeOf(error) !== echo) ?? errors[0]
}

/** A statement whose making may throw: also then a promise, so that none of those before it is left without a listener. */
export function attempt(make: () => PromiseLike<unknown>): PromiseLike<unknown> {
  try {
    return make()
  } catch (error) {
    return Promise.reject(error)
  }
}
