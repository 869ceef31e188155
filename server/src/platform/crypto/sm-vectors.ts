/** Published vectors of the SM algorithms: GM/T 0003.5 for SM2, GM/T 0004 for SM3, RFC 8998 for SM4-GCM. */
import { createPrivateKey, createPublicKey } from 'node:crypto'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

const point =
  '0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020' +
  'ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13'
const scalar = '3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8'

/** GM/T 0003.5, A.2, under the user id 1234567812345678. */
export const sm2Vector = {
  publicKey: createPublicKey({
    key: hex(`3059301306072a8648ce3d020106082a811ccf5501822d034200${point}`),
    type: 'spki',
    format: 'der',
  }),
  privateKey: createPrivateKey({
    key: hex(
      `308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420${scalar}a144034200${point}`,
    ),
    type: 'pkcs8',
    format: 'der',
  }),
  message: Buffer.from('message digest'),
  signature: hex(
    '3046' +
      '022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3' +
      '022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa',
  ),
}

/** GM/T 0004, A.1. */
export const sm3Vector = {
  message: 'abc',
  digest: '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0',
}

/** RFC 8998, A.1. */
export const sm4GcmVector = {
  key: hex('0123456789abcdeffedcba9876543210'),
  nonce: hex('00001234567800000000abcd'),
  aad: hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
  plain: hex(
    'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd' +
      'eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa',
  ),
  /** With the tag behind it. */
  sealed: hex(
    '17f399f08c67d5ee19d0dc9969c4bb7d 5fd46fd3756489069157b282bb200735 ' +
      'd82710ca5c22f0ccfa7cbf93d496ac15 a56834cbcf98c397b4024a2691233b8d ' +
      '83de3541e4c2b58177e065a9bf7b62ec',
  ),
}
