/** The process: reads the settings, runs one command, prints how it failed, sets the exit code. */
import { CommanderError } from 'commander'
import type { World } from './call.ts'
import { configOfProcess } from './config.ts'
import { exitCodes, NotInOrder, RefusedByServer, Unreachable, UsageError } from './failures.ts'
import { inputOfProcess } from './input.ts'
import { problemLines } from './problem.ts'
import { buildProgram } from './program.ts'
import { type Say, speaker } from './say.ts'

const print = (line: string) => void process.stdout.write(`${line}\n`)
const note = (line: string) => void process.stderr.write(`${line}\n`)

/** Runs the command of `process.argv`. @returns the exit code. */
async function main(): Promise<number> {
  const input = inputOfProcess()
  let say = speaker('both')
  try {
    const config = configOfProcess()
    say = speaker(config.language)
    const world: World = { config, say, input, print, note }
    await buildProgram(world).parseAsync()
    return exitCodes.done
  } catch (fault) {
    return endWith(fault, say)
  } finally {
    input.close()
  }
}

/** Says what went wrong; faults of ours are thrown on. */
function endWith(fault: unknown, say: Say): number {
  if (fault instanceof CommanderError) {
    return fault.exitCode === 0 ? exitCodes.done : exitCodes.usage
  }
  if (fault instanceof UsageError) {
    note(`${say('用法错误', 'Usage error')}: ${fault.message}`)
    return exitCodes.usage
  }
  if (fault instanceof Unreachable) {
    note(`${say('无法连接', 'Unreachable')}: ${fault.message}`)
    return exitCodes.unreachable
  }
  if (fault instanceof RefusedByServer) {
    if (process.argv.includes('--json')) print(fault.bodyText)
    for (const line of problemLines(fault, say)) note(line)
    return exitCodes.notInOrder
  }
  if (fault instanceof NotInOrder) {
    note(fault.message)
    return exitCodes.notInOrder
  }
  throw fault
}

// `lika … | head` closes the pipe early, which is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitCodes.done : exitCodes.notInOrder)
})
process.exitCode = await main()
