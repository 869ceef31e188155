/** The thread of reader.ts: parses a card file and turns its secrets into digests, which is all that leaves it. */
import { parentPort, workerData } from 'node:worker_threads'
import { cardSecretDigest } from '../../platform/crypto/card-keys.ts'
import { nameDigestUnder } from '../../platform/crypto/keyring.ts'
import { fileChunks } from './chunks.ts'
import type { FromReader, ReaderStart, ToReader } from './reader-messages.ts'

const start: ReaderStart = workerData
let arrived: (bytes: Uint8Array | undefined) => void = () => undefined

function nextBytes(): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    arrived = resolve
    post({ kind: 'need' })
  })
}

async function* bytes(): AsyncGenerator<Uint8Array> {
  for (let some = await nextBytes(); some !== undefined; some = await nextBytes()) yield some
}

const chunks = fileChunks(bytes(), {
  ...start,
  digestSecret: (cardId, secret) => cardSecretDigest(start.cardSecrets, cardId, secret),
  digestNumber: (number) => nameDigestUnder(start.names, start.book, start.nameKind, number),
})

async function read(): Promise<void> {
  const next = await chunks.next()
  post({ kind: 'chunk', chunk: next.done === true ? undefined : next.value })
}

function post(message: FromReader): void {
  parentPort?.postMessage(message)
}

parentPort?.on('message', (message: ToReader) => {
  if (message.kind === 'bytes') arrived(message.bytes)
  // What goes wrong ends the thread, and with it the reading.
  else void read()
})
