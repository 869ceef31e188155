/**
 * A decision is made from what was declared before the round. Where it turns out to need something else (terms of a
 * product made by another process, the successor of a card replaced a moment ago), the command fails without a trace,
 * that is fetched, and the same command is executed again.
 */
import { laneOfId, modeOfBook, type Refusal } from '@lika/contract'
import type { Command, Decision, Executed, UnclaimedCommand } from '../platform/lanes/index.ts'
import type { FlowContext } from './context.ts'

export class NotPrepared extends Error {
  /** Fetches what was missing, where planning again would not. */
  readonly prepare: () => Promise<unknown>

  constructor(what: string, prepare: () => Promise<unknown> = async () => undefined) {
    super(`the decision was not prepared for ${what}`)
    this.prepare = prepare
  }
}

/**
 * For a command that is never decided against: refused, there was no room for it, or no database. Throws, so that whoever
 * wanted it comes again.
 */
export function carriedOut(executed: Executed): void {
  if (executed.status === 'refused')
    throw new Error(`it could not be recorded just now: ${executed.refusal.code}`)
}

const attempts = 10

/** Executes a command, again where it was not prepared. */
export function executePrepared<C extends UnclaimedCommand>(
  execute: (command: C) => Promise<Executed>,
  command: C,
  left = attempts,
): Promise<Executed> {
  return execute(command).catch(async (error: unknown) => {
    if (!(error instanceof NotPrepared) || left === 0) throw error
    await error.prepare()
    return executePrepared(execute, command, left - 1)
  })
}

/** What is known already, once; then what there is: a command that is prepared again looks again. */
export function knownAtFirst<T>(known: T, look: () => Promise<T>): () => Promise<T> {
  let isFirst = true
  return async () => {
    if (!isFirst) return look()
    isFirst = false
    return known
  }
}

/**
 * For what cannot be prepared: a secret that is not recognised, a merchant number that is not there. Under a key that
 * stands the first outcome is answered all the same, whatever has changed since. Under a new key nothing is left behind;
 * where the server dies before that, the key stands in the lane in which the command would have run, and may run there.
 */
export function refusedUnlessDone(
  { engine }: Pick<FlowContext, 'engine'>,
  base: Pick<Command, 'book' | 'operation' | 'key' | 'input'> & Partial<Pick<Command, 'homeLane'>>,
  why: Refusal,
): Command {
  const decision: Decision = { ok: false, final: false, refusal: why }
  return {
    homeLane: () => engine.lanesOf(modeOfBook(base.book))[0] ?? 0,
    ...base,
    plan: (commandId) => ({ lanes: [laneOfId(commandId)], reads: [], decide: () => decision }),
  }
}
