/**
 * Several commands all or none. Each is made by whoever would execute it alone, and waits here until all of them are
 * there; then they run in one transaction, and each gets its answer.
 */
import { refusal } from '@lika/contract'
import { isNumberTaken } from '../modules/cards/index.ts'
import type { Command, Executed } from '../platform/lanes/index.ts'
import { NotPrepared } from './prepared.ts'

type RunTogether = (commands: readonly Command[]) => Promise<Executed[]>

interface Joined {
  readonly command: Command
  readonly resolve: (executed: Executed) => void
  readonly reject: (error: unknown) => void
}

const attempts = 10

export class TogetherRun {
  readonly #run: RunTogether
  readonly #joined: Joined[] = []
  #missing: number
  #stopped = false

  /** `count`: how many operations there are; each of them either joins or leaves, once. */
  constructor(count: number, run: RunTogether) {
    this.#missing = count
    this.#run = run
  }

  /** The outcome of the command, when every operation has joined or left. */
  join(command: Command): Promise<Executed> {
    return new Promise((resolve, reject) => {
      this.#joined.push({ command, resolve, reject })
      this.#next()
    })
  }

  /** An operation ended without a command. `refused`: then the others are not carried out either. */
  leave(refused: boolean): void {
    this.#stopped ||= refused
    this.#next()
  }

  #next(): void {
    this.#missing -= 1
    if (this.#missing === 0) void this.#settle()
  }

  async #settle(): Promise<void> {
    if (this.#stopped) {
      for (const { resolve } of this.#joined) resolve(rolledBack)
      return
    }
    try {
      const commands = this.#joined.map(({ command }) => command)
      const results = await runAgain(this.#run, commands)
      for (const [index, { resolve }] of this.#joined.entries()) {
        resolve(results[index] ?? rolledBack)
      }
    } catch (error) {
      // In other words than theirs, so that nobody tries to carry out a part of the whole again.
      const fault = new Error('the commands of a bulk failed together', { cause: error })
      for (const { reject } of this.#joined) reject(fault)
    }
  }
}

const rolledBack: Executed = {
  status: 'refused',
  replayed: false,
  refusal: refusal('bulk.rolled_back', 'Another operation was refused, so none was carried out.'),
}

/** Where one of them was not prepared, all of them run again: nothing had happened. */
async function runAgain(run: RunTogether, commands: readonly Command[]): Promise<Executed[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run(commands)
    } catch (error) {
      const isWorthIt = error instanceof NotPrepared || isNumberTaken(error)
      if (attempt === attempts || !isWorthIt) throw error
      if (error instanceof NotPrepared) await error.prepare()
    }
  }
}
