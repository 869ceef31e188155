/** Reads a card file on a thread of its own: parsing in bulk never runs on the thread that holds a lane. */
import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { FileChunk, FromReader, ReaderStart, ToReader } from './reader-messages.ts'

/** The chunks of the file from `start.from` on; `piece` gives its bytes in order, undefined at the end. */
export async function* readCardFile(
  start: ReaderStart,
  piece: (number: number) => Promise<Uint8Array | undefined>,
): AsyncGenerator<FileChunk> {
  const worker = new Worker(new URL('./reader-thread.ts', import.meta.url), {
    workerData: start,
    env: {},
    name: 'lika-card-file',
  })
  const tell = (message: ToReader) => worker.postMessage(message)
  const messages: AsyncIterableIterator<FromReader[]> = on(worker, 'message', { close: ['exit'] })
  let next = 0
  try {
    tell({ kind: 'read' })
    for await (const [message] of messages) {
      if (message?.kind === 'need') {
        tell({ kind: 'bytes', bytes: await piece(next) })
        next += 1
      } else if (message?.chunk === undefined) {
        return
      } else {
        yield message.chunk
        tell({ kind: 'read' })
      }
    }
    throw new Error('the thread that reads a card file has ended')
  } finally {
    await worker.terminate()
  }
}
