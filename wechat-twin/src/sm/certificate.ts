/** A certificate over an SM2 key, written out in DER: the library that makes the RSA ones knows no SM2. */
import { type SmKeys, smSign } from './algorithms.ts'

const sm2WithSm3 = oid('1.2.156.10197.1.501')
const ecPublicKey = oid('1.2.840.10045.2.1')
const sm2Curve = oid('1.2.156.10197.1.301')
const commonName = oid('2.5.4.3')

export interface SmCertificateTerms {
  serial_no: string
  /** Virtual milliseconds. */
  effective_at: number
  expires_at: number
}

/** PEM; signed by the key that it is over. */
export function makeSmCertificate(keys: SmKeys, terms: SmCertificateTerms): string {
  const algorithm = sequence(sm2WithSm3)
  const name = sequence(set(sequence(commonName, node(0x0c, Buffer.from('Tenpay.com SM2 sign')))))
  const body = sequence(
    node(0xa0, integer('02')),
    integer(terms.serial_no),
    algorithm,
    name,
    sequence(time(terms.effective_at), time(terms.expires_at)),
    name,
    sequence(sequence(ecPublicKey, sm2Curve), bits(Buffer.from(keys.public_hex, 'hex'))),
  )
  const certificate = sequence(body, algorithm, bits(smSign(body, keys)))
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function node(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content])
}

function lengthOf(length: number): number[] {
  if (length < 128) return [length]
  return length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
}

function sequence(...parts: Buffer[]): Buffer {
  return node(0x30, ...parts)
}

function set(...parts: Buffer[]): Buffer {
  return node(0x31, ...parts)
}

/** Not negative: its first digit is below eight. */
function integer(hex: string): Buffer {
  return node(0x02, Buffer.from(hex, 'hex'))
}

function bits(bytes: Buffer): Buffer {
  return node(0x03, Buffer.from([0]), bytes)
}

/** UTCTime before 2050, GeneralizedTime from then on. */
function time(at: number): Buffer {
  const text = new Date(at).toISOString().slice(0, 19).replace(/[-T:]/g, '')
  return at < Date.UTC(2050, 0)
    ? node(0x17, Buffer.from(`${text.slice(2)}Z`))
    : node(0x18, Buffer.from(`${text}Z`))
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const bytes = [first * 40 + second, ...rest.flatMap(base128)]
  return node(0x06, Buffer.from(bytes))
}

function base128(value: number): number[] {
  const digits = [value & 127]
  for (let rest = value >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 127) | 128)
  return digits
}
