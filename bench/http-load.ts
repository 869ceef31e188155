/** The other end of the load generator for HTTP: starts its process, gives it orders, stops it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Stretch } from './figures.ts'
import type { Order } from './http-client.ts'

export interface HttpLoad {
  run(order: Order): Promise<Stretch>
  stop(): Promise<void>
}

const program = join(import.meta.dirname, 'http-client.ts')

export function startHttpLoad(): HttpLoad {
  const client = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: client.stdout })[Symbol.asyncIterator]()
  return {
    run: async (order) => {
      client.stdin.write(`${JSON.stringify(order)}\n`)
      const answer = await answers.next()
      if (answer.done === true) throw new Error('the load generator ended')
      return JSON.parse(answer.value)
    },
    stop: async () => {
      if (client.exitCode !== null || client.signalCode !== null) return
      const ended = once(client, 'exit')
      client.stdin.end()
      await ended
    },
  }
}
