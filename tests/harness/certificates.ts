/** Certificates for tests, by the openssl command line, which shares no code with what reads them. */
import { execFileSync } from 'node:child_process'
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './server.ts'

/** `key`: the certificate's own, or that of the PEM that is given. */
export function selfSigned(
  keyPem?: string,
  options: { serial?: string; altNames?: string } = {},
): { pem: string; key: KeyObject; keyPem: string } {
  const folder = temporaryFolder('lika-certificate-')
  const [keyFile, file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  if (keyPem !== undefined) writeFileSync(keyFile, keyPem, { mode: 0o600 })
  const key = keyPem === undefined ? ['-newkey', 'rsa:2048', '-nodes', '-keyout'] : ['-new', '-key']
  const more = [
    ...(options.serial === undefined ? [] : ['-set_serial', `0x${options.serial}`]),
    ...(options.altNames === undefined ? [] : ['-addext', `subjectAltName=${options.altNames}`]),
  ]
  execFileSync(
    'openssl',
    ['req', '-x509', ...key, keyFile, '-out', file, '-days', '30', '-subj', '/CN=lika', ...more],
    { stdio: 'ignore' },
  )
  const made = { pem: readFileSync(file, 'utf8'), keyPem: readFileSync(keyFile, 'utf8') }
  rmSync(folder, { recursive: true, force: true })
  return { ...made, key: createPrivateKey(made.keyPem) }
}
