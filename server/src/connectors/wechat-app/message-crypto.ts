/**
 * Messages in safe mode: AES-256-CBC under the EncodingAESKey, whose first half is the IV too, padded to blocks of 32.
 * Inside: 16 random bytes, the length, the message, the appid it is for.
 */
import { createDecipheriv } from 'node:crypto'

const randomLength = 16
const blockLength = 32

export interface OpenedMessage {
  readonly message: string
  readonly appid: string
}

/** Undefined: it was encrypted under another key, or is nothing of the kind. */
export function openMessage(encodingAesKey: string, encrypted: string): OpenedMessage | undefined {
  const key = Buffer.from(`${encodingAesKey}=`, 'base64')
  const bytes = Buffer.from(encrypted, 'base64')
  if (key.length !== 32 || bytes.length === 0 || bytes.length % 16 !== 0) return undefined
  const cipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  const plain = unpadded(Buffer.concat([cipher.update(bytes), cipher.final()]))
  if (plain === undefined || plain.length < randomLength + 4) return undefined
  const start = randomLength + 4
  const end = start + plain.readUInt32BE(randomLength)
  if (end > plain.length) return undefined
  return {
    message: plain.subarray(start, end).toString('utf8'),
    appid: plain.subarray(end).toString('utf8'),
  }
}

/** PKCS#7 with blocks of 32, every byte of it looked at. */
function unpadded(bytes: Buffer): Buffer | undefined {
  const length = bytes.at(-1) ?? 0
  if (length < 1 || length > blockLength || length > bytes.length) return undefined
  const padding = bytes.subarray(bytes.length - length)
  return padding.every((byte) => byte === length)
    ? bytes.subarray(0, bytes.length - length)
    : undefined
}
