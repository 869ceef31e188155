/** The ways in which a command can end badly, each with its exit code: 1 refused or not in order,
 * 2 usage, 3 unreachable. Messages are ready to print. */
import type { JsonObject } from './json.ts'

export const exitCodes = { done: 0, notInOrder: 1, usage: 2, unreachable: 3 } as const

/** What a thrown thing says. */
export function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault)
}

/** Wrongly typed, or something that must be set is not. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The answer came, and what it says is not what it should be. */
export class NotInOrder extends Error {
  override readonly name = 'NotInOrder'
}

/** No answer, or none that Lika gave. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

/** Lika refused; `problem` is the body that says why. */
export class RefusedByServer extends Error {
  override readonly name = 'RefusedByServer'
  readonly status: number
  readonly problem: JsonObject
  readonly bodyText: string
  readonly retryAfterSeconds: number | undefined

  constructor(answer: {
    status: number
    problem: JsonObject
    bodyText: string
    retryAfterSeconds: number | undefined
  }) {
    super(`refused with status ${answer.status}`)
    this.status = answer.status
    this.problem = answer.problem
    this.bodyText = answer.bodyText
    this.retryAfterSeconds = answer.retryAfterSeconds
  }
}
