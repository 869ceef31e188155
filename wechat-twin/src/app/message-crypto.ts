/**
 * How WeChat seals what it posts to a callback in safe mode: AES-256-CBC over 16 random bytes, the length, the message
 * and the appid, padded to blocks of 32. Written on node:crypto from the fact sheet, and on nothing else.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'

const block = 32
const header = 20

/** 43 letters and digits; the key itself has 32 bytes. */
export function isEncodingAesKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{43}$/.test(text)
}

/** `random` are the 16 bytes that make two equal messages differ. */
export function seal(key: string, appid: string, message: string, random: Uint8Array): string {
  const text = Buffer.from(message)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  const plain = Buffer.concat([random, length, text, Buffer.from(appid)])
  const padding = block - (plain.length % block)
  const { secret, iv } = secretOf(key)
  const cipher = createCipheriv('aes-256-cbc', secret, iv).setAutoPadding(false)
  const padded = Buffer.concat([plain, Buffer.alloc(padding, padding)])
  return Buffer.concat([cipher.update(padded), cipher.final()]).toString('base64')
}

export interface Opened {
  readonly message: string
  /** The app that it was sealed for: the reader has to compare it with its own. */
  readonly appid: string
}

/** undefined: not sealed with this key, or not whole. */
export function open(key: string, sealed: string): Opened | undefined {
  const bytes = Buffer.from(sealed, 'base64')
  if (bytes.length === 0 || bytes.length % 16 !== 0) return undefined
  const { secret, iv } = secretOf(key)
  const decipher = createDecipheriv('aes-256-cbc', secret, iv).setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(bytes), decipher.final()])
  const padding = padded.at(-1) ?? 0
  const isPadded =
    padding >= 1 && padding <= block && padded.subarray(-padding).every((byte) => byte === padding)
  if (!isPadded || padded.length - padding < header) return undefined
  const plain = padded.subarray(0, -padding)
  const end = header + plain.readUInt32BE(16)
  if (end > plain.length) return undefined
  return {
    message: plain.toString('utf8', header, end),
    appid: plain.toString('utf8', end),
  }
}

function secretOf(key: string): { readonly secret: Buffer; readonly iv: Buffer } {
  const secret = Buffer.from(`${key}=`, 'base64')
  return { secret, iv: secret.subarray(0, 16) }
}
