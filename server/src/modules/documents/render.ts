/**
 * Renders a statement on a thread of its own, some hundred lines at a time: setting type never keeps the lanes' thread
 * from its work, and memory does not grow with a statement that is written line by line.
 */
import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { DocumentFormat, StatementHead, StatementParts } from './model.ts'
import type { FromRenderer, RenderStart, ToRenderer } from './render-pages.ts'

/** The bytes of the file. What `parts` throws is thrown to the reader. */
export async function* renderStatement(
  format: DocumentFormat,
  head: StatementHead,
  parts: StatementParts,
): AsyncGenerator<Uint8Array> {
  const start: RenderStart = { format, head }
  const worker = new Worker(new URL('./render-thread.ts', import.meta.url), {
    workerData: start,
    env: {},
    name: 'lika-statement',
  })
  const given = parts[Symbol.asyncIterator]()
  const tell = (message: ToRenderer) => worker.postMessage(message)
  // Buffered, for the thread may ask for a part while nobody reads. What it throws is thrown here.
  const messages: AsyncIterableIterator<FromRenderer[]> = on(worker, 'message', { close: ['exit'] })
  try {
    tell({ kind: 'read' })
    for await (const [message] of messages) {
      if (message?.kind === 'need') {
        const next = await given.next()
        tell({ kind: 'part', part: next.done === true ? undefined : next.value })
      } else if (message?.bytes === undefined) {
        return
      } else {
        yield message.bytes
        tell({ kind: 'read' })
      }
    }
    throw new Error('the thread of the statement has ended')
  } finally {
    await given.return?.()
    await worker.terminate()
  }
}
