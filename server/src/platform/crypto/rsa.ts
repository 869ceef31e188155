/** RSA as payment services use it: PKCS#1 v1.5 signatures over SHA-256, and OAEP with SHA-1 for single short fields. */
import { constants, type KeyObject, privateDecrypt, publicEncrypt, sign, verify } from 'node:crypto'
import { promisify } from 'node:util'

const signed = promisify(sign)

/** Base64. On another thread, as it takes the better part of a millisecond and lanes wait on this one. */
export async function signSha256(key: KeyObject, message: Uint8Array): Promise<string> {
  const signature = await signed('sha256', message, key)
  return signature.toString('base64')
}

/** False for whatever is no such signature, also for what is no base64. */
export function verifySha256(key: KeyObject, message: Uint8Array, signature: string): boolean {
  try {
    return verify('sha256', message, key, Buffer.from(signature, 'base64'))
  } catch {
    return false
  }
}

/** Base64. @throws for more than the key takes: 214 bytes with 2048 bits. */
export function encryptOaep(key: KeyObject, plain: string): string {
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return publicEncrypt({ key, padding, oaepHash: 'sha1' }, Buffer.from(plain)).toString('base64')
}

/** @throws when it was encrypted for another key. */
export function decryptOaep(key: KeyObject, sealed: string): string {
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return privateDecrypt(
    { key, padding, oaepHash: 'sha1' },
    Buffer.from(sealed, 'base64'),
  ).toString()
}
