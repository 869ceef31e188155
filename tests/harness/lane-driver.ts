/** Starts and drives processes that run the lanes: see lane-process.ts. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Executed } from '../../server/src/platform/lanes/index.ts'
import type { Order } from './lane-process.ts'
import { until } from './lanes.ts'

type Event =
  | { event: 'ready' }
  | { event: 'stalled' }
  | { event: 'answer'; id: number; executed: Executed }

export class LaneProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #answers = new Map<number, (executed: Executed) => void>()
  readonly #ready = Promise.withResolvers<void>()
  readonly #stalled = Promise.withResolvers<void>()
  #orders = 0

  private constructor(url: string) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'lane-process.ts'), url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#child = child
    this.#exited = once(child, 'exit')
    child.stdin.on('error', () => {})
    createInterface(child.stdout).on('line', (line) => this.#take(JSON.parse(line)))
  }

  static async start(url: string): Promise<LaneProcess> {
    const process = new LaneProcess(url)
    await process.#ready.promise
    return process
  }

  /** Resolves when a stalling command is in the middle of its round. */
  get stalled(): Promise<void> {
    return this.#stalled.promise
  }

  /** Never settles where the process is killed before it answers. */
  order(order: Omit<Order, 'id'>): Promise<Executed> {
    this.#orders += 1
    const id = this.#orders
    const { promise, resolve } = Promise.withResolvers<Executed>()
    this.#answers.set(id, resolve)
    this.#child.stdin?.write(`${JSON.stringify({ id, ...order })}\n`)
    return promise
  }

  /** SIGSTOP; resolves when the process stands still. */
  async freeze(): Promise<void> {
    this.#child.kill('SIGSTOP')
    const status = `/proc/${this.#child.pid}/stat`
    await until(() => / T /.test(readFileSync(status, 'utf8')))
  }

  wake(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end()
    await this.#exited
  }

  #take(event: Event): void {
    if (event.event === 'ready') this.#ready.resolve()
    if (event.event === 'stalled') this.#stalled.resolve()
    if (event.event === 'answer') this.#answers.get(event.id)?.(event.executed)
  }
}
