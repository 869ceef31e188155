/**
 * The crypto provider: RSA as WeChat Pay uses it, and SM2 with SM3 where WeChat has opened it. Who signs is chosen by the
 * account, who verifies by the key that the other side names, what opens a resource by the algorithm that it names.
 */
import { createDecipheriv, type KeyObject } from 'node:crypto'
import { decryptOaep, encryptOaep, signSha256, verifySha256 } from '../../platform/crypto/rsa.ts'
import { type Sm, sm3Key } from '../../platform/crypto/sm.ts'

/** How an account signs, and how fields are encrypted for WeChat. */
export interface PaySuite {
  /** First word of the Authorization header. */
  readonly scheme: 'WECHATPAY2-SHA256-RSA2048' | 'WECHATPAY2-SM2-WITH-SM3'
  /** Base64. */
  sign(key: KeyObject, message: string): Promise<string>
  /** Base64. @throws for a text that is too long. */
  encryptField(key: KeyObject, plain: string): string
  /** @throws when it was encrypted for another key. */
  decryptField(key: KeyObject, sealed: string): string
}

export const rsaSuite: PaySuite = {
  scheme: 'WECHATPAY2-SHA256-RSA2048',
  sign: (key, message) => signSha256(key, Buffer.from(message)),
  encryptField: encryptOaep,
  decryptField: decryptOaep,
}

export function smSuite(sm: Sm): PaySuite {
  return {
    scheme: 'WECHATPAY2-SM2-WITH-SM3',
    sign: async (key, message) => sm.sign(key, Buffer.from(message)).toString('base64'),
    encryptField: (key, plain) => sm.encrypt(key, Buffer.from(plain)).toString('base64'),
    decryptField: (key, sealed) => sm.decrypt(key, Buffer.from(sealed, 'base64')).toString(),
  }
}

/** A key of WeChat's, under the name that it signs with. */
export interface PlatformKey {
  readonly serial: string
  readonly kind: 'rsa' | 'sm2'
  readonly key: KeyObject
}

/** False for whatever is no signature of this key. */
export function verifiesBy(
  { kind, key }: PlatformKey,
  message: Uint8Array,
  signature: string,
  sm: Sm | undefined,
): boolean {
  if (kind === 'rsa') return verifySha256(key, message, signature)
  try {
    return sm?.verify(key, message, Buffer.from(signature, 'base64')) ?? false
  } catch {
    return false
  }
}

/** `resource` of a callback, `encrypt_certificate` of a certificate. */
export interface SealedResource {
  readonly algorithm: string
  readonly ciphertext: string
  readonly nonce: string
  readonly associatedData: string
}

const tagLength = 16

/** @throws when the key is another one, the resource was changed, or its algorithm is not known here. */
export function openResource(
  resource: SealedResource,
  apiV3Key: string,
  sm: Sm | undefined,
): Buffer {
  const sealed = Buffer.from(resource.ciphertext, 'base64')
  if (sealed.length < tagLength) throw new Error('the ciphertext is too short')
  const [nonce, aad] = [Buffer.from(resource.nonce), Buffer.from(resource.associatedData)]
  switch (resource.algorithm) {
    case 'AEAD_AES_256_GCM':
      return openAes(Buffer.from(apiV3Key), nonce, aad, sealed)
    case 'AEAD_SM4_GCM':
      if (sm === undefined) throw new Error('SM4-GCM does not work here')
      return sm.openGcm(sm3Key(apiV3Key), nonce, aad, sealed)
    default:
      throw new Error('an algorithm that is not known here')
  }
}

function openAes(key: Buffer, nonce: Buffer, aad: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength })
  decipher.setAAD(aad)
  decipher.setAuthTag(sealed.subarray(-tagLength))
  return Buffer.concat([decipher.update(sealed.subarray(0, -tagLength)), decipher.final()])
}
