/**
 * Signatures by the Standard Webhooks scheme: HMAC-SHA-256 over `id.timestamp.body` under a key that only the
 * receiver and Lika know, written `whsec_` and base64.
 */
import { createHmac } from 'node:crypto'
import type { Instant } from '@lika/contract'

/** The scheme asks for 24 to 64 bytes. */
export const secretBytes = 32

export function formatSecret(key: Uint8Array): string {
  return `whsec_${Buffer.from(key).toString('base64')}`
}

/** `at`: real time, also for events of test mode: receivers refuse what is far from their own clock. */
export function signedHeaders(
  key: Uint8Array,
  id: string,
  at: Instant,
  body: string,
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(at / 1000))
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  }
}
