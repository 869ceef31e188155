/**
 * Everything that is done with the master key: keyed digests and sealing. Each purpose has a subkey of its own
 * (HKDF-SHA-256), so that what leaks of one says nothing about another, and a digest made for one purpose is never
 * valid for another.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { type CardKeyMaterial, type CardKeys, cardKeysOf } from './card-keys.ts'
import { randomBytes } from './random.ts'
import { openWith, sealWith } from './seal.ts'

export const masterKeyLength = 32

/** What may be sealed. Cards and persons have functions of their own. */
export type SealPurpose = 'webhook-secret' | 'job-input' | 'payout-account' | 'wechat-credentials'

/** A person's data and the key it lies under, itself under the master key. */
export type SealedPerson = { sealedKey: Buffer; sealed: Buffer }

export interface Keyring extends CardKeys {
  /** Of a name that comes from outside (order number, imported card number): 16 bytes for the directory. */
  nameDigest(bookId: string, kind: number, name: string): Buffer
  /** Of what somebody presented when guessing: 16 bytes, so that counters do not hold card numbers. */
  guessDigest(subject: string): Buffer
  /** The six digits that make a pay code ours. `step` is the whole time step, not the six digits in the code. */
  readonly payCodeMac: (lane: number, handle: number, step: number) => string
  /** Of a login that went to WeChat: 16 bytes, so that what comes back is known to have been begun here. */
  readonly loginMac: (text: string) => Buffer
  seal(purpose: SealPurpose, context: string, plain: Uint8Array): Buffer
  /** @throws when key, purpose, context or value is another one. */
  open(purpose: SealPurpose, context: string, sealed: Uint8Array): Buffer
  /** Under a new random key that is itself sealed under the master key. */
  sealPerson(personId: string, plain: Uint8Array): SealedPerson
  /** @throws when the person, the key or the value is another one. */
  openPerson(personId: string, person: { sealedKey: Uint8Array; sealed: Uint8Array }): Buffer
  /** Stored in the database; tells another master key apart without telling anything about this one. */
  keyCheck(): Buffer
  /** What a worker needs to mint cards, and nothing else. */
  cardKeyMaterial(): CardKeyMaterial
  /** What a worker needs for `nameDigestUnder`. */
  nameKeyMaterial(): KeyObject
}

export function keyringOf(masterKey: Uint8Array): Keyring {
  if (masterKey.length !== masterKeyLength) throw new Error('a master key has 32 bytes')
  const derived = (purpose: string) =>
    Buffer.from(hkdfSync('sha256', masterKey, 'lika', purpose, masterKeyLength))
  const subkey = (purpose: string) => createSecretKey(derived(purpose))
  const cardMaterial = { digest: subkey('card-secret'), seal: subkey('seal:card') }
  const names = subkey('name')
  const guesses = subkey('guess')
  const payCodes = subkey('pay-code')
  const persons = subkey('seal:person')
  const logins = subkey('wallet-login')
  const sealing: Record<SealPurpose, KeyObject> = {
    'webhook-secret': subkey('seal:webhook-secret'),
    'job-input': subkey('seal:job-input'),
    'payout-account': subkey('seal:payout-account'),
    'wechat-credentials': subkey('seal:wechat-credentials'),
  }
  return {
    ...cardKeysOf(cardMaterial),
    nameDigest: (bookId, kind, name) => nameDigestUnder(names, bookId, kind, name),
    guessDigest: (subject) => digest16(guesses, subject),
    payCodeMac: (lane, handle, step) => {
      const mac = createHmac('sha256', payCodes).update(`${lane}:${handle}:${step}`).digest()
      // 48 bits over a million: the bias is one in 10^8.
      return String(mac.readUIntBE(0, 6) % 1_000_000).padStart(6, '0')
    },
    loginMac: (text) => digest16(logins, text),
    seal: (purpose, context, plain) => sealWith(sealing[purpose], context, plain),
    open: (purpose, context, sealed) => openWith(sealing[purpose], context, sealed),
    sealPerson: (personId, plain) => {
      const key = randomBytes(masterKeyLength)
      return {
        sealedKey: sealWith(persons, personId, key),
        sealed: sealWith(createSecretKey(key), personId, plain),
      }
    },
    openPerson: (personId, { sealedKey, sealed }) =>
      openWith(createSecretKey(openWith(persons, personId, sealedKey)), personId, sealed),
    keyCheck: () => derived('key-check'),
    cardKeyMaterial: () => cardMaterial,
    nameKeyMaterial: () => names,
  }
}

/** As `Keyring.nameDigest`, for threads that hold this one key. */
export function nameDigestUnder(
  key: KeyObject,
  bookId: string,
  kind: number,
  name: string,
): Buffer {
  return digest16(key, `${bookId}:${kind}:${name}`)
}

function digest16(key: KeyObject, text: string): Buffer {
  return Buffer.from(createHmac('sha256', key).update(text).digest('hex').slice(0, 32), 'hex')
}
