/**
 * Holds the keys of a merchant number against each other before they are kept, so that a wrong file is found by who
 * pasted it and not by the first buyer.
 */
import { type Refusal, refusal } from '@lika/contract'
import {
  keyFingerprint,
  type PemKey,
  readCertificate,
  readPrivateKey,
  readPublicKey,
} from '../../platform/crypto/pem-keys.ts'

export const payAlgorithms = ['rsa', 'sm'] as const
export type PayAlgorithm = (typeof payAlgorithms)[number]

/** `certificate`: WeChat signs with platform certificates; `public_key`: with its public key; `both`: it is moving over. */
export const keyModes = ['certificate', 'public_key', 'both'] as const
export type KeyMode = (typeof keyModes)[number]

/** Everything by which a merchant number and WeChat know each other. */
export interface PayKeys {
  readonly algorithm: PayAlgorithm
  readonly keyMode: KeyMode
  /** Of the merchant's API certificate; upper-case hex. */
  readonly certificateSerial: string
  readonly privateKeyPem: string
  /** 32 letters and digits. */
  readonly apiV3Key: string
  /** Of the second protocol, which payment codes go by. */
  readonly apiV2Key: string | null
  /** PUB_KEY_ID_… and the key that WeChat gave for it. */
  readonly publicKeyId: string | null
  readonly publicKeyPem: string | null
  /** The merchant's API certificate itself, which some calls of the second protocol show to WeChat. */
  readonly clientCertificatePem: string | null
}

export interface KeyProblem {
  /** The member that is wrong, as it is called on the wire. */
  readonly path: string
  readonly problem: KeyProblemCode
}

const problemWords = {
  private_key_unreadable: 'is no private key in PEM, or lies under a passphrase',
  private_key_wrong_kind: 'is a key of another kind than the algorithm asks for',
  private_key_too_short: 'is an RSA key of less than 2048 bits',
  public_key_missing: 'is needed where WeChat signs with its public key',
  public_key_unreadable:
    "is no public key in PEM; WeChat's, from the merchant console, belongs here",
  public_key_wrong_kind: 'is a key of another kind than the algorithm asks for',
  public_key_too_short: 'is an RSA key of less than 2048 bits',
  public_key_is_own: "is the merchant's own key; WeChat's, from the merchant console, belongs here",
  client_certificate_unreadable: 'is no certificate in PEM',
  client_certificate_of_other_key: 'belongs to another private key',
  client_certificate_other_serial: 'has another serial number than certificate_serial',
} as const
export type KeyProblemCode = keyof typeof problemWords

/** Everything that is wrong, in the order of the members; empty: they fit. */
export function keyProblems(keys: PayKeys): readonly KeyProblem[] {
  const own = readPrivateKey(keys.privateKeyPem)
  return [
    ...privateKeyProblems(own, keys.algorithm),
    ...publicKeyProblems(keys, own),
    ...clientCertificateProblems(keys, own),
  ]
}

/** Says which member is wrong and how; never what it holds. */
export function keysRefused(problems: readonly KeyProblem[]): Refusal {
  const errors = problems.map(({ path, problem }) => ({ path, message: problemWords[problem] }))
  const detail = errors.map(({ path, message }) => `${path} ${message}.`).join(' ')
  return refusal('wechat_account.keys_invalid', detail, { errors, data: { problems } })
}

function privateKeyProblems(own: PemKey | undefined, algorithm: PayAlgorithm): KeyProblem[] {
  const path = 'private_key_pem'
  if (own === undefined) return [{ path, problem: 'private_key_unreadable' }]
  if (own.kind !== kindOf(algorithm)) return [{ path, problem: 'private_key_wrong_kind' }]
  return isShort(own) ? [{ path, problem: 'private_key_too_short' }] : []
}

function publicKeyProblems(keys: PayKeys, own: PemKey | undefined): KeyProblem[] {
  const { publicKeyId, publicKeyPem, keyMode } = keys
  const isNeeded = keyMode !== 'certificate' || (publicKeyId === null) !== (publicKeyPem === null)
  const missing = [
    ...(publicKeyId === null ? ['public_key_id'] : []),
    ...(publicKeyPem === null ? ['public_key_pem'] : []),
  ]
  const problems: KeyProblem[] = isNeeded
    ? missing.map((path) => ({ path, problem: 'public_key_missing' }))
    : []
  if (publicKeyPem === null) return problems
  const problem = publicKeyProblem(publicKeyPem, keys.algorithm, own)
  return problem === undefined ? problems : [...problems, { path: 'public_key_pem', problem }]
}

function publicKeyProblem(
  pem: string,
  algorithm: PayAlgorithm,
  own: PemKey | undefined,
): KeyProblemCode | undefined {
  const theirs = readPublicKey(pem)
  if (theirs === undefined) return 'public_key_unreadable'
  if (theirs.kind !== kindOf(algorithm)) return 'public_key_wrong_kind'
  if (isShort(theirs)) return 'public_key_too_short'
  const isOwn = own !== undefined && keyFingerprint(own.key).equals(keyFingerprint(theirs.key))
  return isOwn ? 'public_key_is_own' : undefined
}

function clientCertificateProblems(keys: PayKeys, own: PemKey | undefined): KeyProblem[] {
  if (keys.clientCertificatePem === null) return []
  const path = 'v2_client_certificate_pem'
  const certificate = readCertificate(keys.clientCertificatePem)
  if (certificate === undefined) return [{ path, problem: 'client_certificate_unreadable' }]
  if (own !== undefined && !keyFingerprint(certificate.publicKey).equals(keyFingerprint(own.key)))
    return [{ path, problem: 'client_certificate_of_other_key' }]
  const isOther = certificate.serialNumber.toUpperCase() !== keys.certificateSerial.toUpperCase()
  return isOther ? [{ path, problem: 'client_certificate_other_serial' }] : []
}

function kindOf(algorithm: PayAlgorithm): PemKey['kind'] {
  return algorithm === 'rsa' ? 'rsa' : 'sm2'
}

function isShort({ kind, bits = 0 }: PemKey): boolean {
  return kind === 'rsa' && bits < 2048
}
