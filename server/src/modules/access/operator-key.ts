/** The operator's key: a file beside the data, of which the database knows the digest. Made once. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { CannotStart } from '../../platform/cannot-start.ts'
import { apiToken, digestToken } from '../../platform/crypto/tokens.ts'
import type { Sql } from '../../platform/db.ts'
import { codeOf } from '../../platform/db-faults.ts'
import { insertOperatorDigest } from './store.ts'

/**
 * Sees to it that the bare token in `file` (mode 0600) opens this database. A file that is there stays as it is,
 * so that a restored folder or a second server keeps its key.
 * @throws CannotStart `operator_key.invalid`, `operator_key.unreadable`
 * @returns the token
 */
export async function ensureOperatorKey(sql: Sql, file: string): Promise<string> {
  const token = readToken(file) ?? makeToken(file)
  if (!/^lika_operator_[\w-]{16,100}$/.test(token)) {
    throw new CannotStart(
      'operator_key.invalid',
      `${file} does not hold an operator key (lika_operator_…). Put the right one back, or remove the file and a new one is made.`,
    )
  }
  await insertOperatorDigest(sql, digestToken(token))
  return token
}

function readToken(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw unusable(file, error)
  }
}

function makeToken(file: string): string {
  const { token } = apiToken('operator')
  try {
    // Fails where another process was faster, rather than taking its key away.
    const handle = openSync(file, 'wx', 0o600)
    writeSync(handle, token)
    fsyncSync(handle)
    closeSync(handle)
    return token
  } catch (error) {
    throw unusable(file, error)
  }
}

function unusable(file: string, error: unknown): CannotStart {
  return new CannotStart(
    'operator_key.unreadable',
    `The operator key in ${file} cannot be read or written (${codeOf(error) ?? 'unknown reason'}). Give Lika's user the right to do so.`,
    error,
  )
}
