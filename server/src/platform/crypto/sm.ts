/**
 * SM2, SM3 and SM4-GCM. Signatures go through OpenSSL in a way that Node does not document, so the published vectors are
 * run before it is believed; the library does what OpenSSL here does not have, and the signatures where it fails them.
 */
import { createHash, createPublicKey, createSign, createVerify, type KeyObject } from 'node:crypto'
import { sm2, sm4 } from 'sm-crypto-v2'
import { sm2Vector, sm3Vector, sm4GcmVector } from './sm-vectors.ts'

/** The user id of GM/T 0009 for those who have agreed on none. */
const userId = '1234567812345678'

/** Of a key that was read from PEM or DER: one fresh from `generateKeyPair` would sign plain ECDSA. */
export interface Sm2Signer {
  /** DER of (r, s). */
  sign(key: KeyObject, message: Uint8Array): Buffer
  verify(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean
}

export interface Sm extends Sm2Signer {
  /** Who signs. */
  readonly signer: 'native' | 'library'
  /** ASN.1 of C1C3C2. */
  encrypt(key: KeyObject, plain: Uint8Array): Buffer
  /** @throws when it was encrypted for another key. */
  decrypt(key: KeyObject, sealed: Uint8Array): Buffer
  /** `sealed`: ciphertext and then the tag. @throws when key, nonce, data or text is another one. */
  openGcm(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Buffer
}

/** Z of the public key before the message: with it OpenSSL's raw SM2 over SM3 becomes the standard's signature. */
const nativeSigner: Sm2Signer = {
  sign: (key, message) => createSign('sm3').update(zOf(key)).update(message).sign(key),
  verify: (key, message, signature) =>
    createVerify('sm3').update(zOf(key)).update(message).verify(key, signature),
}

const librarySigner: Sm2Signer = {
  sign: (key, message) =>
    Buffer.from(
      sm2.doSignature(message, scalarOf(key), {
        hash: true,
        der: true,
        publicKey: pointOf(key),
        userId,
      }),
      'hex',
    ),
  verify: (key, message, signature) =>
    sm2.doVerifySignature(message, Buffer.from(signature).toString('hex'), pointOf(key), {
      hash: true,
      der: true,
      userId,
    }),
}

/** After a self-test with published vectors. @throws when not even the library passes them. */
export function openSm(native: Sm2Signer = nativeSigner): Sm {
  const isNative = signsBySm2(native)
  if (!isNative && !signsBySm2(librarySigner)) throw new Error('SM2 fails its published vector')
  if (createHash('sm3').update(sm3Vector.message).digest('hex') !== sm3Vector.digest)
    throw new Error('SM3 fails its published vector')
  const { key, nonce, aad, plain, sealed } = sm4GcmVector
  if (!openGcm(key, nonce, aad, sealed).equals(plain))
    throw new Error('SM4-GCM fails its published vector')
  const signer = isNative ? native : librarySigner
  return { ...signer, signer: isNative ? 'native' : 'library', encrypt, decrypt, openGcm }
}

/** The first 128 bits of SM3 of a text. */
export function sm3Key(text: string): Buffer {
  return createHash('sm3').update(text).digest().subarray(0, 16)
}

/** Verifies the vector, nothing but the vector, and what it has signed itself by the other way of verifying. */
function signsBySm2(signer: Sm2Signer): boolean {
  const { publicKey, privateKey, message, signature } = sm2Vector
  const changed = Buffer.from(`${message.toString()}.`)
  try {
    return (
      signer.verify(publicKey, message, signature) &&
      !signer.verify(publicKey, changed, signature) &&
      librarySigner.verify(publicKey, message, signer.sign(privateKey, message))
    )
  } catch {
    return false
  }
}

function encrypt(key: KeyObject, plain: Uint8Array): Buffer {
  return Buffer.from(sm2.doEncrypt(plain, pointOf(key), 1, { asn1: true }), 'hex')
}

function decrypt(key: KeyObject, sealed: Uint8Array): Buffer {
  const hex = Buffer.from(sealed).toString('hex')
  const plain = sm2.doDecrypt(hex, scalarOf(key), 1, { asn1: true, output: 'array' })
  // The library answers nothing where C3 does not fit.
  if (plain.length === 0) throw new Error('not encrypted for this key, or changed')
  return Buffer.from(plain)
}

const tagLength = 16

function openGcm(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Buffer {
  const body = sealed.subarray(0, -tagLength)
  const tag = sealed.subarray(-tagLength)
  const plain = sm4.decrypt(body, key, {
    mode: 'gcm',
    padding: 'none',
    output: 'array',
    iv: nonce,
    associatedData: aad,
    tag,
  })
  return Buffer.from(plain)
}

/** By key, as each key object signs or verifies many times. */
const zs = new WeakMap<KeyObject, Buffer>()

function zOf(key: KeyObject): Buffer {
  const known = zs.get(key)
  if (known !== undefined) return known
  const z = Buffer.from(sm2.getZ(pointOf(key), userId))
  zs.set(key, z)
  return z
}

/** `04` and both coordinates, hex. */
function pointOf(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key
  return half.export({ type: 'spki', format: 'der' }).subarray(-65).toString('hex')
}

const scalarMark = Buffer.from('0201010420', 'hex')

/** Hex, from the PKCS#8 form: version 1, then 32 octets. */
function scalarOf(key: KeyObject): string {
  const der = key.export({ type: 'pkcs8', format: 'der' })
  const at = der.indexOf(scalarMark)
  if (at === -1) throw new Error('not a private key for SM2')
  return der.subarray(at + scalarMark.length, at + scalarMark.length + 32).toString('hex')
}
