/** Commands that mint cards meet a number that is taken once in many thousands: minted anew, they run under the same key. */
import { isNumberTaken } from '../../modules/cards/index.ts'
import type { Command, Executed } from '../../platform/lanes/index.ts'
import { executePrepared } from '../prepared.ts'

const attempts = 10

/** Runs a command on cards, again where it was not prepared or its number is taken. Rejects as `execute` does. */
export async function executeOnCards(
  execute: (command: Command) => Promise<Executed>,
  command: Command,
): Promise<Executed> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await executePrepared(execute, command)
    } catch (error) {
      if (attempt === attempts || !isNumberTaken(error)) throw error
    }
  }
}
