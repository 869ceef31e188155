/** API tokens, session tokens and webhook secrets: made here once, kept as a digest or sealed, never in the clear. */
import { hash } from 'node:crypto'
import { randomBytes } from './random.ts'

export type TokenKind = 'test' | 'live' | 'operator'

export type NewToken = {
  /** `lika_test_…`, shown once. */
  token: string
  /** What is stored: see `digestToken`. */
  digest: Buffer
  /** By which people tell their keys apart. */
  last4: string
}

/** 192 random bits as 32 characters of base64url behind the prefix that says the mode. */
export function apiToken(kind: TokenKind): NewToken {
  const token = `lika_${kind}_${randomBytes(24).toString('base64url')}`
  return { token, digest: digestToken(token), last4: token.slice(-4) }
}

/** SHA-256 without a key: nobody searches 192 bits, and the lookup needs no master key. */
export function digestToken(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

/** Of a session in the wallet; which mode it is for is known from the session. */
export function walletToken(): Omit<NewToken, 'last4'> {
  const token = `lika_wallet_${randomBytes(24).toString('base64url')}`
  return { token, digest: digestToken(token) }
}

/** The secret of a webhook endpoint in the form of Standard Webhooks: `whsec_` and 32 bytes in base64. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}
