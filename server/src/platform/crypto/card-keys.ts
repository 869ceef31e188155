/** The two keys of card secrets: one to recognise a presented secret, one to seal those nobody has seen yet. */
import { createHmac, type KeyObject } from 'node:crypto'
import { openWith, sealWith } from './seal.ts'

/**
 * Subkeys, so that a worker that mints cards never holds the master key. As key objects they go to another thread
 * without their bytes being handed around, and work five times as fast as bytes would.
 */
export type CardKeyMaterial = { digest: KeyObject; seal: KeyObject }

/** What is printed on a card: shown to its holder or the printer once. */
export type CardFace = { number: string; secret: string }

export interface CardKeys {
  /**
   * HMAC-SHA-256 over card and secret, 32 bytes. The secret comes as `normalizeSecret` leaves it; the same secret
   * on two cards has two digests.
   */
  secretDigest(cardId: string, secret: string): Buffer
  sealCard(cardId: string, face: CardFace): Buffer
  /** @throws when it was sealed for another card or under another key. */
  openCard(cardId: string, sealed: Uint8Array): CardFace
}

export function cardKeysOf(material: CardKeyMaterial): CardKeys {
  return {
    secretDigest: (cardId, secret) => cardSecretDigest(material.digest, cardId, secret),
    sealCard: (cardId, { number, secret }) =>
      sealWith(material.seal, cardId, Buffer.from(`${number}\n${secret}`)),
    openCard: (cardId, sealed) => {
      const text = openWith(material.seal, cardId, sealed).toString()
      const end = text.indexOf('\n')
      return { number: text.slice(0, end), secret: text.slice(end + 1) }
    },
  }
}

/** As `CardKeys.secretDigest`, for threads that hold this one key. */
export function cardSecretDigest(key: KeyObject, cardId: string, secret: string): Buffer {
  return createHmac('sha256', key).update(`${cardId}:${secret}`).digest()
}
