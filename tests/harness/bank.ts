/** The bank simulator as a process, and what a test says to it: all by SFTP, as everything else that is said to it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sshKeys } from '../../bank-simulator/src/keys.ts'
import { bankFiles } from '../../server/src/connectors/bank-file.ts'
import type { BankEncoding } from '../../server/src/connectors/bank-file-format.ts'
import { Sftp, type SftpAddress } from '../../server/src/connectors/bank-sftp.ts'
import { cleanUpAfter, temporaryFolder } from './server.ts'
import { root } from './start.ts'

export type BankAnswerName =
  | 'success'
  | 'failure'
  | 'partial'
  | 'late'
  | 'doubled'
  | 'lost_answer'
  | 'lost_file'
  | 'returned'
  | 'unattended'

/** A payment that the bank made. */
export type BankPayment = {
  serial: string
  reference: string
  account: string
  name: string
  amount: string
}

export type Bank = Awaited<ReturnType<typeof startBank>>

export async function startBank(encoding: BankEncoding = 'utf-8') {
  const folder = temporaryFolder('lika-bank-')
  const keys = sshKeys()
  const keyFile = join(folder, 'client.key')
  writeFileSync(keyFile, keys.private, { mode: 0o600 })
  writeFileSync(join(folder, 'client.pub'), keys.public)
  const { child, port, hostKey } = await run(folder, encoding)
  const address: SftpAddress = {
    host: '127.0.0.1',
    port,
    user: 'lika',
    privateKey: keys.private,
    hostKey,
  }
  const log = { warn: () => {} }

  async function visit<T>(work: (sftp: Sftp) => Promise<T>): Promise<T> {
    const sftp = await Sftp.open(address)
    try {
      return await work(sftp)
    } finally {
      sftp.close()
    }
  }

  const put = (path: string, bytes: Buffer) => visit((sftp) => sftp.write(path, bytes))
  const fetchFile = (path: string) =>
    visit(async (sftp) => {
      const [, parent = '', name = ''] = /^(.*)\/([^/]+)$/.exec(path) ?? []
      return (await sftp.list(parent)).includes(name) ? sftp.read(path) : Buffer.alloc(0)
    })

  return {
    address,
    keyFile,
    encoding,
    /** The environment of a server whose bank of the test mode this is. */
    env: {
      LIKA_BANK_TEST_URL: `sftp://lika@127.0.0.1:${port}/`,
      LIKA_BANK_TEST_HOST_KEY: hostKey,
      LIKA_BANK_TEST_KEY_FILE: keyFile,
      LIKA_BANK_TEST_ENCODING: encoding,
    },
    channel: () => bankFiles(address, { encoding, log }),
    /** What becomes of the next orders. */
    next: (...answers: BankAnswerName[]) =>
      put('/control/next.json', Buffer.from(JSON.stringify(answers))),
    /** Now the bank says what it withheld. */
    deliver: () => put('/control/deliver', Buffer.alloc(0)),
    put,
    fetch: fetchFile,
    rename: (from: string, to: string) => visit((sftp) => sftp.rename(from, to)),
    list: (path: string) => visit((sftp) => sftp.list(path)),
    /** Every payment that it made, in their order. */
    paid: async (): Promise<BankPayment[]> => {
      const lines = (await fetchFile('/ledger/paid.csv')).toString().split('\n').slice(0, -1)
      return lines.map((line) => {
        const [serial = '', reference = '', account = '', name = '', amount = ''] = line.split(',')
        return { serial, reference, account, name, amount }
      })
    },
    /** Orders and references that came to it more than once. */
    duplicates: async (): Promise<string[]> => {
      const bytes = await fetchFile('/ledger/books.json')
      return bytes.length === 0 ? [] : JSON.parse(bytes.toString()).duplicates
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        await exited
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function run(folder: string, encoding: BankEncoding) {
  const main = join(root, 'bank-simulator/src/main.ts')
  const options = ['--data', folder, '--authorized', join(folder, 'client.pub'), '--port', '0']
  const child: ChildProcess = spawn(process.execPath, [main, ...options, '--encoding', encoding], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (child.pid !== undefined) cleanUpAfter(process.pid, child.pid, folder)
  let said = ''
  const ready = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text: Buffer) => {
      said += text.toString()
      if (said.includes('listens on')) ready.resolve()
    })
  child.once('exit', () => ready.reject(new Error(`the bank did not start: ${said}`)))
  await ready.promise
  const [, port = '', hostKey = ''] = /127\.0\.0\.1:(\d+), host key (\S+)/.exec(said) ?? []
  return { child, port: Number(port), hostKey }
}
