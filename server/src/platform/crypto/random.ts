/**
 * Randomness for secrets, digits and keys, all of it from the operating system's CSPRNG and none of it biased.
 * Small draws come from a pool: a call of the system for each digit would cost more than a card.
 */
import { randomFillSync, randomBytes as systemRandomBytes } from 'node:crypto'

/** Crockford's base32: no I, L, O, U. */
export const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Characters of a card secret: 80 bits. */
const secretLength = 16

const pool = Buffer.alloc(4096)
let poolAt = pool.length

/** `count` decimal digits, each as likely as the others. */
export function randomDigits(count: number): string {
  let digits = ''
  while (digits.length < count) {
    const byte = randomByte()
    // 250–255 would make the digits 0–5 likelier.
    if (byte < 250) digits += byte % 10
  }
  return digits
}

/** The secret of a new card: 16 Crockford characters, 80 bits. */
export function randomSecret(): string {
  let secret = ''
  // 256 is a multiple of 32: the low five bits of a byte are unbiased.
  while (secret.length < secretLength) secret += crockford[randomByte() & 31]
  return secret
}

/** Bytes for keys and nonces. */
export function randomBytes(length: number): Buffer {
  return systemRandomBytes(length)
}

/** Fills twelve bytes of a nonce from the pool. */
export function randomNonce(): Buffer {
  const nonce = Buffer.allocUnsafe(12)
  for (let at = 0; at < nonce.length; at += 1) nonce[at] = randomByte()
  return nonce
}

/** A number in [0, 1), to spread retries in time. */
export function randomFraction(): number {
  return systemRandomBytes(6).readUIntBE(0, 6) / 2 ** 48
}

function randomByte(): number {
  if (poolAt === pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  const byte = pool[poolAt] ?? 0
  // What was given out is not kept for a later look into this memory.
  pool[poolAt] = 0
  poolAt += 1
  return byte
}
