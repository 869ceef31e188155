/** Commands of jobs: nobody waits for their answer, so that "busy" means to try again later. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command, Executed } from '../../platform/lanes/index.ts'
import { executeOnCards } from '../cards/repeat.ts'
import type { FlowContext } from '../context.ts'

const pauseMs = { first: 100, longest: 2_000 }

/** Executes the command until it ran. Rejects as `execute` does, and when told to stop. */
export async function insist(
  { engine }: Pick<FlowContext, 'engine'>,
  command: Command,
  signal?: AbortSignal,
): Promise<Executed> {
  for (let pause = pauseMs.first; ; pause = Math.min(pause * 2, pauseMs.longest)) {
    const result = await executeOnCards((one) => engine.execute(one), command)
    if (result.status === 'done' || result.refusal.code !== 'busy') return result
    await sleep(pause, undefined, { ...(signal && { signal }) })
  }
}
