/**
 * The file for the printer of a batch: CSV `number,secret,expires_on` in one binary age file. Made on a thread of its
 * own, a page of cards at a time, so that neither time nor memory of the lanes' thread grows with the batch.
 */
import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { CardKeyMaterial } from '../../platform/crypto/card-keys.ts'
import type { FromThread, PrintFileStart, PrintPage, ToThread } from './print-file-pages.ts'

export type { PrintPage } from './print-file-pages.ts'

/** The bytes of the file. What `pages` throws is thrown to the reader. */
export async function* printFile(
  keys: CardKeyMaterial,
  recipient: string,
  pages: AsyncIterator<PrintPage, undefined>,
): AsyncGenerator<Uint8Array> {
  const start: PrintFileStart = { keys, recipient }
  const worker = new Worker(new URL('./print-file-thread.ts', import.meta.url), {
    workerData: start,
    env: {},
    name: 'lika-print-file',
  })
  const tell = (message: ToThread) => worker.postMessage(message)
  // Buffered, for the thread may ask for a page while nobody reads. What it throws is thrown here.
  const messages: AsyncIterableIterator<FromThread[]> = on(worker, 'message', { close: ['exit'] })
  try {
    tell({ kind: 'read' })
    for await (const [message] of messages) {
      if (message?.kind === 'need') {
        const next = await pages.next()
        tell({ kind: 'page', page: next.done === true ? undefined : next.value })
      } else if (message?.bytes === undefined) {
        return
      } else {
        yield message.bytes
        tell({ kind: 'read' })
      }
    }
    throw new Error('the thread of the print file has ended')
  } finally {
    await worker.terminate()
  }
}
