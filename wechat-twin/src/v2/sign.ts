/**
 * Signatures of WeChat Pay V2: the members that are not empty, sorted by name, the API key at the end, digested by MD5 or
 * HMAC-SHA256 and written in upper-case hexadecimal.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export type SignType = 'MD5' | 'HMAC-SHA256'

export function isSignType(text: string): text is SignType {
  return text === 'MD5' || text === 'HMAC-SHA256'
}

/** What is signed: `sign` itself and empty members do not count. */
export function signedText(
  members: Iterable<readonly [string, string | number | undefined]>,
): string {
  return [...members]
    .filter(([name, value]) => name !== 'sign' && value !== undefined && value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

export function signV2(
  members: Iterable<readonly [string, string | number | undefined]>,
  type: SignType,
  key: string,
): string {
  const text = `${signedText(members)}&key=${key}`
  const digest = type === 'MD5' ? createHash('md5') : createHmac('sha256', key)
  return digest.update(text, 'utf8').digest('hex').toUpperCase()
}

/** Whether `sign` among the members is what the key makes of the others. */
export function verifyV2(
  members: ReadonlyMap<string, string>,
  type: SignType,
  key: string,
): boolean {
  const given = Buffer.from(members.get('sign') ?? '', 'utf8')
  const made = Buffer.from(signV2(members, type, key), 'utf8')
  return given.length === made.length && timingSafeEqual(given, made)
}
