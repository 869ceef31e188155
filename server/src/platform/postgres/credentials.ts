/** The embedded server's generated passwords and its port, kept in `<data folder>/postgres.json` (0600). */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CannotStart } from '../cannot-start.ts'

export type Credentials = { ownerPassword: string; appPassword: string; port?: number }

/** Generated on the first start; `initialised` says that there is a book that needs the ones it was made with. */
export function readCredentials(dataDir: string, initialised: boolean): Credentials {
  const file = fileIn(dataDir)
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'))
  if (initialised) {
    throw new CannotStart(
      'credentials.missing',
      `${file} is missing; without its passwords nobody gets at the book. Restore the file from the backup of ${dataDir}.`,
    )
  }
  const fresh = { ownerPassword: newPassword(), appPassword: newPassword() }
  writeCredentials(dataDir, fresh)
  return fresh
}

export function writeCredentials(dataDir: string, credentials: Credentials): void {
  const draft = `${fileIn(dataDir)}.new`
  writeFileSync(draft, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, fileIn(dataDir))
}

/** What PostgreSQL keeps of a password (RFC 5803), so that the password itself never stands in a statement. */
export function scramVerifier(password: string): string {
  const salt = randomBytes(16)
  const iterations = 4096
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const keyed = (label: string) => createHmac('sha256', salted).update(label).digest()
  const storedKey = createHash('sha256').update(keyed('Client Key')).digest('base64')
  const serverKey = keyed('Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}

function newPassword(): string {
  return randomBytes(24).toString('hex')
}

function fileIn(dataDir: string): string {
  return join(dataDir, 'postgres.json')
}
