/** The thread of render.ts: asks for parts, writes the format that is wanted, gives out bytes when asked. */
import { parentPort, workerData } from 'node:worker_threads'
import { statementCsv } from './csv.ts'
import type { DocumentFormat, StatementHead, StatementPart, StatementParts } from './model.ts'
import { statementPdf } from './pdf.ts'
import type { FromRenderer, RenderStart, ToRenderer } from './render-pages.ts'
import { statementXlsx } from './xlsx.ts'

const { format, head }: RenderStart = workerData
let arrived: (part: StatementPart | undefined) => void = () => undefined

async function* parts(): AsyncGenerator<StatementPart> {
  for (let part = await nextPart(); part !== undefined; part = await nextPart()) yield part
}

function nextPart(): Promise<StatementPart | undefined> {
  return new Promise((resolve) => {
    arrived = resolve
    post({ kind: 'need' })
  })
}

const writers: Record<
  DocumentFormat,
  (head: StatementHead, parts: StatementParts) => AsyncIterable<string | Uint8Array>
> = { csv: statementCsv, xlsx: statementXlsx, pdf: statementPdf }

const pieces = writers[format](head, parts())[Symbol.asyncIterator]()

async function read(): Promise<void> {
  const { done, value } = await pieces.next()
  const bytes = done === true ? undefined : new Uint8Array(Buffer.from(value))
  post({ kind: 'bytes', bytes })
}

function post(message: FromRenderer): void {
  parentPort?.postMessage(message)
}

parentPort?.on('message', (message: ToRenderer) => {
  if (message.kind === 'part') arrived(message.part)
  // What goes wrong ends the thread, and with it the file.
  else void read()
})
