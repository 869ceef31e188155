/**
 * The national algorithms as WeChat Pay uses them: SM2 signatures over SM3 in DER under the usual user id, SM2 encryption as
 * C1C3C2 in ASN.1, SM4-GCM under a key made of the APIv3 key.
 */
import { sm2, sm3, sm4 } from 'sm-crypto-v2'

/** Of GM/T 0009, for those who have agreed on none. */
const userId = '1234567812345678'

/** The private key as 64, the public one as 130 hexadecimal digits. */
export interface SmKeys {
  private_hex: string
  public_hex: string
}

/** From 64 hexadecimal digits of randomness; below the order of the curve. The library's own maker ignores what it is given. */
export function makeSmKeys(seed: string): SmKeys {
  const bytes = Buffer.from(seed, 'hex')
  bytes[0] = (bytes[0] ?? 0) & 0x7f
  const private_hex = bytes.toString('hex')
  return { private_hex, public_hex: sm2.getPublicKeyFromPrivateKey(private_hex) }
}

export function smSign(message: Uint8Array, { private_hex, public_hex }: SmKeys): Buffer {
  const options = { der: true, hash: true, publicKey: public_hex, userId }
  return Buffer.from(sm2.doSignature(message, private_hex, options), 'hex')
}

/** False for whatever is no signature at all, too. */
export function smVerify(message: Uint8Array, signature: Uint8Array, publicHex: string): boolean {
  try {
    const hex = Buffer.from(signature).toString('hex')
    return sm2.doVerifySignature(message, hex, publicHex, { der: true, hash: true, userId })
  } catch {
    return false
  }
}

const c1c3c2 = 1

/** Base64. */
export function smSeal(plain: string, publicHex: string): string {
  const hex = sm2.doEncrypt(Buffer.from(plain), publicHex, c1c3c2, { asn1: true })
  return Buffer.from(hex, 'hex').toString('base64')
}

/** Undefined where it was encrypted for another key, or otherwise. */
export function smOpen(sealed: string, { private_hex }: SmKeys): string | undefined {
  try {
    const hex = Buffer.from(sealed, 'base64').toString('hex')
    const bytes = sm2.doDecrypt(hex, private_hex, c1c3c2, { asn1: true, output: 'array' })
    return bytes.length === 0 ? undefined : Buffer.from(bytes).toString('utf8')
  } catch {
    return undefined
  }
}

/** The first 128 bits of SM3 over the APIv3 key. */
export function smResourceKey(apiV3Key: string): Buffer {
  return Buffer.from(sm3(Buffer.from(apiV3Key)), 'hex').subarray(0, 16)
}

/** As `sealResource`: base64 of the cipher's bytes followed by the tag of sixteen. */
export function smSealResource(
  apiV3Key: string,
  nonce: string,
  associated: string,
  plain: string,
): string {
  const { output, tag } = sm4.encrypt(Buffer.from(plain), smResourceKey(apiV3Key), {
    mode: 'gcm',
    padding: 'none',
    output: 'array',
    outputTag: true,
    iv: Buffer.from(nonce),
    associatedData: Buffer.from(associated),
  })
  return Buffer.concat([output, tag ?? Buffer.alloc(0)]).toString('base64')
}
