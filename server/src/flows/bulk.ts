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
  /** The place of its operation among all of them. */
  readonly place: number
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

  /**
   * The outcome of the command, when every operation has joined or left. They run by their places, whoever came first.
   */
  join(place: number, command: Command): Promise<Executed> {
    return new Promise((resolve, reject) => {
      this.#joined.push({ place, command, resolve, reject })
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
    const joined = this.#joined.toSorted((one, other) => one.place - other.place)
    if (this.#stopped) {
      for (const { resolve } of joined) resolve(rolledBack)
      return
    }
    try {
      const commands = joined.map(({ command }) => command)
      const results = await runAgain(this.#run, commands)
      for (const [index, { resolve }] of joined.entries()) resolve(results[index] ?? rolledBack)
    } catch (error) {
      if (error instanceof NotPrepared) {
        for (const { resolve } of joined) resolve(entangled)
        return
      }
      // In other words than theirs, so that nobody tries to carry out a part of the whole again.
      const fault = new Error('the commands of a bulk failed together', { cause: error })
      for (const { reject } of this.#joined) reject(fault)
    }
  }
}

const rolledBack = undone('Another operation was refused, so none was carried out.')
/** A capture of a hold whose card is replaced in the same bulk does not know where the money will lie. */
const entangled = undone(
  'An operation stands on what another of the bulk changes, so none was carried out; send them one after the other.',
)

function undone(detail: string): Executed {
  return { status: 'refused', replayed: false, refusal: refusal('bulk.rolled_back', detail) }
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
