/**
 * A server reduced to its lanes: runs the engine on the database whose URL is its first argument, takes orders as lines
 * of JSON, answers each as a line of JSON, stops when its input ends.
 */
import { existsSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Command } from '../../server/src/platform/lanes/index.ts'
import { type Card, charge, move, startLanes } from './lanes.ts'

export type Order = {
  id: number
  /** Taken from this card, given to the other one where there is one. */
  card: Card
  to?: Card
  fen: number
  key: string
  /** In the middle of its round, says `{ event: "stalled" }` and waits until this file exists. */
  stallUntil?: string
}

const tell = (line: object) => writeSync(1, `${JSON.stringify(line)}\n`)

const lanes = await startLanes(process.argv[2] ?? '')
tell({ event: 'ready' })
const running = new Set<Promise<void>>()
for await (const line of createInterface(process.stdin)) {
  const order: Order = JSON.parse(line)
  const answered = answer(order).finally(() => running.delete(answered))
  running.add(answered)
}
await Promise.all(running)
await lanes.stop()

async function answer(order: Order): Promise<void> {
  const { id, card, to, key } = order
  const fen = BigInt(order.fen)
  const command = to === undefined ? charge(card, fen, { key }) : move(card, to, fen, { key })
  const { stallUntil } = order
  const executed = await lanes.engine.execute(
    stallUntil === undefined ? command : stalling(command, stallUntil),
  )
  tell({ event: 'answer', id, executed })
}

function stalling(command: Command, file: string): Command {
  let stalled = false
  return {
    ...command,
    plan: async (commandId, name) => {
      const plan = await command.plan(commandId, name)
      return {
        ...plan,
        decide: (view, now) => {
          if (!stalled) tell({ event: 'stalled' })
          stalled = true
          const pause = new Int32Array(new SharedArrayBuffer(4))
          while (!existsSync(file)) Atomics.wait(pause, 0, 0, 5)
          return plan.decide(view, now)
        },
      }
    },
  }
}
