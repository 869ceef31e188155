/**
 * The bank simulator: a process with an SFTP server, and behind it a bank. It is reached by SFTP and by nothing else,
 * its instructions and its ledger included.
 *
 *   node bank-simulator/src/main.ts --data <folder> --authorized <public key file> [--port 2222] [--encoding utf-8|gbk]
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import ssh2, { type AuthContext, type Connection, type ParsedKey } from 'ssh2'
import { Bank } from './bank.ts'
import { sshKeys } from './keys.ts'
import { serveFolder } from './sftp-folder.ts'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    authorized: { type: 'string' },
    port: { type: 'string', default: '2222' },
    encoding: { type: 'string', default: 'utf-8' },
  },
})
const { data, authorized, port, encoding } = values
if (
  data === undefined ||
  authorized === undefined ||
  (encoding !== 'utf-8' && encoding !== 'gbk')
) {
  process.stderr.write(
    '--data <folder> --authorized <public key file> [--port n] [--encoding utf-8|gbk]\n',
  )
  process.exit(2)
}

const root = join(data, 'files')
mkdirSync(root, { recursive: true })
const bank = new Bank(root, encoding)
const hostKey = readHostKey(join(data, 'host.key'))
const allowed = parseKey(readFileSync(authorized, 'utf8'))
const fingerprint = createHash('sha256').update(parseKey(hostKey).getPublicSSH()).digest('base64')

const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => welcome(client))
server.listen(Number(port), '127.0.0.1', () => {
  const address = server.address()
  const listening = typeof address === 'object' && address !== null ? address.port : port
  process.stdout.write(
    `The bank listens on 127.0.0.1:${listening}, host key SHA256:${fingerprint.replace(/=+$/, '')}\n`,
  )
})

function welcome(client: Connection): void {
  // Of both ends of ssh2; its types know it of one.
  if ('setNoDelay' in client && typeof client.setNoDelay === 'function') client.setNoDelay(true)
  client.on('authentication', (context) => {
    if (isAllowed(context)) context.accept()
    else context.reject(['publickey'])
  })
  client.on('session', (acceptSession) => {
    acceptSession().on('sftp', (acceptSftp) =>
      serveFolder(acceptSftp(), root, (folder, name) => bank.arrived(folder, name)),
    )
  })
  // A client that goes away in the middle of something is everyday life.
  client.on('error', () => client.end())
}

/** Whoever holds the key; under any name. */
function isAllowed(context: AuthContext): boolean {
  if (context.method !== 'publickey') return false
  const isKey = context.key.data.equals(allowed.getPublicSSH())
  if (!isKey || context.signature === undefined || context.blob === undefined) return isKey
  return allowed.verify(context.blob, context.signature, context.hashAlgo) === true
}

function readHostKey(file: string): string {
  if (!existsSync(file)) writeFileSync(file, sshKeys().private, { mode: 0o600 })
  return readFileSync(file, 'utf8')
}

function parseKey(text: string): ParsedKey {
  const parsed = ssh2.utils.parseKey(text)
  if (parsed instanceof Error) throw parsed
  return Array.isArray(parsed) ? parsed[0] : parsed
}
