/** Keys and certificates in PEM, as people paste them: read without a throw, and told apart by what they are. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  X509Certificate,
} from 'node:crypto'

export type PemKeyKind = 'rsa' | 'sm2' | 'other'

export interface PemKey {
  readonly kind: PemKeyKind
  readonly key: KeyObject
  /** Of an RSA key's modulus. */
  readonly bits: number | undefined
}

/** `1.2.156.10197.1.301`, which is how a key says that it is for SM2; Node's own type of it is `undefined`. */
const sm2Curve = Buffer.from('06082a811ccf5501822d', 'hex')

/** Undefined: no private key that OpenSSL reads, or one under a passphrase. */
export function readPrivateKey(pem: string): PemKey | undefined {
  try {
    const key = createPrivateKey(pem)
    return describe(key, createPublicKey(key))
  } catch {
    return undefined
  }
}

/** Also from a certificate. Undefined: neither; and never from a private key, which nobody should paste there. */
export function readPublicKey(pem: string): PemKey | undefined {
  if (pem.includes('PRIVATE KEY')) return undefined
  try {
    const key = createPublicKey(pem)
    return describe(key, key)
  } catch {
    return undefined
  }
}

export function readCertificate(pem: string): X509Certificate | undefined {
  if (!pem.includes('BEGIN CERTIFICATE')) return undefined
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

/** SHA-256 of the SPKI form of the public half: by it people tell their keys apart, and private from public finds its pair. */
export function keyFingerprint(key: KeyObject): Buffer {
  const half = key.type === 'private' ? createPublicKey(key) : key
  return hash('sha256', half.export({ type: 'spki', format: 'der' }), 'buffer')
}

function describe(key: KeyObject, half: KeyObject): PemKey {
  if (key.asymmetricKeyType === 'rsa')
    return { kind: 'rsa', key, bits: key.asymmetricKeyDetails?.modulusLength }
  const spki = half.export({ type: 'spki', format: 'der' })
  return { kind: spki.includes(sm2Curve) ? 'sm2' : 'other', key, bits: undefined }
}

/** A new RSA key of 2048 bits, both halves in PEM. */
export function newRsaKeys(): { readonly privateKey: string; readonly publicKey: string } {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}
