/** Keys and certificates that the twin makes for itself: the platform's, and the authority that stands behind them. */
import 'reflect-metadata'
import { createPublicKey, generateKeyPair, webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

export interface KeyPair {
  private_pem: string
  public_pem: string
}

export interface MadeCertificate {
  serial_no: string
  pem: string
  effective_at: number
  expires_at: number
}

const makePair = promisify(generateKeyPair)
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

export async function makeRsaKeys(): Promise<KeyPair> {
  const { privateKey, publicKey } = await makePair('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { private_pem: privateKey, public_pem: publicKey }
}

const forSigning = KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment
const authority = 'CN=Tenpay.com Root CA, OU=Tenpay.com CA Center, O=Tenpay.com, C=CN'

/** A certificate of the authority for itself (`subject` left out) or for somebody else's public key. */
export async function certify(
  authorityKeys: KeyPair,
  terms: {
    serial_no: string
    effective_at: number
    expires_at: number
    subject?: { name: string; public_pem: string }
  },
): Promise<MadeCertificate> {
  const isOwn = terms.subject === undefined
  const subject = terms.subject ?? { name: authority, public_pem: authorityKeys.public_pem }
  const certificate = await X509CertificateGenerator.create({
    serialNumber: terms.serial_no,
    issuer: authority,
    subject: subject.name,
    notBefore: new Date(terms.effective_at),
    notAfter: new Date(terms.expires_at),
    publicKey: await publicKeyOf(subject.public_pem),
    signingKey: await privateKeyOf(authorityKeys.private_pem),
    signingAlgorithm: rsa,
    extensions: [
      new BasicConstraintsExtension(isOwn, undefined, true),
      new KeyUsagesExtension(isOwn ? KeyUsageFlags.keyCertSign : forSigning, true),
    ],
  })
  const { serial_no, effective_at, expires_at } = terms
  return { serial_no, pem: certificate.toString('pem'), effective_at, expires_at }
}

function publicKeyOf(pem: string) {
  const bytes = createPublicKey(pem).export({ type: 'spki', format: 'der' })
  return webcrypto.subtle.importKey('spki', bytes, rsa, true, ['verify'])
}

function privateKeyOf(pem: string) {
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  return webcrypto.subtle.importKey('pkcs8', bytes, rsa, true, ['sign'])
}
