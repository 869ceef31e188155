/**
 * Numbers and secrets of cards: how a presented one is read, whether it is right, and how new ones are minted. What
 * a holder types is forgiven (case, gaps, letters that look like digits); what is compared is one canonical form.
 */
import {
  asId,
  type CardId,
  cardNumber,
  type Lane,
  randomDigits as randomDigitsOfNumber,
} from '@lika/contract'
import type { CardKeys } from '../../platform/crypto/card-keys.ts'
import { sameBytes } from '../../platform/crypto/compare.ts'
import { randomDigits, randomSecret } from '../../platform/crypto/random.ts'
import { newId } from '../../platform/ids.ts'

/** What a new card is made of. Its secret is in `sealed` only: see `CardKeys.openCard`. */
export type MintedCard = {
  id: CardId
  number: string
  secretDigest: Uint8Array
  sealed: Uint8Array
}

/** `prefix`: the issuer's four digits. */
export type MintRequest = { lane: Lane; prefix: string; count: number }

export type MintedSecret = { secret: string; secretDigest: Buffer; sealed: Buffer }

/**
 * A presented card number in the form in which numbers are stored: ours and imported ones alike without gaps and
 * dashes, letters in upper case, full-width characters as plain ones.
 */
export function normalizeNumber(text: string): string {
  return text.normalize('NFKC').replaceAll(/[\s-]/g, '').toUpperCase()
}

/**
 * A presented secret in Crockford's canonical form: upper case, without gaps and dashes, O as 0, I and L as 1;
 * undefined when it is not 16 characters of that alphabet.
 */
export function parseSecret(text: string): string | undefined {
  const plain = text
    .normalize('NFKC')
    .replaceAll(/[\s-]/g, '')
    .toUpperCase()
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1')
  return /^[0-9A-HJKMNP-TV-Z]{16}$/.test(plain) ? plain : undefined
}

/**
 * Whether `presented` is the secret behind that digest. Secrets of imported cards are what they were, to the
 * letter; a card of either origin may since have got one of ours. So both readings are compared, in constant time.
 * A card without a digest has no right secret, and takes as long to say so.
 */
export function isRightSecret(
  card: { id: string; secretDigest: Uint8Array | null },
  presented: string,
  keys: CardKeys,
): boolean {
  const literal = presented.trim()
  const ours = parseSecret(presented) ?? literal
  const expected = card.secretDigest ?? nothing
  const matches = [literal, ours].map((form) =>
    sameBytes(keys.secretDigest(card.id, form), expected),
  )
  return matches.includes(true)
}

/** Compared with where there is no digest: HMAC-SHA-256 has 32 bytes, and these never come out of it. */
const nothing = new Uint8Array(32)

/** A new secret for a card that exists or is just being made. */
export function mintSecret(cardId: string, number: string, keys: CardKeys): MintedSecret {
  const secret = randomSecret()
  return {
    secret,
    secretDigest: keys.secretDigest(cardId, secret),
    sealed: keys.sealCard(cardId, { number, secret }),
  }
}

/**
 * New cards of one lane, no number twice among them. A number may be taken already: of a million cards with that
 * prefix and lane, one in 10,000 new ones meets it, so the caller asks the database and mints those again.
 */
export function mintCards(request: MintRequest, keys: CardKeys): MintedCard[] {
  const numbers = new Set<string>()
  while (numbers.size < request.count) {
    numbers.add(cardNumber(request.prefix, request.lane, randomDigits(randomDigitsOfNumber)))
  }
  return Array.from(numbers, (number) => {
    const id: CardId = asId(newId(request.lane))
    const { secretDigest, sealed } = mintSecret(id, number, keys)
    return { id, number, secretDigest, sealed }
  })
}
