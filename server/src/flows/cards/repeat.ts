/**
 * Commands that could not be decided although nothing is wrong with them: what they need is fetched, or minted anew, and
 * they run again under the same key. Nothing was journaled, so nobody notices.
 */
import { isNumberTaken } from '../../modules/cards/index.ts'
import type { Command, Executed } from '../../platform/lanes/index.ts'

/** Thrown by a decision that needs to be asked again. */
export class TryAgain extends Error {
  /** What to do before. */
  readonly prepare: () => Promise<unknown>

  constructor(why: string, prepare: () => Promise<unknown> = async () => {}) {
    super(why)
    this.prepare = prepare
  }
}

const attempts = 20

/** Runs the command, again where it is worth it. Rejects as `execute` does. */
export async function executeRepeating(
  execute: (command: Command) => Promise<Executed>,
  command: Command,
): Promise<Executed> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await execute(command)
    } catch (error) {
      if (attempt === attempts || !(await isWorthRepeating(error))) throw error
    }
  }
}

/** Whether a command that failed with this should run again; does what has to be done before. */
export async function isWorthRepeating(error: unknown): Promise<boolean> {
  if (!(error instanceof TryAgain)) return isNumberTaken(error)
  await error.prepare()
  return true
}
