/**
 * Mints cards by the thousand on a thread of its own: hashing in bulk never runs on the thread that holds a lane.
 * The thread gets the two card keys as data, never the master key and nothing of the environment.
 */
import { Worker } from 'node:worker_threads'
import type { CardKeyMaterial } from '../../platform/crypto/card-keys.ts'
import { type PackedCards, unpackCards } from './mint-worker-pack.ts'
import type { MintedCard, MintRequest } from './secrets.ts'

export type MintWorker = {
  /** As `mintCards`; requests are answered in their order. Rejects when the thread has ended. */
  mint(request: MintRequest): Promise<MintedCard[]>
  /** Ends the thread; what is under way is rejected. */
  close(): Promise<void>
}

type Waiting = { resolve: (cards: MintedCard[]) => void; reject: (reason: Error) => void }

/** The thread starts with the first request and keeps the process alive only while it has work. */
export function mintWorker(material: CardKeyMaterial): MintWorker {
  let worker: Worker | undefined
  const waiting: Waiting[] = []

  function start(): Worker {
    const started = new Worker(new URL('./mint-worker-thread.ts', import.meta.url), {
      workerData: material,
      env: {},
      name: 'lika-mint',
    })
    started.on('message', (packed: PackedCards) => {
      waiting.shift()?.resolve(unpackCards(packed))
      if (waiting.length === 0) started.unref()
    })
    started.on('error', (error) => end(started, error))
    started.on('exit', () => end(started, new Error('the minting thread has ended')))
    return started
  }

  function end(ended: Worker, reason: Error): void {
    if (worker !== ended) return
    worker = undefined
    for (const { reject } of waiting.splice(0)) reject(reason)
  }

  return {
    mint: (request) =>
      new Promise((resolve, reject) => {
        worker ??= start()
        worker.ref()
        waiting.push({ resolve, reject })
        worker.postMessage(request)
      }),
    close: async () => {
      await worker?.terminate()
    },
  }
}
