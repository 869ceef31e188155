/** An engine that has no room for one kind of command for so many times, as when its lane is full or the database away. */
import { refusal } from '@lika/contract'
import type { FlowContext } from '../../server/src/flows/context.ts'
import type { Command, Executed } from '../../server/src/platform/lanes/index.ts'

/** Answers how often that came up so far, and makes room again. */
export function busyFor(
  { engine }: Pick<FlowContext, 'engine'>,
  operation: string,
  times = 1,
  /** So many are let through before. */
  after = 0,
): () => number {
  let [met, asked] = [0, 0]
  engine.execute = async (command: Command): Promise<Executed> => {
    asked += command.operation === operation ? 1 : 0
    if (command.operation !== operation || met >= times || asked <= after)
      return Object.getPrototypeOf(engine).execute.call(engine, command)
    met += 1
    const why = refusal('busy', 'There is no room.', { retryAfterSeconds: 1 })
    return { status: 'refused', refusal: why, replayed: false }
  }
  return () => {
    Reflect.deleteProperty(engine, 'execute')
    return met
  }
}
