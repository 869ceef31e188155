/**
 * The thread of print-file.ts: opens seals, writes CSV, encrypts it for the printer. A secret is plain text here and
 * nowhere else, and not for longer than its line takes.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { encryptToAgeFile, parseAgeRecipient } from '../../platform/age-file.ts'
import { cardKeysOf } from '../../platform/crypto/card-keys.ts'
import { csvLines } from '../../platform/csv.ts'
import type { FromThread, PrintFileStart, PrintPage, ToThread } from './print-file-pages.ts'

const { keys: material, recipient: text }: PrintFileStart = workerData
const keys = cardKeysOf(material)
let arrived: (page: PrintPage | undefined) => void = () => undefined

function nextPage(): Promise<PrintPage | undefined> {
  return new Promise((resolve) => {
    arrived = resolve
    post({ kind: 'need' })
  })
}

async function* rows(): AsyncGenerator<readonly (string | null)[]> {
  for (let page = await nextPage(); page !== undefined; page = await nextPage()) {
    for (const [index, id] of page.ids.entries()) {
      const seal = page.seals[index]
      const secret = seal ? keys.openCard(id, seal).secret : null
      yield [page.numbers[index] ?? '', secret, page.expiresOn[index] ?? null]
    }
  }
}

async function openReader() {
  const recipient = await parseAgeRecipient(text)
  if (!recipient.ok) throw new Error(recipient.refusal.detail)
  const lines = csvLines(['number', 'secret', 'expires_on'], rows())
  return (await encryptToAgeFile(recipient.value, lines)).getReader()
}

let reader: ReturnType<typeof openReader> | undefined

async function read(): Promise<void> {
  reader ??= openReader()
  const { value } = await (await reader).read()
  post({ kind: 'bytes', bytes: value === undefined ? undefined : new Uint8Array(value) })
}

function post(message: FromThread): void {
  parentPort?.postMessage(message)
}

parentPort?.on('message', (message: ToThread) => {
  if (message.kind === 'page') arrived(message.page)
  // What goes wrong ends the thread, and with it the file.
  else void read()
})
