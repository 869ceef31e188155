/**
 * Authenticated encryption: AES-256-GCM with a random nonce, bound to a context that is not stored with it, so that
 * a sealed value moved to another row does not open.
 *
 * Layout: version (1 byte, 1) · nonce (12) · tag (16) · ciphertext. Nonces are random: one key may seal 2^32 values.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { randomNonce } from './random.ts'

const version = 1
const nonceEnd = 13
const tagEnd = 29

export function sealWith(key: KeyObject, context: string, plain: Uint8Array): Buffer {
  const nonce = randomNonce()
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(context))
  const body = cipher.update(plain)
  cipher.final()
  return Buffer.concat([Buffer.of(version), nonce, cipher.getAuthTag(), body])
}

/** @throws when it was sealed under another key or context, or was changed: a fault, never a refusal. */
export function openWith(key: KeyObject, context: string, sealed: Uint8Array): Buffer {
  if (sealed[0] !== version || sealed.length < tagEnd) throw new Error('not a sealed value')
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, nonceEnd))
  decipher.setAAD(Buffer.from(context))
  decipher.setAuthTag(sealed.subarray(nonceEnd, tagEnd))
  const plain = decipher.update(sealed.subarray(tagEnd))
  decipher.final()
  return plain
}
