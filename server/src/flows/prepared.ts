/**
 * A decision is made from what was declared before the round. Where it turns out to need something else (terms of a
 * product made by another process, the successor of a card replaced a moment ago), the command fails without a trace,
 * that is fetched, and the same command is executed again.
 */
import type { Command, Executed } from '../platform/lanes/index.ts'

export class NotPrepared extends Error {
  /** Fetches what was missing, where planning again would not. */
  readonly prepare: () => Promise<unknown>

  constructor(what: string, prepare: () => Promise<unknown> = async () => undefined) {
    super(`the decision was not prepared for ${what}`)
    this.prepare = prepare
  }
}

const attempts = 10

/** Executes a command, again where it was not prepared. */
export function executePrepared(
  execute: (command: Command) => Promise<Executed>,
  command: Command,
  left = attempts,
): Promise<Executed> {
  return execute(command).catch(async (error: unknown) => {
    if (!(error instanceof NotPrepared) || left === 0) throw error
    await error.prepare()
    return executePrepared(execute, command, left - 1)
  })
}
